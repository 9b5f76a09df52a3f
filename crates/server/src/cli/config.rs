//! `config`.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use vestibule::program::keys::Status;
use vestibule::program::{Effective, Origin, Problem, effective};
use vestibule_flask_config::{self as flask_config, LARGEST};

use super::connect::{self, Tried};
use super::{Failure, Global, Output, runtime, terminal};
use crate::config_file::Unusable;
use crate::flask_target::Vestibule;
use crate::inspection::Inspection;
use crate::serve::listen::Address;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shows the effective configuration, with secrets masked, and its risks. Exits with status 1
    /// and the reasons if the server could not start with it.
    Check(Check),
    /// Converts a Flask configuration (a Python file, which is read and never run) for vestibule.
    /// Lists the settings that it cannot convert, and leaves them as comments.
    Import(Import),
}

/// `config check`.
#[derive(Debug, Args)]
pub(super) struct Check {
    /// Also show settings that have their default value.
    #[arg(long)]
    all: bool,
    /// Also test the database and the mail server, and render every mail. Sends nothing and
    /// changes nothing.
    #[arg(long)]
    connect: bool,
    /// Check the configuration for `serve --listen ADDR`.
    #[arg(long, value_name = "ADDR")]
    listen: Option<Address>,
    #[command(flatten)]
    output: Output,
}

/// `config import`.
#[derive(Debug, Args)]
pub(super) struct Import {
    /// The Flask configuration file.
    #[arg(value_name = "FLASK_CONFIG.py")]
    from: PathBuf,
    /// Write to this file, which must not exist yet, instead of standard output.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The class whose settings to import, if the file has several.
    #[arg(long, value_name = "NAME")]
    class: Option<String>,
}

pub(super) fn run(global: &Global, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Check(arguments) => check(global, arguments),
        Command::Import(arguments) => import(arguments),
    }
}

fn check(global: &Global, arguments: &Check) -> Result<(), Failure> {
    let Check {
        all,
        connect,
        listen,
        output,
    } = arguments;
    let inspection = Inspection::of(global.config.as_deref(), listen.as_ref())?;
    let mut settings = effective(&inspection.loaded);
    settings.retain(|setting| *all || setting.origin != Origin::Default);
    let sound = inspection.problems.is_empty();
    if !output.json {
        show(&settings, &inspection.advice);
    }
    // With problems, these settings would not be in force: testing them proves nothing.
    let tried = if *connect && sound {
        runtime()?.block_on(connect::try_all(&inspection.settings))
    } else {
        Vec::new()
    };
    if output.json {
        let mut said = as_json(&settings, &inspection);
        if *connect {
            said["connections"] = tried.iter().map(Tried::as_json).collect();
        }
        terminal::say_json(&said);
    } else if !tried.is_empty() {
        terminal::say("");
        connect::show(&tried);
    }
    if !sound {
        return Err(Unusable::from(inspection.problems).into());
    }
    let failed = tried.iter().filter(|one| !one.works()).count();
    if failed > 0 {
        let checks = if failed == 1 { "check" } else { "checks" };
        return Err(format!(
            "the server would start with this configuration, but {failed} {checks} failed"
        )
        .into());
    }
    if !output.json {
        terminal::say("\nthe server would start with this configuration");
    }
    Ok(())
}

/// Why a setting has no effect; `None` if it has one.
fn remark(setting: &Effective) -> Option<&'static str> {
    match setting.status {
        Status::Served => None,
        Status::NotYet => Some("not served by this version"),
        Status::NoMeaning => Some("has no meaning here"),
    }
}

fn show(settings: &[Effective], advice: &[Problem]) {
    let rows: Vec<Vec<String>> = settings
        .iter()
        .map(|setting| {
            vec![
                setting.name.to_owned(),
                setting.value.clone(),
                setting.origin.to_string(),
                remark(setting).unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    terminal::table(&["SETTING", "VALUE", "FROM", "REMARK"], &rows);
    for advice in advice {
        terminal::say(&format!("\nrisky: {}", advice.key));
        terminal::say(&format!("  it {}", advice.what));
        terminal::say(&format!("  {}", advice.fix));
    }
}

fn as_json(settings: &[Effective], inspection: &Inspection) -> Value {
    let setting = |setting: &Effective| {
        json!({
            "name": setting.name,
            "value": setting.value,
            "from": setting.origin.to_string(),
            "remark": remark(setting),
        })
    };
    let advice =
        |advice: &Problem| json!({ "key": advice.key, "what": advice.what, "fix": advice.fix });
    json!({
        "starts": inspection.problems.is_empty(),
        "problems": inspection.problems,
        "advice": inspection.advice.iter().map(advice).collect::<Vec<_>>(),
        "settings": settings.iter().map(setting).collect::<Vec<_>>(),
    })
}

fn import(arguments: &Import) -> Result<(), Failure> {
    let from = arguments.from.display();
    let source = read(&arguments.from).map_err(|why| format!("{from}: {why}"))?;
    let name = arguments.from.file_name().unwrap_or_default();
    let name = name.to_string_lossy();
    let import = flask_config::import(&source, &name, arguments.class.as_deref(), &Vestibule)
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

/// The bytes of a file, up to one more than a configuration may have.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Creates a file for its owner only, because it contains secrets. Never overwrites one.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => format!(
                "{}: already exists and is not overwritten; name another file",
                path.display()
            )
            .into(),
            _ => format!("{}: {error}", path.display()).into(),
        })
}
