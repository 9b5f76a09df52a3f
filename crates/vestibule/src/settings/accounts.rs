//! The life of an account: registering, confirming, recovering, changing.

use std::time::Duration;

use super::check::{is_path, not_a_path};
use super::login::view_or_root;
use super::reader::Reader;

/// A mail that a feature sends.
#[derive(Debug, Clone)]
pub struct MailTemplate {
    /// The template, without its ending.
    pub path: String,
    /// The subject.
    pub subject: String,
}

/// A link in a mail.
#[derive(Debug, Clone)]
pub struct LinkSettings {
    /// The salt of its signature.
    pub salt: String,
    /// How long it counts.
    pub within: Duration,
}

/// `SECURITY_REGISTER*`.
#[derive(Debug, Clone)]
pub struct RegisterSettings {
    /// Whether strangers can make an account.
    pub enabled: bool,
    /// The path of `/register`, after the prefix.
    pub url: String,
    /// Whether an account needs a password.
    pub password_required: bool,
    /// Whether the password has to come twice.
    pub password_confirm_required: bool,
    /// Whether an account needs a name.
    pub username_required: bool,
    /// Whether a mail is sent.
    pub send_mail: bool,
    /// To whom an account was made for.
    pub welcome: MailTemplate,
    /// To whom has an account already, where strangers are not told.
    pub existing: MailTemplate,
    /// To who chose somebody's name, where strangers are not told.
    pub existing_username: MailTemplate,
}

/// `SECURITY_CONFIRM*`.
#[derive(Debug, Clone)]
pub struct ConfirmSettings {
    /// The path of `/confirm`, after the prefix.
    pub url: String,
    /// The link.
    pub link: LinkSettings,
    /// Where a link leads that does not count.
    pub error_view: String,
    /// Where a link leads that did.
    pub post_view: String,
    /// Whether the link signs in.
    pub auto_login: bool,
    /// The mail.
    pub instructions: MailTemplate,
}

/// `SECURITY_RECOVERABLE`, `SECURITY_RESET*`.
#[derive(Debug, Clone)]
pub struct RecoverSettings {
    /// Whether forgotten passwords can be replaced.
    pub enabled: bool,
    /// The path of `/reset`, after the prefix.
    pub url: String,
    /// The link.
    pub link: LinkSettings,
    /// Where the link leads.
    pub view: String,
    /// Where a link leads that does not count.
    pub error_view: String,
    /// Whether the new password signs in.
    pub auto_login: bool,
    /// The mail with the link; none where the application sends its own.
    pub instructions: Option<MailTemplate>,
    /// The mail that tells that it was done.
    pub notice: Option<MailTemplate>,
}

/// `SECURITY_CHANGEABLE`.
#[derive(Debug, Clone)]
pub struct ChangePasswordSettings {
    /// Whether passwords can be changed.
    pub enabled: bool,
    /// The path of `/change`, after the prefix.
    pub url: String,
    /// The mail that tells that it was done.
    pub notice: Option<MailTemplate>,
}

/// `SECURITY_CHANGE_EMAIL*`.
#[derive(Debug, Clone)]
pub struct ChangeEmailSettings {
    /// Whether addresses can be changed.
    pub enabled: bool,
    /// The path of `/change-email`, after the prefix.
    pub url: String,
    /// The link.
    pub link: LinkSettings,
    /// Where a link leads that does not count.
    pub error_view: String,
    /// Where a link leads that did.
    pub post_view: String,
    /// The mail with the link, to the new address.
    pub instructions: MailTemplate,
    /// The mail to the old address that tells that it was done.
    pub notice: Option<MailTemplate>,
}

/// `SECURITY_CHANGE_USERNAME*`.
#[derive(Debug, Clone)]
pub struct ChangeUsernameSettings {
    /// Whether names can be changed.
    pub enabled: bool,
    /// The path of `/change-username`, after the prefix.
    pub url: String,
    /// The mail that tells that it was done.
    pub notice: Option<MailTemplate>,
}

/// `SECURITY_USERNAME_RECOVERY*`.
#[derive(Debug, Clone)]
pub struct RecoverUsernameSettings {
    /// Whether forgotten names are sent.
    pub enabled: bool,
    /// The path of `/recover-username`, after the prefix.
    pub url: String,
    /// The mail with the name.
    pub instructions: MailTemplate,
}

/// `SECURITY_PASSWORDLESS`.
#[derive(Debug, Clone)]
pub struct PasswordlessSettings {
    /// Whether `/login` sends a link instead of taking a password.
    pub enabled: bool,
    /// The link.
    pub link: LinkSettings,
    /// Where a link leads that does not count.
    pub error_view: String,
    /// Where a link leads that signed in.
    pub post_view: String,
    /// The mail.
    pub instructions: MailTemplate,
}

/// What uses a link in a mail up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConsumedBy {
    /// Opening it, as in the reference.
    Get,
    /// Posting its token: whatever opens links before their readers do spends none.
    Post,
}

/// Everything about the life of an account.
#[derive(Debug, Clone)]
pub struct AccountSettings {
    /// Making one.
    pub register: RegisterSettings,
    /// Confirming its address.
    pub confirm: ConfirmSettings,
    /// Replacing a forgotten password.
    pub recover: RecoverSettings,
    /// Changing the password.
    pub change_password: ChangePasswordSettings,
    /// Changing the address.
    pub change_email: ChangeEmailSettings,
    /// Changing the name.
    pub change_username: ChangeUsernameSettings,
    /// Being told the name.
    pub recover_username: RecoverUsernameSettings,
    /// Signing in by a link.
    pub passwordless: PasswordlessSettings,
    /// What uses a link up.
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
    // The reference's older form of registration takes the password once.
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

fn mail(reader: &Reader<'_>, path: &str, subject: &str) -> MailTemplate {
    MailTemplate {
        path: reader.text(path),
        subject: reader.text(subject),
    }
}

fn link(reader: &mut Reader<'_>, salt: &str, within: &str) -> LinkSettings {
    LinkSettings {
        salt: reader.text(salt),
        within: reader.duration(within),
    }
}

/// The path of an endpoint.
pub(super) fn path(reader: &mut Reader<'_>, key: &str) -> String {
    let path = reader.text(key);
    if !is_path(&path) {
        not_a_path(reader, key, &path);
        return format!("/{}", key.to_ascii_lowercase());
    }
    path
}
