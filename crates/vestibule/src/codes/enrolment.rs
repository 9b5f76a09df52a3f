//! What a user needs to add a secret to an authenticator app.

use serde_json::Value;
use vestibule_formats::totp::{Totp, pretty_key, provisioning_uri, svg_data_url};
use vestibule_store::User;

use crate::app::App;
use crate::http::request_info::RequestInfo;
use crate::identity;

/// A member of the reply to a set-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Member {
    /// The key in base32, in groups.
    Key,
    /// The key in base32.
    Base32Key,
    /// The name under which the app lists the secret.
    Username,
    /// The name of the service.
    Issuer,
    /// The `otpauth` URI.
    Uri,
    /// The URI as a QR code, as the data URL of an SVG image. The reference has no such member.
    QrCode,
}

impl Member {
    /// Its name in the replies of unified sign-in.
    pub(crate) const fn unified(self) -> &'static str {
        match self {
            Self::Key => "authr_key",
            Self::Base32Key => "authr_b32key",
            Self::Username => "authr_username",
            Self::Issuer => "authr_issuer",
            Self::Uri => "authr_uri",
            Self::QrCode => "authr_qrcode",
        }
    }

    /// Its name in the replies of the second factor.
    pub(crate) const fn two_factor(self) -> &'static str {
        match self {
            Self::Key => "tf_authr_key",
            Self::Base32Key => "tf_authr_b32key",
            Self::Username => "tf_authr_username",
            Self::Issuer => "tf_authr_issuer",
            Self::Uri => "tf_authr_uri",
            Self::QrCode => "tf_authr_qrcode",
        }
    }
}

/// The members of the reply to a user who sets up an authenticator app.
pub(crate) fn of(app: &App, info: &RequestInfo, user: &User, totp: &Totp) -> Vec<(Member, Value)> {
    let username = identity::of(app, user).unwrap_or("Unknown");
    let issuer = match &app.settings().totp.issuer {
        Some(issuer) => issuer.clone(),
        None => crate::links::public_host(app, info),
    };
    let uri = provisioning_uri(totp, username, &issuer);
    let mut members = vec![
        (Member::Key, pretty_key(totp.key()).as_str().into()),
        (Member::Base32Key, totp.key().to_base32().as_str().into()),
        (Member::Username, username.into()),
        (Member::Issuer, issuer.as_str().into()),
        (Member::Uri, uri.as_str().into()),
    ];
    // A URI that is too long for a QR code can still be copied.
    if let Ok(image) = svg_data_url(&uri) {
        members.push((Member::QrCode, image.as_str().into()));
    }
    members
}
