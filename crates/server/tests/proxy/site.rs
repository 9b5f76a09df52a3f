//! vestibule, a proxy in front of it, and a backend behind both.

use std::process::Command;

use crate::backend::Backend;
use crate::front::{Front, Place, Proxy};
use crate::support::{self, Folder, Server, stderr};

/// vestibule, a proxy and a backend, and curl as the client.
pub(crate) struct Site {
    folder: Folder,
    pub(crate) backend: Backend,
    front: Front,
    _server: Server,
}

impl Site {
    pub(crate) fn start(proxy: Proxy) -> Self {
        Self::with(proxy, false)
    }

    /// Like [`Self::start`], with the lines of the configuration that let preflights through.
    pub(crate) fn with_preflights(proxy: Proxy) -> Self {
        Self::with(proxy, true)
    }

    fn with(proxy: Proxy, preflights: bool) -> Self {
        let folder = Folder::new();
        folder.write(
            "vestibule.toml",
            "SECURITY_URL_PREFIX = \"/api/accounts\"\n\
             SECURITY_CSRF_PROTECT_MECHANISMS = [\"session\", \"basic\"]\n\
             SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS = true\n\
             SECURITY_CSRF_COOKIE_NAME = \"XSRF-TOKEN\"\n\
             REMEMBER_COOKIE_REFRESH_EACH_REQUEST = true\n\
             WTF_CSRF_CHECK_DEFAULT = false\n\
             WTF_CSRF_TIME_LIMIT = \"\"\n\
             TRUSTED_PROXIES = [\"127.0.0.1\"]\n\
             SECRET_KEY = \"a secret key for tests, long enough\"\n\
             SECURITY_PASSWORD_SALT = \"146585145368132386173505678016728509634\"\n",
        );
        let server = Server::start(&folder, &[]);
        for line in [
            "users create ana@example.com --password battery-staple --confirmed",
            "users create j\u{f6}rg@example.com --password battery-staple --confirmed",
            "users create bo@example.com --password battery-staple --confirmed",
            "roles create editor --permissions text-read,text-write",
            "roles add ana@example.com editor",
        ] {
            let words: Vec<&str> = line.split(' ').collect();
            let output = folder.run(&words);
            assert!(output.status.success(), "{line}: {}", stderr(&output));
        }
        let backend = Backend::start();
        let place = Place {
            folder: folder.path(),
            vestibule: server.port,
            backend: backend.port,
            preflights,
        };
        let front = Front::start(proxy, &place);
        Self {
            folder,
            backend,
            front,
            _server: server,
        }
    }

    /// Sends a request with curl, and returns the status and the body.
    ///
    /// `jar` names the cookie file of one browser. `{}` in an argument is the proxy's address.
    pub(crate) fn curl(&self, jar: &str, arguments: &[&str]) -> (u16, String) {
        let jar = self.folder.path().join(jar);
        let address = format!("http://localhost:{}", self.front.port);
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

    /// Signs in and returns the CSRF token.
    pub(crate) fn sign_in(&self, jar: &str, email: &str) -> String {
        let body =
            format!("{{\"email\":\"{email}\",\"password\":\"battery-staple\",\"remember\":true}}");
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

    /// The value of a cookie in a jar.
    pub(crate) fn cookie(&self, jar: &str, name: &str) -> Option<String> {
        let jar = self.folder.read(jar);
        let mut lines = jar.lines().map(|line| line.split('\t').skip(5));
        lines.find_map(|mut fields| {
            let found = fields.next() == Some(name);
            found.then(|| fields.next().unwrap().to_owned())
        })
    }

    /// Removes every cookie of a jar except one.
    pub(crate) fn keep_only(&self, jar: &str, name: &str) {
        let kept: String = self
            .folder
            .read(jar)
            .split_inclusive('\n')
            .filter(|line| line.contains(&format!("\t{name}\t")))
            .collect();
        self.folder.write(jar, &kept);
    }
}
