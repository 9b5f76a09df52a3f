//! The program as people use it: the commands, the README, the log, the signals.

mod commands;
mod readme;
mod serving;
mod support;
