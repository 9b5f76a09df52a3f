//! What any text does, and what awkward ones do.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// Pieces that make more of the grammar meet than letters by chance.
const PIECES: [&str; 56] = [
    "SECURITY_URL_PREFIX",
    "SECRET_KEY",
    "X",
    "app",
    ".config",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "'",
    "\"",
    "'''",
    "\"\"\"",
    "=",
    "+=",
    "==",
    ":",
    ",",
    ";",
    ".",
    "\n",
    "\r\n",
    "\\\n",
    "\n    ",
    "\n\t",
    " ",
    "#",
    "\\",
    "class A(B):",
    "if x:",
    "def f():",
    "for x in y:",
    "lambda",
    "not ",
    " or ",
    " and ",
    " if ",
    " else ",
    "os.environ.get(",
    "timedelta(days=",
    "None",
    "True",
    "1_0",
    "0x",
    "1e9",
    "-",
    "*",
    "**",
    "f'",
    "rb'",
    "update(",
    "from a import *",
    "\u{e9}",
    "\u{feff}",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_text_makes_it_fail(text in any::<String>()) {
        check(&text);
    }

    #[test]
    fn no_bytes_make_it_fail(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn no_python_makes_it_fail(pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..80)) {
        check(&pieces.concat());
    }
}

/// Whatever comes out is TOML that the program starts with, or says what is to do.
fn check(source: &str) {
    let import = whole(source, "x.py", None).unwrap();
    match super::import(source, "x.py", None) {
        Ok(again) => assert_eq!(again, import),
        Err(why) => assert!(why.ends_with("is never closed"), "{why}"),
    }
    assert!(
        import.toml.parse::<toml::Table>().is_ok(),
        "{}",
        import.toml
    );
    let refused = problems(&import.toml);
    let announced = refused.iter().all(|problem| {
        let said = format!("before it can start: {problem}");
        let elsewhere = format!("# {}: ", problem.key);
        import.remarks.iter().any(|remark| remark.ends_with(&said))
            || import.toml.contains(&elsewhere)
    });
    assert!(announced, "{refused:?} in {}", import.toml);
}

/// How long it takes to read a text.
fn time(text: &str) -> Duration {
    let begin = Instant::now();
    let _ = import(text, "x.py", None);
    let _ = whole(text, "x.py", None);
    begin.elapsed()
}

/// How long an ordinary text of some length takes, on this machine, now.
fn time_of_plain_text(length: usize) -> Duration {
    let line = "SOME_NAME = 'a value of some length'  # and a comment\n";
    time(&line.repeat(length / line.len()))
}

/// Texts that make a careless reader go back again and again, or too deep.
#[test]
fn time_grows_with_the_length_and_depth_does_not() {
    let plain = time_of_plain_text(200_000);
    let repeated = |unit: &str, start: &str| {
        let mut text = start.to_owned();
        while text.len() < 200_000 {
            text.push_str(unit);
        }
        text
    };
    for (start, unit) in [
        ("X = ", "("),
        ("X = ", "[("),
        ("X = ", "{'a': "),
        ("X = ", "- "),
        ("X = ", "not "),
        ("X = 1", " + 1"),
        ("X = [1]", " + [1]"),
        ("X = {}", " | {}"),
        ("X = 1", " if a else 1"),
        ("X = a", ".b"),
        ("X = a", "[0]"),
        ("X = a", " or a"),
        ("X = 'a'", " 'a'"),
        ("", "'\\\n\\"),
        ("", "'''\\'"),
        ("", "\"\\\n"),
        ("x = 'aaaaaaaa'\n", "x = x + x\n"),
        ("x = [1]\n", "x = [x]\n"),
        ("x = [1]\n", "x = x + [x]\n"),
        ("", "SECURITY_URL_PREFIX = '/a'\n"),
        ("", "class A(A):\n X = 1\n"),
        ("", "if x: SECRET_KEY = 'a'\n"),
        ("", "app.config['SECURITY_NO_SUCH'] = 1\n"),
        ("if x:\n", " SECRET_KEY = 1; "),
        ("app.config.update(", "SECURITY_URL_PREFIX=1, "),
        ("X = lambda", " : lambda"),
        ("X", " = X"),
        ("X = X = X = [", "1, "),
        ("", "X, "),
    ] {
        let text = repeated(unit, start);
        let taken = time(&text);
        assert!(taken < plain * 100, "{start}{unit}: {taken:?}, {plain:?}");
    }
}

#[test]
fn names_without_end() {
    let plain = time_of_plain_text(200_000);
    for start in [
        "app.config['X",
        "app.config['SECURITY_X",
        "SECURITY_MSG_",
        "app.config['",
    ] {
        let lines = (0..5000).map(|number| match start {
            "SECURITY_MSG_" => format!("{start}{number} = 'a'\n"),
            "app.config['" => format!("{start}A{number}_CLIENT_ID'] = 'a'\n"),
            _ => format!("{start}{number}'] = 1\n"),
        });
        let text: String = lines.collect();
        let taken = time(&text);
        assert!(taken < plain * 100, "{start}: {taken:?}, {plain:?}");
    }
}

#[test]
fn blocks_in_blocks() {
    let mut text = String::new();
    for depth in 0..700 {
        text.push_str(&" ".repeat(depth));
        text.push_str(if depth % 2 == 0 {
            "class A:\n"
        } else {
            "def f():\n"
        });
    }
    check(&text);
}
