//! When a CSRF token is required: every combination of the settings, the caller, the place of the
//! token and the endpoint.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::http::Request;
use crate::support::jar::Jar;
use crate::support::requests::{LOGIN, LOGOUT, REFRESH, VERIFY, basic, sign_in_for_tokens};
use crate::support::users::{ANA, PASSWORD};

/// The number of exchanges in one test: eight sets of mechanisms, each with two requests to begin
/// with and every combination of caller, endpoint and place.
pub(crate) const EXCHANGES: usize = 8 * (2 + 4 * 4 * 6);

const MECHANISMS: [&str; 3] = ["session", "token", "basic"];

/// Where the request has a CSRF token, and whether it is the right one.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Place {
    Nowhere,
    Header(&'static str),
    WrongHeader,
    JsonBody,
    CookieOnly,
}

const PLACES: [Place; 6] = [
    Place::Nowhere,
    Place::Header("X-CSRFToken"),
    Place::Header("X-XSRF-Token"),
    Place::WrongHeader,
    Place::JsonBody,
    Place::CookieOnly,
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Caller {
    Anonymous,
    Session,
    Token,
    Basic,
}

const CALLERS: [Caller; 4] = [
    Caller::Anonymous,
    Caller::Session,
    Caller::Token,
    Caller::Basic,
];

const ENDPOINTS: [&str; 4] = [LOGIN, LOGOUT, VERIFY, REFRESH];

fn body(endpoint: &str, csrf_token: Option<&str>) -> Value {
    let mut body = match endpoint {
        LOGIN => json!({"email": ANA, "password": PASSWORD}),
        VERIFY => json!({"password": "wrong"}),
        REFRESH => json!({"refresh_token": "garbage"}),
        _ => json!({}),
    };
    if let Some(token) = csrf_token {
        body["csrf_token"] = json!(token);
    }
    body
}

/// The request of a caller, with the CSRF token of its session in this place.
fn request(endpoint: &str, caller: Caller, place: Place, jar: &Jar, auth: &str) -> Request {
    let csrf = jar.get("XSRF-TOKEN").unwrap_or("none");
    let in_body = (place == Place::JsonBody).then_some(csrf);
    let request = Request::post(endpoint, &body(endpoint, in_body));
    let request = match caller {
        Caller::Token => request.header("Authentication-Token", auth),
        Caller::Basic => request.header("Authorization", basic(ANA, PASSWORD)),
        Caller::Anonymous | Caller::Session => request,
    };
    match place {
        Place::Header(name) => request.header(name, csrf),
        Place::WrongHeader => request.header("X-CSRFToken", "wrong"),
        Place::Nowhere | Place::JsonBody | Place::CookieOnly => request,
    }
}

/// Makes every exchange under one configuration, and returns their number.
fn run(duo: &mut Duo) -> usize {
    let mut signed_in = Browser::new();
    let auth = duo
        .send("sign in", &mut signed_in, |_| sign_in_for_tokens(ANA))
        .of_user("authentication_token");
    let mut anonymous = Browser::new();
    duo.send("an anonymous session", &mut anonymous, |_| {
        Request::get(LOGIN)
    });
    let mut exchanges = 2;
    for caller in CALLERS {
        for endpoint in ENDPOINTS {
            for place in PLACES {
                // Each exchange begins with the same cookies. A caller with a token or with basic
                // authentication also sends an anonymous session, which holds the CSRF secret.
                let mut browser = match caller {
                    Caller::Session => signed_in.clone(),
                    _ => anonymous.clone(),
                };
                let name = format!("{caller:?} {endpoint} {place:?}");
                duo.send_own(&name, &mut browser, &auth, |jar, auth| {
                    request(endpoint, caller, place, jar, auth)
                });
                exchanges += 1;
            }
        }
    }
    exchanges
}

fn config(mechanisms: &[&str], ignore_unauth: bool, logout_csrf: bool) -> Value {
    json!({
        "SECURITY_CSRF_PROTECT_MECHANISMS": mechanisms,
        "SECURITY_CSRF_IGNORE_UNAUTH_ENDPOINTS": ignore_unauth,
        "SECURITY_LOGOUT_CSRF": logout_csrf,
        "SECURITY_API_ENABLED_METHODS": MECHANISMS,
        "SECURITY_DEFAULT_HTTP_AUTH_REALM": "the realm",
        "SECURITY_REFRESH_TOKEN": true,
        "SECURITY_REFRESH_TOKEN_COOKIE_NAME": null,
        "SECURITY_TRACKABLE": false,
    })
}

/// Every subset of the mechanisms.
fn subsets() -> Vec<Vec<&'static str>> {
    (0..8)
        .map(|bits| {
            (0..3)
                .filter(|bit| bits & (1 << bit) != 0)
                .map(|bit| MECHANISMS[bit])
                .collect()
        })
        .collect()
}

fn matrix(ignore_unauth: bool, logout_csrf: bool) {
    let mut exchanges = 0;
    for mechanisms in subsets() {
        let name = format!(
            "csrf-matrix-{}-{ignore_unauth}-{logout_csrf}",
            mechanisms.join("-")
        );
        let mut duo = Duo::start(&name, &config(&mechanisms, ignore_unauth, logout_csrf));
        let these = run(&mut duo);
        duo.finish(these);
        exchanges += these;
    }
    assert_eq!(exchanges, EXCHANGES);
}

#[test]
fn oracle_csrf_matrix_unauthenticated_callers_and_sign_out_are_exempt() {
    matrix(true, false);
}

#[test]
fn oracle_csrf_matrix_only_unauthenticated_callers_are_exempt() {
    matrix(true, true);
}

#[test]
fn oracle_csrf_matrix_only_sign_out_is_exempt() {
    matrix(false, false);
}

#[test]
fn oracle_csrf_matrix_nothing_is_exempt() {
    matrix(false, true);
}
