//! ID tokens: JSON Web Tokens, signed as [`Signing`] says.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Grant, Signing, State, merge, now};
use crate::encoding::base64url;
use crate::keys::{Algorithm, Key};

/// The ID token of a grant.
pub(super) fn id_token(state: &State, grant: &Grant) -> String {
    let behaviour = &state.behaviour;
    let mut claims = json!({
        "iss": state.issuer,
        "aud": behaviour.client_id,
        "iat": now() + behaviour.issued_in,
        "exp": now() + behaviour.expires_in,
    });
    merge(&mut claims, &grant.claims);
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    merge(&mut claims, &behaviour.id_token);
    signed(state, &claims)
}

fn signed(state: &State, claims: &Value) -> String {
    let keys = &state.keys;
    let rsa = || (keys.kid(Algorithm::Rs256), Algorithm::Rs256);
    let header = |(kid, algorithm): (String, Algorithm)| json!({"alg": algorithm.jose(), "typ": "JWT", "kid": kid});
    match state.behaviour.signing {
        Signing::Right(Algorithm::Es256) => {
            let algorithm = Algorithm::Es256;
            let header = header((keys.kid(algorithm), algorithm));
            with_key(&header, claims, &keys.ec)
        }
        Signing::Right(_) => with_key(&header(rsa()), claims, &keys.rsa),
        Signing::None => {
            let header = json!({"alg": "none", "typ": "JWT"});
            format!("{}.", input(&header, claims))
        }
        Signing::Hs256WithPublicKey => with_hmac(&pem(&keys.rsa), &rsa().0, claims),
        Signing::Hs256WithClientSecret => {
            let secret = state.behaviour.client_secret.clone().unwrap_or_default();
            with_hmac(&secret, &rsa().0, claims)
        }
        Signing::UnknownKid => {
            let key = Key::generate(Algorithm::Rs256);
            with_key(&header(("unknown".into(), Algorithm::Rs256)), claims, &key)
        }
        Signing::StolenKid => {
            let key = Key::generate(Algorithm::Rs256);
            with_key(&header(rsa()), claims, &key)
        }
        Signing::NoKid => {
            let header = json!({"alg": "RS256", "typ": "JWT"});
            with_key(&header, claims, &keys.rsa)
        }
        Signing::Tampered => {
            let token = with_key(&header(rsa()), claims, &keys.rsa);
            let (_, signature) = token.rsplit_once('.').expect("a signature");
            let mut other = claims.clone();
            other["sub"] = json!("another-subject");
            format!("{}.{signature}", input(&header(rsa()), &other))
        }
        Signing::EmbeddedKey => {
            let key = Key::generate(Algorithm::Rs256);
            let mut header = header(("embedded".into(), Algorithm::Rs256));
            header["jwk"] = key.jwk("embedded");
            with_key(&header, claims, &key)
        }
    }
}

fn input(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| base64url(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn with_key(header: &Value, claims: &Value, key: &Key) -> String {
    let input = input(header, claims);
    let signature = base64url(key.sign_jose(input.as_bytes()));
    format!("{input}.{signature}")
}

fn with_hmac(secret: &str, kid: &str, claims: &Value) -> String {
    let header = json!({"alg": "HS256", "typ": "JWT", "kid": kid});
    let input = input(&header, claims);
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{input}.{}", base64url(hmac::sign(&key, input.as_bytes())))
}

/// The public key in PEM, which confused libraries take for the secret of HMAC.
fn pem(key: &Key) -> String {
    let body = STANDARD.encode(key.spki());
    let lines = body.as_bytes().chunks(64).map(String::from_utf8_lossy);
    let lines = lines.collect::<Vec<_>>().join("\n");
    format!("-----BEGIN PUBLIC KEY-----\n{lines}\n-----END PUBLIC KEY-----\n")
}
