//! Names of second factors, one-time codes, passkeys and social providers.

use super::{Key, Kind::*, pages, served};

pub(super) const KEYS: &[Key] = &[
    served(
        "SECURITY_EMAIL_SUBJECT_TWO_FACTOR",
        Text,
        r#""Your sign-in code""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_TWO_FACTOR_RESCUE",
        Text,
        r#""A user cannot sign in""#,
    )
    .one_line(),
    served("SECURITY_MULTI_FACTOR_RECOVERY_CODES", Flag, "false"),
    served(
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_KEYS",
        SecretList,
        "[]",
    ),
    served("SECURITY_MULTI_FACTOR_RECOVERY_CODES_N", Integer, "5").within(1, 100),
    served(
        "SECURITY_MULTI_FACTOR_RECOVERY_CODES_URL",
        Text,
        r#""/mf-recovery-codes""#,
    )
    .path(),
    served("SECURITY_MULTI_FACTOR_RECOVERY_CODE_TTL", Duration, r#""""#),
    served(
        "SECURITY_MULTI_FACTOR_RECOVERY_URL",
        Text,
        r#""/mf-recovery""#,
    )
    .path(),
    served(
        "SECURITY_OAUTH_BUILTIN_PROVIDERS",
        List,
        r#"["github", "google"]"#,
    )
    .words(&["github", "google"]),
    served("SECURITY_OAUTH_ENABLE", Flag, "false"),
    served(
        "SECURITY_OAUTH_RESPONSE_URL",
        Text,
        r#""/login/oauthresponse""#,
    )
    .path(),
    served("SECURITY_OAUTH_START_URL", Text, r#""/login/oauthstart""#).path(),
    served(
        "SECURITY_OAUTH_VERIFY_RESPONSE_URL",
        Text,
        r#""/login/oauth-verify-response""#,
    )
    .path(),
    served(
        "SECURITY_OAUTH_VERIFY_START_URL",
        Text,
        r#""/login/oauth-verify-start""#,
    )
    .path(),
    served("SECURITY_PHONE_REGION_DEFAULT", Text, r#""US""#),
    served("SECURITY_POST_OAUTH_LOGIN_VIEW", Text, r#""""#).view(),
    served("SECURITY_POST_OAUTH_VERIFY_VIEW", Text, r#""""#).view(),
    served("SECURITY_SMS_SERVICE", Text, r#""Dummy""#).words(&["Twilio", "webhook", "Dummy"]),
    served("SECURITY_SMS_SERVICE_CONFIG", SecretTable, "{}"),
    served("SECURITY_TOTP_ISSUER", Text, r#""""#),
    served("SECURITY_TOTP_SECRETS", SecretTable, "{}"),
    served("SECURITY_TWO_FACTOR", Flag, "false"),
    served("SECURITY_TWO_FACTOR_ALWAYS_VALIDATE", Flag, "true"),
    served("SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY", Integer, "120").at_least(1),
    served(
        "SECURITY_TWO_FACTOR_EMAIL_TEMPLATE",
        Text,
        r#""security/email/two_factor_instructions""#,
    ),
    served(
        "SECURITY_TWO_FACTOR_ENABLED_METHODS",
        List,
        r#"["email", "authenticator", "sms"]"#,
    )
    .words(&["email", "authenticator", "sms"]),
    pages("SECURITY_TWO_FACTOR_ERROR_VIEW", Text, r#"".login""#).view(),
    pages("SECURITY_TWO_FACTOR_IMPLEMENTATIONS", Table, "{}"),
    served(
        "SECURITY_TWO_FACTOR_LOGIN_VALIDITY",
        Duration,
        r#""30 days""#,
    ),
    served("SECURITY_TWO_FACTOR_MAIL_VALIDITY", Integer, "300").at_least(1),
    pages(
        "SECURITY_TWO_FACTOR_POST_SETUP_VIEW",
        Text,
        r#"".two_factor_setup""#,
    )
    .view(),
    served("SECURITY_TWO_FACTOR_REQUIRED", Flag, "false"),
    served("SECURITY_TWO_FACTOR_RESCUE_EMAIL", Flag, "true"),
    served(
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL_TEMPLATE",
        Text,
        r#""security/email/two_factor_rescue""#,
    ),
    served(
        "SECURITY_TWO_FACTOR_RESCUE_MAIL",
        Text,
        r#""no-reply@localhost""#,
    ),
    served("SECURITY_TWO_FACTOR_RESCUE_URL", Text, r#""/tf-rescue""#).path(),
    served("SECURITY_TWO_FACTOR_SELECT_URL", Text, r#""/tf-select""#).path(),
    served("SECURITY_TWO_FACTOR_SETUP_SALT", Text, r#""tf-setup-salt""#),
    served("SECURITY_TWO_FACTOR_SETUP_URL", Text, r#""/tf-setup""#).path(),
    served(
        "SECURITY_TWO_FACTOR_SETUP_WITHIN",
        Duration,
        r#""30 minutes""#,
    ),
    served("SECURITY_TWO_FACTOR_SMS_VALIDITY", Integer, "120").at_least(1),
    served(
        "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL",
        Text,
        r#""/tf-validate""#,
    )
    .path(),
    served(
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE",
        Table,
        r#"{ "httponly" = true, "secure" = true, "samesite" = "Strict" }"#,
    ),
    served(
        "SECURITY_TWO_FACTOR_VALIDITY_COOKIE_NAME",
        Text,
        r#""tf_validity""#,
    ),
    served(
        "SECURITY_TWO_FACTOR_VALIDITY_SALT",
        Text,
        r#""tf-validity-salt""#,
    ),
    served("SECURITY_UNIFIED_SIGNIN", Flag, "false"),
    served("SECURITY_US_EMAIL_SUBJECT", Text, r#""Your code""#).one_line(),
    served(
        "SECURITY_US_EMAIL_TEMPLATE",
        Text,
        r#""security/email/us_instructions""#,
    ),
    served(
        "SECURITY_US_ENABLED_METHODS",
        List,
        r#"["password", "email", "authenticator", "sms"]"#,
    )
    .words(&["password", "email", "authenticator", "sms"]),
    served("SECURITY_US_MFA_REQUIRED", List, r#"["password", "email"]"#).words(&[
        "password",
        "email",
        "authenticator",
        "sms",
    ]),
    pages("SECURITY_US_POST_SETUP_VIEW", Text, r#"".us_setup""#).view(),
    served("SECURITY_US_SETUP_SALT", Text, r#""us-setup-salt""#),
    served("SECURITY_US_SETUP_URL", Text, r#""/us-setup""#).path(),
    served("SECURITY_US_SETUP_WITHIN", Duration, r#""30 minutes""#),
    served("SECURITY_US_SIGNIN_REPLACES_LOGIN", Flag, "false"),
    served(
        "SECURITY_US_SIGNIN_SEND_CODE_URL",
        Text,
        r#""/us-signin/send-code""#,
    )
    .path(),
    served("SECURITY_US_SIGNIN_URL", Text, r#""/us-signin""#).path(),
    served("SECURITY_US_TOKEN_VALIDITY", Integer, "120").at_least(1),
    served("SECURITY_US_VERIFY_LINK_URL", Text, r#""/us-verify-link""#).path(),
    served(
        "SECURITY_US_VERIFY_SEND_CODE_URL",
        Text,
        r#""/us-verify/send-code""#,
    )
    .path(),
    served("SECURITY_US_VERIFY_URL", Text, r#""/us-verify""#).path(),
    served("SECURITY_WAN_ALLOW_AS_FIRST_FACTOR", Flag, "true"),
    served("SECURITY_WAN_ALLOW_AS_MULTI_FACTOR", Flag, "true"),
    served(
        "SECURITY_WAN_ALLOW_AS_VERIFY",
        List,
        r#"["first", "secondary"]"#,
    )
    .words(&["first", "secondary"]),
    served("SECURITY_WAN_ALLOW_USER_HINTS", Flag, "true"),
    served("SECURITY_WAN_CHALLENGE_BYTES", Integer, r#""""#).within(16, 1024),
    served("SECURITY_WAN_DELETE_URL", Text, r#""/wan-delete""#).path(),
    served(
        "SECURITY_WAN_NAME_ALLOWED_CHARS",
        List,
        r#"["L", "N", "Pc", "Pd", "Zs"]"#,
    ),
    served("SECURITY_WAN_NAME_MAX_LENGTH", Integer, "64").at_least(1),
    pages(
        "SECURITY_WAN_POST_REGISTER_VIEW",
        Text,
        r#"".wan_register""#,
    ),
    served("SECURITY_WAN_REGISTER_TIMEOUT", Integer, "60000").at_least(1),
    served("SECURITY_WAN_REGISTER_URL", Text, r#""/wan-register""#).path(),
    served("SECURITY_WAN_REGISTER_WITHIN", Duration, r#""30 minutes""#),
    served("SECURITY_WAN_RP_NAME", Text, r#""vestibule""#),
    served("SECURITY_WAN_SALT", Text, r#""wan-salt""#),
    served("SECURITY_WAN_SIGNIN_TIMEOUT", Integer, "60000").at_least(1),
    served("SECURITY_WAN_SIGNIN_URL", Text, r#""/wan-signin""#).path(),
    served("SECURITY_WAN_SIGNIN_WITHIN", Duration, r#""1 minutes""#),
    served("SECURITY_WAN_VERIFY_URL", Text, r#""/wan-verify""#).path(),
    served("SECURITY_WEBAUTHN", Flag, "false"),
];
