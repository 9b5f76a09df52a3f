//! The parts of the vestibule program, shared by its binary and its benchmarks.

pub mod cli;
pub mod config_file;
pub mod data_folder;
pub mod flask_target;
pub mod inspection;
pub mod private_files;
pub mod serve;
pub mod telemetry;
