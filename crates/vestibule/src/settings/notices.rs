//! Settings of the notices about sign-in methods, recovery codes and new devices.

use super::accounts::{MailTemplate, mail};
use super::reader::Reader;

/// Settings of the notices: `SECURITY_FACTOR_NOTICES`, `SECURITY_NEW_DEVICE_NOTICE`, and the
/// templates and subjects of the mails.
#[derive(Debug, Clone)]
pub struct NoticeSettings {
    /// Whether users get a notice when a sign-in method is added or removed, and when their recovery
    /// codes are created or used.
    pub factors: bool,
    /// Whether users get a notice of a sign-in from a new device.
    pub new_device: bool,
    /// A sign-in method was added.
    pub factor_added: MailTemplate,
    /// A sign-in method was removed.
    pub factor_removed: MailTemplate,
    /// New recovery codes were created.
    pub recovery_codes_renewed: MailTemplate,
    /// A recovery code was used.
    pub recovery_code_used: MailTemplate,
    /// Someone signed in from a new device.
    pub new_device_template: MailTemplate,
}

impl NoticeSettings {
    pub(super) fn read(reader: &Reader<'_>) -> Self {
        Self {
            factors: reader.flag("SECURITY_FACTOR_NOTICES"),
            new_device: reader.flag("SECURITY_NEW_DEVICE_NOTICE"),
            factor_added: mail(
                reader,
                "SECURITY_EMAIL_TEMPLATE_FACTOR_ADDED_NOTICE",
                "SECURITY_EMAIL_SUBJECT_FACTOR_ADDED_NOTICE",
            ),
            factor_removed: mail(
                reader,
                "SECURITY_EMAIL_TEMPLATE_FACTOR_REMOVED_NOTICE",
                "SECURITY_EMAIL_SUBJECT_FACTOR_REMOVED_NOTICE",
            ),
            recovery_codes_renewed: mail(
                reader,
                "SECURITY_EMAIL_TEMPLATE_RECOVERY_CODES_RENEWED_NOTICE",
                "SECURITY_EMAIL_SUBJECT_RECOVERY_CODES_RENEWED_NOTICE",
            ),
            recovery_code_used: mail(
                reader,
                "SECURITY_EMAIL_TEMPLATE_RECOVERY_CODE_USED_NOTICE",
                "SECURITY_EMAIL_SUBJECT_RECOVERY_CODE_USED_NOTICE",
            ),
            new_device_template: mail(
                reader,
                "SECURITY_EMAIL_TEMPLATE_NEW_DEVICE_NOTICE",
                "SECURITY_EMAIL_SUBJECT_NEW_DEVICE_NOTICE",
            ),
        }
    }
}
