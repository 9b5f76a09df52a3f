//! What operations have in common: headers, security schemes, and the members of several answers.

use serde_json::{Map, Value, json};

use super::answer::Answer;
use super::schema::Schema;
use crate::app::App;
use crate::messages::Message;
use crate::settings::{CookieSettings, Mechanism};

/// A header of an answer.
pub(super) struct Header {
    /// The name of the header in a response.
    pub(super) name: &'static str,
    /// The name of its component.
    pub(super) component: &'static str,
    always: bool,
    about: String,
    schema: Schema,
}

impl Header {
    pub(super) fn into_value(self) -> Value {
        json!({
            "description": self.about,
            "required": self.always,
            "schema": self.schema.into_value(),
        })
    }
}

/// Every header that descriptions of answers use.
pub(super) fn headers(app: &App) -> Vec<Header> {
    let header = |name, component, schema, about: &str| Header {
        name,
        component,
        always: false,
        about: about.to_owned(),
        schema,
    };
    let always = |header: Header| Header {
        always: true,
        ..header
    };
    let text = Schema::text;
    vec![
        always(header(
            "X-Request-Id",
            "RequestId",
            text().example("5c0ffee5c0ffee55"),
            "The ID of the request, as in the log: the one that the client sent, if it is well-formed, or a new one.",
        )),
        Header {
            about: set_cookie(app),
            ..header("Set-Cookie", "SetCookie", text(), "")
        },
        header(
            "Cache-Control",
            "CacheControl",
            text(),
            "Whether the response may be cached.",
        ),
        always(header(
            "Retry-After",
            "RetryAfter",
            Schema::whole().with("minimum", 1).example(2),
            "The number of seconds to wait before the next attempt.",
        )),
        header(
            "WWW-Authenticate",
            "WwwAuthenticate",
            text().example(format!("Basic realm=\"{}\"", app.settings().token.realm)),
            "Present if HTTP Basic authentication is accepted.",
        ),
        always(header(
            "Location",
            "Location",
            text().with("format", "uri-reference"),
            "The address that the browser is redirected to.",
        )),
        header(
            "X-Auth-User",
            "AuthUser",
            text().example("ana@example.com"),
            "The user's first identity attribute that is set.",
        ),
        always(header(
            "X-Auth-User-Id",
            "AuthUserId",
            Schema::whole().example(1),
            "The user's primary key, which never changes.",
        )),
        always(header(
            "X-Auth-Roles",
            "AuthRoles",
            text().example("editor,reader"),
            "The user's roles, separated by commas; empty if the user has none.",
        )),
        always(header(
            "X-Auth-Permissions",
            "AuthPermissions",
            text().example("posts-read,posts-write"),
            "The permissions of these roles, separated by commas; empty if there are none.",
        )),
    ]
}

fn set_cookie(app: &App) -> String {
    let settings = app.settings();
    let mut cookies = vec![
        format!("`{}` (the session)", settings.session.cookie.name),
        format!(
            "`{}` (the remember cookie)",
            settings.session.remember.cookie.name
        ),
    ];
    if let Some(cookie) = &settings.csrf.cookie {
        cookies.push(format!(
            "`{}` (the CSRF token, readable by scripts)",
            cookie.name
        ));
    }
    if let Some(cookie) = settings
        .refresh
        .cookie
        .as_ref()
        .filter(|_| settings.refresh.enabled)
    {
        cookies.push(format!("`{}` (the refresh token)", cookie.name));
    }
    format!(
        "The cookies that changed, one header for each: {}.",
        cookies.join(", ")
    )
}

/// The names of the security schemes of a mechanism.
pub(super) fn schemes_of(mechanism: Mechanism) -> &'static [&'static str] {
    match mechanism {
        Mechanism::Session => &["session", "remember"],
        Mechanism::Token => &["token", "tokenInQuery"],
        Mechanism::Basic => &["basic"],
    }
}

/// The security schemes.
pub(super) fn security_schemes(app: &App) -> Value {
    let settings = app.settings();
    let (session, token) = (&settings.session, &settings.token);
    let key = |place: &str, name: &str, about: String| json!({"type": "apiKey", "in": place, "name": name, "description": about});
    json!({
        "session": key(
            "cookie",
            &session.cookie.name,
            "The signed session cookie that a sign-in sets.".to_owned(),
        ),
        "remember": key(
            "cookie",
            &session.remember.cookie.name,
            "Restores the session of a user who signed in with `remember`.".to_owned(),
        ),
        "token": key(
            "header",
            token.header.as_str(),
            format!(
                "An auth token, from a response to a request with `include_auth_token`. A JSON body may carry it instead, as its member `{}`.",
                token.parameter
            ),
        ),
        "tokenInQuery": key(
            "query",
            &token.parameter,
            "An auth token in the URL. URLs appear in logs, so prefer the header.".to_owned(),
        ),
        "basic": {
            "type": "http",
            "scheme": "basic",
            "description": "The user's identity and password, sent with each request.",
        },
    })
}

/// The schemas among the components.
pub(super) fn schemas() -> Map<String, Value> {
    let explanation = Schema::object()
        .about("The check that failed, for developers. Only with `DEBUG` on.")
        .must("check", Schema::text().about("The name of the check."))
        .must("saw", Schema::text().about("What the server saw."))
        .must("fix", Schema::text().about("What to change."));
    let texts = Schema::list(Schema::text())
        .with("minItems", 1)
        .about("Texts for users, in the order of the codes.");
    let field_texts = Schema::object()
        .with("additionalProperties", Schema::shared("Texts").into_value())
        .about("The same texts, by field.");
    Map::from_iter([
        ("Explanation".to_owned(), explanation.into_value()),
        ("FieldTexts".to_owned(), field_texts.into_value()),
        ("Texts".to_owned(), texts.into_value()),
    ])
}

/// The tokens in an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Carries {
    /// None.
    Nothing,
    /// The tokens that the query requested.
    WhatWasAsked,
    /// All.
    All,
}

/// The member `user`.
pub(crate) fn user(app: &App, carries: Carries) -> Schema {
    let settings = app.settings();
    let mut user = Schema::object()
        .about("The members that the application adds about the user, and tokens.")
        .open();
    if carries == Carries::Nothing {
        return user.with("examples", vec![json!({})]);
    }
    let always = carries == Carries::All || settings.token.always_included;
    let mut add = |name: &str, about: &str, example: &str| {
        let schema = Schema::text().about(about).example(example);
        user = if always {
            user.clone().must(name, schema)
        } else {
            user.clone().may(name, schema)
        };
    };
    add(
        "authentication_token",
        "An auth token, for clients that do not keep cookies.",
        "eyJ2ZXIi.aSN5vA.kT0k3n",
    );
    if settings.refresh.enabled && settings.refresh.cookie.is_none() {
        add(
            "refresh_token",
            "The token to exchange for a new auth token when this one expires.",
            "eyJpZCI6.r3fr3sh",
        );
    }
    user
}

/// The member `csrf_token`.
pub(crate) fn csrf_token() -> Schema {
    Schema::text()
        .about("The CSRF token of the session. Send it back in a header.")
        .example("IjFmM2Mi.aSN5vA.c5rf")
}

/// The members that list how the caller can confirm their identity again.
pub(crate) fn ways_to_verify() -> [(&'static str, Schema); 3] {
    [
        (
            "has_webauthn_verify_credential",
            Schema::flag()
                .about("Whether the user can verify with a passkey.")
                .example(false),
        ),
        (
            "oauth_enabled",
            Schema::flag()
                .about("Whether the user can verify with a social provider.")
                .example(false),
        ),
        (
            "oauth_providers",
            Schema::list(Schema::text())
                .about("The available providers.")
                .with("examples", json!([[]])),
        ),
    ]
}

/// The parameter `include_auth_token`.
pub(crate) fn include_auth_token() -> Value {
    json!({
        "name": "include_auth_token",
        "in": "query",
        "required": false,
        "allowEmptyValue": true,
        "description": "Requests tokens in the response. Its presence counts, not its value.",
        "schema": { "type": "string" },
    })
}

/// The parameter `next`.
pub(crate) fn next() -> Value {
    json!({
        "name": "next",
        "in": "query",
        "required": false,
        "description": "Where the app continues after the response. The server only checks that it is an allowed redirect target.",
        "schema": { "type": "string" },
    })
}

/// The cookie that carries the refresh token.
pub(crate) fn refresh_cookie(cookie: &CookieSettings, needed: bool) -> Value {
    json!({
        "name": cookie.name,
        "in": "cookie",
        "required": needed,
        "description": "The refresh token, which the browser keeps.",
        "schema": { "type": "string" },
    })
}

/// The member `next` of a body, which takes precedence over the parameter.
pub(crate) fn next_member() -> Schema {
    Schema::text().about("Like the query parameter `next`, and takes precedence over it.")
}

/// The header that carries the CSRF token, if there is one.
pub(super) fn csrf_header(app: &App) -> Option<Value> {
    let names = &app.settings().csrf.headers;
    let name = names.last()?;
    let others: Vec<String> = names
        .iter()
        .filter(|other| *other != name)
        .map(|other| format!("`{other}`"))
        .collect();
    let mut about = "The CSRF token, from a cookie or a response. Required if the caller authenticates by a mechanism that browsers apply automatically.".to_owned();
    if !others.is_empty() {
        about.push_str(&format!(" Also accepted in {}.", others.join(", ")));
    }
    Some(json!({
        "name": name,
        "in": "header",
        "required": false,
        "description": about,
        "schema": { "type": "string" },
    }))
}

/// The token in the path of a link.
pub(crate) fn link_token() -> Value {
    json!({
        "name": "token",
        "in": "path",
        "required": true,
        "description": "The token from the link in the email.",
        "schema": { "type": "string" },
    })
}

/// The name of a provider in the path.
#[cfg(feature = "oauth")]
pub(crate) fn provider_name() -> Value {
    json!({
        "name": "name",
        "in": "path",
        "required": true,
        "description": "The name of the provider in the configuration.",
        "schema": { "type": "string" },
    })
}

/// Adds what the reply to a sign-in says about the second factor, and the user. `always` is whether
/// a request that succeeds signs in unless a second factor is required.
pub(crate) fn signed_in(app: &App, answer: Answer, always: bool) -> Answer {
    let user = user(app, Carries::WhatWasAsked);
    let about = "Whether a second factor is required before the user is signed in.";
    let settings = app.settings();
    let (codes, passkeys) = (settings.two_factor.enabled, settings.webauthn.enabled);
    let required = if codes || passkeys {
        Schema::flag().about(about).example(false)
    } else {
        Schema::only(false).about(about)
    };
    let answer = if always {
        answer.must("tf_required", required)
    } else {
        answer.may("tf_required", required)
    };
    if !codes && !passkeys {
        return if always {
            answer.must("user", user)
        } else {
            answer.may("user", user)
        };
    }
    let state = Schema::word(["ready", "setup_from_login"]).about(
        "What a second factor waits for: `ready` for a code at `/tf-validate` or a passkey at `tf_signin_url`, `setup_from_login` for a method at `/tf-setup`.",
    );
    let method = || {
        Schema::word(["email", "authenticator", "sms", "webauthn"])
            .about("The method of the second factor. A code of `email` and `sms` was sent.")
    };
    let answer = answer
        .may("user", user)
        .may("tf_state", state)
        .may("tf_primary_method", method())
        .may("tf_method", method());
    if !passkeys {
        return answer;
    }
    answer
        .may(
            "tf_signin_url",
            Schema::text()
                .about("The path of the endpoint for the passkey, if the method is `webauthn`."),
        )
        .may(
            "tf_select",
            Schema::only(true)
                .about("Whether the user has to choose a second factor at `/tf-select`."),
        )
        .may("tf_setup_methods", Schema::list(method()))
}

/// The reasons, besides the account's own, why a right proof of identity does not sign in.
pub(crate) fn second_factor_errors(app: &App) -> Vec<Message> {
    let settings = app.settings();
    let mut errors = Vec::new();
    if settings.two_factor.enabled || settings.webauthn.enabled {
        errors.push(Message::SecondFactorNotServed);
    }
    if settings.two_factor.enabled && !settings.two_factor.same_channel {
        errors.push(Message::SecondFactorOtherChannel);
    }
    errors
}
