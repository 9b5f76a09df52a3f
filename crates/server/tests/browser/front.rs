//! nginx with the page, and with vestibule behind `/api` as in production or in development.

use std::fs::{self, File};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use crate::program::{Folder, terminate, wait_for};

/// The name of the host that vestibule sees in requests through nginx.
#[derive(Clone, Copy)]
pub(crate) enum Host {
    /// The browser's, as a proxy in production forwards it.
    Browser,
    /// vestibule's own, as development servers such as Vite's set it.
    Vestibule,
}

/// A running nginx.
pub(crate) struct Front {
    child: Child,
    pub(crate) port: u16,
    _folder: Folder,
}

impl Front {
    /// Starts nginx on this port with a page in front of vestibule.
    pub(crate) fn start(port: u16, page: &str, vestibule: u16, host: Host) -> Self {
        let folder = Folder::new();
        let host = match host {
            Host::Browser => "$http_host".to_owned(),
            Host::Vestibule => format!("localhost:{vestibule}"),
        };
        let configuration = format!(
            "daemon off; worker_processes 1; pid nginx.pid; error_log stderr;\n\
             events {{}}\n\
             http {{ access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
             fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; default_type text/html;\n\
             server {{ listen 127.0.0.1:{port}; root page;\n\
             location /api/ {{ proxy_pass http://127.0.0.1:{vestibule};\n\
             proxy_set_header Host {host}; }} }} }}\n"
        );
        folder.write("nginx.conf", &configuration);
        fs::create_dir(folder.path().join("page")).unwrap();
        folder.write("page/index.html", page);
        let log = File::create(folder.path().join("log")).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(folder.path())
            .args(["-c", "nginx.conf"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap_or_else(|error| panic!("nginx is not installed: {error}"));
        let front = Self {
            child,
            port,
            _folder: folder,
        };
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        front
    }

    /// The origin of the page.
    pub(crate) fn origin(&self) -> String {
        format!("http://localhost:{}", self.port)
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        // nginx's master process stops its workers; SIGKILL would leave them running.
        terminate(&self.child);
        let _ = self.child.wait();
    }
}

/// A port that is free now.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
