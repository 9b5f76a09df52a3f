//! `serve`.

use std::net::SocketAddr;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::oneshot;
use vestibule::program::{BelievedHosts, Settings};

use super::{Failure, Global, Serve, terminal};
use crate::config_file::{Configuration, Purpose, Unusable};
use crate::inspection;
use crate::serve::listen::{Address, Listener};
use crate::serve::{Limits, Signals};
use crate::telemetry::log;

/// How long sending mails may take at shutdown. Mails that are not sent by then stay in the outbox.
const LAST_MAILS: Duration = Duration::from_secs(5);

pub(super) async fn run(global: &Global, arguments: Serve) -> Result<(), Failure> {
    let configuration =
        Configuration::read_to(Purpose::Serve, global.config.as_deref(), arguments.listen)?;
    let mut obstacles: Vec<String> = configuration.listen.obstacle().into_iter().collect();
    obstacles.extend(inspection::obstacles(
        &configuration.program,
        &configuration.settings,
    ));
    if !obstacles.is_empty() {
        return Err(Unusable::from(obstacles).into());
    }
    let format = log::Format::named(&configuration.program.log_format)?;
    log::start(&configuration.program.log, format)?;
    let mut signals = Signals::listen()?;
    let limits = Limits::new(&configuration.program.connections);
    let threads = available_parallelism().map_or(2, usize::from);
    let vestibule = configuration.open(threads).await?;
    let settings = &configuration.settings;
    if !settings.not_served.is_empty() {
        tracing::warn!(
            features = %settings.not_served.join(", "),
            "enabled, but not served by this version"
        );
    }
    for warning in settings.warnings(configuration.listen.reach()) {
        tracing::warn!("{warning}");
    }

    let listener = Listener::bind(&configuration.listen, configuration.program.socket_mode)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}", configuration.listen))?;
    let address = listener.address()?;
    greet(
        &configuration,
        &address,
        format,
        vestibule.dev_mailbox_path().as_deref(),
    );
    let (end, ending) = oneshot::channel::<()>();
    let (stopped, stopping) = oneshot::channel::<()>();
    let background = tokio::spawn(vestibule.background(async {
        let _ = stopping.await;
    }));
    let serving = async {
        let end = async {
            let _ = ending.await;
        };
        listener.serve(vestibule.standalone(), limits, end).await;
        drop(stopped);
        if tokio::time::timeout(LAST_MAILS, background).await.is_err() {
            tracing::warn!(
                "some mails have not been sent yet: the server sends them after the next start"
            );
        }
    };
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = signals.end() => drop(end),
    }
    // A second signal stops the server without waiting for running requests.
    tokio::select! {
        () = &mut serving => Ok(()),
        () = signals.end() => Err("stopped at once: running requests were cut off".into()),
    }
}

/// Prints the URLs to open, and what the start created. The mailbox's path contains a key, so it is
/// not written to a JSON log.
fn greet(
    configuration: &Configuration,
    address: &Address,
    format: log::Format,
    mailbox: Option<&str>,
) {
    let settings = &configuration.settings;
    let socket = match address {
        Address::Tcp(socket) => Some(*socket),
        Address::Unix(_) => None,
    };
    let listens_on =
        socket.map_or_else(|| address.to_string(), |socket| format!("http://{socket}"));
    if format == log::Format::Json {
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            address = %listens_on,
            started_afresh = configuration.started_afresh,
            "vestibule listens on {listens_on}"
        );
        return;
    }
    if configuration.started_afresh {
        terminal::remark(
            "There was no configuration: wrote vestibule.toml, with the settings for a single-page app.",
        );
        terminal::remark("The secrets and the database are in vestibule-data/.");
    }
    terminal::remark(&format!("vestibule listens on {listens_on}"));
    let Some(origin) = seen_at(settings, socket) else {
        return;
    };
    let login = format!("{}{}", settings.http.url_prefix, settings.login.login_url);
    terminal::remark(&format!("  sign in   {origin}{login}"));
    terminal::remark(&format!("  health    {origin}/healthz"));
    if let Some(path) = mailbox {
        terminal::remark(&format!("  mails     {origin}{path}"));
    }
}

/// The origin under which a browser reaches the server, if it is known. It always has a trusted
/// host: the server rejects requests with any other.
fn seen_at(settings: &Settings, socket: Option<SocketAddr>) -> Option<String> {
    if let Some(origin) = &settings.http.public_origin {
        return Some(origin.clone());
    }
    let socket = socket?;
    let hosts = &settings.http.hosts;
    let mut known = vec![socket.to_string()];
    if socket.ip().is_loopback() || socket.ip().is_unspecified() {
        known.push(format!("localhost:{}", socket.port()));
        known.push(format!("127.0.0.1:{}", socket.port()));
    }
    // On loopback, a listed name is that of a proxy: only the proxy connects to this port.
    if let BelievedHosts::Listed(listed) = hosts
        && !socket.ip().is_loopback()
    {
        let names = listed.iter().filter(|host| !host.starts_with('.'));
        known.extend(names.map(|host| format!("{host}:{}", socket.port())));
    }
    let believed = known.into_iter().find(|host| hosts.believe(host))?;
    Some(format!("http://{believed}"))
}
