//! Names that only concern server-rendered pages or Python, and names that the reference's
//! configuration page lists although its code does not know them.

use super::{Key, Kind::*, pages};

pub(super) const KEYS: &[Key] = &[
    pages("SECURITY_ANONYMOUS_USER_DISABLED", Flag, "false"),
    pages("SECURITY_BLUEPRINT_NAME", Text, r#""security""#),
    pages(
        "SECURITY_CHANGE_EMAIL_TEMPLATE",
        Text,
        r#""security/change_email.html""#,
    ),
    pages(
        "SECURITY_CHANGE_PASSWORD_TEMPLATE",
        Text,
        r#""security/change_password.html""#,
    ),
    pages(
        "SECURITY_CHANGE_USERNAME_TEMPLATE",
        Text,
        r#""security/change_username.html""#,
    ),
    pages("SECURITY_CLI_ROLES_NAME", Text, r#""roles""#),
    pages("SECURITY_CLI_USERS_NAME", Text, r#""users""#),
    pages("SECURITY_DATETIME_FACTORY", Any, r#""""#),
    pages("SECURITY_FLASH_MESSAGES", Flag, "true"),
    pages(
        "SECURITY_FORGOT_PASSWORD_TEMPLATE",
        Text,
        r#""security/forgot_password.html""#,
    ),
    pages("SECURITY_I18N_DIRNAME", Any, r#""builtin""#),
    pages("SECURITY_I18N_DOMAIN", Text, r#""flask_security""#),
    pages("SECURITY_JOIN_USER_ROLES", Flag, "true"),
    pages(
        "SECURITY_LOGIN_USER_TEMPLATE",
        Text,
        r#""security/login_user.html""#,
    ),
    pages(
        "SECURITY_LOGOUT_USER_TEMPLATE",
        Text,
        r#""security/logout_user.html""#,
    ),
    pages(
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_TEMPLATE",
        Text,
        r#""security/mf_recovery_codes.html""#,
    ),
    pages(
        "SECURITY_MULTI_FACTOR_RECOVERY_TEMPLATE",
        Text,
        r#""security/mf_recovery.html""#,
    ),
    pages(
        "SECURITY_REGISTER_USER_TEMPLATE",
        Text,
        r#""security/register_user.html""#,
    ),
    pages(
        "SECURITY_RESET_PASSWORD_TEMPLATE",
        Text,
        r#""security/reset_password.html""#,
    ),
    pages(
        "SECURITY_SEND_CONFIRMATION_TEMPLATE",
        Text,
        r#""security/send_confirmation.html""#,
    ),
    pages(
        "SECURITY_SEND_LOGIN_TEMPLATE",
        Text,
        r#""security/send_login.html""#,
    ),
    pages("SECURITY_STATIC_FOLDER", Text, r#""static""#),
    pages("SECURITY_STATIC_FOLDER_URL", Text, r#""/fs-static""#),
    pages("SECURITY_SUBDOMAIN", Text, r#""""#),
    pages(
        "SECURITY_TWO_FACTOR_SELECT_TEMPLATE",
        Text,
        r#""security/two_factor_select.html""#,
    ),
    pages(
        "SECURITY_TWO_FACTOR_SETUP_TEMPLATE",
        Text,
        r#""security/two_factor_setup.html""#,
    ),
    pages(
        "SECURITY_TWO_FACTOR_VERIFY_CODE_TEMPLATE",
        Text,
        r#""security/two_factor_verify_code.html""#,
    ),
    pages(
        "SECURITY_USERNAME_RECOVERY_TEMPLATE",
        Text,
        r#""security/recover_username.html""#,
    ),
    pages(
        "SECURITY_US_SETUP_TEMPLATE",
        Text,
        r#""security/us_setup.html""#,
    ),
    pages(
        "SECURITY_US_SIGNIN_TEMPLATE",
        Text,
        r#""security/us_signin.html""#,
    ),
    pages(
        "SECURITY_US_VERIFY_TEMPLATE",
        Text,
        r#""security/us_verify.html""#,
    ),
    pages(
        "SECURITY_VERIFY_TEMPLATE",
        Text,
        r#""security/verify.html""#,
    ),
    pages(
        "SECURITY_WAN_REGISTER_TEMPLATE",
        Text,
        r#""security/wan_register.html""#,
    ),
    pages(
        "SECURITY_WAN_SIGNIN_TEMPLATE",
        Text,
        r#""security/wan_signin.html""#,
    ),
    pages(
        "SECURITY_WAN_VERIFY_TEMPLATE",
        Text,
        r#""security/wan_verify.html""#,
    ),
    pages("SECURITY_EMAIL_CHANGE_SALT", Text, r#""""#),
    pages("SECURITY_POST_VERIFY_URL", Text, r#""""#),
    pages("SECURITY_REFRESH_COOKIE_NAME", Text, r#""""#),
    pages("SECURITY_SCRIPT_NONCE_KEY", Text, r#""""#),
    pages("SECURITY_USER_IDENTITY_MAPPINGS", Any, r#""""#),
];
