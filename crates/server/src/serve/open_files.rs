//! The limit on open files, which also limits the number of connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The default maximum number of connections.
const MOST: u64 = 16_384;

/// The minimum number of connections, even if the limit on open files is too low for them.
const LEAST: u64 = 16;

/// Files that the server itself keeps open: the database's, the log, the listener.
const OWN: u64 = 64;

/// Raises the soft limit to the hard limit, which every process may do, and returns it.
pub(super) fn raise() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let hard = limit.maximum;
    let raised = Rlimit {
        current: hard,
        maximum: hard,
    };
    if setrlimit(Resource::Nofile, raised).is_ok() {
        return hard.unwrap_or(u64::MAX);
    }
    limit.current.unwrap_or(u64::MAX)
}

/// How many of `files` open files may be client connections.
pub(super) fn for_clients(files: u64) -> usize {
    let share = (files / 4 * 3).min(files.saturating_sub(OWN));
    usize::try_from(share.clamp(LEAST, MOST)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_open_files_for_the_database() {
        for (files, connections) in [
            (0, 16),
            (64, 16),
            (128, 64),
            (1024, 768),
            (1_048_576, 16_384),
            (u64::MAX, 16_384),
        ] {
            assert_eq!(for_clients(files), connections, "{files}");
        }
    }
}
