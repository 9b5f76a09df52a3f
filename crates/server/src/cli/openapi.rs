//! `openapi`.

use vestibule::Vestibule;

use super::{Failure, Global, terminal};
use crate::config_file::{Configuration, Purpose};

/// Prints the document. It depends on the configuration alone, so no database is opened or created.
pub(super) fn run(global: &Global) -> Result<(), Failure> {
    let configuration = Configuration::read_to(Purpose::Look, global.config.as_deref(), None)?;
    let vestibule = Vestibule::builder(configuration.settings)
        .hashing_threads(1)
        .build()?;
    terminal::say(&vestibule.openapi());
    Ok(())
}
