//! The configuration: every name in [`keys`], read once into typed sections.

mod accounts;
mod advice;
mod browser;
mod check;
mod codes;
mod cookie;
mod cors;
pub(crate) mod cors_pattern;
mod csrf;
mod database;
mod effective;
pub(crate) mod endpoints;
mod error;
mod features;
pub(crate) mod hosts;
mod http;
mod http_origin;
mod identity;
pub mod keys;
mod limits;
mod load;
mod login;
mod mail;
mod mail_server;
mod masking;
mod notices;
mod oauth;
mod password;
mod password_rules;
mod providers;
mod reader;
mod redirect;
mod salts;
mod sender;
mod session;
mod sms;
mod starter;
mod tokens;
mod value;
mod webauthn;

use std::collections::BTreeMap;
use std::time::Duration;

pub use self::hosts::BelievedHosts;
pub use self::http::HttpSettings;
pub use accounts::{
    AccountSettings, ChangeEmailSettings, ChangePasswordSettings, ChangeUsernameSettings,
    ConfirmSettings, ConsumedBy, LinkSettings, MailTemplate, PasswordlessSettings, RecoverSettings,
    RecoverUsernameSettings, RegisterSettings,
};
pub use codes::{Method, RecoveryCodeSettings, TotpSettings, TwoFactorSettings, UnifiedSettings};
pub use cookie::{CookieSettings, SameSite};
pub use cors::{CorsRule, CorsSettings};
pub use csrf::{CsrfSettings, Mechanism};
pub use database::DatabaseSettings;
pub use effective::{Effective, effective};
pub use error::SettingsError;
pub use http_origin::HttpOrigin;
pub use identity::IdentitySettings;
pub use limits::{LimitMode, LimitSettings, Rate};
pub use load::{Loaded, Origin, Problem, Sources, is_claimed};
pub use login::LoginSettings;
pub(crate) use mail::SENDMAIL_TIMEOUT;
pub use mail::{MailRoute, MailSettings, SmtpSettings, SmtpTls};
pub use notices::NoticeSettings;
#[cfg(feature = "oauth")]
pub(crate) use oauth::IDENTITIES_URL;
pub use oauth::{Linking, OauthSettings};
pub(crate) use password::LONGEST_PASSWORD;
pub use password::{PasswordSettings, SecretSettings};
pub use password_rules::BreachedSettings;
use reader::Reader;

use crate::messages::Replacement;
pub use providers::{
    ClientCredentials, ProviderClaims, ProviderEndpoint, ProviderProtocol, ProviderSettings,
    TokenAuth,
};
pub use redirect::RedirectSettings;
pub use session::{RememberSettings, SessionProtection, SessionSettings};
#[cfg(feature = "sms")]
pub(crate) use sms::SMS_TIMEOUT;
pub use sms::{SmsService, SmsSettings, SmsWebhookSettings, TwilioSettings};
pub use starter::STARTER;
pub use tokens::{FreshnessSettings, RefreshSettings, TokenSettings};
pub use value::IdentityAttribute;
pub(crate) use webauthn::{USAGES, usage};
pub use webauthn::{UserVerification, WebAuthnSettings};

/// Which machines can reach the server's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// Only this machine: loopback or a Unix socket.
    Local,
    /// Other machines as well.
    Public,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The HTTP server.
    #[doc(hidden)]
    pub http: HttpSettings,
    /// Cross-origin resource sharing.
    #[doc(hidden)]
    pub cors: CorsSettings,
    /// The session and the remember cookie.
    #[doc(hidden)]
    pub session: SessionSettings,
    /// CSRF protection.
    #[doc(hidden)]
    pub csrf: CsrfSettings,
    /// Signing keys and the password salt.
    #[doc(hidden)]
    pub secrets: SecretSettings,
    /// Passwords.
    #[doc(hidden)]
    pub password: PasswordSettings,
    /// What identifies a user.
    #[doc(hidden)]
    pub identity: IdentitySettings,
    /// Signing in and out.
    #[doc(hidden)]
    pub login: LoginSettings,
    /// The account features.
    #[doc(hidden)]
    pub accounts: AccountSettings,
    /// Limits on guessing and sending.
    #[doc(hidden)]
    pub limits: LimitSettings,
    /// Mail.
    #[doc(hidden)]
    pub mail: MailSettings,
    /// Notices about sign-in methods, recovery codes and new devices.
    #[doc(hidden)]
    pub notices: NoticeSettings,
    /// SMS.
    #[doc(hidden)]
    pub sms: SmsSettings,
    /// Auth tokens.
    #[doc(hidden)]
    pub token: TokenSettings,
    /// Refresh tokens.
    #[doc(hidden)]
    pub refresh: RefreshSettings,
    /// How recent a proof of identity has to be.
    #[doc(hidden)]
    pub freshness: FreshnessSettings,
    /// Second factors.
    #[doc(hidden)]
    pub two_factor: TwoFactorSettings,
    /// Passkeys.
    #[doc(hidden)]
    pub webauthn: WebAuthnSettings,
    /// Signing in with one-time codes and links.
    #[doc(hidden)]
    pub unified: UnifiedSettings,
    /// The secrets of one-time codes.
    #[doc(hidden)]
    pub totp: TotpSettings,
    /// Recovery codes.
    #[doc(hidden)]
    pub recovery_codes: RecoveryCodeSettings,
    /// Social sign-in.
    #[doc(hidden)]
    pub oauth: OauthSettings,
    /// The providers of social sign-in; none if it is switched off.
    #[doc(hidden)]
    pub providers: Vec<ProviderSettings>,
    /// Redirect targets.
    #[doc(hidden)]
    pub redirect: RedirectSettings,
    /// The database.
    #[doc(hidden)]
    pub database: DatabaseSettings,
    /// Texts that replace the built-in messages, by code.
    #[doc(hidden)]
    pub messages: BTreeMap<String, Replacement>,
    /// Whether the response to a refused request explains the failed check.
    #[doc(hidden)]
    pub debug: bool,
    /// Switches that are on although this version does not serve their features.
    #[doc(hidden)]
    pub not_served: Vec<&'static str>,
    /// Warnings about settings that are valid but probably a mistake.
    #[doc(hidden)]
    pub advice: Vec<Problem>,
}

impl Settings {
    /// Reads all sections.
    ///
    /// # Errors
    /// All errors, at once.
    #[doc(hidden)]
    pub fn new(loaded: &Loaded, listening: Listening) -> Result<Self, Vec<Problem>> {
        let (settings, problems) = Self::draft(loaded, listening);
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    /// Reads all sections, and returns both the settings and all errors.
    ///
    /// An invalid value is replaced by a default, so settings with errors are for display only.
    #[must_use]
    #[doc(hidden)]
    pub fn draft(loaded: &Loaded, listening: Listening) -> (Self, Vec<Problem>) {
        let mut reader = Reader::new(loaded);
        let secrets = SecretSettings::read(&mut reader);
        features::check(&mut reader);
        check::each(&mut reader);
        let mut settings = Self {
            http: HttpSettings::read(&mut reader, listening),
            cors: CorsSettings::read(&mut reader),
            session: SessionSettings::read(&mut reader),
            csrf: CsrfSettings::read(&mut reader),
            password: PasswordSettings::read(&mut reader, &secrets),
            identity: IdentitySettings::read(&mut reader),
            login: LoginSettings::read(&mut reader),
            accounts: AccountSettings::read(&mut reader),
            limits: LimitSettings::read(&mut reader),
            mail: MailSettings::read(&mut reader),
            notices: NoticeSettings::read(&reader),
            sms: SmsSettings::read(&mut reader),
            token: TokenSettings::read(&mut reader),
            refresh: RefreshSettings::read(&mut reader),
            freshness: FreshnessSettings::read(&reader),
            two_factor: TwoFactorSettings::read(&mut reader),
            webauthn: WebAuthnSettings::read(&mut reader),
            unified: UnifiedSettings::read(&mut reader),
            totp: TotpSettings::read(&mut reader),
            recovery_codes: RecoveryCodeSettings::read(&mut reader),
            oauth: OauthSettings::read(&mut reader),
            providers: providers::read(&mut reader),
            redirect: RedirectSettings::read(&mut reader),
            database: DatabaseSettings::read(&mut reader),
            messages: loaded.messages.clone(),
            debug: reader.flag("DEBUG"),
            not_served: features::not_served(&reader),
            advice: Vec::new(),
            secrets,
        };
        check::together(&mut reader, &settings);
        settings.advice = advice::give(&reader, &settings, listening);
        (settings, reader.problems)
    }

    /// Reads settings from TOML alone, for a server that only its own machine can reach.
    ///
    /// # Errors
    /// [`SettingsError`] with every problem at once.
    pub fn from_toml(text: &str) -> Result<Self, SettingsError> {
        let loaded = Loaded::read(&Sources {
            file: Some(text),
            environment: &[],
            kept: None,
            read_file: &|path| std::fs::read_to_string(path),
        });
        loaded
            .and_then(|loaded| Self::new(&loaded, Listening::Local))
            .map_err(SettingsError::new)
    }

    /// The warnings that are repeated at every start, most of them only if other machines can reach
    /// the server.
    #[must_use]
    #[doc(hidden)]
    pub fn warnings(&self, listening: Listening) -> Vec<Problem> {
        let public = advice::is_public(self, listening);
        let debug = (public && self.debug).then(advice::debug);
        let no_mail = (public && self.keeps_mails_it_has_to_send()).then(advice::no_mail);
        let sender = advice::sender(self);
        debug.into_iter().chain(no_mail).chain(sender).collect()
    }

    /// Whether a feature depends on mail although none is sent.
    fn keeps_mails_it_has_to_send(&self) -> bool {
        self.needs_mail() && matches!(self.mail.route, MailRoute::DevMailbox)
    }

    /// Whether users can have recovery codes: they replace a second factor, so there must be one.
    pub(crate) fn serves_recovery_codes(&self) -> bool {
        self.recovery_codes.enabled && (self.two_factor.enabled || self.webauthn.enabled)
    }

    /// Whether a passkey can prove a user's identity again.
    pub(crate) fn verifies_passkeys(&self) -> bool {
        let has_usage = !self.webauthn.allow_as_verify.is_empty();
        self.webauthn.enabled && self.freshness.within.is_some() && has_usage
    }

    /// Whether `/login` is unified sign-in as well: not if it mails links.
    pub(crate) fn serves_unified_login(&self) -> bool {
        self.unified.replaces_login && !self.accounts.passwordless.enabled
    }

    /// The names of the social providers; `None` if users cannot sign in with any.
    pub(crate) fn provider_names(&self) -> Option<Vec<&str>> {
        let names = self.providers.iter().map(|provider| provider.name.as_str());
        self.oauth.enabled.then(|| names.collect())
    }

    /// Whether a social provider answers with a form that the browser posts.
    #[cfg(feature = "oauth")]
    pub(crate) fn takes_provider_forms(&self) -> bool {
        self.providers.iter().any(|provider| provider.form_post)
    }

    /// Whether a feature depends on mail.
    fn needs_mail(&self) -> bool {
        let accounts = &self.accounts;
        self.login.confirmable
            || accounts.recover.enabled
            || accounts.change_email.enabled
            || accounts.recover_username.enabled
            || accounts.passwordless.enabled
            || self.unified.has(Method::Email)
            || self.two_factor.enabled && self.two_factor.methods.contains(&Method::Email)
    }

    /// Whether the response to a refused request explains the failed check.
    #[must_use]
    #[doc(hidden)]
    pub fn explains(&self) -> bool {
        self.debug
    }
}

/// Where the program listens and how it logs; it needs these settings before all others.
#[derive(Debug, Clone)]
pub struct ProgramSettings {
    /// The address to listen on.
    pub listen: String,
    /// The log filter.
    pub log: String,
    /// The log format: `text` or `json`.
    pub log_format: String,
    /// The file mode of a Unix socket.
    pub socket_mode: u32,
    /// The limits on client connections.
    pub connections: ConnectionSettings,
}

/// Limits on client connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// The maximum number of concurrent connections; without it, the limit on open files decides.
    pub max: Option<usize>,
    /// How long a connection may wait for its next request.
    pub idle: Duration,
    /// How long a client may leave a response unread.
    pub write: Duration,
}

/// The default mode of a Unix socket: its owner and its group may connect.
const SOCKET_MODE: u32 = 0o660;

impl ProgramSettings {
    /// Reads `VESTIBULE_*`.
    #[must_use]
    #[doc(hidden)]
    pub fn new(loaded: &Loaded) -> Self {
        let mut reader = Reader::new(loaded);
        let max = reader.whole("VESTIBULE_MAX_CONNECTIONS");
        Self {
            connections: ConnectionSettings {
                max: max.and_then(|max| usize::try_from(max).ok()),
                idle: reader.duration("VESTIBULE_IDLE_TIMEOUT"),
                write: reader.duration("VESTIBULE_WRITE_TIMEOUT"),
            },
            listen: reader.text("VESTIBULE_LISTEN"),
            log: reader.text("VESTIBULE_LOG"),
            log_format: reader.text("VESTIBULE_LOG_FORMAT"),
            socket_mode: check::mode(&reader.text("VESTIBULE_SOCKET_MODE")).unwrap_or(SOCKET_MODE),
        }
    }
}
