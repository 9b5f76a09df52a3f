//! The proxies, with the configuration files of `deploy` on the ports of a test.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{self, wait_for};

/// The kind of a proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proxy {
    Nginx,
    Caddy,
}

/// A running proxy.
pub(crate) struct Front {
    child: Child,
    pub(crate) port: u16,
}

/// How the shipped configuration files are changed for a test.
pub(crate) struct Place<'a> {
    pub(crate) folder: &'a Path,
    pub(crate) vestibule: u16,
    pub(crate) backend: u16,
    /// Whether the lines that begin with `#-` are enabled.
    pub(crate) preflights: bool,
}

impl Place<'_> {
    /// Copies a file of `deploy`, with the ports of the test and these changes.
    fn copy(&self, file: &str, changes: &[(&str, String)]) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../deploy")
            .join(file);
        let mut text = fs::read_to_string(&path).unwrap();
        let ports = [
            ("127.0.0.1:5000", format!("127.0.0.1:{}", self.vestibule)),
            ("127.0.0.1:9000", format!("127.0.0.1:{}", self.backend)),
        ];
        for (from, to) in ports.iter().chain(changes) {
            text = text.replace(from, to);
        }
        if self.preflights {
            text = text.replace("#-", "");
        }
        fs::write(self.folder.join(path.file_name().unwrap()), text).unwrap();
    }
}

impl Front {
    pub(crate) fn start(proxy: Proxy, place: &Place<'_>) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let mut command = match proxy {
            Proxy::Nginx => nginx(place, port),
            Proxy::Caddy => caddy(place, port),
        };
        let log = fs::File::create(place.folder.join("proxy.log")).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("{proxy:?} is not installed: {error}"));
        let front = Self { child, port };
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        front
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // nginx's master process stops its workers; SIGKILL would leave them running.
        support::terminate(&self.child);
        let _ = self.child.wait();
    }
}

fn nginx(place: &Place<'_>, port: u16) -> Command {
    let changes = [
        ("listen 80;", format!("listen 127.0.0.1:{port};")),
        ("server_name app.example;", "server_name localhost;".into()),
    ];
    for name in ["protect.conf", "authz.conf", "backend.conf"] {
        place.copy(&format!("nginx/{name}"), &changes);
    }
    let whole = "daemon off; worker_processes 1; pid nginx.pid; error_log stderr;\n\
         events {}\n\
         http { access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
         fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n\
         include protect.conf; }\n";
    fs::write(place.folder.join("nginx.conf"), whole).unwrap();
    let mut command = Command::new("nginx");
    command
        .arg("-p")
        .arg(place.folder)
        .args(["-c", "nginx.conf"]);
    command
}

fn caddy(place: &Place<'_>, port: u16) -> Command {
    let site = format!("http://localhost:{port} {{");
    place.copy("caddy/Caddyfile", &[("app.example {", site)]);
    // Nothing outside the test's folder: no administration port, no certificates.
    let whole = "{\n\tadmin off\n\tauto_https off\n\tdefault_bind 127.0.0.1\n}\n\
         import Caddyfile\n";
    fs::write(place.folder.join("whole.caddy"), whole).unwrap();
    let mut command = Command::new("caddy");
    command
        .args(["run", "--adapter", "caddyfile", "--config", "whole.caddy"])
        .current_dir(place.folder)
        .env("HOME", place.folder)
        .env("XDG_DATA_HOME", place.folder)
        .env("XDG_CONFIG_HOME", place.folder);
    command
}
