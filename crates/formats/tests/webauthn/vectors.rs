//! The WebAuthn verifier against the test vectors of the specification and of `py_webauthn`
//! (`../vectors/webauthn`).

use serde_json::Value;
use vestibule_formats::hex;
use vestibule_formats::webauthn::{
    AttestationError, AttestationFormat, Expected, Invalid, Policy, parse_authentication,
    parse_registration,
};

use crate::support::{base64url, from_base64url, py_webauthn, w3c};

/// The registrations of the specification that are valid here under a policy that allows their algorithms,
/// origins and roots, and all sign-ins. Ed448 is not supported.
#[test]
fn specification_vectors_are_verified() {
    const ALL: &[i32] = &[-7, -8, -35, -36, -257];
    let vectors = w3c();
    let formats = [
        ("none-es256", AttestationFormat::None),
        ("packed-self-es256", AttestationFormat::Packed),
        ("none-es256-crossOrigin", AttestationFormat::None),
        ("none-es256-topOrigin", AttestationFormat::None),
        ("none-es256-long-credential-id", AttestationFormat::None),
        ("packed-es256", AttestationFormat::Packed),
        ("packed-es384", AttestationFormat::Packed),
        ("packed-es512", AttestationFormat::Packed),
        ("packed-rs256", AttestationFormat::Packed),
        ("packed-eddsa", AttestationFormat::Packed),
        ("apple-es256", AttestationFormat::Apple),
    ];
    assert_eq!(vectors.ceremonies.len(), formats.len() + REFUSED.len());
    let policy = Policy {
        algorithms: ALL,
        top_origins: &["https://example.com"],
        attestation_roots: &[&vectors.root],
    };
    for (name, format) in formats {
        let vector = vectors.ceremony(name);
        let registered = parse_registration(&vector.registration)
            .unwrap()
            .verify_under(&vector.expected(true), &policy, NOW)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(registered.attestation_format, format, "{name}");
        assert_eq!(registered.credential_id, vector.credential_id, "{name}");
        assert_eq!(registered.public_key, vector.public_key, "{name}");
        assert_eq!(registered.sign_count, 0, "{name}");
    }
    for (name, error) in REFUSED {
        let vector = vectors.ceremony(name);
        let verified = parse_registration(&vector.registration)
            .unwrap()
            .verify_under(&vector.expected(true), &policy, NOW);
        assert_eq!(verified.err(), Some(error), "{name}");
    }
    for vector in &vectors.ceremonies {
        if vector.name == "packed-ed448" {
            continue;
        }
        let name = &vector.name;
        let authenticated = parse_authentication(&vector.authentication)
            .unwrap()
            .verify_under(&vector.expected(false), &policy, &vector.public_key, 0)
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(authenticated.sign_count, 0, "{name}");
    }
}

/// What `py_webauthn` refuses too: Ed448, the manufacturer `id:00000000` of the TPM, the AAGUID of the U2F key,
/// and the Android key, whose restrictions are not enforced by hardware. The certificates and signatures are
/// verified before.
const REFUSED: [(&str, Invalid); 4] = [
    ("packed-ed448", Invalid::Algorithm),
    (
        "tpm-es256",
        Invalid::Attestation(AttestationError::CertificateProfile),
    ),
    (
        "fido-u2f-es256",
        Invalid::Attestation(AttestationError::Aaguid),
    ),
    (
        "android-key-es256",
        Invalid::Attestation(AttestationError::KeyUse),
    ),
];

const NOW: i64 = 1_790_000_000;

/// What the defaults refuse, and why.
#[test]
fn specification_vectors_that_the_defaults_refuse() {
    let vectors = w3c();
    let refused = [
        ("none-es256-crossOrigin", Invalid::CrossOrigin),
        ("none-es256-topOrigin", Invalid::CrossOrigin),
        ("packed-es384", Invalid::Algorithm),
        ("packed-es512", Invalid::Algorithm),
        ("packed-ed448", Invalid::Algorithm),
        ("android-key-es256", AttestationError::Chain.into()),
        ("apple-es256", AttestationError::Chain.into()),
        ("tpm-es256", AttestationError::CertificateProfile.into()),
        ("fido-u2f-es256", AttestationError::Aaguid.into()),
    ];
    for vector in &vectors.ceremonies {
        let response = parse_registration(&vector.registration).unwrap();
        let verified = response.verify(&vector.expected(true), NOW);
        let expected = refused.iter().find(|(name, _)| *name == vector.name);
        assert_eq!(
            verified.err(),
            expected.map(|(_, error)| *error),
            "{}",
            vector.name
        );
    }
}

/// The recorded calls of `py_webauthn` have the same outcome here, except where this verifier is stricter.
#[test]
fn recorded_calls_of_py_webauthn_have_the_same_outcome() {
    let [mut verified, mut refused, mut stricter, mut lenient] = [0; 4];
    for call in py_webauthn() {
        let text = |name: &str| call[name].as_str().unwrap().to_owned();
        let listed = |name: &str| -> Vec<String> {
            call[name]
                .as_array()
                .into_iter()
                .flatten()
                .map(|item| item.as_str().unwrap().to_owned())
                .collect()
        };
        let challenge = from_base64url(&text("challenge"));
        let origins = listed("origins");
        let origins: Vec<&str> = origins.iter().map(String::as_str).collect();
        let rp_id = text("rp_id");
        let expected = Expected {
            challenge: &challenge,
            rp_id: &rp_id,
            origins: &origins,
            require_user_verification: call["require_user_verification"].as_bool().unwrap(),
        };
        let now = call["now"].as_i64().unwrap();
        let response = text("response");
        let ours: Result<Value, String> = if call["kind"] == "registration" {
            let roots: Vec<Vec<u8>> = listed("roots")
                .iter()
                .map(|root| from_base64url(root))
                .collect();
            let roots: Vec<&[u8]> = roots.iter().map(Vec::as_slice).collect();
            let algorithms: Vec<i32> = call["algorithms"]
                .as_array()
                .into_iter()
                .flatten()
                .map(|id| i32::try_from(id.as_i64().unwrap()).unwrap())
                .collect();
            let defaults = Policy::default();
            let policy = Policy {
                algorithms: if algorithms.is_empty() {
                    defaults.algorithms
                } else {
                    &algorithms
                },
                attestation_roots: &roots,
                ..defaults
            };
            parse_registration(&response)
                .map_err(|error| error.to_string())
                .and_then(|parsed| {
                    parsed
                        .verify_under(&expected, &policy, now)
                        .map_err(|error| error.to_string())
                })
                .map(|registered| {
                    let aaguid = hex::encode(&registered.aaguid);
                    let at = [8, 12, 16, 20];
                    let mut dashed = String::new();
                    for (index, digit) in aaguid.chars().enumerate() {
                        if at.contains(&index) {
                            dashed.push('-');
                        }
                        dashed.push(digit);
                    }
                    serde_json::json!({
                        "credential_id": base64url(&registered.credential_id),
                        "credential_public_key": base64url(&registered.public_key),
                        "sign_count": registered.sign_count,
                        "aaguid": dashed,
                        "fmt": call["verified"]["fmt"],
                        "user_verified": registered.user_verified,
                        "credential_device_type": registered.device_type(),
                        "credential_backed_up": registered.backed_up,
                    })
                })
        } else {
            let key = from_base64url(&text("public_key"));
            let count = u32::try_from(call["sign_count"].as_u64().unwrap()).unwrap();
            parse_authentication(&response)
                .map_err(|error| error.to_string())
                .and_then(|parsed| {
                    let authenticated = parsed
                        .verify(&expected, &key, count)
                        .map_err(|error| error.to_string())?;
                    Ok(serde_json::json!({
                        "credential_id": base64url(parsed.credential_id()),
                        "new_sign_count": authenticated.sign_count,
                        "user_verified": authenticated.user_verified,
                        "credential_device_type": authenticated.device_type(),
                        "credential_backed_up": authenticated.backed_up,
                    }))
                })
        };
        match (call.get("verified"), ours) {
            (Some(theirs), Ok(ours)) => {
                assert_eq!(*theirs, ours);
                verified += 1;
            }
            (None, Err(_)) => refused += 1,
            (Some(_), Err(error)) if STRICTER.contains(&error.as_str()) => stricter += 1,
            (None, Ok(_)) if call["error"].as_str().unwrap().contains(LENIENT) => lenient += 1,
            (theirs, ours) => panic!("{theirs:?} {ours:?} {call}"),
        }
    }
    assert_eq!((verified, refused, stricter, lenient), (24, 19, 6, 1));
}

/// Errors of this verifier where `py_webauthn` has none: ML-DSA, which Flask-Security does not offer.
const STRICTER: [&str; 1] = ["the algorithm is not allowed"];

/// Level 3 has no token binding.
const LENIENT: &str = "token_binding";
