use time::OffsetDateTime;
use vestibule_store::UserId;

use super::*;

/// The settings, the account and the proof of identity of one row of the table.
#[derive(Debug, Clone)]
struct Case {
    policy: FactorPolicy,
    user: User,
    has_passkey: bool,
    objection: Option<LocalizedMessage>,
    factor: Factor,
}

impl Case {
    fn assess(&self) -> Assurance {
        let account = Account {
            user: &self.user,
            has_passkey: self.has_passkey,
            objection: self.objection.clone(),
        };
        assess(&self.policy, &account, &Proof::of(self.factor))
    }
}

fn by(factor: Factor) -> Case {
    let mut user = User::new(UserId(1), "u1".to_owned());
    user.confirmed_at = Some(OffsetDateTime::UNIX_EPOCH);
    Case {
        policy: FactorPolicy {
            confirmed: true,
            two_factor: true,
            two_factor_required: false,
            passkey_as_second: true,
        },
        user,
        has_passkey: false,
        objection: None,
        factor,
    }
}

/// Every factor but a credential from an earlier sign-in.
const SHOWN: [Factor; 5] = [
    Factor::Password,
    Factor::SignInLink,
    Factor::ConfirmationLink,
    Factor::ResetLink,
    Factor::NewAccount,
];

fn blocked(message: Message) -> Assurance {
    Assurance::Blocked(message.into())
}

type Row = (&'static str, fn(&mut Case), Assurance);

fn rows() -> Vec<Row> {
    vec![
        ("nothing set up", |_| {}, Assurance::Sufficient),
        (
            "deactivated",
            |case| case.user.active = false,
            blocked(Message::DisabledAccount),
        ),
        (
            "not confirmed",
            |case| case.user.confirmed_at = None,
            blocked(Message::ConfirmationRequired),
        ),
        (
            "not confirmed, and that is allowed",
            |case| {
                case.user.confirmed_at = None;
                case.policy.confirmed = false;
            },
            Assurance::Sufficient,
        ),
        (
            "the application objects",
            |case| case.objection = Some(Message::ApiError.into()),
            blocked(Message::ApiError),
        ),
        (
            "a code is set up",
            |case| case.user.tf_primary_method = Some("sms".to_owned()),
            Assurance::NeedsFactor,
        ),
        (
            "a code is set up, and two-factor is off",
            |case| {
                case.user.tf_primary_method = Some("sms".to_owned());
                case.policy.two_factor = false;
            },
            Assurance::Sufficient,
        ),
        (
            "a passkey is registered",
            |case| case.has_passkey = true,
            Assurance::NeedsFactor,
        ),
        (
            "a passkey is registered, and does not count as a second factor",
            |case| {
                case.has_passkey = true;
                case.policy.passkey_as_second = false;
            },
            Assurance::Sufficient,
        ),
        (
            "two-factor is required, and nothing is set up",
            |case| case.policy.two_factor_required = true,
            Assurance::NeedsSetup,
        ),
        (
            "two-factor is required, and a code is set up",
            |case| {
                case.policy.two_factor_required = true;
                case.user.tf_primary_method = Some("sms".to_owned());
            },
            Assurance::NeedsFactor,
        ),
        (
            "deactivated, with a code set up",
            |case| {
                case.user.active = false;
                case.user.tf_primary_method = Some("sms".to_owned());
            },
            blocked(Message::DisabledAccount),
        ),
    ]
}

#[test]
fn attack_second_factor_bypass_every_first_factor_meets_the_same_policy() {
    for factor in SHOWN {
        for (name, change, expected) in rows() {
            let mut case = by(factor);
            change(&mut case);
            assert_eq!(case.assess(), expected, "{factor:?}: {name}");
        }
    }
}

#[test]
fn issued_credential_is_valid_until_the_account_is_deactivated() {
    for (name, change, _) in rows() {
        let mut case = by(Factor::Credential);
        change(&mut case);
        let expected = if case.user.active {
            Assurance::Sufficient
        } else {
            blocked(Message::DisabledAccount)
        };
        assert_eq!(case.assess(), expected, "{name}");
        assert_eq!(credential_is_valid(&case.user), case.user.active, "{name}");
    }
}
