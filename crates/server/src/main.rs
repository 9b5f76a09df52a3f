//! The vestibule program.

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;
use vestibule_server::cli::{self, Arguments};

/// The system's allocator takes a fifth of a request (docs/decisions/allocator.md). An application
/// that embeds the library chooses its own.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
