//! Each kind of one-time code, used by many clients at once and then once more: it works once.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::links::{accepted_once, opened_once};
use crate::site::{ANA, Browser, COMMON, Database, PASSWORD, Site};

/// The limits would refuse most of the clients before they compare a code.
const CODES: &str = r#"
SECURITY_UNIFIED_SIGNIN = true
SECURITY_US_MFA_REQUIRED = []
SECURITY_TWO_FACTOR = true
SECURITY_MULTI_FACTOR_RECOVERY_CODES = true
SECURITY_TOTP_SECRETS = { "1" = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
SECURITY_TOTP_ISSUER = "tests"
SECURITY_LIMITS = "off"
SECURITY_REDIRECT_BEHAVIOR = "spa"
SECURITY_POST_LOGIN_VIEW = "/in"
SECURITY_LOGIN_ERROR_VIEW = "/login-error"
"#;

/// How long a mail may take to arrive.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(database: Database) -> Site {
    let site = Site::start(database, &format!("{COMMON}{CODES}"));
    site.create(ANA);
    site
}

/// The codes in all mails to Ana, the oldest first.
fn codes(site: &Site) -> Vec<String> {
    let is_code = |line: &&str| line.len() == 6 && line.bytes().all(|byte| byte.is_ascii_digit());
    let mails = site.post.to(ANA).into_iter();
    let texts = mails.filter_map(|mail| mail.text);
    texts
        .filter_map(|text| text.lines().map(str::trim).find(is_code).map(str::to_owned))
        .collect()
}

/// Makes the server send a code, and returns it.
fn code_after(site: &Site, request: impl FnOnce()) -> String {
    let before = codes(site).len();
    request();
    let start = Instant::now();
    loop {
        if let Some(code) = codes(site).get(before) {
            return code.clone();
        }
        assert!(start.elapsed() < PATIENCE, "no code arrived");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn done(browser: &mut Browser, path: &str, body: &Value) -> Value {
    let answer = browser.post(path, body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json().unwrap()["response"].clone()
}

/// Begins a set-up of codes by mail, which one of many clients completes.
fn set_up(site: &Site, browser: &mut Browser, path: &str, body: &Value, names: [&str; 2]) {
    let [state, field] = names;
    let mut response = Value::Null;
    let code = code_after(site, || response = done(browser, path, body));
    let path = format!("{path}/{}", response[state].as_str().unwrap());
    accepted_once(site, |_| browser.request(&path, &json!({field: code})));
}

/// Signs in with the password, which does not suffice.
fn half_signed_in(site: &Site) -> Browser {
    let mut browser = site.browser();
    let answer = browser.sign_in(ANA, PASSWORD);
    let said = answer.json().unwrap();
    assert_eq!(said["response"]["tf_required"], true, "{said}");
    browser
}

fn attack_single_use_code_that_signs_in_works_for_one_of_many_clients(database: Database) {
    let site = start(database);
    let mut browser = site.browser();
    assert_eq!(browser.sign_in(ANA, PASSWORD).status, 200);
    let names = ["state", "passcode"];
    let by_mail = json!({"chosen_method": "email"});
    set_up(&site, &mut browser, "/us-setup", &by_mail, names);

    let send = || {
        let body = json!({"identity": ANA, "chosen_method": "email"});
        assert_eq!(site.post("/us-signin/send-code", &body).status, 200);
    };
    let code = code_after(&site, send);
    let body = json!({"identity": ANA, "passcode": code});
    accepted_once(&site, |_| site.browser().request("/us-signin", &body));

    code_after(&site, send);
    let link = site.post.link(ANA);
    opened_once(&site, &link, "/in", "/login-error");
}

fn attack_single_use_second_factor_works_for_one_of_many_clients(database: Database) {
    let site = start(database);
    let mut browser = site.browser();
    assert_eq!(browser.sign_in(ANA, PASSWORD).status, 200);
    let names = ["tf_state_token", "code"];
    let by_mail = json!({"setup": "email"});
    set_up(&site, &mut browser, "/tf-setup", &by_mail, names);
    let response = done(&mut browser, "/mf-recovery-codes", &json!({}));
    let recovery = json!({"code": response["recovery_codes"][0]});

    let mut pending = None;
    let code = code_after(&site, || pending = Some(half_signed_in(&site)));
    let pending = pending.unwrap();
    let body = json!({"code": code});
    accepted_once(&site, |_| pending.request("/tf-validate", &body));

    let pending = half_signed_in(&site);
    accepted_once(&site, |_| pending.request("/mf-recovery", &recovery));
}

on_each_database! {
    attack_single_use_code_that_signs_in_works_for_one_of_many_clients
    attack_single_use_second_factor_works_for_one_of_many_clients
}
