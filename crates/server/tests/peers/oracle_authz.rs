//! `/authz` compared with the reference's decorators: the same query, the same decision.
//!
//! `oracle/app.py` has a view behind `auth_required` and the decorators for roles and permissions,
//! which are configured by the query that `/authz` reads.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use crate::support::config::SECRET;
use crate::support::http::{Request, Response};
use crate::support::pair::Pair;
use crate::support::python::Python;
use crate::support::requests::basic;
use crate::support::users::{ANA, ANA_ID, CY_ID, FAY_ID, GIL_ID, PASSWORD};

const CONDITIONS: [&str; 18] = [
    "",
    "roles_required=editor",
    "roles_required=reader",
    "roles_required=editor,reader",
    "roles_required=editor,nothing",
    "roles_required=unheard-of",
    "roles_required=Editor",
    "roles_accepted=editor",
    "roles_accepted=editor,reader",
    "roles_accepted=nothing,unheard-of",
    "permissions_required=article-read",
    "permissions_required=article-read,article-write",
    "permissions_required=article-write,unheard-of",
    "permissions_accepted=article-write",
    "permissions_accepted=article-write,article-read",
    "permissions_accepted=unheard-of",
    "roles_required=reader&permissions_required=article-write",
    "roles_accepted=editor,reader&permissions_accepted=article-read&roles_required=reader",
];

const METHODS: [&str; 5] = [
    "",
    "methods=session",
    "methods=token",
    "methods=basic",
    "methods=basic,session,token",
];

/// A caller, with the header that authenticates it.
struct Asker {
    name: String,
    header: Option<(&'static str, String)>,
}

impl Asker {
    fn new(name: &str, header: Option<(&'static str, String)>) -> Self {
        Self {
            name: name.to_owned(),
            header,
        }
    }

    /// The decisions of both servers: the status, and whether a fresh proof of identity is
    /// required.
    fn ask(&self, pair: &Pair, query: &str) -> [(u16, bool); 2] {
        let of = |path: &str, port: u16| {
            let request = Request::get(&format!("{path}?{query}"));
            let request = match &self.header {
                Some((name, value)) => request.header(name, value),
                None => request,
            };
            decision(&request.send(port).expect("an answer"))
        };
        [
            of("/api/accounts/authz", pair.ours.port),
            of("/gate", pair.theirs.port),
        ]
    }
}

fn decision(answer: &Response) -> (u16, bool) {
    let body = answer.json().unwrap_or_default();
    let again = body["response"]["reauth_required"] == true;
    (answer.status, again)
}

#[expect(
    clippy::disallowed_methods,
    reason = "the two real servers use the system clock"
)]
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.expect("after 1970").as_secs_f64()
}

fn session(members: &Value) -> (&'static str, String) {
    let cookie = Python::get().sign("session", SECRET, members, 0);
    ("Cookie", format!("session={cookie}"))
}

/// A session of a user who authenticated `age` seconds ago.
fn session_of(id: &str, age: f64) -> (&'static str, String) {
    session(&json!({"_user_id": id, "_fresh": true, "fs_paa": now() - age}))
}

fn token_of(id: &str, age: f64) -> (&'static str, String) {
    let payload = json!({"ver": "5", "uid": id, "fs_paa": now() - age, "exp": 0});
    let age = format!("{age:.0}").parse().expect("seconds");
    let token = Python::get().sign("remember", SECRET, &payload, age);
    ("Authentication-Token", token)
}

fn basic_of(name: &str, password: &str) -> (&'static str, String) {
    ("Authorization", basic(name, password))
}

fn compare(pair: &Pair, askers: &[Asker], queries: &[String]) -> (usize, Vec<String>) {
    let mut faults = Vec::new();
    let mut exchanges = 0;
    for asker in askers {
        for query in queries {
            let [ours, theirs] = asker.ask(pair, query);
            exchanges += 1;
            if ours != theirs {
                faults.push(format!(
                    "{}, {query:?}: ours {ours:?}, reference {theirs:?}",
                    asker.name
                ));
            }
        }
    }
    (exchanges, faults)
}

#[test]
fn oracle_authz_decides_roles_and_permissions_as_the_reference() {
    let pair = Pair::start("authz-roles", &json!({"SECURITY_LIMITS": "off"}));
    let askers = [
        Asker::new("unauthenticated", None),
        Asker::new("editor and reader, session", Some(session_of(ANA_ID, 5.0))),
        Asker::new("editor and reader, token", Some(token_of(ANA_ID, 5.0))),
        Asker::new("editor and reader, password", Some(basic_of(ANA, PASSWORD))),
        Asker::new("a wrong password", Some(basic_of(ANA, "wrong"))),
        Asker::new("reader, session", Some(session_of(FAY_ID, 5.0))),
        Asker::new("reader, token", Some(token_of(FAY_ID, 5.0))),
        Asker::new("no role, session", Some(session_of(GIL_ID, 5.0))),
        Asker::new("deactivated, session", Some(session_of(CY_ID, 5.0))),
        Asker::new("deactivated, token", Some(token_of(CY_ID, 5.0))),
        Asker::new(
            "a session of an unknown user",
            Some(session_of("unknown", 5.0)),
        ),
    ];
    let queries: Vec<String> = METHODS
        .iter()
        .flat_map(|methods| {
            CONDITIONS
                .iter()
                .map(move |conditions| [*methods, conditions].join("&"))
        })
        .map(|query| query.trim_matches('&').to_owned())
        .collect();
    let (exchanges, faults) = compare(&pair, &askers, &queries);
    assert!(faults.is_empty(), "{faults:#?}");
    assert_eq!(exchanges, 11 * 5 * 18);
}

#[test]
fn oracle_authz_decides_freshness_as_the_reference() {
    let askers = || {
        let mut askers = vec![
            Asker::new("unauthenticated", None),
            Asker::new("a password", Some(basic_of(ANA, PASSWORD))),
            Asker::new(
                "a session without a time of authentication",
                Some(session(&json!({"_user_id": ANA_ID, "_fresh": true}))),
            ),
        ];
        for age in [0.0, 50.0, 70.0, 3500.0, 3700.0] {
            askers.push(Asker::new(
                &format!("a session of {age} s"),
                Some(session_of(ANA_ID, age)),
            ));
            askers.push(Asker::new(
                &format!("a token of {age} s"),
                Some(token_of(ANA_ID, age)),
            ));
        }
        askers
    };
    let queries: Vec<String> = ["within=60", "within=3600", "within=60&grace=30", "grace=60"]
        .iter()
        .flat_map(|times| {
            [
                "",
                "&methods=basic,session,token",
                "&roles_required=nothing",
            ]
            .map(|more| format!("{times}{more}"))
        })
        .collect();
    for allowed in [true, false] {
        let pair = Pair::start(
            "authz-freshness",
            &json!({"SECURITY_FRESHNESS_ALLOW_AUTH_TOKEN": allowed}),
        );
        let (exchanges, faults) = compare(&pair, &askers(), &queries);
        assert!(faults.is_empty(), "allowed {allowed}: {faults:#?}");
        assert_eq!(exchanges, 13 * 12);
    }
}

/// A grace period that the reference granted is accepted here only where the authentication policy
/// is no stricter than that of the reference's own endpoints. The reference accepts it everywhere
/// (`docs/differences.md`).
#[test]
fn oracle_authz_honours_grace_granted_by_the_reference() {
    let pair = Pair::start("authz-grace", &json!({}));
    let graced = |until: f64| {
        let until = format!("{:.0}", now() + until)
            .parse::<i64>()
            .expect("seconds");
        let members = json!({
            "_user_id": ANA_ID, "_fresh": true, "fs_paa": now() - 100_000.0, "fs_gexp": until,
        });
        Asker::new("graced", Some(session(&members)))
    };
    let day = "within=86400";
    assert_eq!(graced(60.0).ask(&pair, day), [(200, false), (200, false)]);
    assert_eq!(graced(-5.0).ask(&pair, day), [(401, true), (401, true)]);
    let minute = "within=60";
    assert_eq!(graced(60.0).ask(&pair, minute), [(401, true), (200, false)]);
}

/// `/authz` decides about a POST behind a proxy as the reference decides about the POST itself.
#[test]
fn oracle_authz_checks_the_csrf_token_of_a_post() {
    for mechanisms in [json!(["session", "basic"]), json!(["token"]), json!([])] {
        let pair = Pair::start(
            "authz-csrf",
            &json!({"SECURITY_CSRF_PROTECT_MECHANISMS": mechanisms}),
        );
        let raw = "0123456789abcdef0123456789abcdef01234567";
        let members = json!({
            "_user_id": ANA_ID, "_fresh": true, "fs_paa": now(), "csrf_token": raw,
        });
        let right = Python::get().sign("csrf", SECRET, &json!(raw), 0);
        let other = Python::get().sign("csrf", SECRET, &json!("other"), 0);
        let (cookie, token) = (session(&members), token_of(ANA_ID, 5.0));
        let password = basic_of(ANA, PASSWORD);
        for asker in [&cookie, &token, &password] {
            for csrf in [None, Some(&right), Some(&other)] {
                let with = |request: Request| {
                    let request = request.header(asker.0, &asker.1);
                    match csrf {
                        Some(csrf) => request.header("X-CSRFToken", csrf),
                        None => request,
                    }
                };
                let query = "methods=session,token,basic";
                let ours = with(Request::get(&format!("/api/accounts/authz?{query}")))
                    .header("X-Original-Method", "POST")
                    .send(pair.ours.port)
                    .expect("an answer");
                let theirs = with(Request::post(&format!("/gate?{query}"), &json!({})))
                    .header("Accept", "application/json")
                    .send(pair.theirs.port)
                    .expect("an answer");
                // A proxy understands 403; the reference answers the browser with 400.
                let expected = if theirs.status == 400 {
                    403
                } else {
                    theirs.status
                };
                assert_eq!(
                    ours.status, expected,
                    "{mechanisms}, {}, {csrf:?}: the reference {}",
                    asker.0, theirs.status
                );
            }
        }
    }
}
