//! Settings of passwords, and the secret keys.

use secrecy::{ExposeSecret, SecretString};
use toml::{Table, Value};
use vestibule_formats::hash::{
    Argon2Options, Argon2Type, HashError, Hasher, HasherOptions, Scheme, SingleHash,
};
use vestibule_formats::text::normalise::Form;

use super::password_rules::{self, BreachedSettings};
use super::reader::Reader;

/// The maximum length of a password in characters, the same as the reference's.
pub(crate) const LONGEST_PASSWORD: usize = 128;

/// Secrets: `SECRET_KEY`, its fallbacks, and the password salt.
#[derive(Debug, Clone)]
pub struct SecretSettings {
    /// The key that signs cookies and tokens.
    pub secret_key: SecretString,
    /// Previous keys that are still accepted.
    pub fallbacks: Vec<SecretString>,
    /// The HMAC key that is applied to a password before it is hashed.
    pub password_salt: Option<SecretString>,
}

/// Settings of passwords: `SECURITY_PASSWORD_*`.
#[derive(Debug, Clone)]
pub struct PasswordSettings {
    /// The minimum length of a new password, in characters.
    pub length_min: usize,
    /// The minimum zxcvbn score; `None` if the score is not checked.
    pub complexity: Option<u8>,
    /// The lookup in the list of breached passwords; `None` if it is not done.
    pub breached: Option<BreachedSettings>,
    /// The Unicode form that passwords are normalised to before hashing.
    pub normalize_form: Option<Form>,
    single_hash: SingleHash,
    argon2: Argon2Options,
    /// The scheme for new hashes if it is not argon2, and its rounds if they are set.
    other_scheme: Option<(Scheme, Option<u32>)>,
    /// Schemes whose hashes are not upgraded, and the rounds that they need if those are set.
    kept_schemes: Vec<(Scheme, Option<u32>)>,
}

impl SecretSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        let secret_key = reader.secret("SECRET_KEY").unwrap_or_else(|| {
            reader.problem(
                "SECRET_KEY",
                "is not set",
                "run `vestibule secrets generate` and store its output",
            );
            SecretString::from(String::new())
        });
        let text = secret_key.expose_secret();
        if !text.is_empty() && text.len() < 16 {
            reader.problem(
                "SECRET_KEY",
                "is shorter than 16 characters: an attacker could guess it",
                "run `vestibule secrets generate`, and keep the old key in SECRET_KEY_FALLBACKS for a while",
            );
        }
        let fallbacks = reader.secrets("SECRET_KEY_FALLBACKS");
        if fallbacks.iter().any(|key| key.expose_secret().is_empty()) {
            reader.problem(
                "SECRET_KEY_FALLBACKS",
                "contains an empty key: anyone could sign sessions with it",
                "remove it",
            );
        }
        Self {
            fallbacks,
            password_salt: reader.secret("SECURITY_PASSWORD_SALT"),
            secret_key,
        }
    }
}

impl PasswordSettings {
    pub(super) fn read(reader: &mut Reader<'_>, secrets: &SecretSettings) -> Self {
        let forms = [
            ("NFC", Form::Nfc),
            ("NFD", Form::Nfd),
            ("NFKC", Form::Nfkc),
            ("NFKD", Form::Nfkd),
        ];
        let single_hash = single_hash(reader);
        let scheme = scheme(reader);
        let doubles = match &single_hash {
            SingleHash::Always => false,
            SingleHash::Schemes(names) => !names.iter().any(|name| name == scheme.name()),
        };
        if doubles && secrets.password_salt.is_none() {
            reader.problem(
                "SECURITY_PASSWORD_SALT",
                "is not set, but passwords are hashed twice",
                "run `vestibule secrets generate`, or set SECURITY_PASSWORD_SINGLE_HASH = true",
            );
        }
        let length_min = reader.size("SECURITY_PASSWORD_LENGTH_MIN", 0);
        if length_min > LONGEST_PASSWORD {
            reader.problem(
                "SECURITY_PASSWORD_LENGTH_MIN",
                format!("{length_min} is more than {LONGEST_PASSWORD}, the maximum length: no password would be accepted"),
                "write a number from 8 to 64, or remove it",
            );
        }
        Self {
            length_min,
            complexity: password_rules::complexity(reader),
            breached: password_rules::breached(reader),
            normalize_form: reader.word("SECURITY_PASSWORD_NORMALIZE_FORM", &forms),
            single_hash,
            argon2: argon2(reader),
            other_scheme: other_scheme(reader, scheme),
            kept_schemes: kept_schemes(reader, scheme),
        }
    }

    /// The hasher for these settings.
    ///
    /// # Errors
    /// If the parameters of the scheme are inconsistent.
    pub fn hasher(&self, salt: Option<&SecretString>) -> Result<Hasher, HashError> {
        let options = HasherOptions {
            salt: salt.map(ExposeSecret::expose_secret),
            single_hash: self.single_hash.clone(),
            argon2: self.argon2,
        };
        let hasher = Hasher::new(&options);
        let hasher = match self.other_scheme {
            Some((scheme, rounds)) => hasher.and_then(|hasher| hasher.making(scheme, rounds)),
            None => hasher,
        };
        self.kept_schemes
            .iter()
            .fold(hasher, |hasher, (scheme, rounds)| {
                hasher?.keeping(*scheme, *rounds)
            })
    }
}

fn single_hash(reader: &mut Reader<'_>) -> SingleHash {
    const KEY: &str = "SECURITY_PASSWORD_SINGLE_HASH";
    match reader.any(KEY) {
        Some(Value::Boolean(true)) => SingleHash::Always,
        Some(Value::Boolean(false)) | None => SingleHash::Schemes(vec!["plaintext".to_owned()]),
        Some(other) => {
            if let Some(names) = super::value::texts(&other) {
                return SingleHash::Schemes(names);
            }
            reader.problem(
                KEY,
                "is neither true, false nor a list",
                "write a list of schemes",
            );
            SingleHash::Schemes(Vec::new())
        }
    }
}

/// The scheme for new hashes.
fn scheme(reader: &mut Reader<'_>) -> Scheme {
    const KEY: &str = "SECURITY_PASSWORD_HASH";
    let name = reader.text(KEY);
    let enabled = reader.list("SECURITY_PASSWORD_SCHEMES");
    let scheme = Scheme::from_name(&name).filter(|scheme| scheme.can_make());
    if !enabled.contains(&name) {
        reader.problem(
            KEY,
            format!("{name:?} is not one of SECURITY_PASSWORD_SCHEMES"),
            format!("use one of {}", enabled.join(", ")),
        );
    } else if scheme.is_none() {
        let existing = if Scheme::from_name(&name).is_some() {
            "existing hashes are still verified, and replaced at the next sign-in"
        } else if name == "plaintext" {
            "existing plain-text passwords are not accepted, so these users have to reset their passwords"
        } else {
            "existing hashes of that scheme cannot be verified, so these users have to reset their passwords"
        };
        reader.problem(
            KEY,
            format!("{name:?} is not a scheme for new passwords"),
            format!("use \"argon2\"; {existing}"),
        );
    }
    scheme.unwrap_or(Scheme::Argon2)
}

/// The scheme for new hashes if it is not argon2, and its rounds.
fn other_scheme(reader: &mut Reader<'_>, scheme: Scheme) -> Option<(Scheme, Option<u32>)> {
    if scheme == Scheme::Argon2 {
        return None;
    }
    Some((scheme, rounds(reader, scheme)))
}

/// The schemes whose hashes are not upgraded at the next sign-in: none, or those that an explicit
/// list of deprecated schemes leaves out.
fn kept_schemes(reader: &mut Reader<'_>, default: Scheme) -> Vec<(Scheme, Option<u32>)> {
    const KEY: &str = "SECURITY_DEPRECATED_PASSWORD_SCHEMES";
    let deprecated = reader.list(KEY);
    if deprecated.iter().any(|name| name == "auto") {
        if deprecated.len() > 1 {
            reader.problem(
                KEY,
                "contains \"auto\" and other schemes",
                "write [\"auto\"] for all schemes but SECURITY_PASSWORD_HASH, or list the schemes",
            );
        }
        return Vec::new();
    }
    let accepted = reader.list("SECURITY_PASSWORD_SCHEMES");
    for name in &deprecated {
        if name == default.name() {
            reader.problem(
                KEY,
                format!("{name:?} is the scheme for new passwords"),
                "remove it, or set SECURITY_PASSWORD_HASH to another scheme",
            );
        } else if !accepted.contains(name) {
            reader.problem(
                KEY,
                format!("{name:?} is not one of SECURITY_PASSWORD_SCHEMES"),
                format!("use one of {}, or \"auto\"", accepted.join(", ")),
            );
        }
    }
    accepted
        .iter()
        .filter(|name| !deprecated.contains(name))
        .filter_map(|name| Scheme::from_name(name))
        .filter(|scheme| *scheme != default)
        .map(|scheme| (scheme, rounds(reader, scheme)))
        .collect()
}

/// The options of all schemes as `scheme__option`. `PASSWORD_HASH_PASSLIB_OPTIONS` has them in this
/// form, the older `PASSWORD_HASH_OPTIONS` as a table for each scheme.
fn hash_options(reader: &Reader<'_>) -> Table {
    let mut options = reader.table("SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS");
    for (scheme, own) in reader.table("SECURITY_PASSWORD_HASH_OPTIONS") {
        for (name, value) in own.as_table().into_iter().flatten() {
            options.insert(format!("{scheme}__{name}"), value.clone());
        }
    }
    options
}

/// Reads `bcrypt__rounds` and the like, for schemes whose only option is the rounds.
fn rounds(reader: &mut Reader<'_>, scheme: Scheme) -> Option<u32> {
    const KEY: &str = "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS";
    if scheme == Scheme::Argon2 || !scheme.can_make() {
        return None;
    }
    let name = format!("{}__rounds", scheme.name());
    let rounds = hash_options(reader).get(&name).map(|value| {
        value
            .as_integer()
            .and_then(|rounds| u32::try_from(rounds).ok())
    });
    let check = HasherOptions {
        salt: None,
        single_hash: SingleHash::Always,
        argon2: Argon2Options::default(),
    };
    let made = Hasher::new(&check).and_then(|hasher| hasher.making(scheme, rounds.flatten()));
    if made.is_err() || rounds == Some(None) {
        reader.problem(KEY, format!("{name} is out of range"), "remove it");
    }
    rounds.flatten()
}

/// Reads `argon2__time_cost` and the like, as libpass does.
fn argon2(reader: &mut Reader<'_>) -> Argon2Options {
    const KEY: &str = "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS";
    let mut options = Argon2Options::default();
    for (name, value) in hash_options(reader) {
        if !name.contains("__") {
            reader.problem(
                KEY,
                format!("{name:?} does not name a scheme"),
                "use the form scheme__option, such as argon2__time_cost",
            );
        }
        let Some(name) = name.strip_prefix("argon2__") else {
            continue;
        };
        let number = value
            .as_integer()
            .and_then(|number| u32::try_from(number).ok());
        match (name, number, value.as_str()) {
            ("memory_cost", Some(number), _) => options.memory_cost = number,
            ("time_cost" | "rounds", Some(number), _) => options.time_cost = number,
            ("parallelism", Some(number), _) => options.parallelism = number,
            ("digest_size" | "hash_len", Some(number), _) => {
                options.digest_bytes = usize::try_from(number).unwrap_or(usize::MAX);
            }
            ("type", _, Some(kind)) if kind.eq_ignore_ascii_case("id") => {
                options.kind = Argon2Type::Id;
            }
            ("type", _, Some(kind)) if kind.eq_ignore_ascii_case("i") => {
                options.kind = Argon2Type::I;
            }
            ("type", _, Some(kind)) if kind.eq_ignore_ascii_case("d") => {
                options.kind = Argon2Type::D;
            }
            _ => reader.problem(
                KEY,
                format!("argon2__{name} is not a valid option"),
                "use memory_cost (in KiB), time_cost, parallelism, digest_size or type",
            ),
        }
    }
    let check = HasherOptions {
        salt: None,
        single_hash: SingleHash::Always,
        argon2: options,
    };
    if Hasher::new(&check).is_err() {
        reader.problem(
            KEY,
            "the argon2 parameters do not fit together",
            "set memory_cost to at least 8 times parallelism, and time_cost to at least 1",
        );
    }
    options
}
