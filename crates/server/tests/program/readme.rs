//! Runs the commands of the README as they are written there.

use std::process::Command;

use crate::support::{BINARY, Folder, Server};

const README: &str = include_str!("../../../../README.md");

/// The commands of a page's `console` blocks, each with its documented output.
pub(crate) fn steps(page: &str) -> Vec<(String, String)> {
    let blocks = page
        .split("```console\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let mut steps: Vec<(String, String)> = Vec::new();
    for line in blocks.flat_map(str::lines) {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push((command.to_owned(), String::new())),
            (None, Some((_, output))) if !line.is_empty() => {
                output.push_str(line);
                output.push('\n');
            }
            _ => {}
        }
    }
    steps
}

/// Replaces signed tokens, which differ from run to run, by `TOKEN` and a number. Tokens with the
/// same payload get the same number, so a token that stays the same must do so in both outputs. A key
/// for an authenticator app keeps only its length.
fn numbered(text: &str, seen: &mut Vec<String>) -> String {
    let mut number = |word: &str| {
        let parts: Vec<&str> = word.split('.').collect();
        let is_token = parts.len() == 3 && parts[0].len() > 20 && parts[2].len() == 27;
        if !is_token {
            return word.to_owned();
        }
        let known = seen.iter().position(|payload| payload == parts[0]);
        let place = known.unwrap_or_else(|| {
            seen.push(parts[0].to_owned());
            seen.len() - 1
        });
        format!("TOKEN {place}")
    };
    let text = text
        .split('"')
        .map(&mut number)
        .collect::<Vec<_>>()
        .join("\"");
    match text.split_once("secret=") {
        Some((before, rest)) => {
            let end = rest.find('&').unwrap_or(rest.len());
            format!("{before}secret=KEY OF {end}{}", &rest[end..])
        }
        None => text,
    }
}

/// Runs the commands of a page in this folder, and compares their output with the documented one.
/// `functions` are the shell functions that the commands use.
pub(crate) fn shows_the_real_output(page: &str, functions: &str, folder: &Folder, server: &Server) {
    let (mut ours, mut pages) = (Vec::new(), Vec::new());
    for (command, expected) in steps(page) {
        let script = format!("vestibule() {{ {BINARY} \"$@\"; }}\n{functions}\n{command}")
            .replace("target/release/vestibule", BINARY)
            .replace("localhost:5000", &format!("localhost:{}", server.port));
        let output = Command::new("bash")
            .args(["-c", &script])
            .current_dir(folder.path())
            .output()
            .unwrap();
        let mut said = String::from_utf8(output.stdout).unwrap();
        if !said.is_empty() && !said.ends_with('\n') {
            said.push('\n');
        }
        let complaint = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            numbered(&said, &mut ours),
            numbered(&expected, &mut pages),
            "{command}\n{complaint}"
        );
        assert!(output.status.success(), "{command}: {complaint}");
        assert_eq!(complaint, "", "{command}");
    }
}

#[test]
fn the_readme_shows_the_real_output() {
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    assert!(steps(README).len() >= 3);
    shows_the_real_output(README, "", &folder, &server);
}

#[test]
fn every_link_in_the_readme_resolves() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let links: Vec<&str> = README
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|target| !target.starts_with("http"))
        .collect();
    assert!(links.len() > 5);
    let headings: Vec<String> = README
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .map(|heading| heading.to_lowercase().replace(' ', "-"))
        .collect();
    for link in links {
        let there = match link.strip_prefix('#') {
            Some(heading) => headings.iter().any(|known| known == heading),
            None => root.join(link).exists(),
        };
        assert!(there, "{link}");
    }
}
