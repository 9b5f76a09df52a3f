//! The vestibule program.

use std::process::ExitCode;

use clap::Parser as _;
use vestibule_server::cli::{self, Arguments};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            cli::complain(&failure);
            ExitCode::FAILURE
        }
    }
}
