//! A mail server that is down, and servers that share an outbox.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::http::Request;
use crate::post::Post;
use crate::program::Server;
use crate::site::{ANA, AT_ONCE, COMMON, Database, Site, newcomer};

const OPEN: &str = r#"
SECURITY_REGISTERABLE = true
SECURITY_CONFIRMABLE = true
SECURITY_POST_CONFIRM_VIEW = "/confirmed"
SECURITY_CONFIRM_ERROR_VIEW = "/confirm-error"
"#;

/// Far longer than a retry takes: a mail is tried again after ten seconds, and the outbox is polled
/// every five.
const PATIENCE: Duration = Duration::from_secs(180);

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn mail_is_sent_once_after_a_restart_and_a_mail_server_outage(database: Database) {
    // The mail server's port: nothing listens on it yet.
    let closed = Post::closed();
    let port = closed.port;
    let mut site = Site::start_with_post(database, &format!("{COMMON}{OPEN}"), closed);
    let answer = site.post("/register", &newcomer(ANA));
    assert_eq!(
        answer.status, 200,
        "the answer does not wait for the mail: {answer:?}"
    );
    let log = || site.folder.read("log");
    wait_until("the mail was never tried", || {
        log().contains("mail delayed")
    });
    // Our server is replaced by a new one. The mail server starts only afterwards.
    let server = std::mem::replace(&mut site.server, Server::start(&site.folder, &[]));
    assert!(server.stop().success());
    site.post = Post::open_at(port);
    wait_until("the mail never arrived", || site.post.count() > 0);
    let link = site.post.link(ANA);
    assert_eq!(site.ask(Request::get(&link)).status, 302);
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(site.post.count(), 1, "the mail arrives once");
}

fn servers_that_share_an_outbox_send_each_mail_once(database: Database) {
    let site = Site::start(database, &format!("{COMMON}{OPEN}"));
    let other = Server::start(&site.folder, &[]);
    for port in [site.server.port, other.port] {
        let email = |number| format!("p{port}n{number}@example.com");
        let register = |number| {
            let request = Request::post("/api/accounts/register", &newcomer(&email(number)));
            let answer = request.send(if number % 2 == 0 { port } else { other.port });
            assert_eq!(answer.unwrap().status, 200);
        };
        std::thread::scope(|scope| {
            let register = &register;
            for number in 0..AT_ONCE {
                scope.spawn(move || register(number));
            }
        });
    }
    wait_until("not every mail arrived", || {
        site.post.count() >= 2 * AT_ONCE
    });
    std::thread::sleep(Duration::from_millis(500));
    let mut counts = BTreeMap::new();
    for mail in site.post.from(0, 0) {
        *counts.entry(mail.to).or_insert(0) += 1;
    }
    assert_eq!(counts.len(), 2 * AT_ONCE);
    assert!(counts.values().all(|count| *count == 1), "{counts:?}");
}

on_each_database! {
    mail_is_sent_once_after_a_restart_and_a_mail_server_outage
    servers_that_share_an_outbox_send_each_mail_once
}
