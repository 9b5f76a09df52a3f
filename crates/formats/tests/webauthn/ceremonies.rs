//! Each step of sections 7.1 and 7.2 refuses what it must.

use serde_json::{Value, json};
use vestibule_formats::webauthn::{
    Expected, Invalid, MalformedResponse, Policy, parse_authentication, parse_registration,
};

use crate::support::{AT, Authenticator, BE, BS, ED, UP, UV, attestation_object, base64url};

#[test]
fn valid_ceremonies_are_verified() {
    let mut authenticator = Authenticator::registering();
    authenticator.flags = UP | UV | BE | BS | AT;
    let registered = authenticator.register().unwrap();
    assert_eq!(registered.credential_id, authenticator.id);
    assert_eq!(registered.public_key, authenticator.public_key);
    assert_eq!(registered.sign_count, 7);
    assert_eq!(registered.aaguid, [3; 16]);
    assert!(registered.user_verified && registered.backup_eligible && registered.backed_up);
    assert_eq!(registered.device_type(), "multi_device");

    let authenticated = Authenticator::signing_in().sign_in().unwrap();
    assert_eq!(authenticated.sign_count, 7);
    assert!(!authenticated.user_verified && !authenticated.backed_up);
    assert_eq!(authenticated.device_type(), "single_device");
}

/// A change to a ceremony, and the error that it leads to in both kinds.
fn assert_both(change: impl Fn(&mut Authenticator), error: Invalid) {
    let mut registering = Authenticator::registering();
    change(&mut registering);
    assert_eq!(registering.register().err(), Some(error));
    let mut signing_in = Authenticator::signing_in();
    change(&mut signing_in);
    assert_eq!(signing_in.sign_in().err(), Some(error));
}

#[test]
fn attack_webauthn_response_of_the_other_ceremony_is_refused() {
    let mut registering = Authenticator::registering();
    registering.client_data["type"] = json!("webauthn.get");
    assert_eq!(registering.register().err(), Some(Invalid::Type));
    let mut signing_in = Authenticator::signing_in();
    signing_in.client_data["type"] = json!("webauthn.create");
    assert_eq!(signing_in.sign_in().err(), Some(Invalid::Type));
}

#[test]
fn attack_webauthn_other_challenge_is_refused() {
    for challenge in ["another token", ""] {
        assert_both(
            |ceremony| ceremony.client_data["challenge"] = json!(base64url(challenge.as_bytes())),
            Invalid::Challenge,
        );
    }
}

#[test]
fn attack_webauthn_other_origin_is_refused() {
    for origin in [
        "https://evil.example",
        "http://app.example",
        "https://app.example:444",
        "https://app.example.evil.example",
        "https://APP.example",
        "https://app.example/",
    ] {
        assert_both(
            |ceremony| ceremony.client_data["origin"] = json!(origin),
            Invalid::Origin,
        );
    }
    let mut related = Authenticator::signing_in();
    related.client_data["origin"] = json!("https://side.example");
    assert!(related.sign_in().is_ok());
}

#[test]
fn attack_webauthn_cross_origin_frame_is_refused() {
    assert_both(
        |ceremony| ceremony.client_data["crossOrigin"] = json!(true),
        Invalid::CrossOrigin,
    );
    assert_both(
        |ceremony| ceremony.client_data["topOrigin"] = json!("https://portal.example"),
        Invalid::TopOrigin,
    );
    let mut framed = Authenticator::signing_in();
    framed.client_data["crossOrigin"] = json!(true);
    framed.client_data["topOrigin"] = json!("https://portal.example");
    let response = parse_authentication(&framed.authentication().to_string()).unwrap();
    let verify = |top_origins: &[&str]| {
        let policy = Policy {
            top_origins,
            ..Policy::default()
        };
        response.verify_under(&framed.expected(), &policy, &framed.public_key, 6)
    };
    assert!(verify(&["https://portal.example"]).is_ok());
    assert_eq!(
        verify(&["https://other.example"]).err(),
        Some(Invalid::TopOrigin)
    );
}

#[test]
fn attack_webauthn_other_relying_party_is_refused() {
    assert_both(|ceremony| ceremony.rp_id = "evil.example", Invalid::RpId);
}

#[test]
fn user_presence_is_required() {
    assert_both(|ceremony| ceremony.flags &= !UP, Invalid::UserPresence);
}

#[test]
fn attack_webauthn_missing_user_verification_is_refused_where_required() {
    let ceremony = Authenticator::registering();
    let expected = Expected {
        require_user_verification: true,
        ..ceremony.expected()
    };
    let verified = parse_registration(&ceremony.registration().to_string())
        .unwrap()
        .verify(&expected, 0);
    assert_eq!(verified.err(), Some(Invalid::UserVerification));
    let mut ceremony = Authenticator::signing_in();
    for (flags, error) in [(UP, Some(Invalid::UserVerification)), (UP | UV, None)] {
        ceremony.flags = flags;
        let expected = Expected {
            require_user_verification: true,
            ..ceremony.expected()
        };
        let verified = parse_authentication(&ceremony.authentication().to_string())
            .unwrap()
            .verify(&expected, &ceremony.public_key, 6);
        assert_eq!(verified.err(), error);
    }
}

#[test]
fn backed_up_credential_that_is_not_eligible_is_refused() {
    assert_both(|ceremony| ceremony.flags |= BS, Invalid::BackupFlags);
}

#[test]
fn attack_webauthn_sign_count_that_does_not_increase_is_refused() {
    let mut ceremony = Authenticator::signing_in();
    for (new, stored, accepted) in [
        (0, 0, true),
        (1, 0, true),
        (0, 1, false),
        (5, 5, false),
        (4, 5, false),
        (6, 5, true),
        (u32::MAX, u32::MAX - 1, true),
        (u32::MAX, u32::MAX, false),
    ] {
        ceremony.sign_count = new;
        let verified = ceremony.verify(&ceremony.authentication(), &ceremony.public_key, stored);
        let error = (!accepted).then_some(Invalid::SignCount);
        assert_eq!(verified.err(), error, "{new} after {stored}");
    }
}

#[test]
fn attack_webauthn_signature_of_another_key_is_refused() {
    let ceremony = Authenticator::signing_in();
    let other = crate::keys::other_ed25519_key();
    assert_eq!(
        ceremony.verify(&ceremony.authentication(), &other, 6).err(),
        Some(Invalid::Signature)
    );
}

#[test]
fn attack_webauthn_changed_data_is_refused() {
    let ceremony = Authenticator::signing_in();
    let response = ceremony.authentication();
    let mut counted = Authenticator::signing_in();
    counted.sign_count = 8;
    for (member, value) in [
        (
            "authenticatorData",
            base64url(&counted.authenticator_data()),
        ),
        ("signature", base64url(&[0; 64])),
        ("signature", String::new()),
    ] {
        let mut changed = response.clone();
        changed["response"][member] = json!(value);
        assert_eq!(
            ceremony.verify(&changed, &ceremony.public_key, 6).err(),
            Some(Invalid::Signature)
        );
    }
}

#[test]
fn attack_webauthn_inconsistent_credential_id_is_refused() {
    let ceremony = Authenticator::registering();
    let mut response = ceremony.registration();
    response["id"] = json!(base64url(b"another"));
    let verify = |response: &Value| {
        parse_registration(&response.to_string())
            .unwrap()
            .verify(&ceremony.expected(), 0)
            .err()
    };
    assert_eq!(verify(&response), Some(Invalid::CredentialId));
    // The browser's word against the authenticator's.
    response["rawId"] = response["id"].clone();
    assert_eq!(verify(&response), Some(Invalid::CredentialId));
    let ceremony = Authenticator::signing_in();
    let mut response = ceremony.authentication();
    response["id"] = json!(base64url(b"another"));
    assert_eq!(
        ceremony.verify(&response, &ceremony.public_key, 6).err(),
        Some(Invalid::CredentialId)
    );
}

#[test]
fn credential_ids_have_1_to_1023_bytes() {
    for (length, accepted) in [(0, false), (1, true), (1023, true), (1024, false)] {
        let mut ceremony = Authenticator::registering();
        ceremony.id = vec![1; length];
        let error = (!accepted).then_some(Invalid::AuthenticatorData);
        assert_eq!(ceremony.register().err(), error, "{length}");
    }
}

#[test]
fn malformed_authenticator_data_is_refused() {
    let valid = Authenticator::registering().authenticator_data();
    let verify = |data: &[u8]| {
        let ceremony = Authenticator::registering();
        let object = attestation_object("none", &[0xa0], data);
        parse_registration(&ceremony.registration_of(&object).to_string())
            .unwrap()
            .verify(&ceremony.expected(), 0)
            .err()
    };
    assert_eq!(verify(&valid), None);
    for length in 0..valid.len() {
        assert_eq!(
            verify(&valid[..length]),
            Some(Invalid::AuthenticatorData),
            "{length}"
        );
    }
    let trailing = [&valid[..], &[0]].concat();
    assert_eq!(verify(&trailing), Some(Invalid::AuthenticatorData));
    // Without a credential.
    let mut ceremony = Authenticator::registering();
    ceremony.flags = UP;
    assert_eq!(ceremony.register().err(), Some(Invalid::CredentialData));
}

#[test]
fn extensions_are_one_map() {
    for (extensions, accepted) in [
        (&[0xa0][..], true),
        (&[0xa1, 0x61, b'a', 0xf5], true),
        (&[], false),
        (&[0x80], false),
        (&[0xa0, 0xa0], false),
    ] {
        let mut ceremony = Authenticator::signing_in();
        ceremony.flags |= ED;
        ceremony.extensions = extensions.to_vec();
        let error = (!accepted).then_some(Invalid::AuthenticatorData);
        assert_eq!(ceremony.sign_in().err(), error, "{extensions:?}");
    }
}

#[test]
fn malformed_attestation_objects_are_refused() {
    let ceremony = Authenticator::registering();
    let valid = attestation_object("none", &[0xa0], &ceremony.authenticator_data());
    let verify = |object: &[u8]| {
        parse_registration(&ceremony.registration_of(object).to_string())
            .unwrap()
            .verify(&ceremony.expected(), 0)
            .err()
    };
    assert_eq!(verify(&valid), None);
    let malformed = Some(Invalid::AttestationObject);
    assert_eq!(verify(&[]), malformed);
    assert_eq!(verify(&[0xa0]), malformed);
    assert_eq!(verify(&[0x80]), malformed);
    assert_eq!(verify(&[&valid[..], &[0]].concat()), malformed);
    assert_eq!(verify(&valid[..valid.len() - 1]), malformed);
    let data = ceremony.authenticator_data();
    assert_eq!(
        verify(&attestation_object("none", &[0xf6], &data)),
        malformed
    );
    assert_eq!(
        verify(&attestation_object("none", &[0x80], &data)),
        malformed
    );
}

#[test]
fn attack_webauthn_ambiguous_client_data_is_refused() {
    let ceremony = Authenticator::signing_in();
    let valid = ceremony.client_data.to_string();
    let verify = |client_data: &[u8]| {
        ceremony
            .verify(
                &ceremony.authentication_of(client_data),
                &ceremony.public_key,
                6,
            )
            .err()
    };
    assert_eq!(verify(valid.as_bytes()), None);
    assert_eq!(verify(format!("\u{feff}{valid}").as_bytes()), None);
    let extended = valid.replacen('{', "{\"unknown\":{\"a\":[1,null]},", 1);
    assert_eq!(verify(extended.as_bytes()), None);
    let mut invalid: Vec<Vec<u8>> = [
        "\"origin\":\"https://evil.example\",",
        "\"type\":\"webauthn.get\",",
        "\"unknown\":{\"a\":1,\"a\":2},",
        "\"topOrigin\":1,",
    ]
    .map(|member| valid.replacen('{', &format!("{{{member}"), 1).into_bytes())
    .to_vec();
    invalid.push(valid.replace("false", "\"false\"").into_bytes());
    invalid.push(valid.replace("false", "null").into_bytes());
    invalid.push(format!("{valid} {valid}").into_bytes());
    invalid.push(format!("[{valid}]").into_bytes());
    invalid.push([valid.as_bytes(), &[0xff]].concat());
    invalid.push(valid.replace("https", "h\u{0}ttps").into_bytes());
    invalid.push(valid.encode_utf16().flat_map(u16::to_le_bytes).collect());
    for member in ["type", "challenge", "origin"] {
        let mut lacking = ceremony.client_data.clone();
        lacking.as_object_mut().unwrap().remove(member);
        invalid.push(lacking.to_string().into_bytes());
        lacking[member] = json!(1);
        invalid.push(lacking.to_string().into_bytes());
    }
    let mut padded = ceremony.client_data.clone();
    padded["challenge"] = json!("a b=");
    invalid.push(padded.to_string().into_bytes());
    for client_data in invalid {
        let text = String::from_utf8_lossy(&client_data).into_owned();
        assert_eq!(verify(&client_data), Some(Invalid::ClientData), "{text}");
    }
}

#[test]
fn malformed_responses_are_refused() {
    use MalformedResponse::{Base64, Member, NotAnObject, TooLong};
    let valid = Authenticator::signing_in().authentication();
    let parse = |json: &str| parse_authentication(json).err();
    assert_eq!(parse(&valid.to_string()), None);
    for json in [
        "",
        "null",
        "[]",
        "\"a\"",
        "{",
        "{\"id\":\"a\",\"id\":\"a\"}",
    ] {
        assert_eq!(parse(json), Some(NotAnObject), "{json}");
    }
    assert_eq!(parse(&" ".repeat(65_537)), Some(TooLong));
    let with = |pointer: &str, value: Value| {
        let mut changed = valid.clone();
        let (parent, member) = pointer.rsplit_once('/').unwrap();
        changed.pointer_mut(parent).unwrap()[member] = value;
        changed.to_string()
    };
    for (pointer, value, error) in [
        ("/id", json!(1), Some(Member("id"))),
        ("/rawId", json!(null), Some(Member("rawId"))),
        ("/rawId", json!("a b"), Some(Base64("rawId"))),
        ("/rawId", json!("AB"), Some(Base64("rawId"))),
        ("/type", json!("password"), Some(Member("type"))),
        ("/type", json!(null), Some(Member("type"))),
        ("/response", json!([]), Some(Member("response"))),
        (
            "/response/clientDataJSON",
            json!({}),
            Some(Member("clientDataJSON")),
        ),
        (
            "/response/clientDataJSON",
            json!("a\n"),
            Some(Base64("clientDataJSON")),
        ),
        (
            "/response/authenticatorData",
            json!(1),
            Some(Member("authenticatorData")),
        ),
        (
            "/response/signature",
            json!(true),
            Some(Member("signature")),
        ),
        ("/response/signature", json!("A"), Some(Base64("signature"))),
        ("/response/userHandle", json!(1), Some(Member("userHandle"))),
        (
            "/response/userHandle",
            json!("!"),
            Some(Base64("userHandle")),
        ),
        ("/response/userHandle", json!(null), None),
        (
            "/authenticatorAttachment",
            json!("other"),
            Some(Member("authenticatorAttachment")),
        ),
        ("/authenticatorAttachment", json!("platform"), None),
        ("/authenticatorAttachment", json!(null), None),
    ] {
        assert_eq!(parse(&with(pointer, value)), error, "{pointer}");
    }
    let handle = |text: &str| {
        let response = parse_authentication(&with("/response/userHandle", json!(text))).unwrap();
        response.user_handle().map(<[u8]>::to_vec)
    };
    assert_eq!(handle("AAEC"), Some(vec![0, 1, 2]));
    assert_eq!(handle("AAE="), Some(vec![0, 1]));
    assert_eq!(handle("+/8"), handle("-_8"));
    assert_eq!(handle(""), None);

    let valid = Authenticator::registering().registration();
    let mut changed = valid.clone();
    changed["response"]["attestationObject"] = json!(1);
    let error = Some(Member("attestationObject"));
    assert_eq!(parse_registration(&changed.to_string()).err(), error);
    let transports = |value: Value| {
        let mut changed = valid.clone();
        changed["response"]["transports"] = value;
        let response = parse_registration(&changed.to_string()).unwrap();
        response.transports().to_vec()
    };
    assert_eq!(
        transports(json!(["usb", "new", 1, "hybrid"])),
        ["usb", "hybrid"]
    );
    assert!(transports(json!("usb")).is_empty());
}
