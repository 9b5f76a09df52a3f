//! `scripts/databases` stops the servers that it starts.

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::program::{self, Folder};

/// The servers that a run of the script started.
#[derive(Debug)]
struct Started {
    ids: Vec<String>,
    ports: Vec<u16>,
    folder: String,
}

impl Started {
    /// Parses the line that [`shell`] writes.
    fn read(line: &str) -> Self {
        let (ids, rest) = line.trim().split_once('|').unwrap();
        let (addresses, folder) = rest.split_once('|').unwrap();
        let port = |address: &str| {
            let (_, port) = address.rsplit_once(':').unwrap();
            port.split('/').next().unwrap().parse().unwrap()
        };
        let started = Self {
            ids: ids.split(' ').map(str::to_owned).collect(),
            ports: addresses.split(' ').map(port).collect(),
            folder: folder.to_owned(),
        };
        assert_eq!(started.ports.len(), 2, "{started:?}");
        started
    }

    #[track_caller]
    fn is_gone(&self) {
        for id in &self.ids {
            assert!(!Path::new("/proc").join(id).exists(), "{id} still runs");
        }
        for port in &self.ports {
            let answer = TcpStream::connect(("127.0.0.1", *port));
            assert!(answer.is_err(), "port {port} still answers");
        }
        assert!(!Path::new(&self.folder).exists(), "{}", self.folder);
    }
}

/// A shell that sources the script where no database answers, writes a line about the started
/// servers, and runs `then`. It leads its own process group, as in a terminal.
fn shell(folder: &Folder, before: &str, then: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = format!(
        "set -euo pipefail\n\
         missing() {{ printf '%s\\n' \"$*\" >&2; exit 1; }}\n\
         {before}\n\
         . scripts/databases\n\
         psql -qc 'SELECT 1' \"$TEST_POSTGRES\" >/dev/null\n\
         echo \"${{databases_ids[*]}}|$TEST_POSTGRES $TEST_MYSQL|$databases_folder\" >\"$STARTED\"\n\
         {then}\n"
    );
    // A shell cannot trap a signal that was ignored when it started.
    let mut command = Command::new("env");
    command
        .args(["--default-signal=INT", "bash", "-c", &script])
        .current_dir(root)
        .env("STARTED", folder.path().join("started"))
        // Nothing listens on port 9.
        .env(
            "TEST_POSTGRES",
            "postgresql://postgres@127.0.0.1:9/postgres",
        )
        .env("TEST_MYSQL", "mysql://root@127.0.0.1:9/mysql")
        .stdin(Stdio::null())
        .process_group(0);
    command
}

fn run(folder: &Folder, before: &str, then: &str) -> (Output, Started) {
    let output = shell(folder, before, then).output().unwrap();
    let started = fs::read_to_string(folder.path().join("started"))
        .unwrap_or_else(|_| panic!("{}", program::stderr(&output)));
    fs::remove_file(folder.path().join("started")).unwrap();
    (output, Started::read(&started))
}

/// Presses Ctrl-C once the servers answer: SIGINT for the whole process group.
fn interrupted() -> Started {
    let folder = Folder::new();
    let mut child = shell(&folder, "", "sleep 300").spawn().unwrap();
    let file = folder.path().join("started");
    let deadline = Instant::now() + Duration::from_secs(240);
    while !fs::read_to_string(&file).is_ok_and(|text| text.ends_with('\n')) {
        assert!(child.try_wait().unwrap().is_none(), "the script ended");
        assert!(Instant::now() < deadline, "the servers do not answer");
        thread::sleep(Duration::from_millis(50));
    }
    let started = Started::read(&fs::read_to_string(&file).unwrap());
    let sent = Command::new("kill")
        .args(["-INT", "--", &format!("-{}", child.id())])
        .status()
        .unwrap();
    assert!(sent.success());
    assert_eq!(child.wait().unwrap().code(), Some(130));
    started
}

#[test]
fn servers_of_the_test_command_end_with_it() {
    let folder = Folder::new();
    thread::scope(|scope| {
        let interrupted = scope.spawn(interrupted);

        let (output, first) = run(&folder, "", "true");
        assert!(output.status.success(), "{}", program::stderr(&output));
        first.is_gone();

        // The second run follows at once, first gets a port that another program holds, and fails
        // after the servers have started.
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = held.local_addr().unwrap().port();
        let before = format!(
            "free_port() {{\n\
               if [ ! -e \"$STARTED.$FUNCNAME\" ]; then touch \"$STARTED.$FUNCNAME\"; echo {port}; return; fi\n\
               python3 -c 'import socket; s = socket.socket(); s.bind((\"127.0.0.1\", 0)); print(s.getsockname()[1])'\n\
             }}"
        );
        let (output, second) = run(&folder, &before, "exit 3");
        assert_eq!(
            output.status.code(),
            Some(3),
            "{}",
            program::stderr(&output)
        );
        assert!(!second.ports.contains(&port), "{second:?}");
        assert_eq!(second.ids.len(), 3, "one attempt failed: {second:?}");
        second.is_gone();

        interrupted.join().unwrap().is_gone();
    });
}
