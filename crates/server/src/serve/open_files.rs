//! The limit on open files, which is one on connections, too.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The default maximum number of connections.
const MOST: u64 = 16_384;

/// Connections that a server has even under a limit too low to work with.
const LEAST: u64 = 16;

/// Files that are open whatever happens: the database's, the log, the listener.
const OWN: u64 = 64;

/// Raises the soft limit to the hard one, which every process may do, and returns it.
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

/// How many of so many files may be connections of clients.
pub(super) fn for_clients(files: u64) -> usize {
    let share = (files / 4 * 3).min(files.saturating_sub(OWN));
    usize::try_from(share.clamp(LEAST, MOST)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_room_for_the_database() {
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
