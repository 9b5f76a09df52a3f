//! What each endpoint replies.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::http::{Received, Reply};
use super::id_token::id_token;
use super::{Approval, Endpoint, Grant, State, fresh, merge};
use crate::encoding::base64url;
use crate::keys::Algorithm;

/// The endpoint of a path.
pub(super) fn endpoint(state: &State, path: &str) -> Endpoint {
    match path {
        "/.well-known/openid-configuration" | "/.well-known/oauth-authorization-server" => {
            Endpoint::Discovery
        }
        "/jwks" => Endpoint::Jwks,
        "/authorize" => Endpoint::Authorization,
        "/token" => Endpoint::Token,
        "/userinfo" => Endpoint::Userinfo,
        path if state.behaviour.api.contains_key(path) => Endpoint::Api,
        _ => Endpoint::Unknown,
    }
}

/// The reply of an endpoint.
pub(super) fn answer(state: &mut State, endpoint: Endpoint, request: &Received) -> Reply {
    match endpoint {
        Endpoint::Discovery => Reply::json(200, &discovery(state)),
        Endpoint::Jwks => {
            let keys = &state.keys;
            let rsa = keys.rsa.jwk(&keys.kid(Algorithm::Rs256));
            let ec = keys.ec.jwk(&keys.kid(Algorithm::Es256));
            Reply::json(200, &json!({"keys": [rsa, ec]}))
        }
        Endpoint::Authorization => {
            let approval = approve(state, request);
            if approval.form_post {
                Reply::new(200, "text/html", page(&approval))
            } else {
                Reply::redirect(&approval.location())
            }
        }
        Endpoint::Token => token(state, request),
        Endpoint::Userinfo => match bearer(state, request) {
            Some(mut claims) => {
                merge(&mut claims, &state.behaviour.userinfo);
                Reply::json(200, &claims)
            }
            None => Reply::json(401, &json!({"error": "invalid_token"})),
        },
        Endpoint::Api => match bearer(state, request) {
            Some(_) => Reply::json(200, &state.behaviour.api[&request.path]),
            None => Reply::json(401, &json!({"message": "Requires authentication"})),
        },
        Endpoint::Unknown => Reply::json(404, &json!({"message": "Not Found"})),
    }
}

fn discovery(state: &State) -> Value {
    let at = |path: &str| format!("{}{path}", state.issuer);
    let mut document = json!({
        "issuer": state.issuer,
        "authorization_endpoint": at("/authorize"),
        "token_endpoint": at("/token"),
        "userinfo_endpoint": at("/userinfo"),
        "jwks_uri": at("/jwks"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": ["authorization_code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256"],
        "scopes_supported": ["openid", "email", "profile"],
        "claims_supported": ["sub", "email", "email_verified", "name"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "code_challenge_methods_supported": ["S256"],
    });
    if state.behaviour.iss.is_some() {
        document["authorization_response_iss_parameter_supported"] = json!(true);
    }
    merge(&mut document, &state.behaviour.discovery);
    document
}

/// The authorization response: a code for the user in [`super::Behaviour::claims`].
pub(super) fn approve(state: &mut State, request: &Received) -> Approval {
    let param = |name: &str| request.param(name).map(str::to_owned);
    let behaviour = &state.behaviour;
    let refusal = match (param("client_id"), param("code_challenge")) {
        (id, _) if id.as_deref() != Some(&behaviour.client_id) => Some("unauthorized_client"),
        (_, None) if behaviour.requires_pkce => Some("invalid_request"),
        _ if request.param("response_type") != Some("code") => Some("unsupported_response_type"),
        _ => None,
    };
    let mut answer = json!({});
    if let Some(error) = refusal {
        answer["error"] = json!(error);
    } else {
        let code = fresh();
        let scope = param("scope").unwrap_or_default();
        let grant = Grant {
            redirect_uri: param("redirect_uri").unwrap_or_default(),
            nonce: param("nonce"),
            challenge: param("code_challenge"),
            openid: scope.split(' ').any(|one| one == "openid"),
            claims: behaviour.claims.clone(),
            used: false,
        };
        answer["code"] = json!(code);
        state.grants.insert(code, grant);
    }
    for (name, value) in [
        ("state", param("state")),
        ("iss", state.behaviour.iss.clone()),
    ] {
        if let Some(value) = value {
            answer[name] = json!(value);
        }
    }
    merge(&mut answer, &state.behaviour.authorization);
    Approval {
        redirect_uri: param("redirect_uri").unwrap_or_default(),
        params: texts(&answer),
        form_post: request.param("response_mode") == Some("form_post"),
    }
}

/// The members of an object as texts.
fn texts(object: &Value) -> Vec<(String, String)> {
    let members = object.as_object().into_iter().flatten();
    let text = |value: &Value| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    members
        .map(|(name, value)| (name.clone(), text(value)))
        .collect()
}

/// A page that posts the response to the client.
fn page(approval: &Approval) -> String {
    let escape = |text: &str| text.replace('&', "&amp;").replace('"', "&quot;");
    let fields = approval.params.iter().map(|(name, value)| {
        let (name, value) = (escape(name), escape(value));
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{value}\">")
    });
    let (fields, action) = (fields.collect::<String>(), escape(&approval.redirect_uri));
    format!(
        "<!DOCTYPE html><title>Back</title><body onload=\"document.forms[0].submit()\">\
         <form method=\"post\" action=\"{action}\">{fields}</form>"
    )
}

fn token(state: &mut State, request: &Received) -> Reply {
    match grant(state, request) {
        Err((status, error)) => Reply::json(status, &json!({"error": error})),
        Ok(grant) => {
            let access_token = fresh();
            let mut body = json!({
                "access_token": access_token, "token_type": "Bearer", "expires_in": 3600,
            });
            if grant.openid && state.behaviour.with_id_token {
                body["id_token"] = json!(id_token(state, &grant));
            }
            merge(&mut body, &state.behaviour.token);
            state.tokens.insert(access_token, grant.claims);
            let asks = request.header("accept").unwrap_or_default();
            if state.behaviour.token_as_form && !asks.contains("json") {
                let mut form = form_urlencoded::Serializer::new(String::new());
                let form = form.extend_pairs(texts(&body)).finish();
                return Reply::new(200, "application/x-www-form-urlencoded", form);
            }
            Reply::json(200, &body)
        }
    }
}

/// Redeems the code in a request to the token endpoint.
fn grant(state: &mut State, request: &Received) -> Result<Grant, (u16, &'static str)> {
    let behaviour = &state.behaviour;
    if request.method != "POST"
        || request.field("grant_type").as_deref() != Some("authorization_code")
    {
        return Err((400, "unsupported_grant_type"));
    }
    if let Some(secret) = &behaviour.client_secret
        && client(request) != Some((behaviour.client_id.clone(), secret.clone()))
    {
        return Err((401, "invalid_client"));
    }
    let once = behaviour.codes_work_once;
    let code = request.field("code").unwrap_or_default();
    let grant = state.grants.get_mut(&code).ok_or((400, "invalid_grant"))?;
    let challenge = request
        .field("code_verifier")
        .map(|verifier| base64url(digest(&SHA256, verifier.as_bytes())));
    let right = request.field("redirect_uri").as_ref() == Some(&grant.redirect_uri)
        && challenge == grant.challenge
        && !(once && grant.used);
    grant.used = true;
    if right {
        Ok(grant.clone())
    } else {
        Err((400, "invalid_grant"))
    }
}

/// The ID and the secret of the client, from the `Authorization` header or the body.
fn client(request: &Received) -> Option<(String, String)> {
    let Some(basic) = request.header("authorization") else {
        return Some((request.field("client_id")?, request.field("client_secret")?));
    };
    let decoded = STANDARD.decode(basic.strip_prefix("Basic ")?).ok()?;
    let decoded = String::from_utf8(decoded).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    // RFC 6749, 2.3.1: both are form-encoded first. Some clients do not.
    let plain = |text: &str| {
        let pair = form_urlencoded::parse(text.as_bytes()).next();
        pair.map_or_else(String::new, |(name, _)| name.into_owned())
    };
    Some((plain(id), plain(secret)))
}

/// The claims of the user whose access token the request has.
fn bearer(state: &State, request: &Received) -> Option<Value> {
    let (scheme, token) = request.header("authorization")?.split_once(' ')?;
    let known = ["bearer", "token"].contains(&scheme.to_ascii_lowercase().as_str());
    known.then(|| state.tokens.get(token).cloned())?
}
