//! PgBouncer in front of PostgreSQL. It gives each transaction to any free session.

use std::os::unix::fs::MetadataExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// A pooler that stops at the end of its test.
#[derive(Debug)]
pub(crate) struct Pooler {
    child: Child,
    folder: PathBuf,
    /// The address of the database through the pooler.
    pub(crate) uri: String,
}

impl Pooler {
    /// Starts a pooler for the database at `scheme://user:password@host:port/name`, with this many
    /// sessions.
    pub(crate) fn before(uri: &str, sessions: u32) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("vestibule-pooler-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let (scheme, rest) = uri.split_once("://").unwrap();
        let (who, rest) = rest.rsplit_once('@').unwrap();
        let (place, name) = rest.split_once('/').unwrap();
        let (host, port) = place.split_once(':').unwrap();
        let credentials = match who.split_once(':') {
            Some((user, password)) => format!("user={user} password={password}"),
            None => format!("user={who}"),
        };
        // Another process may take the port first, so try a few.
        for _ in 0..5 {
            let listen = free_port();
            let settings = format!(
                "[databases]\n\
                 * = host={host} port={port} {credentials}\n\
                 [pgbouncer]\n\
                 listen_addr = 127.0.0.1\n\
                 listen_port = {listen}\n\
                 unix_socket_dir =\n\
                 auth_type = any\n\
                 pool_mode = transaction\n\
                 default_pool_size = {sessions}\n\
                 max_client_conn = 500\n"
            );
            let file = folder.join("pgbouncer.ini");
            std::fs::write(&file, settings).unwrap();
            for (path, mode) in [(&folder, 0o755), (&file, 0o644)] {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
            }
            let mut child = start(&file);
            if answers(&mut child, listen) {
                let uri = format!("{scheme}://{who}@127.0.0.1:{listen}/{name}");
                return Self { child, folder, uri };
            }
        }
        panic!("pgbouncer does not start");
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn start(settings: &Path) -> Child {
    // On Debian, the program is in a folder that only root has in its PATH.
    let usual = Path::new("/usr/sbin/pgbouncer");
    let program = if usual.exists() {
        usual
    } else {
        Path::new("pgbouncer")
    };
    let is_root = std::fs::metadata("/proc/self").is_ok_and(|facts| facts.uid() == 0);
    // It refuses to run as root.
    let mut command = if is_root {
        let mut command = Command::new("setpriv");
        command
            .args(["--reuid=postgres", "--regid=postgres", "--clear-groups"])
            .arg(program);
        command
    } else {
        Command::new(program)
    };
    command
        .arg("-q")
        .arg(settings)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("pgbouncer is installed")
}

/// Waits until it listens; false if it ends first.
fn answers(child: &mut Child, port: u16) -> bool {
    let deadline = Instant::now() + Duration::from_secs(20);
    while Instant::now() < deadline {
        if child.try_wait().unwrap().is_some() {
            return false;
        }
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    let _ = child.wait();
    false
}
