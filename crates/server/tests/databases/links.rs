//! Each kind of link, used by many clients at once and then once more: it works once.

use serde_json::{Value, json};

use crate::http::{Request, Response};
use crate::site::{ANA, AT_ONCE, COMMON, Database, PASSWORD, Site, destination, newcomer};

const LIFE: &str = r#"
SECURITY_REGISTERABLE = true
SECURITY_CONFIRMABLE = true
SECURITY_RECOVERABLE = true
SECURITY_CHANGE_EMAIL = true
SECURITY_CHANGE_EMAIL_NOTIFY_OLD = false
SECURITY_REDIRECT_BEHAVIOR = "spa"
SECURITY_POST_CONFIRM_VIEW = "/confirmed"
SECURITY_CONFIRM_ERROR_VIEW = "/confirm-error"
SECURITY_RESET_VIEW = "/reset-password"
SECURITY_RESET_ERROR_VIEW = "/reset-password-error"
SECURITY_POST_LOGIN_VIEW = "/in"
SECURITY_LOGIN_ERROR_VIEW = "/login-error"
SECURITY_POST_CHANGE_EMAIL_VIEW = "/moved"
SECURITY_CHANGE_EMAIL_ERROR_VIEW = "/not-moved"
"#;

const NEW: &str = "new@example.com";

fn start(database: Database, more: &str) -> Site {
    Site::start(database, &format!("{COMMON}{LIFE}{more}"))
}

/// A link that is consumed when it is opened leads one of many clients to `done`, and the others to
/// `refused`.
pub(crate) fn opened_once(site: &Site, link: &str, done: &str, refused: &str) {
    let answers = site.at_once(|_| Request::get(link));
    let views: Vec<&str> = answers.iter().map(|answer| destination(answer).0).collect();
    let count = |view: &str| views.iter().filter(|other| **other == view).count();
    assert_eq!((count(done), count(refused)), (1, AT_ONCE - 1), "{views:?}");
    let later = site.ask(Request::get(link));
    assert_eq!(destination(&later).0, refused);
}

/// A link that is consumed by a POST can be opened by every client, and works for one of them.
fn posted_once(site: &Site, link: &str, done: &str, body: &Value) {
    for answer in site.at_once(|_| Request::get(link)) {
        let (view, query) = destination(&answer);
        assert_eq!(view, done);
        assert!(query.starts_with("token="), "{query}");
    }
    accepted_once(site, |_| Request::post(link, body));
}

/// One of many requests is answered with 200 and every other with 400. Returns the number of that
/// one.
pub(crate) fn accepted_once(site: &Site, request: impl Fn(usize) -> Request + Sync) -> usize {
    let answers = site.at_once(&request);
    let is_done = |answer: &Response| match answer.status {
        200 => true,
        400 => false,
        _ => panic!("{answer:?}"),
    };
    let winners: Vec<usize> = (0..AT_ONCE).filter(|n| is_done(&answers[*n])).collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert!(!is_done(&site.ask(request(winners[0]))), "it works again");
    winners[0]
}

fn to_confirm(site: &Site) -> String {
    let answer = site.post("/register", &newcomer(ANA));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(
        !site.signs_in(ANA, PASSWORD),
        "the user can sign in before the link is used"
    );
    site.post.link(ANA)
}

fn attack_single_use_confirmation_link_works_for_one_of_many_clients(database: Database) {
    let site = start(database, "");
    let link = to_confirm(&site);
    opened_once(&site, &link, "/confirmed", "/confirm-error");
    assert!(site.signs_in(ANA, PASSWORD));
}

fn attack_single_use_posted_confirmation_link_works_for_one_of_many_clients(database: Database) {
    let site = start(database, "SECURITY_LINKS_CONSUMED_BY = \"post\"");
    let link = to_confirm(&site);
    posted_once(&site, &link, "/confirmed", &json!({}));
    assert!(site.signs_in(ANA, PASSWORD));
}

fn attack_single_use_reset_link_works_for_one_of_many_clients(database: Database) {
    // The test tries the password of every client.
    let site = start(database, "SECURITY_LIMITS = \"off\"");
    site.create(ANA);
    let answer = site.post("/reset", &json!({"email": ANA}));
    assert_eq!(answer.status, 200, "{answer:?}");
    let link = site.post.link(ANA);
    let opened = site.ask(Request::get(&link));
    assert_eq!(destination(&opened).0, "/reset-password");
    let password = |number| format!("password number {number}");
    let winner = accepted_once(&site, |number| {
        let new = password(number);
        Request::post(&link, &json!({"password": new, "password_confirm": new}))
    });
    for number in 0..AT_ONCE {
        let right = site.signs_in(ANA, &password(number));
        assert_eq!(right, number == winner, "{number}");
    }
    let later = site.ask(Request::get(&link));
    assert_eq!(destination(&later).0, "/reset-password-error");
}

fn to_sign_in(site: &Site) -> String {
    site.create(ANA);
    let answer = site.post("/login", &json!({"email": ANA}));
    assert_eq!(answer.status, 200, "{answer:?}");
    site.post.link(ANA)
}

fn attack_single_use_sign_in_link_works_for_one_of_many_clients(database: Database) {
    let site = start(database, "SECURITY_PASSWORDLESS = true");
    let link = to_sign_in(&site);
    opened_once(&site, &link, "/in", "/login-error");
}

fn attack_single_use_posted_sign_in_link_works_for_one_of_many_clients(database: Database) {
    let more = "SECURITY_PASSWORDLESS = true\nSECURITY_LINKS_CONSUMED_BY = \"post\"";
    let site = start(database, more);
    let link = to_sign_in(&site);
    posted_once(&site, &link, "/in", &json!({}));
}

fn to_change_the_address(site: &Site) -> String {
    site.create(ANA);
    let mut browser = site.browser();
    assert_eq!(browser.sign_in(ANA, PASSWORD).status, 200);
    let answer = browser.post("/change-email", &json!({"email": NEW}));
    assert_eq!(answer.status, 200, "{answer:?}");
    site.post.link(NEW)
}

fn attack_single_use_change_email_link_works_for_one_of_many_clients(database: Database) {
    let site = start(database, "");
    let link = to_change_the_address(&site);
    opened_once(&site, &link, "/moved", "/not-moved");
    assert!(site.signs_in(NEW, PASSWORD) && !site.signs_in(ANA, PASSWORD));
}

fn attack_single_use_posted_change_email_link_works_for_one_of_many_clients(database: Database) {
    let site = start(database, "SECURITY_LINKS_CONSUMED_BY = \"post\"");
    let link = to_change_the_address(&site);
    posted_once(&site, &link, "/moved", &json!({}));
    assert!(site.signs_in(NEW, PASSWORD) && !site.signs_in(ANA, PASSWORD));
}

on_each_database! {
    attack_single_use_confirmation_link_works_for_one_of_many_clients
    attack_single_use_posted_confirmation_link_works_for_one_of_many_clients
    attack_single_use_reset_link_works_for_one_of_many_clients
    attack_single_use_sign_in_link_works_for_one_of_many_clients
    attack_single_use_posted_sign_in_link_works_for_one_of_many_clients
    attack_single_use_change_email_link_works_for_one_of_many_clients
    attack_single_use_posted_change_email_link_works_for_one_of_many_clients
}
