//! SQL injection: hostile text in everything that reaches a statement, on a real SQL database.

use std::fmt::Write as _;

use rusqlite::types::ValueRef;
use serde_json::{Value, json};
use vestibule::admin::{self, NewAccount};
use vestibule_formats::auth_token::{AuthToken, AuthTokenCodec};
use vestibule_formats::flask_session::{Session, SessionCodec};
use vestibule_formats::link_token::LinkCodec;
use vestibule_formats::purpose::Purpose;
use vestibule_formats::refresh_token::{RefreshToken, RefreshTokenCodec};
use vestibule_formats::remember_cookie::RememberCodec;
use vestibule_formats::sign::KeyRing;
use vestibule_store::sql::TableNames;

use crate::support::callers::{SECRET_KEY, text};
use crate::support::codes::TWO_FACTOR;
use crate::support::mails::destination;
use crate::support::sqlite::Folder;
use crate::support::unified::UNIFIED;
use crate::support::{ANA, LIFE, PASSWORD, TestApp};

const NOW: i64 = 1_800_000_000;
const AUTHZ: &str = "/api/accounts/authz";
const BASIC: &str = "/api/accounts/authz?methods=basic";
const NAME: &str = "mareike";

/// Accepts every credential and enables every feature that looks something up.
const EVERYTHING: &str = r#"
SECURITY_API_ENABLED_METHODS = ["session", "token", "basic"]
SECURITY_REFRESH_TOKEN = true
SECURITY_REFRESH_TOKEN_COOKIE_NAME = ""
"#;

/// Text that a statement would be broken or changed by if it were part of the statement. Some is
/// the address of a user as soon as SQL evaluates it.
const HOSTILE: [&str; 32] = [
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\'",
    "' OR 1=1 --",
    "' OR '1'='1",
    "') OR ('1'='1",
    "\" OR \"\"=\"",
    "\") OR (\"\"=\"",
    "1 OR 1=1",
    "' UNION SELECT * FROM user --",
    "'; DELETE FROM user; --",
    "\"; DROP TABLE user; --",
    "'; UPDATE user SET active = 0; --",
    "ana@example.com' --",
    "ana@example.com'/*",
    "' || 'ana@example.com",
    "ana'||'@example.com",
    "x' OR email='ana@example.com",
    "ana@example.com\0",
    "\0",
    "%",
    "_na@example.com",
    "[a]na@example.com",
    "?1",
    "@email",
    "$1",
    "{user}",
    "NULL",
    "char(97)",
];

async fn on(folder: &Folder, tables: &TableNames, extra: &str) -> TestApp {
    let store = folder.store(tables);
    let lines = format!("{LIFE}{UNIFIED}{TWO_FACTOR}{EVERYTHING}{extra}");
    let app = TestApp::built(&lines, |builder| builder.datastore(store)).await;
    app.user("mareike@example.com", |draft| NewAccount {
        username: Some(NAME.to_owned()),
        ..draft
    })
    .await;
    app.has("mareike@example.com", &["email"]).await;
    app
}

/// The schema, and every row of the tables that the requests below must not change. Failed sign-ins
/// are in the audit log, so it is not among them.
fn contents(folder: &Folder, tables: &TableNames) -> String {
    let sql = folder.sql();
    let mut dump = String::new();
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    for from in [
        "sqlite_master".to_owned(),
        quoted(&tables.user),
        quoted(&tables.role),
        quoted(&tables.roles_users),
        quoted(&tables.refresh),
    ] {
        let mut statement = sql.prepare(&format!("SELECT * FROM {from}")).unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            for at in 0..columns {
                let value: ValueRef<'_> = row.get_ref(at).unwrap();
                write!(dump, "{value:?} ").unwrap();
            }
            writeln!(dump, "({from})").unwrap();
        }
    }
    dump
}

/// Signs a user in by a name in a field of `/login`.
async fn by_login(app: &TestApp, field: &str, name: &str) -> bool {
    let body = json!({field: name, "password": PASSWORD});
    let answer = app.browser().post("/api/accounts/login", body).await;
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    answer.status == 200
}

async fn passes(mut browser: crate::support::Browser<'_>) -> bool {
    let answer = browser.get(AUTHZ).await;
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    answer.status == 200
}

async fn by_session_cookie(app: &TestApp, uniquifier: &str) -> bool {
    let mut session = Session::default();
    session.set_str("_user_id", uniquifier);
    let cookie = SessionCodec::new(&KeyRing::new(SECRET_KEY, [])).seal(&session, NOW);
    let mut browser = app.browser();
    browser.cookies.insert("session".to_owned(), cookie);
    passes(browser).await
}

async fn by_remember_cookie(app: &TestApp, uniquifier: &str) -> bool {
    // A control character cannot be in a header at all.
    if uniquifier.contains('\0') {
        return false;
    }
    let cookie = RememberCodec::new(&KeyRing::new(SECRET_KEY, [])).seal(uniquifier);
    let mut browser = app.browser();
    browser.cookies.insert("remember_token".to_owned(), cookie);
    passes(browser).await
}

async fn by_auth_token(app: &TestApp, uniquifier: &str) -> bool {
    let token = AuthToken {
        uniquifier: uniquifier.to_owned(),
        authenticated_at: Some(1.8e9),
        expires_at: None,
    };
    let token = AuthTokenCodec::new(&KeyRing::new(SECRET_KEY, []), None).seal(&token, NOW);
    passes(app.bearer(&token)).await
}

async fn by_basic(app: &TestApp, name: &str) -> bool {
    let answer = app.basic(name, PASSWORD).get(BASIC).await;
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    answer.status == 200
}

/// Exchanges a refresh token of this family.
async fn by_family(app: &TestApp, uniquifier: &str, family: &str) -> bool {
    let token = RefreshToken::new(
        uniquifier.to_owned(),
        family.to_owned(),
        1,
        String::new(),
        2e9,
        1.8e9,
    );
    let token = RefreshTokenCodec::new(&KeyRing::new(SECRET_KEY, []), None).seal(&token);
    let body = json!({"refresh_token": token});
    let mut browser = app.browser();
    let answer = browser.post("/api/accounts/refresh-token", body).await;
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    answer.status == 200
}

/// Opens a link whose token names this user, and has no part that depends on the user's row.
/// Returns whether the link was accepted.
async fn by_reset_link(app: &TestApp, uniquifier: &str) -> bool {
    let codec = LinkCodec::new(&KeyRing::new(SECRET_KEY, []), Purpose::Reset, None);
    let token = codec.seal(&[Some(uniquifier)], NOW);
    let path = format!("/api/accounts/reset/{token}");
    destination(&app.browser().get(&path).await).0 == "/reset-password"
}

/// Opens a link with a code that names this user. Returns whether the link was accepted.
async fn by_code_link(app: &TestApp, uniquifier: &str) -> bool {
    let id: String = form_urlencoded::byte_serialize(uniquifier.as_bytes()).collect();
    let path = format!(
        "/api/accounts/us-verify-link?id={id}&code={}",
        app.now("email")
    );
    destination(&app.browser().get(&path).await).0 == "/in"
}

/// Continues a sign-in of this user that has to set up a second factor.
async fn by_pending_sign_in(app: &TestApp, uniquifier: &str) -> bool {
    let mut session = Session::default();
    session.set_str("tf_user_id", uniquifier);
    session.set_str("tf_state", "setup_from_login");
    let cookie = SessionCodec::new(&KeyRing::new(SECRET_KEY, [])).seal(&session, NOW);
    let mut browser = app.browser();
    browser.cookies.insert("session".to_owned(), cookie);
    let answer = browser.get("/api/accounts/tf-setup").await;
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    answer.status == 200
}

async fn by_unified(app: &TestApp, identity: &str) -> bool {
    let answer = app.browser().unified(identity, PASSWORD).await;
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    answer.status == 200
}

/// Asks for something at a path by an address. Returns whether the address was known.
async fn asks(app: &TestApp, path: &str, body: Value) -> bool {
    let path = format!("/api/accounts/{path}");
    let answer = app.browser().post(&path, body).await;
    assert!(answer.status.as_u16() < 500, "{answer:?}");
    answer.status == 200
}

/// Whether `/register` says that an address or a username is taken. The password is refused, so no
/// account is created.
async fn is_taken(app: &TestApp, field: &str, value: &str) -> bool {
    let mut body = json!({
        "email": "free@example.com", "password": "one password", "password_confirm": "another",
    });
    body[field] = value.into();
    let path = "/api/accounts/register";
    let answer = app.browser().post(path, body).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    let codes = answer.response()["error_codes"].to_string();
    codes.contains("ALREADY_ASSOCIATED")
}

/// Tries a text in every field that is looked up in the database. Returns the fields in which it
/// was found.
async fn found_in(app: &TestApp, of: &Keys) -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut note = |field, is_found: bool| {
        if is_found {
            found.push(field);
        }
    };
    let email = || json!({"email": of.email});
    note("login by email", by_login(app, "email", &of.email).await);
    note(
        "login by username",
        by_login(app, "username", &of.username).await,
    );
    note("basic, email", by_basic(app, &of.email).await);
    note("basic, username", by_basic(app, &of.username).await);
    note("reset", asks(app, "reset", email()).await);
    note(
        "recover-username",
        asks(app, "recover-username", email()).await,
    );
    note("register, email", is_taken(app, "email", &of.email).await);
    note(
        "register, username",
        is_taken(app, "username", &of.username).await,
    );
    note("us-signin, email", by_unified(app, &of.email).await);
    note("us-signin, username", by_unified(app, &of.username).await);
    let body = json!({"identity": of.email, "chosen_method": "email"});
    note("send-code", asks(app, "us-signin/send-code", body).await);
    note("code link", by_code_link(app, &of.uniquifier).await);
    note(
        "pending sign-in",
        by_pending_sign_in(app, &of.uniquifier).await,
    );
    note("session", by_session_cookie(app, &of.uniquifier).await);
    note("remember", by_remember_cookie(app, &of.uniquifier).await);
    note("auth token", by_auth_token(app, &of.token_uniquifier).await);
    note("reset link", by_reset_link(app, &of.uniquifier).await);
    note(
        "refresh family",
        by_family(app, &of.token_uniquifier, &of.family).await,
    );
    found
}

/// What the fields hold.
struct Keys {
    email: String,
    username: String,
    uniquifier: String,
    token_uniquifier: String,
    family: String,
}

impl Keys {
    fn all(text: &str) -> Self {
        Self {
            email: text.to_owned(),
            username: text.to_owned(),
            uniquifier: text.to_owned(),
            token_uniquifier: text.to_owned(),
            family: text.to_owned(),
        }
    }

    /// Those of an existing user, who has a new family.
    async fn of_mareike(app: &TestApp) -> Self {
        let token = text(&app.tokens("mareike@example.com").await["refresh_token"]);
        let user = app.stored("mareike@example.com").await;
        let codec = RefreshTokenCodec::new(&KeyRing::new(SECRET_KEY, []), None);
        Self {
            email: user.email.unwrap(),
            username: user.username.unwrap(),
            // The tables have no column for a uniquifier of tokens.
            token_uniquifier: user.fs_uniquifier.clone(),
            uniquifier: user.fs_uniquifier,
            family: codec.open(&token).unwrap().family,
        }
    }
}

/// Legal table names that would change a statement if they were not quoted.
fn hostile_tables() -> TableNames {
    TableNames {
        user: "user\"; DROP TABLE role; --".to_owned(),
        role: "role' OR '1'='1".to_owned(),
        roles_users: "{user}".to_owned(),
        web_authn: "select".to_owned(),
        refresh: "[refresh]`; --".to_owned(),
    }
}

#[tokio::test]
async fn attack_injection_hostile_text_finds_no_user_and_changes_nothing_in_any_field() {
    for tables in [TableNames::default(), hostile_tables()] {
        let folder = Folder::new();
        let app = on(&folder, &tables, "").await;
        // The same requests find a user by the user's own keys.
        let keys = Keys::of_mareike(&app).await;
        let found = found_in(&app, &keys).await;
        assert_eq!(found.len(), 18, "every field is looked up: {found:?}");
        let before = contents(&folder, &tables);
        for hostile in HOSTILE {
            let found = found_in(&app, &Keys::all(hostile)).await;
            assert!(found.is_empty(), "{hostile:?} is found: {found:?}");
            assert_eq!(contents(&folder, &tables), before, "{hostile:?}");
        }
    }
}

#[tokio::test]
async fn attack_injection_hostile_text_is_stored_as_it_is() {
    for tables in [TableNames::default(), hostile_tables()] {
        let folder = Folder::new();
        let lines = "SECURITY_USERNAME_ALLOWED_CHARS = [\"L\", \"N\", \"P\", \"S\", \"Zs\"]
SECURITY_USERNAME_MIN_LENGTH = 1
SECURITY_LOGIN_WITHOUT_CONFIRMATION = true
";
        let app = on(&folder, &tables, lines).await;
        let hostile = [
            ("o'brien@example.com", "' OR '1'='1"),
            ("a'||'b@example.com", "a'||'b"),
            ("'/**/or/**/1=1@example.com", "'; DROP TABLE role; --"),
            ("{user}@example.com", "{user} ?1 :2 $3"),
            ("x'='x@example.com", "x`='x`"),
        ];
        for (email, username) in hostile {
            let body = json!({
                "email": email, "username": username,
                "password": PASSWORD, "password_confirm": PASSWORD,
            });
            let mut browser = app.browser().header("x-request-id", "'; --");
            let answer = browser.post("/api/accounts/register", body).await;
            assert_eq!(answer.status, 200, "{email}: {answer:?}");
        }
        for (email, username) in hostile {
            let user = app.stored(email).await;
            assert_eq!(user.email.as_deref(), Some(email));
            assert_eq!(user.username.as_deref(), Some(username));
            assert!(by_login(&app, "email", email).await, "{email}");
            assert!(by_login(&app, "username", username).await, "{username}");
        }
        // The user's new address and username, in the statements that change a row.
        let mut browser = app.signed_in().await.with_csrf().await;
        let others = app.stored("mareike@example.com").await;
        let (email, username) = ("ana'--@example.com", "', active = 0 --");
        let path = "/api/accounts/change-username";
        let answer = browser.post(path, json!({"username": username})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let path = "/api/accounts/change-email";
        let answer = browser.post(path, json!({"email": email})).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let link = app.link(email).await;
        assert_eq!(
            destination(&app.browser().get(&link).await).0,
            "/email-changed"
        );
        let ana = app.stored(email).await;
        assert_eq!(ana.username.as_deref(), Some(username));
        assert!(ana.active);
        let after = app.stored("mareike@example.com").await;
        assert!(after == others, "another user's row is unchanged");
    }
}

#[tokio::test]
async fn attack_injection_hostile_names_of_roles_and_permissions_are_only_names() {
    let folder = Folder::new();
    let app = on(&folder, &hostile_tables(), "").await;
    let ana = app.stored(ANA).await;
    let mut names = Vec::new();
    for hostile in HOSTILE
        .into_iter()
        .filter(|name| !name.contains(['\0', ',']))
    {
        let permissions = vec![format!("may {hostile}")];
        let role =
            admin::roles::create(app.app(), hostile.to_owned(), None, permissions.clone()).await;
        let Ok(role) = role else {
            // A rule about names refuses it before it reaches the database.
            continue;
        };
        assert!(admin::roles::give(app.app(), &ana, &role).await.unwrap());
        let kept = app.app().store().role(hostile).await.unwrap().unwrap();
        assert_eq!(kept.name, hostile);
        assert_eq!(kept.permissions, permissions);
        names.push(hostile);
    }
    names.sort_unstable();
    assert!(names.len() > 20, "{names:?}");
    let kept = app.app().store().roles_of(ana.id).await.unwrap();
    let kept: Vec<&str> = kept.iter().map(|role| role.name.as_str()).collect();
    assert_eq!(kept, names);
    // No other user has one.
    let other = app.stored("mareike@example.com").await;
    assert_eq!(app.app().store().roles_of(other.id).await.unwrap(), []);
}
