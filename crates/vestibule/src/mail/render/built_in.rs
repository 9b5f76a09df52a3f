//! The templates that are compiled in.

/// Lists the names of the files with their contents.
macro_rules! templates {
    ($($file:literal),* $(,)?) => {
        /// The files by name: the path as in the settings, with `.txt` or `.html`.
        pub(crate) const TEMPLATES: &[(&str, &str)] = &[
            $((
                concat!("security/email/", $file),
                include_str!(concat!("../templates/", $file)),
            ),)*
        ];
    };
}

templates! {
    "base.html",
    "button.html",
    "change_email_instructions.html",
    "change_email_instructions.txt",
    "change_email_notice.html",
    "change_email_notice.txt",
    "change_notice.html",
    "change_notice.txt",
    "change_username_notice.html",
    "change_username_notice.txt",
    "code.html",
    "confirmation_instructions.html",
    "confirmation_instructions.txt",
    "factor_added_notice.html",
    "factor_added_notice.txt",
    "factor_removed_notice.html",
    "factor_removed_notice.txt",
    "login_instructions.html",
    "login_instructions.txt",
    "new_device_notice.html",
    "new_device_notice.txt",
    "recovery_code_used_notice.html",
    "recovery_code_used_notice.txt",
    "recovery_codes_renewed_notice.html",
    "recovery_codes_renewed_notice.txt",
    "reset_instructions.html",
    "reset_instructions.txt",
    "reset_notice.html",
    "reset_notice.txt",
    "two_factor_instructions.html",
    "two_factor_instructions.txt",
    "two_factor_rescue.html",
    "two_factor_rescue.txt",
    "us_instructions.html",
    "us_instructions.txt",
    "username_recovery.html",
    "username_recovery.txt",
    "welcome.html",
    "welcome.txt",
    "welcome_existing.html",
    "welcome_existing.txt",
    "welcome_existing_username.html",
    "welcome_existing_username.txt",
}

/// The contents of the file with this name.
pub(crate) fn find(name: &str) -> Option<&'static str> {
    TEMPLATES
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, source)| *source)
}
