//! Names that the reference does not have.

use super::{Key, Kind::*, served};

/// How much a relying party asks for user verification (Web Authentication Level 3, section 5.8.6).
const VERIFICATION: &[&str] = &["required", "preferred", "discouraged"];

pub(super) const KEYS: &[Key] = &[
    served("DEBUG", Flag, "false"),
    served("MAIL_CA_FILE", Text, r#""""#),
    served("REFRESH_TABLE_NAME", Text, r#""fs_refresh_tracker""#),
    served("ROLES_USERS_TABLE_NAME", Text, r#""roles_users""#),
    served("ROLE_TABLE_NAME", Text, r#""role""#),
    served(
        "SECURITY_CHANGE_EMAIL_NOTICE_SUBJECT",
        Text,
        r#""Your email address was changed""#,
    )
    .one_line(),
    served(
        "SECURITY_CHANGE_EMAIL_NOTICE_TEMPLATE",
        Text,
        r#""security/email/change_email_notice""#,
    ),
    served("SECURITY_CHANGE_EMAIL_NOTIFY_OLD", Flag, "true"),
    served(
        "SECURITY_EMAIL_SUBJECT_FACTOR_ADDED_NOTICE",
        Text,
        r#""A sign-in method was added""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_FACTOR_REMOVED_NOTICE",
        Text,
        r#""A sign-in method was removed""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_NEW_DEVICE_NOTICE",
        Text,
        r#""Sign-in from a new device""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_RECOVERY_CODES_RENEWED_NOTICE",
        Text,
        r#""New recovery codes were created""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_SUBJECT_RECOVERY_CODE_USED_NOTICE",
        Text,
        r#""A recovery code was used""#,
    )
    .one_line(),
    served(
        "SECURITY_EMAIL_TEMPLATE_FACTOR_ADDED_NOTICE",
        Text,
        r#""security/email/factor_added_notice""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_FACTOR_REMOVED_NOTICE",
        Text,
        r#""security/email/factor_removed_notice""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_NEW_DEVICE_NOTICE",
        Text,
        r#""security/email/new_device_notice""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_RECOVERY_CODES_RENEWED_NOTICE",
        Text,
        r#""security/email/recovery_codes_renewed_notice""#,
    ),
    served(
        "SECURITY_EMAIL_TEMPLATE_RECOVERY_CODE_USED_NOTICE",
        Text,
        r#""security/email/recovery_code_used_notice""#,
    ),
    served("SECURITY_FACTOR_NOTICES", Flag, "true"),
    served("SECURITY_HEADERS", Table, "{}"),
    served("SECURITY_LIMITS", Text, r#""on""#).words(&["on", "log", "off"]),
    served("SECURITY_LIMIT_ADDRESS", Text, r#""100 per 15 minutes""#),
    served(
        "SECURITY_LIMIT_CODE",
        Text,
        r#""5 per 15 minutes; 20 per day""#,
    ),
    served(
        "SECURITY_LIMIT_PASSWORD",
        Text,
        r#""10 per 15 minutes; 50 per day""#,
    ),
    served(
        "SECURITY_LIMIT_SEND",
        Text,
        r#""5 per 15 minutes; 20 per day""#,
    ),
    served("SECURITY_LINKS_CONSUMED_BY", Text, r#""get""#).words(&["get", "post"]),
    served("SECURITY_NEW_DEVICE_NOTICE", Flag, "false"),
    served("SECURITY_OAUTH_AUTO_REGISTER", Flag, "false"),
    served("SECURITY_OAUTH_LINKING", Text, r#""address""#).words(&["address", "linked"]),
    served(
        "SECURITY_PASSWORD_BREACHED_ORIGIN",
        Text,
        r#""https://api.pwnedpasswords.com""#,
    ),
    served("SECURITY_POST_OAUTH_LINK_VIEW", Text, r#""""#).view(),
    served("SECURITY_PUBLIC_URL", Text, r#""""#),
    served("SECURITY_REFRESH_TOKEN_GRACE", Duration, "0"),
    served("SECURITY_TEMPLATES_FOLDER", Text, r#""""#),
    served("TRUSTED_PROXIES", List, "[]"),
    served("USER_TABLE_NAME", Text, r#""user""#),
    served("VESTIBULE_IDLE_TIMEOUT", Duration, r#""75 seconds""#),
    served("VESTIBULE_LISTEN", Text, r#""127.0.0.1:5000""#),
    served("VESTIBULE_LOG", Text, r#""info""#),
    served("VESTIBULE_LOG_FORMAT", Text, r#""text""#).words(&["text", "json"]),
    served("VESTIBULE_MAX_CONNECTIONS", Integer, r#""""#).within(1, 1_000_000),
    served("VESTIBULE_OUTBOX_LEASE", Duration, r#""5 minutes""#),
    served("VESTIBULE_REQUEST_TIMEOUT", Duration, r#""30 seconds""#),
    served("VESTIBULE_SOCKET_MODE", Text, r#""660""#).file_mode(),
    served("VESTIBULE_WRITE_TIMEOUT", Duration, r#""30 seconds""#),
    served(
        "SECURITY_WAN_FIRST_FACTOR_ATTACHMENT",
        Text,
        r#""cross-platform""#,
    )
    .words(&["any", "cross-platform", "platform"]),
    served(
        "SECURITY_WAN_FIRST_FACTOR_USER_VERIFICATION",
        Text,
        r#""preferred""#,
    )
    .words(VERIFICATION),
    served("SECURITY_WAN_ORIGINS", List, "[]"),
    served("SECURITY_WAN_RP_ID", Text, r#""""#),
    served(
        "SECURITY_WAN_SECOND_FACTOR_USER_VERIFICATION",
        Text,
        r#""discouraged""#,
    )
    .words(VERIFICATION),
    served("WEBAUTHN_TABLE_NAME", Text, r#""web_authn""#),
    served("SECURITY_TWO_FACTOR_SAME_CHANNEL", Text, r#""allow""#).words(&["allow", "refuse"]),
];
