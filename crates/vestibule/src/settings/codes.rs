//! Settings of one-time codes: the methods that deliver them, the secrets that they are made from,
//! unified sign-in, the second factor and recovery codes.

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use vestibule_formats::fernet::FernetRing;
use vestibule_formats::totp::Wallet;

use super::accounts::{LinkSettings, MailTemplate, link, mail, path};
use super::cookie::CookieSettings;
use super::login::view_or_root;
use super::reader::Reader;

/// A way to prove one's identity that a user can set up or have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// The account's password.
    Password,
    /// A one-time code in a mail.
    Email,
    /// A one-time code from an authenticator app (RFC 6238).
    Authenticator,
    /// A one-time code in an SMS.
    Sms,
}

impl Method {
    const ALL: [(&'static str, Self); 4] = [
        ("password", Self::Password),
        ("email", Self::Email),
        ("authenticator", Self::Authenticator),
        ("sms", Self::Sms),
    ];

    /// The name in requests, responses and the database.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::Email => "email",
            Self::Authenticator => "authenticator",
            Self::Sms => "sms",
        }
    }

    /// The method with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(known, _)| *known == name);
        found.map(|(_, method)| *method)
    }

    /// The second factor with this name in the database, where rows of old versions of the
    /// reference have other names.
    #[must_use]
    pub fn from_stored(name: &str) -> Option<Self> {
        match name {
            "mail" => Some(Self::Email),
            "google_authenticator" => Some(Self::Authenticator),
            name => Self::from_name(name).filter(|method| *method != Self::Password),
        }
    }

    /// Whether we send the code, rather than the user's own device making it.
    #[must_use]
    pub const fn is_sent(self) -> bool {
        matches!(self, Self::Email | Self::Sms)
    }
}

/// Settings of the secrets behind one-time codes: `SECURITY_TOTP_*`.
#[derive(Debug, Clone)]
pub struct TotpSettings {
    /// The keys that encrypt the secrets of users, by tag. The newest tag encrypts.
    pub secrets: Vec<(String, SecretString)>,
    /// The name that authenticator apps show; without it, the name of the host.
    pub issuer: Option<String>,
}

impl TotpSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const SECRETS: &str = "SECURITY_TOTP_SECRETS";
        let secrets: Vec<_> = reader
            .table(SECRETS)
            .into_iter()
            .filter_map(|(tag, secret)| {
                let secret = secret.as_str().filter(|secret| !secret.is_empty())?;
                Some((tag, SecretString::from(secret)))
            })
            .collect();
        let exposed = secrets
            .iter()
            .map(|(tag, secret)| (tag, secret.expose_secret()));
        if !secrets.is_empty()
            && let Err(error) = Wallet::new(exposed)
        {
            reader.problem(
                SECRETS,
                format!("cannot be used: {error}"),
                "use tags of letters and digits, such as \"1\"",
            );
        }
        Self {
            secrets,
            issuer: reader.optional_text("SECURITY_TOTP_ISSUER"),
        }
    }
}

/// Settings of unified sign-in: `SECURITY_UNIFIED_SIGNIN`, `SECURITY_US_*`.
#[derive(Debug, Clone)]
pub struct UnifiedSettings {
    /// Whether users can sign in with one-time codes.
    pub enabled: bool,
    /// The methods that sign in, in the order in which a passcode is compared.
    pub methods: Vec<Method>,
    /// The methods after which a second factor is required.
    pub mfa_required: Vec<Method>,
    /// Whether `/login` is unified sign-in as well.
    pub replaces_login: bool,
    /// The path of `/us-signin`, after the prefix.
    pub signin_url: String,
    /// The path of `/us-signin/send-code`, after the prefix.
    pub send_code_url: String,
    /// The path of `/us-verify`, after the prefix.
    pub verify_url: String,
    /// The path of `/us-verify/send-code`, after the prefix.
    pub verify_send_code_url: String,
    /// The path of `/us-verify-link`, after the prefix.
    pub verify_link_url: String,
    /// The path of `/us-setup`, after the prefix.
    pub setup_url: String,
    /// The state of a set-up that awaits its first code.
    pub setup: LinkSettings,
    /// How long a code is valid.
    pub validity: Duration,
    /// The mail with a code.
    pub email: MailTemplate,
    /// The view for a link that does not sign in.
    pub error_view: String,
    /// The view after a link has signed in.
    pub post_view: String,
}

impl UnifiedSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let enabled = reader.flag("SECURITY_UNIFIED_SIGNIN");
        Self {
            enabled,
            methods: methods(reader, "SECURITY_US_ENABLED_METHODS"),
            mfa_required: methods(reader, "SECURITY_US_MFA_REQUIRED"),
            replaces_login: enabled && reader.flag("SECURITY_US_SIGNIN_REPLACES_LOGIN"),
            signin_url: path(reader, "SECURITY_US_SIGNIN_URL"),
            send_code_url: path(reader, "SECURITY_US_SIGNIN_SEND_CODE_URL"),
            verify_url: path(reader, "SECURITY_US_VERIFY_URL"),
            verify_send_code_url: path(reader, "SECURITY_US_VERIFY_SEND_CODE_URL"),
            verify_link_url: path(reader, "SECURITY_US_VERIFY_LINK_URL"),
            setup_url: path(reader, "SECURITY_US_SETUP_URL"),
            setup: link(reader, "SECURITY_US_SETUP_SALT", "SECURITY_US_SETUP_WITHIN"),
            validity: seconds(reader, "SECURITY_US_TOKEN_VALIDITY"),
            email: mail(
                reader,
                "SECURITY_US_EMAIL_TEMPLATE",
                "SECURITY_US_EMAIL_SUBJECT",
            ),
            error_view: view_or_root(reader, "SECURITY_LOGIN_ERROR_VIEW"),
            post_view: view_or_root(reader, "SECURITY_POST_LOGIN_VIEW"),
        }
    }

    /// Whether a method signs in.
    #[must_use]
    pub fn has(&self, method: Method) -> bool {
        self.enabled && self.methods.contains(&method)
    }
}

/// Settings of the second factor: `SECURITY_TWO_FACTOR*`.
#[derive(Debug, Clone)]
pub struct TwoFactorSettings {
    /// Whether users can set up a second factor.
    pub enabled: bool,
    /// Whether every user needs a second factor.
    pub required: bool,
    /// The methods that can be set up.
    pub methods: Vec<Method>,
    /// Whether every sign-in needs the second factor, even on a remembered device.
    pub always_validate: bool,
    /// How long a device is remembered.
    pub login_validity: Duration,
    /// Whether a code to the mailbox or number that was the first factor counts as the second.
    pub same_channel: bool,
    /// How long a code from an authenticator app is valid.
    pub authenticator_validity: Duration,
    /// How long a code in a mail is valid.
    pub mail_validity: Duration,
    /// How long a code in an SMS is valid.
    pub sms_validity: Duration,
    /// Whether a user who cannot show the second factor can get a code by mail.
    pub rescue_email: bool,
    /// The address that requests for help go to.
    pub rescue_address: String,
    /// The mail to that address.
    pub rescue: MailTemplate,
    /// The mail with a code.
    pub email: MailTemplate,
    /// The path of `/tf-setup`, after the prefix.
    pub setup_url: String,
    /// The path of `/tf-validate`, after the prefix.
    pub validate_url: String,
    /// The path of `/tf-rescue`, after the prefix.
    pub rescue_url: String,
    /// The path of `/tf-select`, after the prefix.
    pub select_url: String,
    /// The state of a set-up that awaits its first code.
    pub setup: LinkSettings,
    /// The cookie that remembers a device.
    pub validity_cookie: CookieSettings,
    /// The salt of that cookie's signature.
    pub validity_salt: String,
}

impl TwoFactorSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const COOKIE: &str = "SECURITY_TWO_FACTOR_VALIDITY_COOKIE";
        let cookie_name = reader.text("SECURITY_TWO_FACTOR_VALIDITY_COOKIE_NAME");
        let validity_cookie = CookieSettings::from_table(reader, COOKIE, &cookie_name);
        validity_cookie.check(reader, COOKIE);
        Self {
            enabled: reader.flag("SECURITY_TWO_FACTOR"),
            required: reader.flag("SECURITY_TWO_FACTOR_REQUIRED"),
            methods: methods(reader, "SECURITY_TWO_FACTOR_ENABLED_METHODS"),
            always_validate: reader.flag("SECURITY_TWO_FACTOR_ALWAYS_VALIDATE"),
            login_validity: reader
                .optional_duration("SECURITY_TWO_FACTOR_LOGIN_VALIDITY")
                .unwrap_or_default(),
            same_channel: reader
                .text("SECURITY_TWO_FACTOR_SAME_CHANNEL")
                .eq_ignore_ascii_case("allow"),
            authenticator_validity: seconds(reader, "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY"),
            mail_validity: seconds(reader, "SECURITY_TWO_FACTOR_MAIL_VALIDITY"),
            sms_validity: seconds(reader, "SECURITY_TWO_FACTOR_SMS_VALIDITY"),
            rescue_email: reader.flag("SECURITY_TWO_FACTOR_RESCUE_EMAIL"),
            rescue_address: reader.text("SECURITY_TWO_FACTOR_RESCUE_MAIL"),
            rescue: mail(
                reader,
                "SECURITY_TWO_FACTOR_RESCUE_EMAIL_TEMPLATE",
                "SECURITY_EMAIL_SUBJECT_TWO_FACTOR_RESCUE",
            ),
            email: mail(
                reader,
                "SECURITY_TWO_FACTOR_EMAIL_TEMPLATE",
                "SECURITY_EMAIL_SUBJECT_TWO_FACTOR",
            ),
            setup_url: path(reader, "SECURITY_TWO_FACTOR_SETUP_URL"),
            validate_url: path(reader, "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL"),
            rescue_url: path(reader, "SECURITY_TWO_FACTOR_RESCUE_URL"),
            select_url: path(reader, "SECURITY_TWO_FACTOR_SELECT_URL"),
            setup: link(
                reader,
                "SECURITY_TWO_FACTOR_SETUP_SALT",
                "SECURITY_TWO_FACTOR_SETUP_WITHIN",
            ),
            validity_cookie,
            validity_salt: reader.text("SECURITY_TWO_FACTOR_VALIDITY_SALT"),
        }
    }

    /// How long a code of this method is valid.
    #[must_use]
    pub fn validity(&self, method: Method) -> Duration {
        match method {
            Method::Email => self.mail_validity,
            Method::Sms => self.sms_validity,
            Method::Authenticator | Method::Password => self.authenticator_validity,
        }
    }
}

/// Settings of recovery codes: `SECURITY_MULTI_FACTOR_*`.
#[derive(Debug, Clone)]
pub struct RecoveryCodeSettings {
    /// Whether users can have recovery codes.
    pub enabled: bool,
    /// How many codes a user gets.
    pub count: usize,
    /// The path of `/mf-recovery-codes`, after the prefix.
    pub codes_url: String,
    /// The path of `/mf-recovery`, after the prefix.
    pub recovery_url: String,
    /// The keys that encrypt the codes in the database, the current one first; without keys, the
    /// codes are stored as they are.
    pub keys: Vec<SecretString>,
    /// How long an encrypted code is valid; without a limit, for ever.
    pub ttl: Option<Duration>,
}

impl RecoveryCodeSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const KEYS: &str = "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS";
        let keys = reader.secrets(KEYS);
        let exposed = keys.iter().map(ExposeSecret::expose_secret);
        if !keys.is_empty() && FernetRing::new(exposed).is_err() {
            reader.problem(
                KEYS,
                "contains a key that is not 32 bytes in URL-safe base64",
                "make each key with `openssl rand -base64 32 | tr +/ -_`",
            );
        }
        Self {
            enabled: reader.flag("SECURITY_MULTI_FACTOR_RECOVERY_CODES"),
            count: reader.size("SECURITY_MULTI_FACTOR_RECOVERY_CODES_N", 1),
            codes_url: path(reader, "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL"),
            recovery_url: path(reader, "SECURITY_MULTI_FACTOR_RECOVERY_URL"),
            keys,
            ttl: reader.optional_duration("SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL"),
        }
    }
}

/// Reads a list of methods. The table of keys reports unknown ones.
fn methods(reader: &Reader<'_>, key: &str) -> Vec<Method> {
    let mut methods = Vec::new();
    for name in reader.list(key) {
        if let Some(method) = Method::from_name(&name.to_ascii_lowercase())
            && !methods.contains(&method)
        {
            methods.push(method);
        }
    }
    methods
}

/// Reads a whole number of seconds, which the table of keys limits to at least one.
fn seconds(reader: &Reader<'_>, key: &str) -> Duration {
    let seconds = reader
        .whole(key)
        .and_then(|seconds| seconds.try_into().ok());
    Duration::from_secs(seconds.unwrap_or(1))
}
