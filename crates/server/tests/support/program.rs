//! A temporary folder for each run of the program, and a server that stops with its test.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_vestibule");

/// A temporary folder that is removed when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("vestibule-{}-{count}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap()
    }

    /// A command that runs the program in this folder, with an empty environment.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(arguments)
            .current_dir(&self.0)
            .env_clear()
            .stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Checks that the command exited with 1, printed one line with this complaint, and no result.
#[track_caller]
pub(crate) fn refused(output: &Output, complaint: &str) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(complaint), "{complaint:?} in {said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(stdout(output), "");
}

/// Checks that the command exited with 0 and printed no errors. Returns its output.
#[track_caller]
pub(crate) fn done(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    assert_eq!(stderr(output), "");
    stdout(output)
}

/// A server on a free port. Its log is the file `log` in the folder.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) port: u16,
}

impl Server {
    pub(crate) fn start(folder: &Folder, environment: &[(&str, &str)]) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let log = fs::File::create(folder.path().join("log")).unwrap();
        let child = folder
            .command(&["serve", "--listen", &format!("127.0.0.1:{port}")])
            .envs(environment.iter().copied())
            .stderr(log)
            .spawn()
            .unwrap();
        let server = Self { child, port };
        wait_for(|| std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
        server
    }

    /// Runs curl. `{}` in an argument stands for the server's address.
    pub(crate) fn curl(&self, arguments: &[&str]) -> String {
        let address = format!("http://localhost:{}", self.port);
        let output = Command::new("curl")
            .args(["-s", "--max-time", "120"])
            .args(
                arguments
                    .iter()
                    .map(|argument| argument.replace("{}", &address)),
            )
            .output()
            .expect("curl is installed");
        stdout(&output)
    }

    /// Asks the server to stop, and waits until it has stopped.
    pub(crate) fn stop(mut self) -> std::process::ExitStatus {
        terminate(&self.child);
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn terminate(child: &Child) {
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-TERM", &id])
            .status()
            .unwrap()
            .success()
    );
}

pub(crate) fn wait_for(mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !condition() {
        assert!(
            Instant::now() < deadline,
            "the condition was not met in time"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
