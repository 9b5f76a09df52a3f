//! Names of the account features and their mails.

use super::{Key, Kind::*, pages, served};

pub(super) const KEYS: &[Key] = &[
    served("SECURITY_AUTO_LOGIN_AFTER_CONFIRM", Flag, "false"),
    served("SECURITY_AUTO_LOGIN_AFTER_RESET", Flag, "false"),
    served("SECURITY_CHANGEABLE", Flag, "false"),
    served("SECURITY_CHANGE_EMAIL", Flag, "false"),
    pages(
        "SECURITY_CHANGE_EMAIL_CONFIRM_URL",
        Text,
        r#""/change-email-confirm""#,
    ),
    served(
        "SECURITY_CHANGE_EMAIL_EMAIL_TEMPLATE",
        Text,
        r#""security/email/change_email_instructions""#,
    ),
    served("SECURITY_CHANGE_EMAIL_ERROR_VIEW", Text, r#""""#).view(),
    served("SECURITY_CHANGE_EMAIL_SALT", Text, r#""change-email-salt""#),
    served(
        "SECURITY_CHANGE_EMAIL_SUBJECT",
        Text,
        r#""Confirm your new address""#,
    )
    .one_line(),
    served("SECURITY_CHANGE_EMAIL_URL", Text, r#""/change-email""#),
    served("SECURITY_CHANGE_EMAIL_WITHIN", Duration, r#""2 hours""#),
    pages("SECURITY_CHANGE_SALT", Text, r#""change-salt""#),
    served("SECURITY_CHANGE_URL", Text, r#""/change""#),
    served("SECURITY_CHANGE_USERNAME", Flag, "false"),
    served(
        "SECURITY_CHANGE_USERNAME_EMAIL_TEMPLATE",
        Text,
        r#""security/email/change_username_notice""#,
    ),
    served(
        "SECURITY_CHANGE_USERNAME_URL",
        Text,
        r#""/change-username""#,
    ),
    served("SECURITY_CONFIRMABLE", Flag, "false"),
    served("SECURITY_CONFIRM_EMAIL_WITHIN", Duration, r#""2 days""#),
    served("SECURITY_CONFIRM_ERROR_VIEW", Text, r#""""#).view(),
    served("SECURITY_CONFIRM_SALT", Text, r#""confirm-salt""#),
    served("SECURITY_CONFIRM_URL", Text, r#""/confirm""#),
    served("SECURITY_EMAIL_HTML", Flag, "true"),
    served("SECURITY_EMAIL_PLAINTEXT", Flag, "true"),
    served("SECURITY_EMAIL_SENDER", Any, r#""""#),
    served(
        "SECURITY_EMAIL_SUBJECT_CONFIRM",
        Text,
        r#""Confirm your email address""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_PASSWORDLESS",
        Text,
        r#""Your sign-in link""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_PASSWORD_CHANGE_NOTICE",
        Text,
        r#""Your password was changed""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_PASSWORD_NOTICE",
        Text,
        r#""Your password was reset""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_PASSWORD_RESET",
        Text,
        r#""Reset your password""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_REGISTER",
        Text,
        r#""Your new account""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_USERNAME_CHANGE_NOTICE",
        Text,
        r#""Your username was changed""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_USERNAME_RECOVERY",
        Text,
        r#""Your username""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_TEMPLATE_CONFIRM",
        Text,
        r#""security/email/confirmation_instructions""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_PASSWORDLESS",
        Text,
        r#""security/email/login_instructions""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE",
        Text,
        r#""security/email/change_notice""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET",
        Text,
        r#""security/email/reset_instructions""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE",
        Text,
        r#""security/email/reset_notice""#,
    ),
    served("SECURITY_POST_CHANGE_EMAIL_VIEW", Text, r#""""#).view(),
    pages("SECURITY_POST_CHANGE_USERNAME_VIEW", Text, r#""""#).view(),
    pages("SECURITY_POST_CHANGE_VIEW", Text, r#""""#).view(),
    served("SECURITY_POST_CONFIRM_VIEW", Text, r#""""#).view(),
    pages("SECURITY_POST_REGISTER_VIEW", Text, r#""""#).view(),
    pages("SECURITY_POST_RESET_VIEW", Text, r#""""#).view(),
    served("SECURITY_RECOVERABLE", Flag, "false"),
    served("SECURITY_REGISTERABLE", Flag, "false"),
    served(
        "SECURITY_REGISTER_EMAIL_EXISTING_TEMPLATE",
        Text,
        r#""security/email/welcome_existing""#,
    ),
    served(
        "SECURITY_REGISTER_EMAIL_EXISTING_USERNAME_TEMPLATE",
        Text,
        r#""security/email/welcome_existing_username""#,
    ),
    served(
        "SECURITY_REGISTER_EMAIL_TEMPLATE",
        Text,
        r#""security/email/welcome""#,
    ),
    served("SECURITY_REGISTER_URL", Text, r#""/register""#),
    pages("SECURITY_REQUIRES_CONFIRMATION_ERROR_VIEW", Text, r#""""#).view(),
    served("SECURITY_RESET_ERROR_VIEW", Text, r#""""#).view(),
    served("SECURITY_RESET_PASSWORD_WITHIN", Duration, r#""1 days""#),
    served("SECURITY_RESET_SALT", Text, r#""reset-salt""#),
    served("SECURITY_RESET_URL", Text, r#""/reset""#),
    served("SECURITY_RESET_VIEW", Text, r#""""#).view(),
    served("SECURITY_SEND_PASSWORD_CHANGE_EMAIL", Flag, "true"),
    served("SECURITY_SEND_PASSWORD_RESET_EMAIL", Flag, "true"),
    served("SECURITY_SEND_PASSWORD_RESET_NOTICE_EMAIL", Flag, "true"),
    served("SECURITY_SEND_REGISTER_EMAIL", Flag, "true"),
    served("SECURITY_SEND_USERNAME_CHANGE_EMAIL", Flag, "true"),
    served("SECURITY_USE_REGISTER_V2", Flag, "true"),
];
