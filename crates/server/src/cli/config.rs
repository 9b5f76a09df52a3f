//! `config`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use vestibule::settings::keys::Status;
use vestibule::settings::{Origin, effective};

use super::{Failure, Global, terminal};
use crate::config_file::{Configuration, Purpose};
use crate::flask_config::{self, LARGEST};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shows the configuration in force, with secrets masked, and what is risky about it.
    /// Ends with status 1 if the server could not start with it.
    Check {
        /// Show the settings that nobody set, too.
        #[arg(long)]
        all: bool,
    },
    /// Writes a Flask configuration (a Python file, which is read and never run) as one for
    /// vestibule. What cannot be taken over is listed and left as a comment.
    Import(Import),
}

/// `config import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The Flask configuration.
    #[arg(value_name = "FLASK_CONFIG.py")]
    from: PathBuf,
    /// Write to this file, which must not be there yet, instead of to standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The class of the file whose settings hold, where it has several.
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
}

pub(super) fn run(global: &Global, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check { all } => check(global, *all),
        Command::Import(arguments) => import(arguments),
    }
}

fn check(global: &Global, all: bool) -> Result<(), Failure> {
    let configuration = Configuration::read_to(Purpose::Look, global.config.as_deref(), None)?;
    let rows: Vec<Vec<String>> = effective(&configuration.loaded)
        .into_iter()
        .filter(|setting| all || setting.origin != Origin::Default)
        .map(|setting| {
            let remark = match setting.status {
                Status::Served => "",
                Status::NotYet => "not served by this version",
                Status::NoMeaning => "has no meaning here",
            };
            vec![
                setting.name.to_owned(),
                setting.value,
                setting.origin.to_string(),
                remark.to_owned(),
            ]
        })
        .collect();
    terminal::table(&["SETTING", "VALUE", "FROM", "REMARK"], &rows);
    for advice in &configuration.settings.advice {
        terminal::say(&format!("\nrisky: {}", advice.key));
        terminal::say(&format!("  it {}", advice.what));
        terminal::say(&format!("  {}", advice.fix));
    }
    terminal::say("\nthe server would start with this configuration");
    Ok(())
}

fn import(arguments: &Import) -> Result<(), Failure> {
    let from = arguments.from.display();
    let source = read(&arguments.from).map_err(|why| format!("{from}: {why}"))?;
    let name = arguments.from.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let import = flask_config::import(&source, &name, arguments.class.as_deref())
        .map_err(|why| format!("{from}: {why}"))?;
    if let Some(output) = &arguments.output {
        write(output, &import.toml)?;
    }
    for remark in &import.remarks {
        terminal::remark(remark);
    }
    match &arguments.output {
        Some(output) => terminal::say(&format!("wrote {}", output.display())),
        None => terminal::say(import.toml.trim_end()),
    }
    Ok(())
}

/// A text of a size that a configuration can have.
fn read(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    let bytes = if size > LARGEST as u64 {
        Vec::new()
    } else {
        fs::read(path).map_err(|error| error.to_string())?
    };
    if size > LARGEST as u64 || bytes.len() > LARGEST {
        return Err(format!(
            "is larger than {LARGEST} bytes, which no configuration is"
        ));
    }
    String::from_utf8(bytes).map_err(|_| "is not UTF-8".to_owned())
}

/// Writes a file that is not there yet, for its owner only: there are secrets in it.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => format!(
                "{}: is there already, and is not overwritten",
                path.display()
            )
            .into(),
            _ => format!("{}: {error}", path.display()).into(),
        })
}
