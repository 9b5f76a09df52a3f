//! Every secret that the server hands out, at every place that takes one: it works at its own, and
//! is neither accepted nor consumed anywhere else.

mod issued;
mod places;

use vestibule_formats::purpose::Purpose;

use self::issued::{ISSUED, Issued, Secrets};
use self::places::{PLACES, Place};

impl Issued {
    /// Where the secret works, and nowhere else. It is tried at the first of them last of all.
    fn own_places(self) -> &'static [Place] {
        match self {
            Self::Password => &[Place::Password, Place::UnifiedSignIn, Place::UnifiedVerify],
            Self::Confirm => &[Place::ConfirmLink],
            Self::Reset => &[Place::Reset, Place::ResetLink],
            Self::SignInLink => &[Place::SignInLink],
            Self::ChangeEmail => &[Place::ChangeEmailLink],
            // One code, which is in the mail twice.
            Self::MailedCode => &[Place::CodeLink, Place::UnifiedSignIn, Place::UnifiedVerify],
            Self::TextedCode => &[Place::UnifiedSignIn, Place::UnifiedVerify],
            Self::SecondFactorCode => &[Place::Validate],
            Self::RecoveryCode => &[Place::Recovery],
            Self::UnifiedSetUp => &[Place::UnifiedSetUp],
            Self::UnifiedSetUpCode => &[Place::UnifiedSetUpCode],
            Self::SecondFactorSetUp => &[Place::SecondFactorSetUp],
            Self::SecondFactorSetUpCode => &[Place::SecondFactorSetUpCode],
            Self::RememberedDevice => &[Place::ValidityCookie],
            Self::KnownDevice => &[Place::DeviceCookie],
            Self::Session => &[Place::SessionCookie],
            // It is a session cookie, which authenticates no user.
            Self::PendingSession => &[Place::PendingCookie],
            Self::Remember => &[Place::RememberCookie],
            Self::Csrf => &[Place::CsrfHeader],
            Self::AuthToken => &[Place::TokenHeader, Place::TokenQuery, Place::TokenBody],
            Self::RefreshToken => &[Place::RefreshBody],
            Self::PasskeyRegistration => &[Place::PasskeyRegistration],
            Self::PasskeySignIn => &[Place::PasskeySignIn],
            Self::PasskeyVerification => &[Place::PasskeyVerification],
            Self::SocialState => &[Place::SocialResponse],
            Self::SocialVerifyState => &[Place::SocialVerifyResponse],
        }
    }

    /// The secret with a signature for this purpose.
    fn signed_for(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Confirm => Self::Confirm,
            Purpose::Reset => Self::Reset,
            Purpose::Login => Self::SignInLink,
            Purpose::ChangeEmail => Self::ChangeEmail,
            Purpose::AuthToken => Self::AuthToken,
            Purpose::UnifiedSetup => Self::UnifiedSetUp,
            Purpose::TwoFactorSetup => Self::SecondFactorSetUp,
            Purpose::TwoFactorValidity => Self::RememberedDevice,
            Purpose::RefreshToken => Self::RefreshToken,
            Purpose::WebAuthn => Self::PasskeySignIn,
            other => panic!("{other:?} has no row"),
        }
    }
}

#[tokio::test]
async fn attack_wrong_place_no_secret_works_or_is_consumed_where_it_does_not_belong() {
    let app = issued::app().await;
    let secrets = Secrets::issue(&app).await;
    let mut tried = 0;
    for issued in ISSUED {
        for place in PLACES {
            if !issued.own_places().contains(&place) {
                let accepted = place.accepts(&secrets, secrets.of(issued)).await;
                assert!(!accepted, "{issued:?} is accepted at {place:?}");
                tried += 1;
            }
        }
    }
    assert!(tried > 400, "{tried}");
    for issued in ISSUED {
        let place = issued.own_places()[0];
        let accepted = place.accepts(&secrets, secrets.of(issued)).await;
        assert!(accepted, "{issued:?} is no longer accepted at {place:?}");
    }
}

#[tokio::test]
async fn attack_wrong_place_every_place_accepts_its_own_secret() {
    // The test above tries the first of them.
    for issued in ISSUED {
        for place in &issued.own_places()[1..] {
            let app = issued::app().await;
            let secrets = Secrets::issue(&app).await;
            let accepted = place.accepts(&secrets, secrets.of(issued)).await;
            assert!(accepted, "{issued:?} is not accepted at {place:?}");
        }
    }
    let own: Vec<Place> = ISSUED
        .iter()
        .flat_map(|issued| issued.own_places().to_vec())
        .collect();
    for place in PLACES {
        assert!(own.contains(&place), "nothing is accepted at {place:?}");
    }
}

#[test]
fn attack_authorisation_by_absence_every_purpose_of_a_signature_has_a_row() {
    for purpose in Purpose::ALL {
        let issued = Issued::signed_for(purpose);
        assert!(ISSUED.contains(&issued), "{purpose:?}");
    }
}
