//! The body of the fuzz target. The ordinary tests run the same function with changed
//! configurations (`tests/fuzz_smoke.rs`).

use vestibule_flask_config::{
    Import, ImportError, Kind, Problem, Setting, Support, Target, import,
};

/// A target with a setting of every kind.
pub(crate) struct Sample;

impl Target for Sample {
    fn setting(&self, name: &str) -> Option<Setting> {
        let (kind, is_secret, support) = match name {
            "SECRET_KEY" | "SQLALCHEMY_DATABASE_URI" => (Kind::Other, true, Support::Served),
            "SECURITY_TRACKABLE" => (Kind::Flag, false, Support::Served),
            "MAIL_PORT" => (Kind::Integer, false, Support::Served),
            "SECURITY_USER_IDENTITY_ATTRIBUTES" => (Kind::Identities, false, Support::Served),
            "SECURITY_URL_PREFIX" | "SERVER_NAME" | "SECURITY_EMAIL_SENDER" => {
                (Kind::Other, false, Support::Served)
            }
            "SECURITY_TWO_FACTOR" => (Kind::Flag, false, Support::NotServed),
            "DEBUG" => (Kind::Flag, false, Support::NoEffect),
            _ if name.ends_with("_CLIENT_ID") => (Kind::Other, false, Support::Served),
            _ => return None,
        };
        Some(Setting {
            kind,
            is_secret,
            support,
        })
    }

    fn nearest(&self, name: &str) -> Option<String> {
        name.starts_with("SECURITY_")
            .then(|| "SECURITY_TRACKABLE".to_owned())
    }

    fn check(&self, line: &str) -> Result<(), String> {
        match line.parse::<toml::Table>() {
            Ok(table) if table.len() == 1 => Ok(()),
            Ok(_) => Err("is more than one setting".to_owned()),
            Err(error) => Err(format!("is not TOML: {}", error.message())),
        }
    }

    fn problems(&self, toml: &str) -> Vec<Problem> {
        let table: toml::Table = toml.parse().expect("each line was checked");
        let problem = |setting: &str| Problem {
            setting: setting.to_owned(),
            what: "is missing or empty".to_owned(),
            fix: "set it".to_owned(),
        };
        let is_text = |name: &str| {
            let text = table.get(name).and_then(toml::Value::as_str);
            text.is_some_and(|text| !text.is_empty())
        };
        let mut problems = Vec::new();
        if !is_text("SECRET_KEY") {
            problems.push(problem("SECRET_KEY"));
        }
        if table.contains_key("SERVER_NAME") && !is_text("SERVER_NAME") {
            problems.push(problem("SERVER_NAME"));
        }
        problems
    }
}

/// Checks the bytes as a configuration, once as they are and once without quotes and with every
/// bracket closed: unclosed strings and brackets are refused early.
pub(crate) fn flask_config(file: &[u8]) {
    check(file);
    check(closed(&String::from_utf8_lossy(file)).as_bytes());
}

/// Checks that the result parses as TOML, that the target accepts it or the remarks say what is
/// missing, and that a second run has the same result.
fn check(file: &[u8]) {
    for class in [None, Some("A")] {
        let result = import(file, "config.py", class, &Sample);
        assert_eq!(result, import(file, "config.py", class, &Sample));
        match result {
            Ok(result) => check_result(&result),
            Err(ImportError::NoSuchClass { class: name, .. }) => {
                assert_eq!(class, Some(name.as_str()));
            }
            Err(_) => {}
        }
    }
}

fn check_result(result: &Import) {
    let Import { toml, remarks } = result;
    assert!(toml.parse::<toml::Table>().is_ok(), "{toml}");
    let is_control = |c: char| c.is_control() && c != '\n';
    assert!(!toml.contains(is_control), "{toml:?}");
    for remark in remarks {
        assert!(!remark.contains(char::is_control), "{remark:?}");
    }
    for problem in Sample.problems(toml) {
        let announced = format!("before the server can start: {problem}");
        let from_environment = format!("# {}: ", problem.setting);
        assert!(
            toml.contains(&from_environment)
                || remarks.iter().any(|remark| remark.ends_with(&announced)),
            "{problem} in {toml}{remarks:?}"
        );
    }
}

/// The text without quotes and comments, and with each of its brackets closed.
pub(crate) fn closed(text: &str) -> String {
    let mut open = Vec::new();
    let mut closed = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.last() == Some(&c) => {
                open.pop();
            }
            ')' | ']' | '}' | '"' | '\'' | '#' => continue,
            _ => {}
        }
        closed.push(c);
    }
    closed.extend(open.into_iter().rev());
    closed
}
