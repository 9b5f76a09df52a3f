//! The configuration: every name in [`keys`], read once into typed sections.

mod accounts;
mod advice;
mod browser;
mod check;
mod cookie;
mod cors;
pub(crate) mod cors_pattern;
mod csrf;
mod database;
mod effective;
pub(crate) mod endpoints;
mod features;
pub(crate) mod hosts;
mod http;
mod identity;
pub mod keys;
mod load;
mod login;
mod mail;
mod mail_server;
mod masking;
mod password;
mod password_rules;
mod reader;
mod redirect;
mod salts;
mod sender;
mod session;
mod starter;
mod tokens;
mod value;

use std::collections::BTreeMap;
use std::time::Duration;

pub use self::hosts::BelievedHosts;
pub use self::http::HttpSettings;
pub use accounts::{
    AccountSettings, ChangeEmailSettings, ChangePasswordSettings, ChangeUsernameSettings,
    ConfirmSettings, ConsumedBy, LinkSettings, MailTemplate, PasswordlessSettings, RecoverSettings,
    RecoverUsernameSettings, RegisterSettings,
};
pub use cookie::{CookieSettings, SameSite};
pub use cors::{CorsRule, CorsSettings};
pub use csrf::{CsrfSettings, Mechanism};
pub use database::DatabaseSettings;
pub use effective::{Effective, effective};
pub use features::{TwoFactorSettings, WebAuthnSettings};
pub use identity::IdentitySettings;
pub use load::{Loaded, Origin, Problem, Sources, is_claimed};
pub use login::LoginSettings;
pub(crate) use mail::SENDMAIL_TIMEOUT;
pub use mail::{MailRoute, MailSettings, SmtpSettings, SmtpTls};
pub(crate) use password::LONGEST_PASSWORD;
pub use password::{PasswordSettings, SecretSettings};
pub use password_rules::{BreachedOrigin, BreachedSettings};
use reader::Reader;

use crate::messages::Replacement;
pub use redirect::RedirectSettings;
pub use session::{RememberSettings, SessionProtection, SessionSettings};
pub use starter::STARTER;
pub use tokens::{FreshnessSettings, RefreshSettings, TokenSettings};
pub use value::IdentityAttribute;

/// Who can reach the server's socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listening {
    /// This machine only: loopback, a Unix socket.
    Local,
    /// Other machines, too.
    Public,
}

/// The configuration in force.
#[derive(Debug, Clone)]
pub struct Settings {
    /// HTTP.
    pub http: HttpSettings,
    /// Other origins.
    pub cors: CorsSettings,
    /// The session.
    pub session: SessionSettings,
    /// CSRF.
    pub csrf: CsrfSettings,
    /// Keys.
    pub secrets: SecretSettings,
    /// Passwords.
    pub password: PasswordSettings,
    /// What identifies a user.
    pub identity: IdentitySettings,
    /// Signing in and out.
    pub login: LoginSettings,
    /// The life of an account.
    pub accounts: AccountSettings,
    /// Mail.
    pub mail: MailSettings,
    /// Auth tokens.
    pub token: TokenSettings,
    /// Refresh tokens.
    pub refresh: RefreshSettings,
    /// How recent a proof of identity has to be.
    pub freshness: FreshnessSettings,
    /// Second factors.
    pub two_factor: TwoFactorSettings,
    /// Passkeys.
    pub webauthn: WebAuthnSettings,
    /// Whether codes and links can sign in, too.
    pub unified_signin: bool,
    /// The social providers by name, if there are any.
    pub oauth_providers: Option<Vec<String>>,
    /// Redirects.
    pub redirect: RedirectSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// Texts that replace ours, by code.
    pub messages: BTreeMap<String, Replacement>,
    /// Whether refusals explain themselves in the answer.
    pub debug: bool,
    /// Switches that are on, of features that this version does not serve.
    pub not_served: Vec<&'static str>,
    /// What can stand, and probably should not.
    pub advice: Vec<Problem>,
}

impl Settings {
    /// Reads every section.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn new(loaded: &Loaded, listening: Listening) -> Result<Self, Vec<Problem>> {
        let (settings, problems) = Self::draft(loaded, listening);
        if problems.is_empty() {
            Ok(settings)
        } else {
            Err(problems)
        }
    }

    /// The same for somebody who looks at both: every section, with a default for what is wrong,
    /// and what that is. Settings with problems are to be looked at, not to be used.
    #[must_use]
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
            mail: MailSettings::read(&mut reader),
            token: TokenSettings::read(&mut reader),
            refresh: RefreshSettings::read(&mut reader),
            freshness: FreshnessSettings::read(&reader),
            two_factor: TwoFactorSettings::read(&reader),
            webauthn: WebAuthnSettings::read(&reader),
            unified_signin: features::serves(&reader, "SECURITY_UNIFIED_SIGNIN"),
            oauth_providers: None,
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

    /// Reads a TOML text alone, for a server that only its own machine can reach.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn from_toml(text: &str) -> Result<Self, Vec<Problem>> {
        let loaded = Loaded::read(&Sources {
            file: Some(text),
            environment: &[],
            kept: None,
            read_file: &|path| std::fs::read_to_string(path),
        })?;
        Self::new(&loaded, Listening::Local)
    }

    /// What is so risky that it is said at each start: most of it only where others can reach the
    /// server.
    #[must_use]
    pub fn warnings(&self, listening: Listening) -> Vec<Problem> {
        let public = advice::is_public(self, listening);
        let debug = (public && self.debug).then(advice::debug);
        let no_mail = (public && self.keeps_mails_it_has_to_send()).then(advice::no_mail);
        let sender = advice::sender(self);
        debug.into_iter().chain(no_mail).chain(sender).collect()
    }

    /// Whether a feature lives by mail, and no mail is sent.
    fn keeps_mails_it_has_to_send(&self) -> bool {
        self.needs_mail() && matches!(self.mail.route, MailRoute::DevMailbox)
    }

    /// Whether a feature lives by mail.
    fn needs_mail(&self) -> bool {
        let accounts = &self.accounts;
        self.login.confirmable
            || accounts.recover.enabled
            || accounts.change_email.enabled
            || accounts.recover_username.enabled
            || accounts.passwordless.enabled
    }

    /// Whether refusals explain themselves in the answer.
    #[must_use]
    pub fn explains(&self) -> bool {
        self.debug
    }
}

/// Where the program listens and how it logs: what it has to know before anything else.
#[derive(Debug, Clone)]
pub struct ProgramSettings {
    /// The address to listen on.
    pub listen: String,
    /// What is logged.
    pub log: String,
    /// `text` or `json`.
    pub log_format: String,
    /// The mode of a Unix socket.
    pub socket_mode: u32,
    /// How many connections there may be, and for how long.
    pub connections: ConnectionSettings,
}

/// Limits on the connections of clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectionSettings {
    /// The number of connections at once; without one, as many as the limit on open files allows.
    pub max: Option<usize>,
    /// How long a connection may wait for its next request.
    pub idle: Duration,
    /// How long a client may leave an answer unread.
    pub write: Duration,
}

/// Who may connect to the Unix socket unless somebody says so: its owner and its group.
const SOCKET_MODE: u32 = 0o660;

impl ProgramSettings {
    /// Reads `VESTIBULE_*`.
    #[must_use]
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
