//! `config`.

use clap::Subcommand;
use vestibule::settings::keys::Status;
use vestibule::settings::{Origin, effective};

use super::{Failure, Global, terminal};
use crate::config_file::Configuration;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Shows the configuration in force, with secrets masked, and what is risky about it.
    /// Ends with status 1 if the server could not start with it.
    Check {
        /// Show the settings that nobody set, too.
        #[arg(long)]
        all: bool,
    },
}

pub(super) fn run(global: &Global, command: &Command) -> Result<(), Failure> {
    let Command::Check { all } = command;
    let configuration = Configuration::read(global.config.as_deref(), None)?;
    let rows: Vec<Vec<String>> = effective(&configuration.loaded)
        .into_iter()
        .filter(|setting| *all || setting.origin != Origin::Default)
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
