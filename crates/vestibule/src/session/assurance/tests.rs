use time::OffsetDateTime;
use vestibule_store::UserId;

use super::*;

/// The settings, the account and the proof of identity of one row of the table.
#[derive(Debug, Clone)]
struct Case {
    policy: FactorPolicy,
    user: User,
    has_passkey: bool,
    remembered: bool,
    objection: Option<LocalizedMessage>,
    own_requirement: Option<bool>,
    factor: Factor,
    second: Option<Factor>,
}

impl Case {
    fn assess(&self) -> Assurance {
        let account = Account {
            user: &self.user,
            has_passkey: self.has_passkey,
            remembered: self.remembered,
            objection: self.objection.clone(),
            own_requirement: self.own_requirement,
        };
        let mut proof = Proof::of(self.factor);
        if let Some(second) = self.second {
            proof = proof.and(second);
        }
        assess(&self.policy, &account, &proof)
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
            always_validate: true,
            same_channel: true,
            mfa_required: vec![
                Method::Password,
                Method::Email,
                Method::Sms,
                Method::Authenticator,
            ],
            passkeys: true,
            verified_passkey_suffices: true,
        },
        user,
        has_passkey: false,
        remembered: false,
        objection: None,
        own_requirement: None,
        factor,
        second: None,
    }
}

fn set_up(case: &mut Case, method: &str) {
    case.user.tf_primary_method = Some(method.to_owned());
    case.user.tf_totp_secret = Some("secret".to_owned());
}

/// Every factor but those that are complete by themselves: a credential from an earlier sign-in, and
/// a passkey or a provider that counts as two factors.
fn shown() -> impl Iterator<Item = Factor> {
    let complete = [
        Factor::Credential,
        Factor::VerifiedPasskey,
        Factor::MultiFactorProvider,
    ];
    let first = Factor::FIRST.into_iter();
    first.filter(move |factor| !complete.contains(factor))
}

/// A code of this method is due.
fn due(method: Method) -> Assurance {
    Assurance::NeedsFactor(vec![SecondFactor::Code(method)])
}

fn passkey_due() -> Assurance {
    Assurance::NeedsFactor(vec![SecondFactor::Passkey])
}

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
            |case| set_up(case, "sms"),
            due(Method::Sms),
        ),
        (
            "a code is set up, and two-factor is off",
            |case| {
                set_up(case, "sms");
                case.policy.two_factor = false;
            },
            Assurance::Sufficient,
        ),
        (
            "a passkey is registered",
            |case| case.has_passkey = true,
            passkey_due(),
        ),
        (
            "a passkey is registered, and a code is set up",
            |case| {
                case.has_passkey = true;
                set_up(case, "sms");
            },
            Assurance::NeedsFactor(vec![SecondFactor::Code(Method::Sms), SecondFactor::Passkey]),
        ),
        (
            "a passkey is registered, and codes are off",
            |case| {
                case.has_passkey = true;
                set_up(case, "sms");
                case.policy.two_factor = false;
            },
            passkey_due(),
        ),
        (
            "a passkey was shown as the second factor",
            |case| {
                case.has_passkey = true;
                case.second = Some(Factor::Passkey);
            },
            Assurance::Sufficient,
        ),
        (
            "a passkey was shown as the second factor, and a code is set up as well",
            |case| {
                set_up(case, "sms");
                case.has_passkey = true;
                case.second = Some(Factor::VerifiedPasskey);
            },
            Assurance::Sufficient,
        ),
        (
            "a passkey is registered, and passkeys are off",
            |case| {
                case.has_passkey = true;
                case.policy.passkeys = false;
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
                set_up(case, "sms");
            },
            due(Method::Sms),
        ),
        (
            "a method without its secret is not set up",
            |case| case.user.tf_primary_method = Some("sms".to_owned()),
            Assurance::Sufficient,
        ),
        (
            "a secret without its method is not set up",
            |case| case.user.tf_totp_secret = Some("secret".to_owned()),
            Assurance::Sufficient,
        ),
        (
            "a method with the name of an old version",
            |case| set_up(case, "google_authenticator"),
            due(Method::Authenticator),
        ),
        (
            "a method of the application's own",
            |case| set_up(case, "carrier pigeon"),
            blocked(Message::SecondFactorNotServed),
        ),
        (
            "a remembered device, and every sign-in needs the second factor",
            |case| {
                set_up(case, "sms");
                case.remembered = true;
            },
            due(Method::Sms),
        ),
        (
            "a remembered device",
            |case| {
                set_up(case, "sms");
                case.remembered = true;
                case.policy.always_validate = false;
            },
            Assurance::Sufficient,
        ),
        (
            "another device",
            |case| {
                set_up(case, "sms");
                case.policy.always_validate = false;
            },
            due(Method::Sms),
        ),
        (
            "the application requires a second factor of this user",
            |case| case.own_requirement = Some(true),
            Assurance::NeedsSetup,
        ),
        (
            "the application requires none of this user",
            |case| {
                set_up(case, "sms");
                case.policy.two_factor_required = true;
                case.own_requirement = Some(false);
            },
            Assurance::Sufficient,
        ),
        (
            "the application requires a second factor while the feature is off",
            |case| {
                case.own_requirement = Some(true);
                case.policy.two_factor = false;
                case.policy.passkeys = false;
            },
            Assurance::Sufficient,
        ),
        (
            "a code was shown as the second factor",
            |case| {
                set_up(case, "sms");
                case.second = Some(Factor::Code(Method::Sms));
            },
            Assurance::Sufficient,
        ),
        (
            "a recovery code was shown as the second factor",
            |case| {
                set_up(case, "sms");
                case.second = Some(Factor::RecoveryCode);
            },
            Assurance::Sufficient,
        ),
        (
            "a second factor does not open a deactivated account",
            |case| {
                set_up(case, "sms");
                case.user.active = false;
                case.second = Some(Factor::Code(Method::Sms));
            },
            blocked(Message::DisabledAccount),
        ),
        (
            "a link is no second factor",
            |case| {
                set_up(case, "sms");
                case.second = Some(Factor::SignInLink);
            },
            due(Method::Sms),
        ),
        (
            "deactivated, with a code set up",
            |case| {
                case.user.active = false;
                set_up(case, "sms");
            },
            blocked(Message::DisabledAccount),
        ),
    ]
}

#[test]
fn attack_second_factor_bypass_every_first_factor_meets_the_same_policy() {
    for factor in shown() {
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

#[test]
fn methods_that_the_settings_exempt_sign_in_alone() {
    for (factor, method) in [
        (Factor::UnifiedPassword, Method::Password),
        (Factor::Code(Method::Email), Method::Email),
        (Factor::CodeLink, Method::Email),
        (Factor::Code(Method::Sms), Method::Sms),
        (Factor::Code(Method::Authenticator), Method::Authenticator),
    ] {
        let mut case = by(factor);
        set_up(&mut case, "authenticator");
        case.policy
            .mfa_required
            .retain(|required| *required != method);
        assert_eq!(case.assess(), Assurance::Sufficient, "{factor:?}");
    }
    // No setting exempts these.
    for factor in [
        Factor::Password,
        Factor::SignInLink,
        Factor::ConfirmationLink,
        Factor::ResetLink,
        Factor::NewAccount,
        Factor::Passkey,
        Factor::Provider,
    ] {
        let mut case = by(factor);
        set_up(&mut case, "authenticator");
        case.policy.mfa_required.clear();
        let due = due(Method::Authenticator);
        assert_eq!(case.assess(), due, "{factor:?}");
    }
}

#[test]
fn provider_that_counts_as_two_factors_is_complete_unless_the_account_is_blocked() {
    for (name, change, expected) in rows() {
        let mut case = by(Factor::MultiFactorProvider);
        change(&mut case);
        let is_blocked = case.assess() != Assurance::Sufficient;
        let closes = case.objection.is_some() || !case.user.active;
        let closes = closes || case.policy.confirmed && case.user.confirmed_at.is_none();
        assert_eq!(is_blocked, closes, "{name}");
        assert!(!is_blocked || case.assess() == expected, "{name}");
    }
}

#[test]
fn attack_same_channel_the_first_factors_mailbox_or_phone_is_no_second_factor() {
    let mailbox = [
        Factor::SignInLink,
        Factor::ConfirmationLink,
        Factor::ResetLink,
        Factor::CodeLink,
        Factor::Code(Method::Email),
    ];
    let same = mailbox
        .map(|first| (first, Method::Email))
        .into_iter()
        .chain([(Factor::Code(Method::Sms), Method::Sms)]);
    for (first, second) in same {
        let mut case = by(first);
        set_up(&mut case, second.name());
        assert_eq!(case.assess(), due(second), "{first:?}");
        case.policy.same_channel = false;
        let refused = blocked(Message::SecondFactorOtherChannel);
        assert_eq!(case.assess(), refused, "{first:?}");
        // Nor does a code that arrived there count.
        case.second = Some(Factor::Code(second));
        assert_eq!(case.assess(), refused, "{first:?}");
    }
    let mut case = by(Factor::Code(Method::Email));
    case.policy.same_channel = false;
    set_up(&mut case, "sms");
    assert_eq!(case.assess(), due(Method::Sms));
}

#[test]
fn a_verified_passkey_is_two_factors_only_where_the_settings_say_so() {
    let mut case = by(Factor::VerifiedPasskey);
    set_up(&mut case, "authenticator");
    assert_eq!(case.assess(), Assurance::Sufficient);
    case.policy.two_factor_required = true;
    assert_eq!(case.assess(), Assurance::Sufficient);
    case.policy.verified_passkey_suffices = false;
    assert_eq!(case.assess(), due(Method::Authenticator));
    // Without user verification a passkey is one factor.
    let mut case = by(Factor::Passkey);
    set_up(&mut case, "authenticator");
    assert_eq!(case.assess(), due(Method::Authenticator));
    // It opens no blocked account.
    let mut case = by(Factor::VerifiedPasskey);
    case.user.active = false;
    assert_eq!(case.assess(), blocked(Message::DisabledAccount));
}

#[test]
fn attack_same_channel_two_passkeys_are_one_factor_if_the_settings_refuse_it() {
    let mut case = by(Factor::Passkey);
    case.has_passkey = true;
    assert_eq!(case.assess(), passkey_due());
    case.policy.same_channel = false;
    let refused = blocked(Message::SecondFactorOtherChannel);
    assert_eq!(case.assess(), refused);
    case.second = Some(Factor::VerifiedPasskey);
    assert_eq!(case.assess(), refused);
    // A code is another channel, so it stays the only choice.
    case.second = None;
    set_up(&mut case, "sms");
    assert_eq!(case.assess(), due(Method::Sms));
}

#[test]
fn a_second_factor_is_not_set_up_during_a_sign_in_if_codes_are_off() {
    let mut case = by(Factor::Password);
    case.policy.two_factor = false;
    case.own_requirement = Some(true);
    assert_eq!(case.assess(), blocked(Message::SecondFactorNotServed));
}
