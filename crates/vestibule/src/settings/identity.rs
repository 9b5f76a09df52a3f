//! What identifies a user.

use vestibule_formats::text::email::EmailOptions;
use vestibule_formats::text::normalise::Form;
use vestibule_formats::text::username::UsernameOptions;

use super::reader::Reader;
use super::value::IdentityAttribute;

/// `SECURITY_USER_IDENTITY_ATTRIBUTES` and the rules for each.
#[derive(Debug, Clone)]
pub struct IdentitySettings {
    attributes: Vec<IdentityAttribute>,
    /// Whether users can have names.
    pub username_enable: bool,
    /// The rules for names.
    pub username_options: UsernameOptions,
    /// The rules for addresses.
    pub email_options: EmailOptions,
}

impl IdentitySettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const KEY: &str = "SECURITY_USER_IDENTITY_ATTRIBUTES";
        let mut attributes = reader.identities(KEY);
        for attribute in &attributes {
            if !["email", "username", "us_phone_number"].contains(&attribute.name.as_str()) {
                reader.problem(
                    KEY,
                    format!("{:?} is not an attribute", attribute.name),
                    "write email, username or us_phone_number",
                );
            }
        }
        let username_enable = reader.flag("SECURITY_USERNAME_ENABLE");
        if username_enable
            && !attributes
                .iter()
                .any(|attribute| attribute.name == "username")
        {
            attributes.push(IdentityAttribute {
                name: "username".to_owned(),
                ignore_case: true,
            });
        }
        let forms = [
            ("NFC", Form::Nfc),
            ("NFD", Form::Nfd),
            ("NFKC", Form::Nfkc),
            ("NFKD", Form::Nfkd),
        ];
        Self {
            attributes,
            username_enable,
            username_options: UsernameOptions {
                allowed_categories: reader.list("SECURITY_USERNAME_ALLOWED_CHARS"),
                min_length: reader.size("SECURITY_USERNAME_MIN_LENGTH"),
                max_length: reader.size("SECURITY_USERNAME_MAX_LENGTH"),
                form: reader.word("SECURITY_INPUT_NORMALIZE_FORM", &forms),
            },
            email_options: email_options(reader),
        }
    }

    /// The attributes' names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .map(|attribute| attribute.name.as_str())
    }

    /// Whether users are found by this attribute.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attributes
            .iter()
            .any(|attribute| attribute.name == name)
    }

    /// Whether upper and lower case are one in this attribute.
    #[must_use]
    pub fn ignores_case(&self, name: &str) -> bool {
        self.attributes
            .iter()
            .any(|attribute| attribute.name == name && attribute.ignore_case)
    }
}

/// The arguments of Python's `email_validator` that change what an address may be.
fn email_options(reader: &mut Reader<'_>) -> EmailOptions {
    const KEY: &str = "SECURITY_EMAIL_VALIDATOR_ARGS";
    let mut options = EmailOptions::default();
    for (name, value) in reader.table(KEY) {
        let flag = value.as_bool();
        match (name.as_str(), flag) {
            ("allow_smtputf8", Some(flag)) => options.allow_smtputf8 = flag,
            ("strict", Some(flag)) => options.strict = flag,
            ("test_environment", Some(flag)) => options.test_environment = flag,
            ("globally_deliverable", Some(flag)) => options.globally_deliverable = flag,
            // These matter when mail is sent, or say what holds anyway.
            ("check_deliverability", Some(_))
            | ("timeout" | "dns_resolver", _)
            | (
                "allow_quoted_local" | "allow_domain_literal" | "allow_empty_local"
                | "allow_display_name",
                Some(false),
            ) => {}
            _ => reader.problem(
                KEY,
                format!("{name} = {value} is not served"),
                "leave it out; allow_smtputf8, strict, test_environment and globally_deliverable can be set",
            ),
        }
    }
    options
}
