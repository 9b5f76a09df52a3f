//! The signals that stop the server.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the server handles.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Installs the handlers. From then on, none of these signals ends the process by itself.
    ///
    /// # Errors
    /// When a handler cannot be installed.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for SIGTERM or SIGINT, whichever comes first. SIGHUP makes other servers reload their
    /// configuration; this one logs that it does not.
    pub async fn end(&mut self) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => tracing::warn!(
                    "SIGHUP is ignored: the configuration is read at the start only; restart the server to apply a change"
                ),
            }
        }
    }
}
