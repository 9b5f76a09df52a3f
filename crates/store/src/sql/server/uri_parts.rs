//! Splits the address of a server into its decoded parts.

use percent::decoded;

use crate::StoreError;
use crate::sql::address::malformed;

/// The parts after `://`. It has no `Debug`, because it holds a password.
#[derive(Default)]
pub(super) struct UriParts<'a> {
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    pub(super) host: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) database: Option<String>,
    /// The text after the question mark, still encoded.
    pub(super) query: &'a str,
}

/// The error for a character that is not percent-encoded.
fn not_encoded() -> StoreError {
    malformed(
        "has a character in its user name or password that must be percent-encoded, or a port \
         that is no number: write @ as %40, # as %23, / as %2F, ? as %3F, : as %3A and % as %25",
    )
}

impl<'a> UriParts<'a> {
    /// Splits an address. It is refused if its password could end in two places.
    pub(super) fn of(rest: &'a str) -> Result<Self, StoreError> {
        if rest.contains('#') || !percent::is_sound(rest) {
            return Err(not_encoded());
        }
        let (before, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = before.split_once('/').unwrap_or((before, ""));
        let (credentials, place) = match authority.rsplit_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, authority),
        };
        if path.contains('@') || credentials.is_some_and(|text| text.contains('@')) {
            return Err(not_encoded());
        }
        let mut parts = Self {
            query,
            database: Some(decoded(path)?).filter(|name| !name.is_empty()),
            ..Self::default()
        };
        if let Some(credentials) = credentials {
            let (user, password) = match credentials.split_once(':') {
                Some((user, password)) => (user, Some(password)),
                None => (credentials, None),
            };
            parts.user = Some(decoded(user)?).filter(|user| !user.is_empty());
            let password = password.map(decoded).transpose()?;
            parts.password = password.filter(|password| !password.is_empty());
        }
        let (host, port) = place_of(place)?;
        parts.host = Some(host).filter(|host| !host.is_empty());
        parts.port = port;
        Ok(parts)
    }
}

/// `host`, `host:port`, `[::1]:port`.
fn place_of(place: &str) -> Result<(String, Option<u16>), StoreError> {
    let (host, port) = if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']').ok_or_else(not_encoded)?;
        match rest.strip_prefix(':') {
            Some(port) => (host, port),
            None if rest.is_empty() => (host, ""),
            None => return Err(not_encoded()),
        }
    } else {
        place.split_once(':').unwrap_or((place, ""))
    };
    let host = decoded(host)?;
    if host.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err(not_encoded());
    }
    let port = match port {
        "" => None,
        port => Some(port.parse().map_err(|_| not_encoded())?),
    };
    Ok((host, port))
}

mod percent {
    use super::{StoreError, not_encoded};

    /// Whether every percent sign begins an escape.
    pub(super) fn is_sound(text: &str) -> bool {
        text.split('%').skip(1).all(|escape| {
            let mut digits = escape.bytes().take(2);
            let mut is_digit = || digits.next().is_some_and(|byte| byte.is_ascii_hexdigit());
            is_digit() && is_digit()
        })
    }

    pub(super) fn decoded(text: &str) -> Result<String, StoreError> {
        let mut bytes = Vec::with_capacity(text.len());
        let mut rest = text.bytes();
        while let Some(byte) = rest.next() {
            let escaped = (byte == b'%')
                .then(|| {
                    let high = char::from(rest.next()?).to_digit(16)?;
                    let low = char::from(rest.next()?).to_digit(16)?;
                    u8::try_from(high * 16 + low).ok()
                })
                .flatten();
            bytes.push(escaped.unwrap_or(byte));
        }
        String::from_utf8(bytes).map_err(|_| not_encoded())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_into_decoded_parts() {
        let parts =
            UriParts::of("ana:p%40ss%2Fw%C3%B6rd%20!@db.example:5433/accounts?a=b@c").unwrap();
        assert_eq!(parts.user.as_deref(), Some("ana"));
        assert_eq!(parts.password.as_deref(), Some("p@ss/wörd !"));
        assert_eq!(parts.host.as_deref(), Some("db.example"));
        assert_eq!(parts.port, Some(5433));
        assert_eq!(parts.database.as_deref(), Some("accounts"));
        assert_eq!(parts.query, "a=b@c");

        let parts = UriParts::of("ana:p:ss@[::1]:5433/x").unwrap();
        assert_eq!(parts.password.as_deref(), Some("p:ss"));
        assert_eq!(parts.host.as_deref(), Some("::1"));
        let parts = UriParts::of("ana@/x?host=/run").unwrap();
        assert_eq!((parts.host, parts.password), (None, None));
        let parts = UriParts::of("%2Frun%2Fpostgresql/x").unwrap();
        assert_eq!(parts.host.as_deref(), Some("/run/postgresql"));
    }

    #[test]
    fn attack_secret_in_a_log_a_password_that_is_not_encoded_gets_the_fix_and_is_not_shown() {
        for rest in [
            "app:hun@ter2@db/x",
            "app:hun#ter2@db/x",
            "app:hun/ter2@db/x",
            "app:12/ter2@db/x",
            "app:hun?ter2@db/x",
            "app:hun%ter2@db/x",
            "app:hunter2%@db/x",
            "app:hunter2%f@db/x",
            "app:hun%ffter2@db/x",
            "app:hunter2@local host/x",
            "app:hunter2@db:port/x",
            "app:hunter2/x",
            "app:hunter2@[::1/x",
        ] {
            let Err(error) = UriParts::of(rest) else {
                panic!("{rest}");
            };
            let said = error.to_string();
            assert!(said.contains("@ as %40"), "{said}");
            assert!(!said.contains("hun") && !said.contains("ter2"), "{said}");
        }
    }
}
