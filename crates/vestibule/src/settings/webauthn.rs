//! Settings of passkeys.

use std::time::Duration;

use vestibule_formats::text::username::UsernameOptions;
use vestibule_store::PasskeyUsage;

use super::accounts::{LinkSettings, link, path};
use super::hosts;
use super::http_origin::HttpOrigin;
use super::identity::{IdentitySettings, categories};
use super::login::view_or_root;
use super::reader::Reader;

/// Both usages of a passkey.
pub(crate) const USAGES: [PasskeyUsage; 2] = [PasskeyUsage::First, PasskeyUsage::Secondary];

/// The usage with this name in requests and in the database.
pub(crate) fn usage(name: &str) -> Option<PasskeyUsage> {
    USAGES.into_iter().find(|usage| usage.as_str() == name)
}

/// What the browser is asked about user verification (Web Authentication Level 3, section 5.8.6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserVerification {
    /// The ceremony fails without it.
    Required,
    /// The authenticator does it if it can.
    Preferred,
    /// The authenticator does not bother the user with it.
    Discouraged,
}

impl UserVerification {
    /// The name in the options of a ceremony.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Preferred => "preferred",
            Self::Discouraged => "discouraged",
        }
    }
}

/// Settings of passkeys: `SECURITY_WEBAUTHN`, `SECURITY_WAN_*`.
#[derive(Debug, Clone)]
pub struct WebAuthnSettings {
    /// Whether `SECURITY_WEBAUTHN` is on.
    pub enabled: bool,
    /// The relying party ID; without it, the name of the host.
    pub rp_id: Option<String>,
    /// The name of the relying party that authenticators show.
    pub rp_name: String,
    /// Further origins whose pages may use the passkeys.
    pub origins: Vec<String>,
    /// Whether a passkey can begin a sign-in.
    pub allow_as_first_factor: bool,
    /// Whether a passkey whose authenticator verified the user counts as two factors.
    pub allow_as_multi_factor: bool,
    /// The passkeys that prove a user's identity again.
    pub allow_as_verify: Vec<PasskeyUsage>,
    /// Whether the passkeys of the identity that a client names are listed.
    pub allow_user_hints: bool,
    /// The length of the random part of a challenge, in bytes.
    pub challenge_bytes: usize,
    /// The authenticators that a passkey for the first factor may be on: `cross-platform`,
    /// `platform`, or any.
    pub first_factor_attachment: Option<&'static str>,
    /// User verification for a passkey that begins a sign-in.
    pub first_factor_verification: UserVerification,
    /// User verification for a passkey as a second factor.
    pub second_factor_verification: UserVerification,
    /// The rules for the names of passkeys, without the form in which they are stored.
    names: UsernameOptions,
    /// How long the browser waits for a registration, in milliseconds.
    pub register_timeout: i64,
    /// How long the browser waits for an assertion, in milliseconds.
    pub signin_timeout: i64,
    /// The state of a registration.
    pub register: LinkSettings,
    /// How long the state of a sign-in or of another proof of identity is valid.
    pub signin_within: Duration,
    /// The view after a sign-in.
    pub post_view: String,
    /// The path of `/wan-register`, after the prefix.
    pub register_url: String,
    /// The path of `/wan-signin`, after the prefix.
    pub signin_url: String,
    /// The path of `/wan-verify`, after the prefix.
    pub verify_url: String,
    /// The path of `/wan-delete`, after the prefix.
    pub delete_url: String,
}

/// The random bytes in a challenge by default: as many as Python's `secrets.token_urlsafe` uses.
const CHALLENGE_BYTES: usize = 32;

impl WebAuthnSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            enabled: reader.flag("SECURITY_WEBAUTHN"),
            rp_id: rp_id(reader),
            rp_name: reader.text("SECURITY_WAN_RP_NAME"),
            origins: origins(reader),
            allow_as_first_factor: reader.flag("SECURITY_WAN_ALLOW_AS_FIRST_FACTOR"),
            allow_as_multi_factor: reader.flag("SECURITY_WAN_ALLOW_AS_MULTI_FACTOR"),
            allow_as_verify: reader
                .list("SECURITY_WAN_ALLOW_AS_VERIFY")
                .iter()
                .filter_map(|name| usage(&name.to_ascii_lowercase()))
                .collect(),
            allow_user_hints: reader.flag("SECURITY_WAN_ALLOW_USER_HINTS"),
            challenge_bytes: reader
                .whole("SECURITY_WAN_CHALLENGE_BYTES")
                .and_then(|bytes| bytes.try_into().ok())
                .unwrap_or(CHALLENGE_BYTES),
            first_factor_attachment: reader
                .word(
                    "SECURITY_WAN_FIRST_FACTOR_ATTACHMENT",
                    &[
                        ("any", None),
                        ("cross-platform", Some("cross-platform")),
                        ("platform", Some("platform")),
                    ],
                )
                .flatten(),
            first_factor_verification: verification(
                reader,
                "SECURITY_WAN_FIRST_FACTOR_USER_VERIFICATION",
            ),
            second_factor_verification: verification(
                reader,
                "SECURITY_WAN_SECOND_FACTOR_USER_VERIFICATION",
            ),
            names: UsernameOptions {
                allowed_categories: categories(reader, "SECURITY_WAN_NAME_ALLOWED_CHARS"),
                min_length: 1,
                max_length: reader.size("SECURITY_WAN_NAME_MAX_LENGTH", 1),
                form: None,
            },
            register_timeout: timeout(reader, "SECURITY_WAN_REGISTER_TIMEOUT"),
            signin_timeout: timeout(reader, "SECURITY_WAN_SIGNIN_TIMEOUT"),
            register: link(reader, "SECURITY_WAN_SALT", "SECURITY_WAN_REGISTER_WITHIN"),
            signin_within: reader.duration("SECURITY_WAN_SIGNIN_WITHIN"),
            post_view: view_or_root(reader, "SECURITY_POST_LOGIN_VIEW"),
            register_url: path(reader, "SECURITY_WAN_REGISTER_URL"),
            signin_url: path(reader, "SECURITY_WAN_SIGNIN_URL"),
            verify_url: path(reader, "SECURITY_WAN_VERIFY_URL"),
            delete_url: path(reader, "SECURITY_WAN_DELETE_URL"),
        }
    }
}

impl WebAuthnSettings {
    /// The rules for the names of passkeys.
    #[must_use]
    pub fn names(&self, identity: &IdentitySettings) -> UsernameOptions {
        UsernameOptions {
            form: identity.username_options.form,
            ..self.names.clone()
        }
    }
}

fn timeout(reader: &Reader<'_>, key: &str) -> i64 {
    reader.whole(key).unwrap_or(60_000)
}

fn verification(reader: &mut Reader<'_>, key: &str) -> UserVerification {
    let words = [
        UserVerification::Required,
        UserVerification::Preferred,
        UserVerification::Discouraged,
    ]
    .map(|word| (word.name(), word));
    reader
        .word(key, &words)
        .unwrap_or(UserVerification::Preferred)
}

/// Reads the relying party ID: a domain, without a scheme and a port.
fn rp_id(reader: &mut Reader<'_>) -> Option<String> {
    const KEY: &str = "SECURITY_WAN_RP_ID";
    let text = reader.optional_text(KEY)?;
    let is_domain = hosts::split(&text).is_some_and(|(_, port)| port.is_none())
        && text.parse::<std::net::IpAddr>().is_err()
        && !text.starts_with('[')
        && text == text.to_ascii_lowercase();
    if !is_domain {
        reader.problem(
            KEY,
            format!("{text:?} is not a domain"),
            "write a domain in lower case, without a scheme and a port, such as \"example.com\"",
        );
    }
    Some(text)
}

/// Reads further origins: a scheme, a host, and a port unless it is the scheme's own.
fn origins(reader: &mut Reader<'_>) -> Vec<String> {
    const KEY: &str = "SECURITY_WAN_ORIGINS";
    let mut origins = Vec::new();
    for text in reader.list(KEY) {
        let origin = text.trim_end_matches('/').to_ascii_lowercase();
        match HttpOrigin::parse(&origin) {
            Some(parsed) if parsed.is_protected() => origins.push(origin),
            _ => reader.problem(
                KEY,
                format!("{text:?} is not an origin that browsers use passkeys on"),
                "write the scheme and the host, such as \"https://app.example.com\"",
            ),
        }
    }
    origins
}
