//! The bodies of the fuzz targets. The ordinary tests run the same functions with mutated vectors
//! (`tests/fuzz_smoke.rs`).

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use vestibule_formats::auth_token::AuthTokenCodec;
use vestibule_formats::csrf::CsrfCodec;
use vestibule_formats::fernet::FernetRing;
use vestibule_formats::flask_session::SessionCodec;
use vestibule_formats::hash::fingerprint;
use vestibule_formats::hash::{Argon2Options, Hasher, HasherOptions, Memory, Scheme, SingleHash};
use vestibule_formats::hex;
use vestibule_formats::jwk::JwkSet;
use vestibule_formats::jwt::{Algorithm, UnverifiedJwt, signing_input, with_signature};
use vestibule_formats::link_token::LinkCodec;
use vestibule_formats::purpose::Purpose;
use vestibule_formats::recovery_codes::{self, RecoveryCodes};
use vestibule_formats::redirect::{AllowedHosts, is_allowed};
use vestibule_formats::remember_cookie::RememberCodec;
use vestibule_formats::session_identifier::session_identifier;
use vestibule_formats::setup_state::{SetupKind, SetupState, SetupStateCodec};
use vestibule_formats::sign::{KeyRing, decode_payload, encode_payload};
use vestibule_formats::strict_json;
use vestibule_formats::text::{email, normalise::Form, phone, username};
use vestibule_formats::totp::{Key, Totp, UsSecrets, Wallet, provisioning_uri, svg_data_url};
use vestibule_formats::validity_cookie::ValidityCookieCodec;
use vestibule_formats::webauthn::authenticator_data::AuthenticatorData;
use vestibule_formats::webauthn::cbor;
use vestibule_formats::webauthn::client_data::ClientData;
use vestibule_formats::webauthn::cose::CoseKey;
use vestibule_formats::webauthn::{Expected, parse_authentication, parse_registration};

const NOW: i64 = 1_800_000_000;
const DAY: Duration = Duration::from_secs(86400);

fn ring() -> KeyRing {
    KeyRing::new(
        "the present key, 0123456789",
        ["the key before it, 9876543210"],
    )
}

/// The text as a cookie, and as a value in a cookie that we sign.
pub(crate) fn session_cookie(text: &str) {
    let codec = SessionCodec::new(&ring());
    let mut session = codec.open(text, NOW, DAY);
    session.set_str("name", text);
    assert_eq!(
        codec
            .open(&codec.seal(&session, NOW), NOW, DAY)
            .get_str("name")
            .as_deref(),
        Some(text)
    );
}

pub(crate) fn timed_token(text: &str) {
    let signer = Purpose::Confirm.timed_signer(&ring(), None);
    let _ = signer.open(text, NOW, Some(DAY));
    let _ = decode_payload(text);
    let signed = signer.sign(&encode_payload(text.as_bytes()), NOW);
    let payload = signer
        .open(&signed, NOW, Some(DAY))
        .expect("our own")
        .payload;
    assert_eq!(decode_payload(payload).expect("our own"), text.as_bytes());
}

/// The text as a token, as a signed payload, as a part of a token, and as a fingerprint.
pub(crate) fn link_token(text: &str) {
    let codec = LinkCodec::new(&ring(), Purpose::Reset, None);
    let _ = codec.open(text, NOW, DAY);
    // Anything that a holder of the key may have signed.
    let signer = Purpose::Reset.timed_signer(&ring(), None);
    let _ = codec.open(
        &signer.sign(&encode_payload(text.as_bytes()), NOW),
        NOW,
        DAY,
    );
    let sealed = codec.seal(&[Some("who"), Some(text), None], NOW);
    let opened = codec.open(&sealed, NOW, DAY).expect("our own");
    assert_eq!(
        (opened.uniquifier(), opened.part(1), opened.part(2)),
        ("who", Some(text), None)
    );
    // An excessive number of rounds is refused instead of computed.
    let _ = fingerprint::is_of(text, "ana@example.com");
}

pub(crate) fn remember_cookie(text: &str) {
    let codec = RememberCodec::new(&ring());
    let _ = codec.open(text);
    let opened = codec.open(&codec.seal(text));
    assert_eq!(opened.as_deref(), Some(text).filter(|id| !id.is_empty()));
}

pub(crate) fn csrf_token(text: &str) {
    let codec = CsrfCodec::new(&ring());
    let _ = codec.check(text, Some(text), NOW, Some(DAY));
    assert_eq!(
        codec.check(&codec.make(text, NOW), Some(text), NOW, Some(DAY)),
        Ok(())
    );
}

/// The text as a token, and as the payload of a token that we sign.
pub(crate) fn auth_token(text: &str) {
    let codec = AuthTokenCodec::new(&ring(), None);
    let _ = codec.open(text, NOW, DAY);
    let signer = Purpose::AuthToken.timed_signer(&ring(), None);
    let _ = codec.open(
        &signer.sign(&encode_payload(text.as_bytes()), NOW),
        NOW,
        DAY,
    );
}

/// The text as a stored hash that an attacker wrote. Its cost is limited before it is paid.
pub(crate) fn password_hash(text: &str) {
    let argon2 = Argon2Options {
        memory_cost: 16,
        time_cost: 1,
        parallelism: 1,
        ..Argon2Options::default()
    };
    let options = HasherOptions {
        salt: Some("salt"),
        single_hash: SingleHash::Schemes(Vec::new()),
        argon2,
    };
    let hasher = Hasher::new(&options).expect("valid parameters");
    let _ = Scheme::identify(text);
    let _ = hasher.needs_upgrade(text);
    // Legitimate costs take real time, so only cheap hashes are verified here.
    if !text
        .bytes()
        .any(|byte| byte.is_ascii_digit() && byte > b'1')
    {
        let _ = hasher.verify("x", text, &mut Memory::default());
    }
}

pub(crate) fn redirect_target(text: &str) {
    let listed = ["side.example".to_owned()];
    let hosts = AllowedHosts {
        own: "app.example:5000",
        with_subdomains_of: None,
        listed: &listed,
    };
    if is_allowed(text, &hosts) {
        assert!(!text.contains(['\\', '\n', '\r', '\t', '\0']));
    }
    let _ = is_allowed(
        "/",
        &AllowedHosts {
            own: text,
            with_subdomains_of: Some(text),
            listed: &listed,
        },
    );
}

pub(crate) fn texts(text: &str) {
    let options = email::EmailOptions::default();
    if let Ok(address) = email::normalise(text, &options) {
        assert_eq!(email::normalise(&address, &options).as_ref(), Ok(&address));
        assert_eq!(address.matches('@').count(), 1);
    }
    let options = username::UsernameOptions {
        allowed_categories: vec!["L".to_owned(), "N".to_owned()],
        min_length: 4,
        max_length: 32,
        form: Some(Form::Nfkd),
    };
    let _ = username::normalise(text, &options);
    let _ = session_identifier(None, Some(text.as_bytes()));
}

/// The text as a number in regions with different dialling rules, and without a region.
pub(crate) fn phone_number(text: &str) {
    for code in ["", "US", "AR", "BR", "SM", "RU"] {
        if let Ok(kept) = phone::normalise(text, phone::Region::from_code(code)) {
            let digits = kept.strip_prefix('+').expect("a country");
            assert!(digits.bytes().all(|byte| byte.is_ascii_digit()));
            assert_eq!(phone::normalise(&kept, None).as_ref(), Ok(&kept));
        }
    }
}

/// The text as a code, as a key, and as the names in a URI.
pub(crate) fn totp_code(text: &str) {
    let totp = Totp::new(Key::new(text.as_bytes()).unwrap_or(Key::new(b"key").expect("not empty")));
    let code = totp.generate(NOW);
    assert_eq!(
        totp.normalise(code.as_str()).as_deref().map(String::as_str),
        Some(code.as_str())
    );
    assert!(totp.verify(code.as_str(), NOW, 300) >= Some(60_000_000));
    let typed = totp.normalise(text);
    assert!(typed.is_some() || totp.verify(text, NOW, 300).is_none());
    let uri = provisioning_uri(&totp, text, text);
    assert!(uri.is_ascii());
    // Drawing takes a while.
    if text.len() % 64 == 3 {
        let _ = svg_data_url(text);
    }
}

/// The text as a stored key, and as a key to store.
pub(crate) fn wallet(text: &str) {
    let wallet = Wallet::new([("1", "secret")]).expect("a secret");
    // Costs of two digits take real time.
    let digits = text.as_bytes().windows(2);
    if !digits
        .clone()
        .any(|pair| pair.iter().all(u8::is_ascii_digit))
        && let Ok(opened) = wallet.open(text)
    {
        let uri = provisioning_uri(&opened.totp, "label", "issuer");
        assert_eq!(wallet.open(&uri).expect("our own").totp, opened.totp);
    }
    // Sealing always takes real time.
    if text.len() % 256 == 9 {
        let totp = Totp::new(Key::new(text.as_bytes()).expect("not empty"));
        let opened = wallet.open(&wallet.seal(&totp, &[7; 12]));
        assert!(text.len() > 1000 || opened.expect("our own").totp == totp);
    }
}

/// The text as the column, and as a member of it.
pub(crate) fn us_secrets(text: &str) {
    let mut secrets = UsSecrets::parse(Some(text)).unwrap_or_default();
    let reads = |secrets: &UsSecrets| {
        let column = secrets.to_column();
        assert!(column.as_deref().is_none_or(str::is_ascii));
        if let Ok(again) = UsSecrets::parse(column.as_deref()) {
            assert_eq!(again.to_column(), column);
        } else {
            assert!(column.is_none_or(|column| column.len() > 60_000));
        }
    };
    reads(&secrets);
    secrets.set(text, text);
    assert_eq!(secrets.get(text), Some(text));
    reads(&secrets);
    assert!(secrets.remove(text));
    assert_eq!(secrets.get(text), None);
}

/// The text as the column, as a code, and as an encrypted code.
pub(crate) fn recovery_codes(text: &str) {
    let keys = FernetRing::new(["cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4="]).expect("a key");
    let _ = FernetRing::new([text]);
    let plain = RecoveryCodes::open(Some(text), None, None, NOW);
    assert_eq!(*plain.to_column(), text);
    for code in plain.codes() {
        let index = plain.find(code);
        assert_eq!(
            index.is_none(),
            code.chars().all(|c| c.is_whitespace() || c == '-')
        );
    }
    let _ = RecoveryCodes::open(Some(text), Some(&keys), Some(60), NOW);
    let column = recovery_codes::seal([text, "code"], Some(&keys), || [7; 16], NOW);
    let mut codes = RecoveryCodes::open(Some(&column), Some(&keys), Some(60), NOW);
    assert_eq!(codes.codes().collect::<Vec<_>>(), [text, "code"]);
    assert!(codes.remove(codes.find("code").expect("our own")));
}

/// The text as a token, as a signed payload, and as a member of one.
pub(crate) fn setup_state(text: &str) {
    let state = SetupState {
        method: "sms".to_owned(),
        totp_secret: text.to_owned().into(),
        phone: Some(text.to_owned()),
        user: None,
    };
    let (kind, purpose) = if text.len().is_multiple_of(2) {
        (SetupKind::Unified, Purpose::UnifiedSetup)
    } else {
        (SetupKind::TwoFactor, Purpose::TwoFactorSetup)
    };
    let codec = SetupStateCodec::new(&ring(), kind, None);
    let _ = codec.open(text, NOW, DAY);
    let signer = purpose.timed_signer(&ring(), None);
    let signed = signer.sign(&encode_payload(text.as_bytes()), NOW);
    if let Ok(opened) = codec.open(&signed, NOW, DAY) {
        let again = codec.open(&codec.seal(&opened, NOW), NOW, DAY);
        assert_eq!(again.as_ref(), Ok(&opened));
    }
    let sealed = codec.seal(&state, NOW);
    assert_eq!(codec.open(&sealed, NOW, DAY).as_ref(), Ok(&state));
    let codec = ValidityCookieCodec::new(&ring(), None);
    let _ = codec.open(text, NOW, DAY);
    let sealed = codec.seal(text, NOW);
    assert_eq!(
        codec.is_valid_for(text, &sealed, NOW, DAY),
        !text.is_empty()
    );
}

/// The bytes that the text stands for: hexadecimal digits, or its own bytes.
fn binary(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// The text as CBOR. Whatever has its shortest form is also accepted in any form.
pub(crate) fn webauthn_cbor(text: &str) {
    let bytes = binary(text);
    if let Ok(value) = cbor::parse(&bytes, cbor::Form::Shortest) {
        assert!(cbor::parse(&bytes, cbor::Form::Any) == Ok(value));
    }
    if let Ok((_, rest)) = cbor::parse_prefix(&bytes, cbor::Form::Any) {
        let item = &bytes[..bytes.len() - rest.len()];
        assert!(cbor::parse(item, cbor::Form::Any).is_ok());
    }
}

/// The text as a public key, and as a stored one.
pub(crate) fn webauthn_cose(text: &str) {
    let bytes = binary(text);
    if let Ok(key) = CoseKey::parse(&bytes) {
        assert!(key.algorithm_id() < 0);
        assert_eq!(CoseKey::parse(&bytes), Ok(key));
    }
}

/// The text as authenticator data. What is read covers all of it.
pub(crate) fn webauthn_authenticator_data(text: &str) {
    let bytes = binary(text);
    if let Ok(data) = AuthenticatorData::parse(&bytes) {
        assert!(bytes.len() >= 37);
        let read = data.credential.map_or(0, |credential| {
            assert!((1..=1023).contains(&credential.credential_id.len()));
            18 + credential.credential_id.len() + credential.public_key.len()
        });
        assert!(37 + read <= bytes.len());
        let longer = [&bytes[..], &[0]].concat();
        assert!(AuthenticatorData::parse(&longer).is_err());
    }
}

/// The text as client data. Every proper prefix of valid client data is invalid.
pub(crate) fn webauthn_client_data(text: &str) {
    let bytes = binary(text);
    if ClientData::parse(&bytes).is_ok() {
        let trimmed = bytes.trim_ascii_end();
        assert!(ClientData::parse(&trimmed[..trimmed.len() - 1]).is_err());
    }
}

/// The text as a response, and as an attestation object inside one.
pub(crate) fn webauthn_registration(text: &str) {
    let expected = Expected {
        challenge: b"",
        rp_id: "example.org",
        origins: &["https://example.org"],
        require_user_verification: false,
    };
    if let Ok(response) = parse_authentication(text) {
        let _ = response.verify(&expected, &binary(text), 0);
    }
    let encoded = URL_SAFE_NO_PAD.encode(binary(text));
    let client_data = URL_SAFE_NO_PAD
        .encode(br#"{"type":"webauthn.create","challenge":"","origin":"https://example.org"}"#);
    let response = format!(
        r#"{{"id":"AA","rawId":"AA","type":"public-key","response":{{"clientDataJSON":"{client_data}","attestationObject":"{encoded}"}}}}"#
    );
    for json in [text, &response] {
        if let Ok(response) = parse_registration(json)
            && let Ok(registered) = response.verify(&expected, NOW)
        {
            assert_eq!(registered.credential_id, response.credential_id());
            assert!(CoseKey::parse(&registered.public_key).is_ok());
        }
    }
}

/// The text as a token, and as a claim of a token.
pub(crate) fn jwt(text: &str) {
    if let Ok(token) = UnverifiedJwt::parse(text) {
        assert!(text.as_bytes().starts_with(token.message));
    }
    let header = serde_json::json!({"alg": "ES256", "kid": text});
    let claims = serde_json::json!({"sub": text});
    let own = with_signature(&signing_input(&header, &claims), text.as_bytes());
    // Long tokens are refused.
    if let Ok(token) = UnverifiedJwt::parse(&own) {
        assert_eq!(token.key_id.as_deref(), Some(text));
        assert_eq!(token.claims["sub"], text);
    }
}

/// The text as a set of keys, as a single key, and as any document of a provider.
pub(crate) fn provider_json(text: &str) {
    for set in [text.to_owned(), format!("{{\"keys\":[{text}]}}")] {
        if let Some(keys) = JwkSet::parse(set.as_bytes()) {
            for algorithm in ["RS256", "PS512", "ES256", "ES384", "EdDSA"] {
                let algorithm = Algorithm::from_name(algorithm).expect("a known name");
                let _ = keys.find(None, algorithm);
                let _ = keys.find(Some(text), algorithm);
            }
        }
    }
    // What the strict parser accepts, the ordinary one reads alike.
    if let Some(value) = strict_json::parse(text.as_bytes()) {
        let ordinary: serde_json::Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(value, ordinary);
    }
}
