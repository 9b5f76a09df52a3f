//! `/us-verify-link`: the link in the mail with a code.

use serde_json::{Value, json};

use crate::support::duo::{Browser, Duo};
use crate::support::factors::{code, other_than};
use crate::support::http::Request;
use crate::support::known::Known;
use crate::support::requests::who;
use crate::support::unified::{
    EMAIL_KEY, LINK, send_code, unified, with_passcode, with_two_factor,
};
use crate::support::users::{ANA, ANA_ID, CY_ID, GIL_ID, PASSWORD};

const BO: &str = "bo@example.com";
const BO_ID: &str = "b0000000000000000000000000000002";
const CY: &str = "cy@example.com";

fn open(link: &str) -> Request {
    Request::new("GET", link)
}

fn link(id: &str, code: &str) -> String {
    format!("{LINK}?id={id}&code={code}")
}

fn start(name: &str, changes: &Value) -> Duo {
    let mut config = json!({"SECURITY_POST_LOGIN_VIEW": "/in"});
    for (key, value) in changes.as_object().into_iter().flatten() {
        config[key] = value.clone();
    }
    let mut duo = Duo::with_unified(name, &config);
    duo.give_methods(ANA, &["email", "authenticator"]);
    duo.give_methods(BO, &["email"]);
    duo.give_methods(CY, &["email"]);
    duo
}

#[test]
fn oracle_unified_link_signs_in() {
    let mut duo = start("us-link", &json!({}));
    let mut ana = Browser::new();
    duo.send("send", &mut ana, |_| send_code(ANA, "email"));
    let links = duo.links(ANA);
    duo.send_own("open", &mut ana, &links, |_, link| open(link));
    duo.send("current user", &mut ana, |_| who());
    duo.send_own("open, signed in", &mut ana, &links, |_, link| open(link));
    duo.send_own("for JSON, signed in", &mut ana, &links, |_, link| {
        Request::get(link)
    });
    let known = (Known::LinksWorkOnce, 302);
    let again = &mut Browser::new();
    duo.send_own_known("again", again, known, &links, |_, link| open(link));
    duo.even_sign_ins(ANA);
    let mut ana = Browser::new();
    duo.send("send again", &mut ana, |_| send_code(ANA, "email"));
    let links = duo.links(ANA);
    duo.send_own("open for JSON", &mut ana, &links, |_, link| {
        Request::get(link)
    });
    duo.finish(8);
}

/// Links that lead to the view for errors.
fn refused() -> Vec<(&'static str, String)> {
    let right = code(EMAIL_KEY, 0);
    vec![
        ("nothing", LINK.to_owned()),
        ("empty", format!("{LINK}?id=&code=")),
        ("no code", format!("{LINK}?id={ANA_ID}")),
        ("no user", format!("{LINK}?code={right}")),
        ("unknown user", link("x", &right)),
        ("an address", link(ANA, &right)),
        ("a number", link("1", &right)),
        ("inactive", link(CY_ID, &right)),
        ("inactive, wrong code", link(CY_ID, &other_than(&right))),
    ]
}

/// Links with wrong codes.
fn wrong() -> Vec<(&'static str, String)> {
    let right = code(EMAIL_KEY, 0);
    vec![
        ("wrong code", link(ANA_ID, &other_than(&right))),
        ("long ago", link(ANA_ID, &code(EMAIL_KEY, -20))),
        (
            "code of an app",
            link(ANA_ID, &crate::support::unified::app_code(0)),
        ),
        ("password", link(ANA_ID, "battery+staple")),
        ("without the method", link(GIL_ID, &right)),
        ("unconfirmed, wrong code", link(BO_ID, &other_than(&right))),
    ]
}

#[test]
fn oracle_unified_link_is_refused() {
    let mut duo = start("us-link-refused", &json!({}));
    for (name, link) in refused() {
        duo.send(name, &mut Browser::new(), |_| open(&link));
    }
    let known = Known::LinkNamesNoUser;
    for (name, link) in wrong() {
        duo.send_known(name, &mut Browser::new(), known, 302, |_| open(&link));
    }
    let known = Known::LinkOnlyForWhoMaySignIn;
    let right = link(BO_ID, &code(EMAIL_KEY, 1));
    duo.send_known("unconfirmed", &mut Browser::new(), known, 302, |_| {
        open(&right)
    });
    duo.finish(16);
}

#[test]
fn oracle_unified_link_is_refused_with_generic_responses() {
    let changes = json!({"SECURITY_RETURN_GENERIC_RESPONSES": true});
    let mut duo = start("us-link-generic", &changes);
    for (name, link) in refused() {
        duo.send(name, &mut Browser::new(), |_| open(&link));
    }
    let known = Known::LinkNamesNoUser;
    for (name, link) in wrong() {
        duo.send_known(name, &mut Browser::new(), known, 302, |_| open(&link));
    }
    duo.finish(15);
}

#[test]
fn oracle_unified_link_of_a_signed_in_user() {
    let mut duo = start("us-link-signed-in", &json!({}));
    let mut ana = Browser::new();
    duo.send("sign in", &mut ana, |_| with_passcode(PASSWORD));
    for (name, path) in [
        ("nothing", LINK.to_owned()),
        ("wrong", link(ANA_ID, "123456")),
        ("right", link(ANA_ID, &code(EMAIL_KEY, 0))),
    ] {
        duo.send(name, &mut ana, |_| open(&path));
        duo.send("for JSON", &mut ana, |_| Request::get(&path));
    }
    duo.finish(7);
}

#[test]
fn oracle_unified_link_with_a_second_factor() {
    for (name, mfa, differs) in [
        ("us-link-tf", json!(["password", "email"]), true),
        ("us-link-no-tf", json!(["password"]), false),
    ] {
        let changes = json!({
            "SECURITY_US_MFA_REQUIRED": mfa, "SECURITY_POST_LOGIN_VIEW": "/in",
        });
        let mut duo = Duo::start_with_mail_and_sms(name, &with_two_factor(&changes));
        duo.give_methods(ANA, &["email"]);
        duo.give_factor(ANA, "authenticator");
        let mut ana = Browser::new();
        duo.send("send", &mut ana, |_| send_code(ANA, "email"));
        let links = duo.links(ANA);
        if differs {
            let known = (Known::LinksToSecondFactor, 302);
            duo.send_own_known("open", &mut ana, known, &links, |_, link| open(link));
        } else {
            duo.send_own("open", &mut ana, &links, |_, link| open(link));
        }
        duo.send("GET", &mut Browser::new(), |_| who());
        duo.finish(3);
    }
}

#[test]
fn oracle_unified_link_with_a_host_of_its_own() {
    let changes = json!({"SECURITY_REDIRECT_HOST": "app.example.com"});
    let mut duo = Duo::start_with_mail_and_sms("us-link-host", &unified(&changes));
    duo.give_methods(ANA, &["email"]);
    let mut ana = Browser::new();
    duo.send("send", &mut ana, |_| send_code(ANA, "email"));
    let links = duo.links(ANA);
    duo.send("nothing", &mut ana, |_| open(LINK));
    duo.send_own("open", &mut ana, &links, |_, link| open(link));
    duo.finish(3);
}
