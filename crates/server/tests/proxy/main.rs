//! Behind a real nginx, in front of a backend that knows nothing about accounts, with the
//! configuration that `deploy/nginx` has.

#![expect(
    clippy::unwrap_used,
    reason = "a test that does not get what it asks for ends there"
)]

#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod support;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use support::{Folder, Server, stderr, wait_for};

/// A backend that answers every request and remembers what it heard.
struct Backend {
    port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Backend {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let ears = Arc::clone(&heard);
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                answer(&connection, &ears);
            }
        });
        Self { port, heard }
    }

    /// The headers of the requests since the last time.
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.heard.lock().unwrap())
    }
}

fn answer(mut connection: &TcpStream, heard: &Mutex<Vec<String>>) {
    let lines: Vec<String> = BufReader::new(connection)
        .lines()
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .collect();
    heard.lock().unwrap().push(lines.join("\n").to_lowercase());
    let _ = connection
        .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nbackend");
}

/// nginx with the files of `deploy/nginx`, on ports of this test.
struct Nginx {
    child: Child,
    port: u16,
}

impl Nginx {
    fn start(folder: &Path, vestibule: u16, backend: u16) -> Self {
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/nginx");
        for name in ["protect.conf", "authz.conf", "backend.conf"] {
            let text = fs::read_to_string(here.join(name)).unwrap();
            let text = text
                .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
                .replace("server_name app.example;", "server_name localhost;")
                .replace("127.0.0.1:5000", &format!("127.0.0.1:{vestibule}"))
                .replace("127.0.0.1:9000", &format!("127.0.0.1:{backend}"));
            fs::write(folder.join(name), text).unwrap();
        }
        let whole = "daemon off; worker_processes 1; pid nginx.pid; error_log stderr;\n\
             events {}\n\
             http { access_log off; client_body_temp_path body; proxy_temp_path proxy;\n\
             fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s;\n\
             include protect.conf; }\n";
        fs::write(folder.join("nginx.conf"), whole).unwrap();
        let log = fs::File::create(folder.join("nginx.log")).unwrap();
        let child = Command::new("nginx")
            .arg("-p")
            .arg(folder)
            .args(["-c", "nginx.conf"])
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("nginx is installed");
        let nginx = Self { child, port };
        wait_for(|| TcpStream::connect(("127.0.0.1", port)).is_ok());
        nginx
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // The master ends its workers; a kill would leave them.
        support::terminate(&self.child);
        let _ = self.child.wait();
    }
}

/// The three together, and curl with a jar of cookies.
struct Site {
    folder: Folder,
    backend: Backend,
    nginx: Nginx,
    _server: Server,
}

impl Site {
    fn start() -> Self {
        let folder = Folder::new();
        folder.write(
            "vestibule.toml",
            "SECURITY_URL_PREFIX = \"/api/accounts\"\n\
             SECURITY_CSRF_PROTECT_MECHANISMS = [\"session\", \"basic\"]\n\
             SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true\n\
             WTF_CSRF_CHECK_DEFAULT = false\n\
             WTF_CSRF_TIME_LIMIT = \"\"\n\
             TRUSTED_PROXIES = [\"127.0.0.1\"]\n\
             SECRET_KEY = \"a secret key for tests, long enough\"\n\
             SECURITY_PASSWORD_SALT = \"146585145368132386173505678016728509634\"\n",
        );
        let server = Server::start(&folder, &[]);
        for line in [
            "users create ana@example.com --password battery-staple --confirmed",
            "users create bo@example.com --password battery-staple --confirmed",
            "roles create editor --permissions text-read,text-write",
            "roles add ana@example.com editor",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let output = folder.run(&words);
            assert!(output.status.success(), "{line}: {}", stderr(&output));
        }
        let backend = Backend::start();
        let nginx = Nginx::start(folder.path(), server.port, backend.port);
        Self {
            folder,
            backend,
            nginx,
            _server: server,
        }
    }

    /// The status, and the body. `jar` keeps the cookies of one browser.
    fn curl(&self, jar: &str, arguments: &[&str]) -> (u16, String) {
        let jar = self.folder.path().join(jar);
        let address = format!("http://localhost:{}", self.nginx.port);
        let output = Command::new("curl")
            .args([
                "-s",
                "--path-as-is",
                "--max-time",
                "20",
                "-w",
                "\n%{http_code}",
            ])
            .arg("-b")
            .arg(&jar)
            .arg("-c")
            .arg(&jar)
            .args(arguments.iter().map(|text| text.replace("{}", &address)))
            .output()
            .expect("curl is installed");
        let said = support::stdout(&output);
        let (body, status) = said.rsplit_once('\n').unwrap();
        (status.parse().unwrap(), body.to_owned())
    }

    /// Signs in; the CSRF token.
    fn sign_in(&self, jar: &str, email: &str) -> String {
        let body = format!("{{\"email\":\"{email}\",\"password\":\"battery-staple\"}}");
        let (status, said) = self.curl(
            jar,
            &[
                "-H",
                "Content-Type: application/json",
                "-d",
                &body,
                "{}/api/accounts/login",
            ],
        );
        assert_eq!(status, 200, "{said}");
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        said["response"]["csrf_token"].as_str().unwrap().to_owned()
    }
}

#[test]
fn nginx_lets_through_whom_authz_lets_through() {
    let site = Site::start();

    // Not signed in.
    for path in ["/reports/1", "/editors/1", "/vault/1"] {
        let (status, body) = site.curl("nobody", &[&format!("{{}}{path}")]);
        assert_eq!(status, 401, "{path}: {body}");
    }
    assert!(site.backend.take().is_empty(), "the backend heard nothing");

    // Allowed, and the backend hears who it is.
    let token = site.sign_in("ana", "ana@example.com");
    let (status, body) = site.curl("ana", &["{}/editors/1"]);
    assert_eq!((status, body.as_str()), (200, "backend"));
    let heard = site.backend.take().pop().unwrap();
    for line in [
        "x-auth-user: ana@example.com",
        "x-auth-user-id: 1",
        "x-auth-roles: editor",
        "x-auth-permissions: text-read,text-write",
    ] {
        assert!(heard.lines().any(|known| known == line), "{line}\n{heard}");
    }
    assert!(!heard.contains("cookie:"), "{heard}");

    // Signed in, and not allowed.
    site.sign_in("bo", "bo@example.com");
    assert_eq!(site.curl("bo", &["{}/editors/1"]).0, 403);
    assert_eq!(site.curl("bo", &["{}/reports/1"]).0, 200);
    site.backend.take();

    // POST, without and with the CSRF token.
    let post = |extra: &[&str]| {
        let mut arguments = vec!["-X", "POST", "-d", "x=1"];
        arguments.extend(extra);
        arguments.push("{}/reports/1");
        site.curl("ana", &arguments).0
    };
    assert_eq!(post(&[]), 403);
    assert_eq!(
        post(&["-H", "X-Original-Method: GET"]),
        403,
        "the client's own word does not count"
    );
    assert!(site.backend.take().is_empty());
    assert_eq!(post(&["-H", &format!("X-XSRF-Token: {token}")]), 200);

    // Stale.
    site.backend.take();
    site.sign_in("fresh", "ana@example.com");
    assert_eq!(site.curl("fresh", &["{}/vault/1"]).0, 200);
    std::thread::sleep(Duration::from_secs(6));
    assert_eq!(site.curl("fresh", &["{}/vault/1"]).0, 401);
    assert_eq!(site.curl("fresh", &["{}/reports/1"]).0, 200);
}

#[test]
fn attack_forward_auth_confusion_what_the_client_says_about_itself_does_not_count() {
    let site = Site::start();
    site.sign_in("bo", "bo@example.com");
    let claims = [
        "-H",
        "X-Auth-User: ana@example.com",
        "-H",
        "X-Auth-User-Id: 1",
        "-H",
        "X-Auth-Roles: editor",
        "-H",
        "X-Auth-Permissions: text-write",
    ];
    let with = |path: &'static str| -> Vec<&str> { claims.iter().copied().chain([path]).collect() };
    assert_eq!(site.curl("nobody", &with("{}/reports/1")).0, 401);
    assert_eq!(site.curl("bo", &with("{}/editors/1")).0, 403);
    assert_eq!(site.curl("bo", &with("{}/reports/1")).0, 200);
    let heard = site.backend.take().pop().unwrap();
    assert!(heard.contains("x-auth-user: bo@example.com"), "{heard}");
    assert!(!heard.contains("ana@example.com"), "{heard}");
    assert!(!heard.contains("editor"), "{heard}");

    // The query and the path of the request are not what is judged.
    for path in [
        "{}/editors/1?roles_required=",
        "{}/editors/1?methods=session&roles_accepted=",
        "{}/editors//1",
        "{}/EDITORS/../editors/1",
        "{}/reports/../editors/1",
        "{}/editors/%2e%2e/editors/1",
    ] {
        assert_eq!(site.curl("bo", &[path]).0, 403, "{path}");
    }
    // The question itself is nobody's to ask.
    for path in [
        "{}/authz/editor",
        "{}/authz/member",
        "{}/api/accounts/authz",
    ] {
        assert_eq!(site.curl("bo", &[path]).0, 404, "{path}");
    }
    assert!(site.backend.take().is_empty());
}
