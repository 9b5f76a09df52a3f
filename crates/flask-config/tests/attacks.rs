//! Configurations that are made to take much time, or to crash the reader.

use std::sync::LazyLock;
use std::time::{Duration, Instant};

use vestibule_flask_config::{ImportError, LARGEST, import};

#[path = "../fuzz/bodies.rs"]
mod bodies;

/// The length of the texts, in bytes: about the largest that is accepted, since quadratic time shows
/// at this length even if one step only copies bytes.
const LENGTH: usize = 1_000_000;

/// The same for texts whose steps do more than that.
const SHORT: usize = 200_000;

/// The processor time of this thread. On a busy machine, it varies less than the elapsed time.
fn processor_time() -> Duration {
    static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let scheduled = std::fs::read_to_string("/proc/thread-self/schedstat");
    let nanoseconds = scheduled
        .ok()
        .and_then(|line| line.split(' ').next()?.parse().ok());
    nanoseconds.map_or_else(|| BEGIN.elapsed(), Duration::from_nanos)
}

/// How long the conversion of a text takes.
fn time(text: &str) -> Duration {
    let begin = processor_time();
    let result = import(text.as_bytes(), "x.py", None, &bodies::Sample);
    assert!(result.is_ok(), "{result:?}");
    processor_time() - begin
}

/// How long an ordinary text of the same length takes, on this machine, now.
fn time_of_plain_text(length: usize) -> Duration {
    let line = "SOME_NAME = 'a value of some length'  # and a comment\n";
    time(&line.repeat(length / line.len()))
}

/// The start, then the unit again and again, then the brackets that are still open.
fn repeated(start: &str, unit: &str) -> String {
    let text = format!("{start}{}", unit.repeat(SHORT / unit.len()));
    let open = text.chars().rev().filter_map(|c| match c {
        '(' => Some(')'),
        '[' => Some(']'),
        '{' => Some('}'),
        _ => None,
    });
    let has_closing = unit.contains([')', ']', '}']);
    let closing: String = open.filter(|_| !has_closing).collect();
    text + &closing
}

/// Checks that a text takes about as long as a plain one. Some take several times as long;
/// quadratic time is hundreds of times as long.
fn assert_linear(name: &str, text: &str, plain: Duration) {
    const MANY: u32 = 30;
    let taken = time(text);
    assert!(taken < plain * MANY, "{name}: {taken:?}, {plain:?}");
}

#[test]
fn attack_denial_repetition_and_nesting_take_linear_time() {
    let plain = time_of_plain_text(SHORT);
    for (start, unit) in [
        ("X = ", "("),
        ("X = ", "[("),
        ("X = ", "{1: "),
        ("X = ", "- "),
        ("X = ", "not "),
        ("X = 1", " + 1"),
        ("X = 1", " ** 9"),
        ("X = 1", " << 9"),
        ("X = 1", " * 9"),
        ("X = [1]", " + [1]"),
        ("X = [1]", " * 9"),
        ("X = {}", " | {}"),
        ("X = 1", " if a else 1"),
        ("X = a", ".b"),
        ("X = a", "[0]"),
        ("X = a", "()"),
        ("X = a", " or a"),
        ("X = 'a'", " 'a'"),
        ("X = ", "9"),
        ("X = 1e", "9"),
        ("X = 0x", "f"),
        ("x = 'aaaaaaaa'\n", "x = x + x\n"),
        ("x = [1]\n", "x = [x]\n"),
        ("x = [1]\n", "x = [x, x]\n"),
        ("x = {1: 1}\n", "x = {1: x, 2: x}\n"),
        ("x = [1]\n", "x = x + [x]\n"),
        ("x = 'a'\n", "x = os.environ.get('a', x)\n"),
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
        assert_linear(&format!("{start}{unit}"), &repeated(start, unit), plain);
    }
}

/// A long value or a long reason, copied at every step of a chain.
#[test]
fn attack_denial_chains_of_operations_on_a_long_value_take_linear_time() {
    let plain = time_of_plain_text(LENGTH);
    let half = LENGTH / 2;
    let (letters, spaces) = ("a".repeat(half), " ".repeat(half));
    for (start, unit) in [
        (format!("X = '{letters}'"), ".lower()"),
        (format!("X = '{}'", "\u{e4}".repeat(half / 2)), ".upper()"),
        (format!("X = '{letters}'"), ".split('b')[0]"),
        (format!("X = os.environ.get('A', '{letters}')"), ".lower()"),
        (format!("X = os.environ['{letters}']"), "[0]"),
        (format!("X = {letters}"), "[0]"),
        (format!("X = {letters}"), "()"),
        (format!("X = {letters}"), " + 1"),
        (format!("X = {letters}"), " or 1"),
        (format!("X = '{letters}' + 1"), " + 1"),
        (format!("X = 1 +{spaces}"), " + 1"),
    ] {
        let text = format!("{start}{}", unit.repeat(half / unit.len()));
        assert_linear(
            &format!("{} {unit}", start.chars().take(12).collect::<String>()),
            &text,
            plain,
        );
    }
}

#[test]
fn attack_denial_many_names_take_linear_time() {
    type Line = fn(usize) -> String;
    let plain = time_of_plain_text(LENGTH);
    let lines: [Line; 8] = [
        |number| format!("app.config['X{number}'] = 1\n"),
        |number| format!("app.config['SECURITY_X{number}'] = 1\n"),
        |number| format!("SECURITY_MSG_{number} = 'a'\n"),
        |number| format!("app.config['A{number}_CLIENT_ID'] = 'a'\n"),
        |number| format!("class A{number}(A{}):\n X{number} = 1\n", number.max(1) - 1),
        |number| format!("class A{number}(A{}):\n MAIL_PORT = 1\n", number.max(1) - 1),
        |number| format!("def f{number}(x{number}): pass\n"),
        |number| format!("import a{number} as b{number}\n"),
    ];
    for line in lines {
        let text: String = (0..25_000).map(line).collect();
        assert_linear(&line(1), &text, plain);
    }
}

/// Assignments that share a long class name or a long piece of the file, which comments quote.
#[test]
fn attack_denial_long_names_are_not_copied_for_every_setting() {
    let plain = time_of_plain_text(LENGTH);
    let half = LENGTH / 2;
    let letters = "A".repeat(half);
    let statements = "SECURITY_A = 1; ".repeat(half / 16);
    let names: String = (0..half / 16)
        .map(|number| format!("a{number}=1; "))
        .collect();
    let members: String = (0..2000)
        .map(|number| format!("'SECURITY_{number}': 1, "))
        .collect();
    let targets: String = (0..half / 20)
        .map(|number| format!("SECURITY_{number} = "))
        .collect();
    let spaces = " ".repeat(half);
    for text in [
        format!("class {letters}:\n {statements}\nclass B:\n MAIL_PORT = 1\n"),
        format!("class {letters}:\n {names}\n"),
        format!("class {letters}: pass\n{statements}\n"),
        format!("B = {{{members}}}\napp.config.update(B |{spaces}{{}})\n"),
        format!("{targets}({spaces} x)\n"),
    ] {
        assert_linear(&text[..20], &text, plain);
    }
    let long = format!("class A:\n MAIL_PORT = 1\nclass {letters}:\n MAIL_PORT = 1\n");
    let bytes = long.as_bytes();
    let result = import(bytes, "x.py", None, &bodies::Sample).unwrap();
    assert!(result.remarks.iter().all(|remark| remark.len() < 1000));
    let refused = import(bytes, "x.py", Some("C"), &bodies::Sample).unwrap_err();
    assert!(refused.to_string().len() < 1000);
}

#[test]
fn attack_crash_by_odd_input_deep_nesting_is_read_without_deep_recursion() {
    for (open, close) in [
        ("(", ")"),
        ("[", "]"),
        ("{1: ", "}"),
        ("f(", ")"),
        ("f[", "]"),
    ] {
        let depth = 100_000;
        let text = format!("X = {}1{}\n", open.repeat(depth), close.repeat(depth));
        time(&text);
    }
    for unit in [
        "- ",
        "not ",
        "not not -",
        "1 if 1 else ",
        "lambda: ",
        "await ",
        "*",
        "**",
        "~",
    ] {
        time(&format!("X = {}1\n", unit.repeat(50_000)));
    }
    let mut blocks = String::new();
    for depth in 0..700 {
        blocks.push_str(&" ".repeat(depth));
        blocks.push_str(["class A:\n", "def f():\n", "if x:\n", "with x:\n"][depth % 4]);
    }
    bodies::flask_config(blocks.as_bytes());
}

/// What Python would compute for hours is not computed.
#[test]
fn attack_denial_huge_results_are_not_computed() {
    for expression in [
        "'a' * 10**9",
        "10**9 * 'a'",
        "'a' * 1000000000",
        "[0] * 1000000000",
        "1000000000 * [0]",
        "10 ** 10 ** 10",
        "1 << 10 ** 10",
        "range(10**18)",
        "list(range(10**18))",
        "bytes(10**18)",
        "'%0999999999d' % 1",
        "'{:999999999}'.format(1)",
        "'a'.ljust(10**9)",
        "'a'.center(1000000000)",
        "9223372036854775807 + 1",
        "-9223372036854775808 // -1",
        "timedelta(days=9223372036854775807)",
        "timedelta(weeks=1e308)",
        "int('9' * 10**6)",
        "1e308 * 10",
        "[x for x in iter(int, 1)]",
        "__import__('os').system('true')",
    ] {
        let text = format!("SERVER_NAME = {expression}\n");
        let result = import(text.as_bytes(), "x.py", None, &bodies::Sample).unwrap();
        assert!(!result.toml.contains("\nSERVER_NAME"), "{}", result.toml);
        assert!(result.toml.contains("# SERVER_NAME = "), "{}", result.toml);
        assert!(result.toml.len() < 2000, "{}", result.toml);
    }
}

#[test]
fn attack_crash_by_odd_input_large_files_and_other_encodings_are_refused() {
    let refused = |file: &[u8]| import(file, "x.py", None, &bodies::Sample).unwrap_err();
    assert_eq!(refused(&vec![b'#'; LARGEST + 1]), ImportError::TooLarge);
    assert!(import(&vec![b'#'; LARGEST], "x.py", None, &bodies::Sample).is_ok());
    assert_eq!(refused(b"X = '\xe9'"), ImportError::NotUtf8);
    assert_eq!(refused(b"\xff\xfeX\0"), ImportError::NotUtf8);
}
