//! When to stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that speak to a server.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Hears them from now on: none of them ends the process by itself any more.
    ///
    /// # Errors
    /// When they cannot be listened for.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT, whichever comes first. Who sends SIGHUP wants other servers to
    /// read their configuration anew, and is told that this one does not.
    pub async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => tracing::warn!(
                    "SIGHUP changes nothing: the configuration is read at the start only"
                ),
            }
        }
    }
}
