//! The kinds of links in mails: one row each.

use vestibule_formats::purpose::Purpose;

use crate::settings::{LinkSettings, Settings};

/// A kind of link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Confirms an address.
    Confirm,
    /// Resets a password.
    Reset,
    /// Signs in.
    Login,
    /// Confirms a new address.
    ChangeEmail,
}

/// Every kind.
pub(super) const KINDS: [Kind; 4] = [Kind::Confirm, Kind::Reset, Kind::Login, Kind::ChangeEmail];

/// The properties of one kind of link.
pub(super) struct Row {
    /// Its name in the ledger of consumed one-time secrets.
    pub(super) name: &'static str,
    /// The purpose that its tokens are signed for.
    pub(super) purpose: Purpose,
    /// Its salt and lifetime.
    pub(super) settings: fn(&Settings) -> &LinkSettings,
    /// The path of the endpoint that it leads to.
    pub(super) path: fn(&Settings) -> &str,
    /// The values that its tokens are bound to.
    pub(super) binds: Binding,
    /// The variables of mail templates that hold the link and its token.
    pub(super) variables: [&'static str; 2],
}

/// The values that a token is bound to. The token is invalid once one of them has changed.
pub(super) struct Binding {
    /// The part of the token that holds a fingerprint of the address.
    pub(super) address: usize,
    /// Whether a token without that fingerprint is invalid. The reference's links that reset a
    /// password or sign in carry none.
    pub(super) address_required: bool,
    /// The part that holds a fingerprint of the password's hash. It is checked only in our own
    /// tokens, which are bound to an address as well.
    pub(super) password: Option<usize>,
}

impl Kind {
    pub(super) const fn row(self) -> Row {
        match self {
            Self::Confirm => Row {
                name: "confirm",
                purpose: Purpose::Confirm,
                settings: |settings| &settings.accounts.confirm.link,
                path: |settings| &settings.accounts.confirm.url,
                binds: Binding {
                    address: 1,
                    address_required: true,
                    password: None,
                },
                variables: ["confirmation_link", "confirmation_token"],
            },
            Self::Reset => Row {
                name: "reset",
                purpose: Purpose::Reset,
                settings: |settings| &settings.accounts.recover.link,
                path: |settings| &settings.accounts.recover.url,
                binds: Binding {
                    address: 2,
                    address_required: false,
                    password: Some(1),
                },
                variables: ["reset_link", "reset_token"],
            },
            Self::Login => Row {
                name: "login",
                purpose: Purpose::Login,
                settings: |settings| &settings.accounts.passwordless.link,
                path: |settings| &settings.login.login_url,
                binds: Binding {
                    address: 1,
                    address_required: false,
                    password: None,
                },
                variables: ["login_link", "login_token"],
            },
            Self::ChangeEmail => Row {
                name: "change_email",
                purpose: Purpose::ChangeEmail,
                settings: |settings| &settings.accounts.change_email.link,
                path: |settings| &settings.accounts.change_email.url,
                binds: Binding {
                    address: 1,
                    address_required: true,
                    password: None,
                },
                variables: ["link", "token"],
            },
        }
    }
}
