//! `serve`.

use std::net::SocketAddr;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::oneshot;
use vestibule::settings::{BelievedHosts, Settings};

use super::{Failure, Global, Serve, terminal};
use crate::config_file::{Configuration, Purpose, Unusable};
use crate::inspection;
use crate::serve::listen::{Address, Listener};
use crate::serve::{Limits, Signals};
use crate::telemetry::log;

/// How long the last mails may take at shutdown. Those that take longer are not lost.
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
            "switched on, and not served by this version"
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
            tracing::warn!("some mails are not sent yet: the next start sends them");
        }
    };
    tokio::pin!(serving);
    tokio::select! {
        () = &mut serving => return Ok(()),
        () = signals.end() => drop(end),
    }
    // Whoever asks twice does not want to wait.
    tokio::select! {
        () = &mut serving => Ok(()),
        () = signals.end() => Err("ended at once: requests that were running are cut off".into()),
    }
}

/// What to open, and what was made on the way. The mailbox's path has a key in it, and so is kept out
/// of a log that programs read.
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
            "There was no configuration: wrote vestibule.toml, with everything a single-page app needs.",
        );
        terminal::remark("Secrets and the database are in vestibule-data/.");
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

/// Where a browser finds the server, if that is known: an address with a host that is not believed
/// would be refused.
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
    // Behind a proxy on this machine nobody but the proxy knows the port.
    if let BelievedHosts::Listed(listed) = hosts
        && !socket.ip().is_loopback()
    {
        let names = listed.iter().filter(|host| !host.starts_with('.'));
        known.extend(names.map(|host| format!("{host}:{}", socket.port())));
    }
    let believed = known.into_iter().find(|host| hosts.believe(host))?;
    Some(format!("http://{believed}"))
}
