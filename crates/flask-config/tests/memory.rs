//! Configurations that are made to take much memory. The test measures the whole process, so it is
//! alone in its file.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use vestibule_flask_config::{LARGEST, import};

#[path = "../fuzz/bodies.rs"]
#[expect(dead_code, reason = "only the target is used")]
mod bodies;

/// The peak memory of the process, in MiB.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib = line
        .and_then(|line| line.split_whitespace().nth(1))
        .unwrap();
    kib.parse::<usize>().unwrap() / 1024
}

#[test]
fn attack_denial_memory_is_bounded() {
    /// In MiB, for a file of 1 MiB.
    const MOST: usize = 250;
    let ones = format!("x = [{}]\n", "1,".repeat(5_000));
    let commas = format!("x = '{}'\n", "a,".repeat(50_000));
    let letters = "A".repeat(LARGEST / 2);
    for (start, unit) in [
        (String::new(), "1,"),
        ("SECURITY_X = [".to_owned(), "1,"),
        ("X = {".to_owned(), "1:1,"),
        ("x = 'aaaaaaaa'\n".to_owned(), "x = x + x\n"),
        (ones.clone(), "SECURITY_A = x\n"),
        (ones.clone(), "A=B=C=D=E=F=G=H=x\n"),
        (
            ones.clone(),
            "SECURITY_A=SECURITY_B=SECURITY_C=SECURITY_D=SECURITY_E=SECURITY_F=x\n",
        ),
        (ones.clone(), "SECURITY_A = [x,x,x,x,x,x,x,x]\n"),
        (ones, "class A: SECURITY_A = x\n"),
        (commas.clone(), "SECURITY_A = x.split(',')\n"),
        (commas, "SECURITY_A = x.upper().encode()\n"),
        (format!("class {letters}:\n "), "SECURITY_A=1;"),
        (
            format!("class {letters}:\n A=1\nclass B:\n "),
            "SECURITY_A=1;",
        ),
    ] {
        let mut text = start.clone();
        while text.len() + unit.len() + 2 <= LARGEST {
            text.push_str(unit);
        }
        match start.chars().last() {
            Some('[') => text.push(']'),
            Some('{') => text.push('}'),
            _ => {}
        }
        let result = import(text.as_bytes(), "x.py", None, &bodies::Sample);
        assert!(result.is_ok());
        let peak = peak();
        let head: String = start.chars().take(12).collect();
        assert!(peak < MOST, "{peak} MiB after {head}{unit}");
    }
}
