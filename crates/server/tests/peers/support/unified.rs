//! What the tests of unified sign-in share: their configuration, users with methods, and codes.

use serde_json::{Value, json};

use super::duo::{Duo, Pair};
use super::factors::{code, member, two_factor};
use super::http::Request;
use super::known::Known;
use super::users::ANA;

pub(crate) const SIGN_IN: &str = "/api/accounts/us-signin";
pub(crate) const SEND: &str = "/api/accounts/us-signin/send-code";
pub(crate) const VERIFY: &str = "/api/accounts/us-verify";
pub(crate) const VERIFY_SEND: &str = "/api/accounts/us-verify/send-code";
pub(crate) const SETUP: &str = "/api/accounts/us-setup";
pub(crate) const LINK: &str = "/api/accounts/us-verify-link";

/// The phone number that [`Duo::give_methods`] stores for Ana.
pub(crate) const PHONE: &str = "+442083661177";

/// The secret of an authenticator app in [`column`].
pub(crate) const APP_KEY: &str = "JBSWY3DPEHPK3PXPKRUGKIDROVUWG2ZA";
/// The secret of codes by mail in [`column`].
pub(crate) const EMAIL_KEY: &str = "KRUGS4ZANFZSAYJANNSXSIDGN5ZCA3LB";
const SMS_KEY: &str = "KRUGS4ZANFZSAYJANNSXSIDGN5ZCA43N";

/// The settings of unified sign-in by every method and identity, with these keys changed. The
/// notices and limits that the reference does not have are off.
pub(crate) fn unified(changes: &Value) -> Value {
    let mut config = json!({
        "SECURITY_FACTOR_NOTICES": false, "SECURITY_LIMITS": "off",
        "SECURITY_USER_IDENTITY_ATTRIBUTES": [
            {"email": {"mapper": "uia_email_mapper", "case_insensitive": true}},
            {"us_phone_number": {"mapper": "uia_phone_mapper"}},
            {"username": {"mapper": "uia_username_mapper", "case_insensitive": true}},
        ],
        "SECURITY_USERNAME_ENABLE": true,
    });
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    config
}

/// Like [`unified`], with second factors.
pub(crate) fn with_two_factor(changes: &Value) -> Value {
    two_factor(&unified(changes))
}

/// The value of the column with the secrets of these methods.
pub(crate) fn column(methods: &[&str]) -> String {
    let secrets = methods.iter().map(|method| {
        let key = match *method {
            "authenticator" => APP_KEY,
            "sms" => SMS_KEY,
            _ => EMAIL_KEY,
        };
        let secret = json!({"key": key, "type": "totp", "v": 1}).to_string();
        ((*method).to_owned(), json!(secret))
    });
    Value::Object(secrets.collect()).to_string()
}

/// The code of an authenticator app with the secret in [`column`], this many time steps from now.
pub(crate) fn app_code(steps: i64) -> String {
    code(APP_KEY, steps)
}

/// A right code as a number. If it begins with a zero, the reference refuses it, and the number comes
/// with that difference.
pub(crate) fn as_number(code: &str) -> (u64, Option<(Known, u16)>) {
    let known = (Known::NumbersKeepTheirZeros, 200);
    let number = code.parse().expect("a number");
    (number, code.starts_with('0').then_some(known))
}

/// A sign-in of Ana with a passcode.
pub(crate) fn with_passcode(passcode: &str) -> Request {
    sign_in_as(ANA, passcode)
}

/// A sign-in with an identity and a passcode.
pub(crate) fn sign_in_as(identity: &str, passcode: &str) -> Request {
    Request::post(
        SIGN_IN,
        &json!({"identity": identity, "passcode": passcode}),
    )
}

/// A request for a code to sign in with.
pub(crate) fn send_code(identity: &str, method: &str) -> Request {
    Request::post(
        SEND,
        &json!({"identity": identity, "chosen_method": method}),
    )
}

impl Pair {
    /// The paths that confirm the set-up that the answers began.
    pub(crate) fn us_confirmations(&self) -> (String, String) {
        let tokens = self.of("state");
        (
            format!("{SETUP}/{}", tokens.0),
            format!("{SETUP}/{}", tokens.1),
        )
    }

    /// The codes of the keys for authenticator apps in the answers, this many time steps from now.
    pub(crate) fn us_codes(&self, steps: i64) -> (String, String) {
        let of = |answer| code(&member(answer, "authr_b32key"), steps);
        (of(&self.ours), of(&self.theirs))
    }
}

impl Duo {
    /// Starts both with unified sign-in and these keys changed; mails and SMS are compared.
    pub(crate) fn with_unified(name: &str, changes: &Value) -> Self {
        Self::start_with_mail_and_sms(name, &unified(changes))
    }

    /// Sets methods up for a user, outside any exchange.
    pub(crate) fn give_methods(&mut self, email: &str, methods: &[&str]) {
        self.set(email, "us_totp_secrets", &column(methods));
        if methods.contains(&"sms") && email == ANA {
            self.set(email, "us_phone_number", PHONE);
        }
    }

    /// Makes the record of a user's last sign-in equal at both, after a sign-in that one refused.
    pub(crate) fn even_sign_ins(&mut self, email: &str) {
        for name in ["last_login_at", "current_login_at"] {
            self.set(email, name, "2026-02-01 00:00:00.000000");
        }
        for name in ["last_login_ip", "current_login_ip"] {
            self.set(email, name, "127.0.0.1");
        }
    }
}

/// A request with the passcode to the path, of a value from [`super::factors::joined`].
pub(crate) fn confirm(own: &str, jar: &super::jar::Jar) -> Request {
    let (path, code) = own.split_once('\n').expect("a path and a code");
    super::factors::post(path, &json!({"passcode": code}), jar)
}
