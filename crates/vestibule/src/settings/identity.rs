//! Settings of the attributes that identify a user.

use std::time::Duration;

use vestibule_formats::text::email::EmailOptions;
use vestibule_formats::text::normalise::Form;
use vestibule_formats::text::phone::Region;
use vestibule_formats::text::username::UsernameOptions;

use vestibule_store::Identity;

use super::reader::Reader;
use super::value::IdentityAttribute;

/// Settings of identity attributes: `SECURITY_USER_IDENTITY_ATTRIBUTES` and the rules for each.
#[derive(Debug, Clone)]
pub struct IdentitySettings {
    attributes: Vec<IdentityAttribute>,
    /// Whether users can have usernames.
    pub username_enable: bool,
    /// The rules for usernames.
    pub username_options: UsernameOptions,
    /// The rules for addresses.
    pub email_options: EmailOptions,
    /// How long to look up the mail servers of an address; `None` if they are not looked up.
    pub deliverability: Option<Duration>,
    /// The region of phone numbers without a country code; without it, such numbers are invalid.
    pub phone_region: Option<Region>,
}

impl IdentitySettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        const KEY: &str = "SECURITY_USER_IDENTITY_ATTRIBUTES";
        let mut attributes = reader.identities(KEY);
        for attribute in &attributes {
            if !["email", "username", "us_phone_number"].contains(&attribute.name.as_str()) {
                reader.problem(
                    KEY,
                    format!("{:?} is not an identity attribute", attribute.name),
                    "use email, username or us_phone_number",
                );
            }
        }
        if attributes.is_empty() {
            reader.problem(
                KEY,
                "is empty: no user could sign in",
                "add an attribute such as \"email\"",
            );
        }
        for (at, attribute) in attributes.iter().enumerate() {
            if attributes[..at]
                .iter()
                .any(|other| other.name == attribute.name)
            {
                reader.problem(
                    KEY,
                    format!("{:?} is repeated", attribute.name),
                    "list each attribute once",
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
        let (min_length, max_length) = (
            reader.size("SECURITY_USERNAME_MIN_LENGTH", 0),
            reader.size("SECURITY_USERNAME_MAX_LENGTH", 1),
        );
        if min_length > max_length {
            reader.problem(
                "SECURITY_USERNAME_MIN_LENGTH",
                "is more than SECURITY_USERNAME_MAX_LENGTH: no username could be valid",
                "lower it",
            );
        }
        Self {
            attributes,
            username_enable,
            username_options: UsernameOptions {
                allowed_categories: categories(reader, "SECURITY_USERNAME_ALLOWED_CHARS"),
                min_length,
                max_length,
                form: reader.word("SECURITY_INPUT_NORMALIZE_FORM", &forms),
            },
            email_options: email_options(reader),
            deliverability: deliverability(reader),
            phone_region: phone_region(reader),
        }
    }

    /// The names of the attributes, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.attributes
            .iter()
            .map(|attribute| attribute.name.as_str())
    }

    /// The attributes, in order.
    pub fn attributes(&self) -> impl Iterator<Item = Identity> {
        const ALL: [Identity; 3] = [Identity::Email, Identity::Username, Identity::Phone];
        self.names()
            .filter_map(|name| ALL.into_iter().find(|attribute| attribute.column() == name))
    }

    /// Whether users can be looked up by this attribute.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.attributes
            .iter()
            .any(|attribute| attribute.name == name)
    }

    /// Whether this attribute ignores case.
    #[must_use]
    pub fn ignores_case(&self, name: &str) -> bool {
        self.attributes
            .iter()
            .any(|attribute| attribute.name == name && attribute.ignore_case)
    }
}

/// Reads Unicode general categories, in full or by their first letter.
pub(super) fn categories(reader: &mut Reader<'_>, key: &str) -> Vec<String> {
    const KNOWN: [(&str, &str); 7] = [
        ("L", "ulmto"),
        ("M", "nce"),
        ("N", "dlo"),
        ("P", "cdseifo"),
        ("S", "mcko"),
        ("Z", "slp"),
        ("C", "cfson"),
    ];
    let categories = reader.list(key);
    for category in &categories {
        let known = KNOWN.iter().any(|(major, minors)| {
            category.strip_prefix(major).is_some_and(|minor| {
                minor.is_empty() || (minor.len() == 1 && minors.contains(minor))
            })
        });
        if !known {
            reader.problem(
                key,
                format!("{category:?} is not a Unicode category"),
                "use categories such as \"L\" (letters), \"N\" (numbers) or \"Pd\" (dashes)",
            );
        }
    }
    categories
}

/// Reads `SECURITY_PHONE_REGION_DEFAULT`.
fn phone_region(reader: &mut Reader<'_>) -> Option<Region> {
    const KEY: &str = "SECURITY_PHONE_REGION_DEFAULT";
    let code = reader.optional_text(KEY)?;
    let region = Region::from_code(&code);
    if region.is_none() {
        reader.problem(
            KEY,
            format!("{code:?} is not a region that has phone numbers"),
            "write two capital letters (ISO 3166), such as \"US\" or \"GB\"",
        );
    }
    region
}

/// Reads the arguments of Python's `email_validator` that make it query the DNS.
fn deliverability(reader: &mut Reader<'_>) -> Option<Duration> {
    const KEY: &str = "SECURITY_EMAIL_VALIDATOR_ARGS";
    const USUAL: i64 = 5;
    let arguments = reader.table(KEY);
    let seconds = match arguments.get("timeout") {
        None => USUAL,
        Some(value) => value.as_integer().unwrap_or(0),
    };
    if !(1..=30).contains(&seconds) {
        reader.problem(
            KEY,
            "contains a timeout that is out of range",
            "write a number of seconds from 1 to 30",
        );
    }
    let asked = arguments.get("check_deliverability")?.as_bool()?;
    if asked && cfg!(not(feature = "deliverability")) {
        reader.problem(
            KEY,
            "contains check_deliverability, but this program was built without it",
            "build the program with the feature deliverability, or remove the option",
        );
    }
    asked.then(|| Duration::from_secs(seconds.unsigned_abs()))
}

/// Reads the arguments of Python's `email_validator` that change which addresses are valid.
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
            // These are read elsewhere, or state what is always true.
            ("check_deliverability", Some(_))
            | ("timeout" | "dns_resolver", _)
            | (
                "allow_quoted_local" | "allow_domain_literal" | "allow_empty_local"
                | "allow_display_name",
                Some(false),
            ) => {}
            _ => reader.problem(
                KEY,
                format!("{name} = {value} is not supported"),
                "remove it; the supported options are allow_smtputf8, strict, test_environment, globally_deliverable, check_deliverability and timeout",
            ),
        }
    }
    options
}
