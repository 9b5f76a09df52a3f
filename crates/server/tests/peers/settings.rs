//! Every setting and message name of the reference is known to vestibule.

use std::process::Command;

use crate::support::folder::Folder;
use crate::support::python::{interpreter, root};

const LIST: &str = "
import json
from flask_security.core import _default_config, _default_messages
print(json.dumps(['SECURITY_' + key for key in _default_config]
                 + ['SECURITY_MSG_' + key for key in _default_messages]))
";

fn names() -> Vec<String> {
    let python = interpreter(&root().join("oracle")).expect("the reference's environment");
    let output = Command::new(python)
        .args(["-c", LIST])
        .output()
        .expect("Python runs");
    let text = String::from_utf8(output.stdout).expect("text");
    serde_json::from_str(&text).expect("a list")
}

#[test]
fn settings_of_the_reference_are_all_known() {
    let folder = Folder::new("settings");
    let names = names();
    assert!(names.len() > 300, "{}", names.len());
    let run = |lines: &str| {
        std::fs::write(folder.file("vestibule.toml"), lines).expect("a file");
        Command::new(env!("CARGO_BIN_EXE_vestibule"))
            .args(["config", "check", "--all"])
            .current_dir(folder.path())
            .env_clear()
            .output()
            .expect("the program runs")
    };
    // `config check --all` must accept every message name, and must list every setting.
    let (messages, settings): (Vec<_>, Vec<_>) = names
        .iter()
        .partition(|name| name.starts_with("SECURITY_MSG_"));
    let lines: String = messages
        .iter()
        .map(|name| format!("{name} = \"text\"\n"))
        .collect();
    let output = run(&lines);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    let table = String::from_utf8_lossy(&output.stdout);
    let known: Vec<&str> = table
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    for name in settings {
        assert!(known.contains(&name.as_str()), "{name} is not known");
    }
}
