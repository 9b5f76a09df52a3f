//! What the program reports about itself: the log.

pub mod log;
