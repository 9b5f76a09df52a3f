//! What the tests of second factors share: their configuration, users with factors, and codes.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::duo::{Duo, Pair};
use super::http::{Request, Response};
use super::jar::{Jar, with_token};
use super::python::Python;

pub(crate) const SETUP: &str = "/api/accounts/tf-setup";
pub(crate) const VALIDATE: &str = "/api/accounts/tf-validate";
pub(crate) const RESCUE: &str = "/api/accounts/tf-rescue";
pub(crate) const SELECT: &str = "/api/accounts/tf-select";
pub(crate) const RECOVERY_CODES: &str = "/api/accounts/mf-recovery-codes";
pub(crate) const RECOVERY: &str = "/api/accounts/mf-recovery";

/// The key that [`Duo::give_factor`] stores.
pub(crate) const KEY: &str = "JBSWY3DPEHPK3PXPKRUGKIDROVUWG2ZA";
/// The phone number that [`Duo::give_factor`] stores.
pub(crate) const PHONE: &str = "+442083661177";

/// The settings of second factors, with these keys changed. The notices and limits that the
/// reference does not have are off.
pub(crate) fn two_factor(changes: &Value) -> Value {
    let mut config = json!({
        "SECURITY_TWO_FACTOR": true, "SECURITY_FACTOR_NOTICES": false, "SECURITY_LIMITS": "off",
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "both servers read the machine's clock"
)]
pub(crate) fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a clock after 1970").as_secs()
}

/// The code of a key, this many time steps from now.
pub(crate) fn code(key: &str, steps: i64) -> String {
    let at = now().saturating_add_signed(30 * steps);
    Python::get().one_time_code(key, at)
}

/// A code with every digit changed.
pub(crate) fn other_than(code: &str) -> String {
    let change = |c: char| if c == '9' { '0' } else { (c as u8 + 1) as char };
    code.chars().map(change).collect()
}

/// A text in the member `response` of an answer.
pub(crate) fn member(answer: &Response, name: &str) -> String {
    let body = answer.json().unwrap_or_default();
    let value = &body["response"][name];
    value.as_str().unwrap_or_default().to_owned()
}

/// A request with a JSON body and the CSRF token of the jar.
pub(crate) fn post(path: &str, body: &Value, jar: &Jar) -> Request {
    with_token(Request::post(path, body), jar)
}

/// A request with a form body, for a JSON answer.
pub(crate) fn form(path: &str, pairs: &[(&str, &str)]) -> Request {
    Request::new("POST", path)
        .header("Accept", "application/json")
        .form(pairs)
}

/// The only code in a message: six digits between other characters.
pub(crate) fn code_in(text: &str) -> String {
    let is_code = |word: &&str| word.len() == 6 && word.bytes().all(|byte| byte.is_ascii_digit());
    let mut words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let found = words.find(is_code);
    found
        .unwrap_or_else(|| panic!("no code in {text}"))
        .to_owned()
}

impl Pair {
    /// A text in the member `response` of each answer.
    pub(crate) fn of(&self, name: &str) -> (String, String) {
        (member(&self.ours, name), member(&self.theirs, name))
    }

    /// The codes of the keys that the answers contain, this many time steps from now.
    pub(crate) fn codes(&self, steps: i64) -> (String, String) {
        let keys = self.of("tf_authr_b32key");
        (code(&keys.0, steps), code(&keys.1, steps))
    }

    /// The paths that confirm the set-up that the answers began.
    pub(crate) fn confirmations(&self) -> (String, String) {
        let tokens = self.of("tf_state_token");
        (
            format!("{SETUP}/{}", tokens.0),
            format!("{SETUP}/{}", tokens.1),
        )
    }
}

impl Duo {
    /// Starts both with second factors and these keys changed; mails and SMS are compared.
    pub(crate) fn with_factors(name: &str, changes: &Value) -> Self {
        Self::start_with_mail_and_sms(name, &two_factor(changes))
    }

    /// Gives a user a second factor with [`KEY`], outside any exchange.
    pub(crate) fn give_factor(&mut self, email: &str, method: &str) {
        let secret = json!({"key": KEY, "type": "totp", "v": 1});
        self.set(email, "tf_totp_secret", &secret.to_string());
        self.set(email, "tf_primary_method", method);
        if method == "sms" {
            self.set(email, "tf_phone_number", PHONE);
        }
    }

    /// The last codes that each server mailed to an address.
    pub(crate) fn mailed_codes(&self, address: &str) -> (String, String) {
        let last = |post: &super::post::Post| {
            let last = post.to(address).pop().expect("a mail");
            code_in(&last.text.unwrap_or_default())
        };
        let (ours, theirs) = self.post();
        (last(ours), last(theirs))
    }

    /// The last codes that each server sent to a number.
    pub(crate) fn texted_codes(&self, number: &str) -> (String, String) {
        let (ours, theirs) = self.sms();
        let last = |sms: Option<super::sms::Sms>| code_in(&sms.expect("an SMS").text);
        (last(ours.last(number)), last(theirs.last(number)))
    }
}

/// Both values, for requests that each server gets its own of.
pub(crate) fn joined(paths: &(String, String), codes: &(String, String)) -> (String, String) {
    (
        format!("{}\n{}", paths.0, codes.0),
        format!("{}\n{}", paths.1, codes.1),
    )
}

/// A request to the path, with the code, of a value from [`joined`].
pub(crate) fn confirm(own: &str, jar: &Jar) -> Request {
    let (path, code) = own.split_once('\n').expect("a path and a code");
    post(path, &json!({"code": code}), jar)
}
