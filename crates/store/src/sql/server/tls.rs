//! The TLS options of an address. Each option is supported or refused, and none is ignored.
//!
//! The drivers trust public certificate authorities in addition to the one that an address names.
//! The name in a certificate is therefore always verified: an attacker can get a valid certificate
//! for another name.

use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::sql::address::{canonical, malformed};

/// How a connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Without TLS.
    Off,
    /// With TLS if the server offers it; nothing is verified.
    Prefer,
    /// With TLS; nothing is verified.
    Require,
    /// With TLS; the certificate and the name in it are verified.
    Verify,
}

/// How to use TLS, and the files that it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tls {
    pub(super) mode: Mode,
    pub(super) ca: Option<PathBuf>,
    pub(super) cert: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
}

/// The TLS options of an address or of libpq's environment variables.
#[derive(Default)]
pub(super) struct TlsOptions(Vec<(String, &'static str, String)>);

/// Option names that errors may show. Other names are not shown, because part of a password that
/// was not encoded may be read as an option.
const NAMES: [(&str, &str); 33] = [
    ("channelbinding", "channel_binding"),
    ("gssdelegation", "gssdelegation"),
    ("gssencmode", "gssencmode"),
    ("gsslib", "gsslib"),
    ("requireauth", "require_auth"),
    ("requirepeer", "requirepeer"),
    ("requiressl", "requiressl"),
    ("ssl", "ssl"),
    ("sslca", "ssl_ca"),
    ("sslcapath", "ssl_capath"),
    ("sslcert", "sslcert"),
    ("sslcertmode", "sslcertmode"),
    ("sslcheckhostname", "ssl_check_hostname"),
    ("sslcipher", "ssl_cipher"),
    ("sslcompression", "sslcompression"),
    ("sslcrl", "sslcrl"),
    ("sslcrldir", "sslcrldir"),
    ("ssldisabled", "ssl_disabled"),
    ("sslkey", "sslkey"),
    ("sslkeypassword", "ssl_key_password"),
    ("sslmaxprotocolversion", "ssl_max_protocol_version"),
    ("sslminprotocolversion", "ssl_min_protocol_version"),
    ("sslmode", "sslmode"),
    ("sslnegotiation", "sslnegotiation"),
    ("sslpassword", "sslpassword"),
    ("sslrootcert", "sslrootcert"),
    ("sslsni", "sslsni"),
    ("sslverifycert", "ssl_verify_cert"),
    ("sslverifyidentity", "ssl_verify_identity"),
    ("tlsciphersuites", "tls_ciphersuites"),
    ("tlsversion", "tls_version"),
    ("tlsversions", "tls_versions"),
    ("usessl", "useSSL"),
];

/// libpq's environment variables. They replace options that an address does not have.
pub(super) const VARIABLES: [&str; 15] = [
    "PGSSLMODE",
    "PGSSLROOTCERT",
    "PGSSLCERT",
    "PGSSLKEY",
    "PGSSLCRL",
    "PGSSLCRLDIR",
    "PGSSLCERTMODE",
    "PGSSLNEGOTIATION",
    "PGSSLMINPROTOCOLVERSION",
    "PGSSLMAXPROTOCOLVERSION",
    "PGCHANNELBINDING",
    "PGGSSENCMODE",
    "PGREQUIREAUTH",
    "PGREQUIREPEER",
    "PGREQUIRESSL",
];

const SAY_VERIFY_FULL: &str = "write sslmode=verify-full, with sslrootcert=/path/to/ca.pem for a \
     certificate authority of your own";
const SAY_SSL_CA: &str =
    "write ssl_ca=/path/to/ca.pem, or ssl_mode=VERIFY_IDENTITY for a public certificate authority";

impl TlsOptions {
    /// Adds an option.
    ///
    /// # Errors
    /// When the address already has the option, in any spelling.
    pub(super) fn take(&mut self, name: &str, value: String) -> Result<(), StoreError> {
        let mut name = canonical(name);
        // asyncpg names the option `ssl`.
        if name == "ssl" && sslmode(&value).is_some() {
            "sslmode".clone_into(&mut name);
        }
        if let Some(shown) = self.shown(&name) {
            return Err(malformed(&format!(
                "has the option {shown} more than once: keep one"
            )));
        }
        let known = NAMES.iter().find(|(known, _)| *known == name);
        let shown = known.map_or("about TLS", |(_, shown)| *shown);
        self.0.push((name, shown, value));
        Ok(())
    }

    /// Adds one of libpq's environment variables, unless the address has the option.
    pub(super) fn take_variable(&mut self, variable: &'static str, value: String) {
        let name = canonical(variable.strip_prefix("PG").unwrap_or(variable));
        if self.shown(&name).is_none() {
            self.0.push((name, variable, value));
        }
    }

    fn shown(&self, name: &str) -> Option<&'static str> {
        let found = self.0.iter().find(|(known, ..)| known == name);
        found.map(|(_, shown, _)| *shown)
    }

    /// Interprets the options for PostgreSQL, as libpq does.
    pub(super) fn postgres(self) -> Result<Tls, StoreError> {
        let mut mode = None;
        let (mut ca, mut cert, mut key) = (None, None, None);
        let mut system = false;
        for (name, shown, value) in self.0 {
            let word = value.to_ascii_lowercase();
            let word = word.as_str();
            match name.as_str() {
                "sslmode" => {
                    let known = sslmode(&value).ok_or_else(|| {
                        unknown(shown, "disable, allow, prefer, require or verify-full")
                    })?;
                    mode = Some((known, shown));
                }
                "sslrootcert" if value == "system" => system = true,
                "sslrootcert" => ca = Some(file(shown, &value)?),
                "sslcert" => cert = Some(file(shown, &value)?),
                "sslkey" => key = Some(file(shown, &value)?),
                // These values request what happens anyway.
                "channelbinding" | "gssencmode" if matches!(word, "disable" | "prefer") => {}
                "sslcompression" | "requiressl" if word == "0" => {}
                "sslsni" if word == "1" => {}
                "sslnegotiation" if word == "postgres" => {}
                "sslcertmode" if word == "allow" => {}
                "sslminprotocolversion" if matches!(word, "tlsv1" | "tlsv1.1" | "tlsv1.2") => {}
                _ => return Err(refused(shown, SAY_VERIFY_FULL)),
            }
        }
        let has_ca = ca.is_some() || system;
        let mode = match (mode, has_ca) {
            (None, true) if system => Mode::Verify,
            // libpq verifies the certificate if a certificate authority is given.
            (Some((Mode::Require | Mode::Verify, _)), true) => Mode::Verify,
            (_, true) => {
                return Err(malformed(
                    "has sslrootcert, and nothing is verified with it: add sslmode=verify-full",
                ));
            }
            (Some((Mode::Off, shown)), false) if cert.is_some() => {
                return Err(malformed(&format!(
                    "has sslcert, and {shown} switches TLS off: take one of them out"
                )));
            }
            (Some((mode, _)), false) => mode,
            (None, false) if cert.is_some() => Mode::Require,
            (None, false) => Mode::Prefer,
        };
        Tls::new(mode, ca, cert, key, ("sslcert", "sslkey"))
    }

    /// Interprets the options for MySQL and MariaDB, as SQLAlchemy, PyMySQL and MySQL's own
    /// programs do.
    pub(super) fn mysql(self) -> Result<Tls, StoreError> {
        let mut mode = None;
        let (mut ca, mut cert, mut key) = (None, None, None);
        // Whether options require verification, and the last option that disables it.
        let (mut verify, mut lax) = (false, None);
        let mut disabled = false;
        for (name, shown, value) in self.0 {
            match name.as_str() {
                "sslmode" => {
                    mode = Some(ssl_mode(&value).ok_or_else(|| {
                        unknown(
                            "ssl_mode",
                            "DISABLED, PREFERRED, REQUIRED or VERIFY_IDENTITY",
                        )
                    })?);
                }
                "sslca" => ca = Some(file(shown, &value)?),
                "sslcert" => cert = Some(file("ssl_cert", &value)?),
                "sslkey" => key = Some(file("ssl_key", &value)?),
                "sslverifycert" | "sslverifyidentity" | "sslcheckhostname" => {
                    if flag(shown, &value)? {
                        verify = true;
                    } else {
                        lax = Some(shown);
                    }
                }
                "ssldisabled" => disabled = flag(shown, &value)?,
                _ => return Err(refused(shown, SAY_SSL_CA)),
            }
        }
        let verified = ca.is_some() || verify || mode == Some(Mode::Verify);
        if let Some(shown) = lax
            && verified
        {
            return Err(malformed(&format!(
                "has {shown} beside options that verify the server: the name in the certificate \
                 is always verified with it, so take {shown} out"
            )));
        }
        let wanted = verified || cert.is_some() || key.is_some() || lax.is_some();
        let off = disabled || mode == Some(Mode::Off);
        let mode = match mode {
            _ if off && wanted || disabled && mode.is_some_and(|mode| mode != Mode::Off) => {
                return Err(malformed(
                    "switches TLS off, and has options that need it: take one of them out",
                ));
            }
            _ if off => Mode::Off,
            Some(Mode::Prefer) if wanted => {
                return Err(malformed(
                    "has ssl_mode=PREFERRED, and options that need TLS: write VERIFY_IDENTITY",
                ));
            }
            _ if verified => Mode::Verify,
            Some(mode) => mode,
            None if wanted => Mode::Require,
            None => Mode::Prefer,
        };
        Tls::new(mode, ca, cert, key, ("ssl_cert", "ssl_key"))
    }
}

impl Tls {
    /// No TLS.
    pub(super) fn off() -> Self {
        Self {
            mode: Mode::Off,
            ca: None,
            cert: None,
            key: None,
        }
    }

    fn new(
        mode: Mode,
        ca: Option<PathBuf>,
        cert: Option<PathBuf>,
        key: Option<PathBuf>,
        (cert_name, key_name): (&str, &str),
    ) -> Result<Self, StoreError> {
        if cert.is_some() != key.is_some() {
            return Err(malformed(&format!(
                "has one of {cert_name} and {key_name}: a client's certificate needs both"
            )));
        }
        Ok(Self {
            mode,
            ca,
            cert,
            key,
        })
    }

    /// Checks that every file can be read and holds a certificate or private key in PEM form.
    ///
    /// # Errors
    /// When a file does not. The error names it.
    pub(super) fn check_files(&self) -> Result<(), StoreError> {
        let files = [
            (&self.ca, "CERTIFICATE"),
            (&self.cert, "CERTIFICATE"),
            (&self.key, "PRIVATE KEY"),
        ];
        for (path, kind) in files {
            if let Some(path) = path {
                check_file(path, kind)?;
            }
        }
        Ok(())
    }
}

fn check_file(path: &Path, kind: &str) -> Result<(), StoreError> {
    let shown = path.display();
    let text = std::fs::read(path).map_err(|error| {
        malformed(&format!(
            "names a file that cannot be read: {shown}: {error}"
        ))
    })?;
    let text = String::from_utf8_lossy(&text);
    let begins = |line: &str| line.starts_with("-----BEGIN ") && line.contains(kind);
    let Some(line) = text.lines().find(|line| begins(line)) else {
        return Err(malformed(&format!(
            "names a file without a {} in PEM form: {shown}",
            kind.to_ascii_lowercase()
        )));
    };
    if line.contains("ENCRYPTED") || text.contains("Proc-Type: 4,ENCRYPTED") {
        return Err(malformed(&format!(
            "names a private key that is encrypted, which cannot be read: {shown}"
        )));
    }
    Ok(())
}

/// The path of a file. The text of a certificate or key is refused.
fn file(shown: &str, value: &str) -> Result<PathBuf, StoreError> {
    if value.is_empty() || value.contains("-----") {
        return Err(malformed(&format!(
            "has an option {shown} that names no file"
        )));
    }
    Ok(PathBuf::from(value))
}

fn sslmode(word: &str) -> Option<Mode> {
    Some(match word.to_ascii_lowercase().as_str() {
        // With `allow`, libpq tries without TLS first: the server decides whether to accept that.
        "disable" | "allow" => Mode::Off,
        "prefer" => Mode::Prefer,
        "require" => Mode::Require,
        "verify-ca" | "verify-full" => Mode::Verify,
        _ => return None,
    })
}

fn ssl_mode(word: &str) -> Option<Mode> {
    Some(match canonical(word).as_str() {
        "disabled" => Mode::Off,
        "preferred" => Mode::Prefer,
        "required" => Mode::Require,
        "verifyca" | "verifyidentity" => Mode::Verify,
        _ => return None,
    })
}

fn flag(shown: &str, word: &str) -> Result<bool, StoreError> {
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" | "t" | "1" => Ok(true),
        "false" | "no" | "off" | "n" | "f" | "0" => Ok(false),
        _ => Err(unknown(shown, "true or false")),
    }
}

fn unknown(shown: &str, words: &str) -> StoreError {
    malformed(&format!(
        "has an option {shown} with a value that is not known: write {words}"
    ))
}

fn refused(shown: &str, fix: &str) -> StoreError {
    malformed(&format!(
        "has an option {shown} that is not supported here, and it is not safe to pass it over: \
         take it out, and {fix}"
    ))
}
