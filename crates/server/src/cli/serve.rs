//! `serve`.

use std::thread::available_parallelism;
use std::time::Duration;

use super::{Failure, Global, Serve, terminal};
use crate::config_file::{Configuration, Purpose};
use crate::serve::listen::{Address, Listener};
use crate::serve::signal;
use crate::telemetry::log;
use vestibule::settings::MailRoute;

/// How long the last mails may take at shutdown. Those that take longer are not lost.
const LAST_MAILS: Duration = Duration::from_secs(5);

pub(super) async fn run(global: &Global, arguments: Serve) -> Result<(), Failure> {
    let configuration =
        Configuration::read_to(Purpose::Serve, global.config.as_deref(), arguments.listen)?;
    let format = match configuration.program.log_format.as_str() {
        "text" | "" => log::Format::Text,
        "json" => log::Format::Json,
        other => {
            return Err(format!(
                "VESTIBULE_LOG_FORMAT: {other:?} is not known; write text or json"
            )
            .into());
        }
    };
    log::start(&configuration.program.log, format)?;
    let threads = available_parallelism().map_or(2, usize::from);
    let vestibule = configuration.open(threads).await?;
    let settings = &configuration.settings;
    if !settings.not_served.is_empty() {
        tracing::warn!(
            features = %settings.not_served.join(", "),
            "switched on, and not served by this version"
        );
    }
    for warning in settings.warnings(configuration.listen.reach()) {
        tracing::warn!("{warning}");
    }

    let listener = Listener::bind(&configuration.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", configuration.listen))?;
    let address = listener.address()?;
    greet(&configuration, &address);
    let stop = async {
        if let Err(error) = signal().await {
            tracing::error!(%error, "cannot listen for signals");
            std::future::pending::<()>().await;
        }
    };
    let (stopped, stopping) = tokio::sync::oneshot::channel::<()>();
    let background = tokio::spawn(vestibule.background(async {
        let _ = stopping.await;
    }));
    listener.serve(vestibule.standalone(), stop).await;
    drop(stopped);
    if tokio::time::timeout(LAST_MAILS, background).await.is_err() {
        tracing::warn!("some mails are not sent yet: the next start sends them");
    }
    Ok(())
}

/// What to open, and what was made on the way.
fn greet(configuration: &Configuration, address: &Address) {
    if configuration.started_afresh {
        terminal::remark(
            "There was no configuration: wrote vestibule.toml, with everything a single-page app needs.",
        );
        terminal::remark("Secrets and the database are in vestibule-data/.");
    }
    let settings = &configuration.settings;
    let login = format!("{}{}", settings.http.url_prefix, settings.login.login_url);
    match address {
        Address::Tcp(socket) => {
            terminal::remark(&format!("vestibule listens on http://{socket}"));
            terminal::remark(&format!("  sign in   http://{socket}{login}"));
            terminal::remark(&format!("  health    http://{socket}/healthz"));
            if matches!(settings.mail.route, MailRoute::DevMailbox) {
                terminal::remark(&format!("  mails     http://{socket}/dev/mailbox"));
            }
        }
        Address::Unix(_) => terminal::remark(&format!("vestibule listens on {address}")),
    }
}
