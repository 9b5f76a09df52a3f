//! When to stop.

use tokio::signal::unix::{SignalKind, signal as on};

/// Waits for SIGTERM or SIGINT, whichever comes first.
///
/// # Errors
/// When the signals cannot be listened for.
pub async fn signal() -> std::io::Result<()> {
    let mut terminate = on(SignalKind::terminate())?;
    let mut interrupt = on(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}
