//! Checks beyond the type of a value, also for features that are not served yet, and checks of
//! values that exclude each other.

use toml::Value;

use super::Settings;
use super::hosts::BelievedHosts;
use super::keys::{self, Key, Limit};
use super::reader::Reader;
use super::{browser, salts};

/// Checks every value on its own.
pub(super) fn each(reader: &mut Reader<'_>) {
    for key in keys::all() {
        check_limit(reader, key);
    }
    for key in ["VESTIBULE_IDLE_TIMEOUT", "VESTIBULE_WRITE_TIMEOUT"] {
        reader.duration(key);
    }
}

/// Checks what a value has to be besides being of the right type.
fn check_limit(reader: &mut Reader<'_>, key: &Key) {
    let is_set = reader.is_set(key.name);
    match key.limit {
        Limit::Words(words) => {
            for text in reader.list(key.name) {
                if !words.iter().any(|word| word.eq_ignore_ascii_case(&text)) {
                    reader.problem(
                        key.name,
                        format!("{text:?} is not a known value"),
                        format!("write {}", words.join(" or ")),
                    );
                }
            }
        }
        Limit::Range(least, most) => {
            let Some(Value::Integer(number)) = reader.any(key.name) else {
                return;
            };
            if !(least..=most).contains(&number) {
                let fix = if most == i64::MAX {
                    format!("write {least} or more")
                } else {
                    format!("write a number from {least} to {most}")
                };
                reader.problem(key.name, format!("{number} is out of range"), fix);
            }
        }
        Limit::OneLine if is_set && reader.text(key.name).chars().any(char::is_control) => {
            reader.problem(
                key.name,
                "contains a line break or another control character, which an email subject cannot have",
                "write it on one line",
            );
        }
        Limit::View if is_set && !is_view(&reader.text(key.name)) => {
            let text = reader.text(key.name);
            reader.problem(
                key.name,
                format!("{text:?} is neither a path nor a URL"),
                "write a path of your app such as \"/done\", or a URL that begins with https://",
            );
        }
        Limit::Path if is_set && !is_path(&reader.text(key.name)) => {
            let text = reader.text(key.name);
            not_a_path(reader, key.name, &text);
        }
        Limit::FileMode if mode(&reader.text(key.name)).is_none() => {
            let text = reader.text(key.name);
            reader.problem(
                key.name,
                format!("{text:?} is not a file mode"),
                "write an octal mode such as \"660\"",
            );
        }
        Limit::None | Limit::OneLine | Limit::View | Limit::Path | Limit::FileMode => {}
    }
}

/// Whether a text is the path of an endpoint as it appears in a request line: without escapes,
/// patterns, empty or dot segments.
pub(super) fn is_path(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~!$&'()+,;=:@".contains(c);
    text.strip_prefix('/').is_some_and(|rest| {
        rest.is_empty()
            || rest
                .strip_suffix('/')
                .unwrap_or(rest)
                .split('/')
                .all(|segment| {
                    !["", ".", ".."].contains(&segment)
                        && !segment.starts_with(':')
                        && segment.chars().all(plain)
                })
    })
}

/// Parses a file mode in octal, as `chmod` does.
pub(super) fn mode(text: &str) -> Option<u32> {
    let digits = (3..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let mode = u32::from_str_radix(text, 8).ok()?;
    (digits && mode <= 0o777).then_some(mode)
}

/// Reports that a text is not the path of an endpoint.
pub(super) fn not_a_path(reader: &mut Reader<'_>, key: &str, text: &str) {
    reader.problem(
        key,
        format!("{text:?} is not a path"),
        "write a path such as \"/login\" or \"/api/accounts\", without escapes or patterns",
    );
}

fn is_view(text: &str) -> bool {
    let address = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let place = match address {
        Some(rest) => !rest.is_empty() && !rest.starts_with('/'),
        None => text.starts_with('/') && !text.starts_with("//"),
    };
    place && !text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\')
}

/// Whether a text is a host, with or without a port. No request can be addressed to anything else.
pub(super) fn is_host(text: &str) -> bool {
    BelievedHosts::Listed(vec![text.to_owned()]).believe(text)
}

/// Checks values against each other.
pub(super) fn together(reader: &mut Reader<'_>, settings: &Settings) {
    salts::check(reader);
    cookie_names(reader, settings);
    browser::check(reader, settings);
    endpoints(reader, settings);
    tables(reader, settings);
}

/// Two cookies with the same name would overwrite each other.
fn cookie_names(reader: &mut Reader<'_>, settings: &Settings) {
    const VALIDITY: &str = "SECURITY_TWO_FACTOR_VALIDITY_COOKIE_NAME";
    let mut names = vec![
        ("SESSION_COOKIE_NAME", settings.session.cookie.name.clone()),
        (
            "REMEMBER_COOKIE_NAME",
            settings.session.remember.cookie.name.clone(),
        ),
    ];
    if let Some(cookie) = &settings.csrf.cookie {
        names.push(("SECURITY_CSRF_COOKIE_NAME", cookie.name.clone()));
    }
    names.push((VALIDITY, reader.text(VALIDITY)));
    twice(reader, &names, "the cookie name of");
}

/// Reports two endpoints with the same path.
fn endpoints(reader: &mut Reader<'_>, settings: &Settings) {
    let paths = super::endpoints::all(settings);
    twice(reader, &paths, "the path of");
}

/// Reports invalid table names.
fn tables(reader: &mut Reader<'_>, settings: &Settings) {
    let database = &settings.database;
    let names = [
        ("USER_TABLE_NAME", database.user_table.clone()),
        ("ROLE_TABLE_NAME", database.role_table.clone()),
        ("ROLES_USERS_TABLE_NAME", database.roles_users_table.clone()),
        ("WEBAUTHN_TABLE_NAME", database.webauthn_table.clone()),
        ("REFRESH_TABLE_NAME", database.refresh_table.clone()),
    ];
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | ' ');
    for (key, name) in &names {
        let lower = name.to_ascii_lowercase();
        if name.is_empty() || name.len() > 63 || !name.chars().all(plain) {
            reader.problem(
                key,
                format!("{name:?} is not a valid table name"),
                "use at most 63 letters, digits and _",
            );
        } else if lower.starts_with("sqlite_") || lower.starts_with("vestibule_") {
            reader.problem(
                key,
                format!("{name:?} is a reserved name"),
                "choose a name that begins neither with sqlite_ nor with vestibule_",
            );
        }
    }
    let lower = names.map(|(key, name)| (key, name.to_ascii_lowercase()));
    twice(reader, &lower, "the table name of");
}

/// Reports each value that an earlier key has as well.
fn twice(reader: &mut Reader<'_>, values: &[(&str, String)], what: &str) {
    for (at, (key, value)) in values.iter().enumerate() {
        let earlier = values[..at].iter().find(|(_, other)| other == value);
        // The links of two endpoints collide whenever the endpoints do, which is reported once.
        if let Some((other, _)) = earlier
            && !reader.has_problem(key, &format!("is also {what} {other}"))
        {
            reader.problem(
                key,
                format!("{value:?} is also {what} {other}"),
                "choose another value",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        for path in ["/", "/login", "/api/v1/accounts", "/a/", "/a-b_c.d"] {
            assert!(is_path(path), "{path}");
        }
        for path in [
            "", "login", "//", "//a", "/a//b", "/:x", "/a/:x", "/{x}", "/*", "/a b", "/ä", "/%61",
            "/a?b", "/a#b", "/..", "/a/./b", "/a\\b", "/a\nb",
        ] {
            assert!(!is_path(path), "{path}");
        }
    }

    #[test]
    fn views_are_absolute_paths_or_urls() {
        for view in ["/", "/done?a=b", "/#/done", "https://app.example/done"] {
            assert!(is_view(view), "{view}");
        }
        for view in [
            "home",
            ".login",
            "//evil.example",
            "/\\evil.example",
            "javascript:alert(1)",
            "https://",
            "https:///x",
            "/a\r\nSet-Cookie: x",
        ] {
            assert!(!is_view(view), "{view}");
        }
    }
}
