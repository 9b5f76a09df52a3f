//! A proxy forwards at most one `Set-Cookie` header of `/authz`, so `/authz` sends only the session
//! cookie. Changes to the other cookies wait for an answer that goes to the browser itself.

use http::header;
use serde_json::json;

use crate::support::{ANA, Answer, Browser, PASSWORD, TestApp};

const AUTHZ: &str = "/api/accounts/authz";
const LOGIN: &str = "/api/accounts/login";

/// Ana, signed in with a remember cookie.
async fn remembered(app: &TestApp) -> Browser<'_> {
    let mut browser = app.browser();
    let body = json!({"email": ANA, "password": PASSWORD, "remember": true});
    assert_eq!(browser.post(LOGIN, body).await.status, 200);
    browser
}

/// The names of the cookies that an answer sets or clears.
fn cookies(answer: &Answer) -> Vec<&str> {
    let lines = answer.headers.get_all(header::SET_COOKIE).iter();
    lines
        .map(|line| line.to_str().unwrap().split('=').next().unwrap())
        .collect()
}

#[tokio::test]
async fn authz_sends_only_the_session_cookie_to_a_remembered_user_and_login_sends_the_others() {
    for refresh in [false, true] {
        let app = TestApp::with(&format!(
            "REMEMBER_COOKIE_REFRESH_EACH_REQUEST = {refresh}\n"
        ))
        .await;
        let mut browser = remembered(&app).await;
        browser.cookies.retain(|name, _| name == "remember_token");

        let first = browser.get(AUTHZ).await;
        assert_eq!(
            (first.status.as_u16(), cookies(&first)),
            (200, vec!["session"])
        );
        let second = browser.get(AUTHZ).await;
        assert_eq!((second.status.as_u16(), cookies(&second)), (200, vec![]));

        let login = browser.get(LOGIN).await;
        let mut expected = vec!["XSRF-TOKEN", "session"];
        if refresh {
            expected.insert(1, "remember_token");
        }
        assert_eq!(cookies(&login), expected);
        assert_eq!(browser.cookies["XSRF-TOKEN"], login.csrf_token());

        let posting = browser
            .header("x-original-method", "POST")
            .header("x-xsrf-token", &login.csrf_token());
        assert_eq!(posting.clone().get(AUTHZ).await.status, 200);
    }
}

#[tokio::test]
async fn authz_sends_no_cookie_but_the_session() {
    for lines in [
        "REMEMBER_COOKIE_REFRESH_EACH_REQUEST = true\n",
        "SECURITY_CSRF_COOKIE_REFRESH_EACH_REQUEST = true\n",
        "WTF_CSRF_TIME_LIMIT = 60\n",
        "SESSION_PROTECTION = \"strong\"\n",
    ] {
        let app = TestApp::with(lines).await;
        let signed_in = remembered(&app).await;
        app.wait(120);
        for kept in [
            &["session", "remember_token", "XSRF-TOKEN"][..],
            &["remember_token", "XSRF-TOKEN"],
            &["remember_token"],
            &["session", "remember_token"],
            &["session"],
        ] {
            for agent in ["", "moved"] {
                let mut browser = signed_in.clone();
                browser.cookies.retain(|name, _| kept.contains(&&**name));
                if !agent.is_empty() {
                    browser = browser.header("user-agent", agent);
                }
                for query in ["", "?roles_required=owner", "?within=1", "?no=condition"] {
                    let answer = browser.get(&format!("{AUTHZ}{query}")).await;
                    let sent = cookies(&answer);
                    assert!(
                        sent.is_empty() || sent == ["session"],
                        "{lines} {kept:?} {agent} {query}: {sent:?}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn attack_session_residue_a_session_ended_by_strong_protection_is_not_restored_through_authz()
{
    // Strong protection clears the remember cookie as well. Answers of `/authz` cannot carry that,
    // so the order is kept in the session, and until it is carried out the remember cookie does not
    // sign the user in.
    let app = TestApp::with("SESSION_PROTECTION = \"strong\"\n").await;
    let mut browser = remembered(&app).await.header("user-agent", "moved");
    for _ in 0..3 {
        assert_eq!(browser.get(AUTHZ).await.status, 401);
        assert!(browser.cookies.contains_key("remember_token"));
    }
    let login = browser.get(LOGIN).await;
    assert!(login.response().get("user").is_none(), "{login:?}");
    assert!(!browser.cookies.contains_key("remember_token"));
    assert_eq!(browser.get(AUTHZ).await.status, 401);
}
