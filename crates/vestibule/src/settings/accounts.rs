//! Settings of the account features: registration, confirmation, recovery, and changes.

use std::time::Duration;

use super::check::{is_path, not_a_path};
use super::login::view_or_root;
use super::reader::Reader;

/// A mail that a feature sends.
#[derive(Debug, Clone)]
pub struct MailTemplate {
    /// The template path, without its extension.
    pub path: String,
    /// The subject.
    pub subject: String,
}

/// A link in a mail.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// The salt of the link's signature.
    pub salt: String,
    /// How long the link is valid.
    pub within: Duration,
}

/// Settings of registration: `SECURITY_REGISTER*`.
#[derive(Debug, Clone)]
pub struct RegisterSettings {
    /// Whether anyone can register an account.
    pub enabled: bool,
    /// The path of `/register`, after the prefix.
    pub url: String,
    /// Whether an account needs a password.
    pub password_required: bool,
    /// Whether the password has to be sent twice.
    pub password_confirm_required: bool,
    /// Whether an account needs a username.
    pub username_required: bool,
    /// Whether mails are sent.
    pub send_mail: bool,
    /// Sent to the holder of a new account.
    pub welcome: MailTemplate,
    /// Sent to the existing account holder when responses must not reveal that the address is
    /// taken.
    pub existing: MailTemplate,
    /// Sent to the new address when responses must not reveal that the username is taken.
    pub existing_username: MailTemplate,
}

/// Settings of address confirmation: `SECURITY_CONFIRM*`.
#[derive(Debug, Clone)]
pub struct ConfirmSettings {
    /// The path of `/confirm`, after the prefix.
    pub url: String,
    /// The link in the mail.
    pub link: LinkSettings,
    /// The view for an invalid or expired link.
    pub error_view: String,
    /// The view after a successful confirmation.
    pub post_view: String,
    /// Whether the link also signs the user in.
    pub auto_login: bool,
    /// The mail with the link.
    pub instructions: MailTemplate,
}

/// Settings of password reset: `SECURITY_RECOVERABLE`, `SECURITY_RESET*`.
#[derive(Debug, Clone)]
pub struct RecoverSettings {
    /// Whether users can reset a forgotten password.
    pub enabled: bool,
    /// The path of `/reset`, after the prefix.
    pub url: String,
    /// The link in the mail.
    pub link: LinkSettings,
    /// The view that a valid link opens.
    pub view: String,
    /// The view for an invalid or expired link.
    pub error_view: String,
    /// Whether setting the new password also signs the user in.
    pub auto_login: bool,
    /// The mail with the link; `None` if the application sends its own.
    pub instructions: Option<MailTemplate>,
    /// The notice after the password was reset; `None` if none is sent.
    pub notice: Option<MailTemplate>,
}

/// Settings of changing the password: `SECURITY_CHANGEABLE`.
#[derive(Debug, Clone)]
pub struct ChangePasswordSettings {
    /// Whether users can change their password.
    pub enabled: bool,
    /// The path of `/change`, after the prefix.
    pub url: String,
    /// The notice after the password was changed; `None` if none is sent.
    pub notice: Option<MailTemplate>,
}

/// Settings of changing the address: `SECURITY_CHANGE_EMAIL*`.
#[derive(Debug, Clone)]
pub struct ChangeEmailSettings {
    /// Whether users can change their address.
    pub enabled: bool,
    /// The path of `/change-email`, after the prefix.
    pub url: String,
    /// The link in the mail.
    pub link: LinkSettings,
    /// The view for an invalid or expired link.
    pub error_view: String,
    /// The view after a successful change.
    pub post_view: String,
    /// The mail with the link, sent to the new address.
    pub instructions: MailTemplate,
    /// The notice to the old address after the change; `None` if none is sent.
    pub notice: Option<MailTemplate>,
}

/// Settings of changing the username: `SECURITY_CHANGE_USERNAME*`.
#[derive(Debug, Clone)]
pub struct ChangeUsernameSettings {
    /// Whether users can change their username.
    pub enabled: bool,
    /// The path of `/change-username`, after the prefix.
    pub url: String,
    /// The notice after the username was changed; `None` if none is sent.
    pub notice: Option<MailTemplate>,
}

/// Settings of username recovery: `SECURITY_USERNAME_RECOVERY*`.
#[derive(Debug, Clone)]
pub struct RecoverUsernameSettings {
    /// Whether users can request a mail with their forgotten username.
    pub enabled: bool,
    /// The path of `/recover-username`, after the prefix.
    pub url: String,
    /// The mail with the username.
    pub instructions: MailTemplate,
}

/// Settings of signing in with a link: `SECURITY_PASSWORDLESS`.
#[derive(Debug, Clone)]
pub struct PasswordlessSettings {
    /// Whether `/login` sends a link instead of accepting a password.
    pub enabled: bool,
    /// The link in the mail.
    pub link: LinkSettings,
    /// The view for an invalid or expired link.
    pub error_view: String,
    /// The view after a successful sign-in.
    pub post_view: String,
    /// The mail with the link.
    pub instructions: MailTemplate,
}

/// The request that consumes a link in a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumedBy {
    /// Opening the link, as in the reference.
    Get,
    /// Posting the link's token, so that a mail scanner that opens links does not consume them.
    Post,
}

/// The settings of all account features.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Registration.
    pub register: RegisterSettings,
    /// Confirmation of the address.
    pub confirm: ConfirmSettings,
    /// Resetting a forgotten password.
    pub recover: RecoverSettings,
    /// Changing the password.
    pub change_password: ChangePasswordSettings,
    /// Changing the address.
    pub change_email: ChangeEmailSettings,
    /// Changing the username.
    pub change_username: ChangeUsernameSettings,
    /// Recovering a forgotten username.
    pub recover_username: RecoverUsernameSettings,
    /// Signing in with a link.
    pub passwordless: PasswordlessSettings,
    /// The request that consumes a link.
    pub links_consumed_by: ConsumedBy,
}

impl AccountSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let consumed = [("get", ConsumedBy::Get), ("post", ConsumedBy::Post)];
        Self {
            register: register(reader),
            confirm: confirm(reader),
            recover: recover(reader),
            change_password: ChangePasswordSettings {
                enabled: reader.flag("SECURITY_CHANGEABLE"),
                url: path(reader, "SECURITY_CHANGE_URL"),
                notice: reader.flag("SECURITY_SEND_PASSWORD_CHANGE_EMAIL").then(|| {
                    mail(
                        reader,
                        "SECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE",
                        "SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE",
                    )
                }),
            },
            change_email: change_email(reader),
            change_username: ChangeUsernameSettings {
                enabled: reader.flag("SECURITY_CHANGE_USERNAME"),
                url: path(reader, "SECURITY_CHANGE_USERNAME_URL"),
                notice: reader.flag("SECURITY_SEND_USERNAME_CHANGE_EMAIL").then(|| {
                    mail(
                        reader,
                        "SECURITY_CHANGE_USERNAME_EMAIL_TEMPLATE",
                        "SECURITY_EMAIL_SUBJECT_USERNAME_CHANGE_NOTICE",
                    )
                }),
            },
            recover_username: RecoverUsernameSettings {
                enabled: reader.flag("SECURITY_USERNAME_RECOVERY"),
                url: path(reader, "SECURITY_USERNAME_RECOVERY_URL"),
                instructions: mail(
                    reader,
                    "SECURITY_USERNAME_RECOVERY_EMAIL_TEMPLATE",
                    "SECURITY_EMAIL_SUBJECT_USERNAME_RECOVERY",
                ),
            },
            passwordless: PasswordlessSettings {
                enabled: reader.flag("SECURITY_PASSWORDLESS"),
                link: link(reader, "SECURITY_LOGIN_SALT", "SECURITY_LOGIN_WITHIN"),
                error_view: reader.text("SECURITY_LOGIN_ERROR_VIEW"),
                post_view: view_or_root(reader, "SECURITY_POST_LOGIN_VIEW"),
                instructions: mail(
                    reader,
                    "SECURITY_EMAIL_TEMPLATE_PASSWORDLESS",
                    "SECURITY_EMAIL_SUBJECT_PASSWORDLESS",
                ),
            },
            links_consumed_by: reader
                .word("SECURITY_LINKS_CONSUMED_BY", &consumed)
                .unwrap_or(ConsumedBy::Get),
        }
    }
}

fn register(reader: &mut Reader<'_>) -> RegisterSettings {
    const SUBJECT: &str = "SECURITY_EMAIL_SUBJECT_REGISTER";
    // The reference's older registration form takes the password once.
    let once = !reader.flag("SECURITY_USE_REGISTER_V2");
    RegisterSettings {
        enabled: reader.flag("SECURITY_REGISTERABLE"),
        url: path(reader, "SECURITY_REGISTER_URL"),
        password_required: reader.flag("SECURITY_PASSWORD_REQUIRED"),
        password_confirm_required: !once && reader.flag("SECURITY_PASSWORD_CONFIRM_REQUIRED"),
        username_required: reader.flag("SECURITY_USERNAME_REQUIRED"),
        send_mail: reader.flag("SECURITY_SEND_REGISTER_EMAIL"),
        welcome: mail(reader, "SECURITY_REGISTER_EMAIL_TEMPLATE", SUBJECT),
        existing: mail(reader, "SECURITY_REGISTER_EMAIL_EXISTING_TEMPLATE", SUBJECT),
        existing_username: mail(
            reader,
            "SECURITY_REGISTER_EMAIL_EXISTING_USERNAME_TEMPLATE",
            SUBJECT,
        ),
    }
}

fn confirm(reader: &mut Reader<'_>) -> ConfirmSettings {
    ConfirmSettings {
        url: path(reader, "SECURITY_CONFIRM_URL"),
        link: link(
            reader,
            "SECURITY_CONFIRM_SALT",
            "SECURITY_CONFIRM_EMAIL_WITHIN",
        ),
        error_view: reader.text("SECURITY_CONFIRM_ERROR_VIEW"),
        post_view: reader.text("SECURITY_POST_CONFIRM_VIEW"),
        auto_login: reader.flag("SECURITY_AUTO_LOGIN_AFTER_CONFIRM"),
        instructions: mail(
            reader,
            "SECURITY_EMAIL_TEMPLATE_CONFIRM",
            "SECURITY_EMAIL_SUBJECT_CONFIRM",
        ),
    }
}

fn recover(reader: &mut Reader<'_>) -> RecoverSettings {
    let instructions = mail(
        reader,
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET",
        "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET",
    );
    let notice = mail(
        reader,
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE",
        "SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE",
    );
    RecoverSettings {
        enabled: reader.flag("SECURITY_RECOVERABLE"),
        url: path(reader, "SECURITY_RESET_URL"),
        link: link(
            reader,
            "SECURITY_RESET_SALT",
            "SECURITY_RESET_PASSWORD_WITHIN",
        ),
        view: reader.text("SECURITY_RESET_VIEW"),
        error_view: reader.text("SECURITY_RESET_ERROR_VIEW"),
        auto_login: reader.flag("SECURITY_AUTO_LOGIN_AFTER_RESET"),
        instructions: reader
            .flag("SECURITY_SEND_PASSWORD_RESET_EMAIL")
            .then_some(instructions),
        notice: reader
            .flag("SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL")
            .then_some(notice),
    }
}

fn change_email(reader: &mut Reader<'_>) -> ChangeEmailSettings {
    ChangeEmailSettings {
        enabled: reader.flag("SECURITY_CHANGE_EMAIL"),
        url: path(reader, "SECURITY_CHANGE_EMAIL_URL"),
        link: link(
            reader,
            "SECURITY_CHANGE_EMAIL_SALT",
            "SECURITY_CHANGE_EMAIL_WITHIN",
        ),
        error_view: reader.text("SECURITY_CHANGE_EMAIL_ERROR_VIEW"),
        post_view: reader.text("SECURITY_POST_CHANGE_EMAIL_VIEW"),
        instructions: mail(
            reader,
            "SECURITY_CHANGE_EMAIL_EMAIL_TEMPLATE",
            "SECURITY_CHANGE_EMAIL_SUBJECT",
        ),
        notice: reader.flag("SECURITY_CHANGE_EMAIL_NOTIFY_OLD").then(|| {
            mail(
                reader,
                "SECURITY_CHANGE_EMAIL_NOTICE_TEMPLATE",
                "SECURITY_CHANGE_EMAIL_NOTICE_SUBJECT",
            )
        }),
    }
}

/// Reads a mail: the settings that name its template and its subject.
pub(super) fn mail(reader: &Reader<'_>, path: &str, subject: &str) -> MailTemplate {
    MailTemplate {
        path: reader.text(path),
        subject: reader.text(subject),
    }
}

/// Reads the salt and the validity of a signed link or state.
pub(super) fn link(reader: &mut Reader<'_>, salt: &str, within: &str) -> LinkSettings {
    LinkSettings {
        salt: reader.text(salt),
        within: reader.duration(within),
    }
}

/// Reads the path of an endpoint.
pub(super) fn path(reader: &mut Reader<'_>, key: &str) -> String {
    let path = reader.text(key);
    if !is_path(&path) {
        not_a_path(reader, key, &path);
        return format!("/{}", key.to_ascii_lowercase());
    }
    path
}
