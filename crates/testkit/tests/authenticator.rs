//! The authenticator's replies have the structure of the specification, and their signatures are
//! right by an independent library.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519,
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, VerificationAlgorithm,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use vestibule_testkit::authenticator::{
    Attestation, Authenticator, Counter, Declined, Stage, flag,
};
use vestibule_testkit::keys::Algorithm;

fn bytes(value: &Value) -> Vec<u8> {
    URL_SAFE_NO_PAD
        .decode(value.as_str().expect("a text"))
        .expect("base64url")
}

fn creation(algorithms: &[Algorithm]) -> Value {
    let accepted = algorithms
        .iter()
        .map(|one| json!({"type": "public-key", "alg": one.cose()}));
    json!({
        "challenge": "Y2hhbGxlbmdl",
        "rp": {"id": "localhost", "name": "Shop"},
        "user": {"id": "dXNlcg", "name": "ana", "displayName": "Ana"},
        "pubKeyCredParams": accepted.collect::<Vec<_>>(),
        "authenticatorSelection": {"residentKey": "preferred"},
        "extensions": {"credProps": true},
    })
}

fn request() -> Value {
    json!({"challenge": "YW5vdGhlcg", "rpId": "localhost", "allowCredentials": []})
}

fn verification(algorithm: Algorithm) -> &'static dyn VerificationAlgorithm {
    match algorithm {
        Algorithm::Es256 => &ECDSA_P256_SHA256_ASN1,
        Algorithm::Es384 => &ECDSA_P384_SHA384_ASN1,
        Algorithm::Es512 => &ECDSA_P521_SHA512_ASN1,
        Algorithm::EdDsa => &ED25519,
        Algorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rs384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::Rs512 => &RSA_PKCS1_2048_8192_SHA512,
        Algorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::Ps384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::Ps512 => &RSA_PSS_2048_8192_SHA512,
    }
}

#[test]
fn assertions_of_every_algorithm_verify_with_the_registered_key() {
    for algorithm in Algorithm::ALL {
        let mut passkey = Authenticator::new("http://localhost:5000").with(algorithm);
        let registration = passkey.register(&creation(&Algorithm::ALL)).expect("a key");
        let response = &registration["response"];
        assert_eq!(response["publicKeyAlgorithm"], algorithm.cose());
        let assertion = passkey.sign_in(&request()).expect("an assertion");
        let mut signed = bytes(&assertion["response"]["authenticatorData"]);
        let client_data = bytes(&assertion["response"]["clientDataJSON"]);
        signed.extend(digest(&SHA256, &client_data).as_ref());
        let spki = bytes(&response["publicKey"]);
        let key = ParsedPublicKey::new(verification(algorithm), &spki).expect("a public key");
        let signature = bytes(&assertion["response"]["signature"]);
        key.verify_sig(&signed, &signature)
            .unwrap_or_else(|_| panic!("{algorithm:?}"));
        signed[0] ^= 1;
        assert!(
            key.verify_sig(&signed, &signature).is_err(),
            "{algorithm:?}"
        );
    }
}

#[test]
fn registration_has_the_structure_of_the_specification() {
    let mut passkey = Authenticator::new("http://localhost:5000").with(Algorithm::Es256);
    let reply = passkey
        .register(&creation(&[Algorithm::Es256]))
        .expect("a key");
    let client_data: Value =
        serde_json::from_slice(&bytes(&reply["response"]["clientDataJSON"])).expect("JSON");
    assert_eq!(
        client_data,
        json!({"type": "webauthn.create", "challenge": "Y2hhbGxlbmdl",
               "origin": "http://localhost:5000", "crossOrigin": false})
    );
    let data = bytes(&reply["response"]["authenticatorData"]);
    assert_eq!(data[..32], *digest(&SHA256, b"localhost").as_ref());
    let flags = flag::USER_PRESENT | flag::USER_VERIFIED | flag::ATTESTED;
    assert_eq!(data[32], flags);
    assert_eq!(data[33..37], [0, 0, 0, 1]);
    assert_eq!(data[53..55], [0, 32]);
    assert_eq!(data[55..87], bytes(&reply["rawId"]));
    // {1: 2, 3: -7, -1: 1, -2: 32 bytes, -3: 32 bytes}
    assert_eq!(data[87..97], [0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32]);
    assert_eq!(data.len(), 87 + 77);
    let attestation = bytes(&reply["response"]["attestationObject"]);
    assert!(attestation.starts_with(b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58\xa4"));
    assert!(attestation.ends_with(&data));
    assert_eq!(reply["clientExtensionResults"]["credProps"]["rk"], true);
    assert_eq!(reply["response"]["transports"], json!(["usb"]));
}

#[test]
fn self_attestation_is_signed_by_the_new_key() {
    let mut passkey = Authenticator::new("http://localhost").with(Algorithm::EdDsa);
    passkey.attestation = Attestation::PackedSelf;
    let mut signature = Vec::new();
    let reply = passkey.register_with(&creation(&[Algorithm::EdDsa]), &mut |stage| {
        if let Stage::Signature(made) = stage {
            signature.clone_from(made);
        }
    });
    let reply = reply.expect("a key");
    let mut signed = bytes(&reply["response"]["authenticatorData"]);
    let client_data = bytes(&reply["response"]["clientDataJSON"]);
    signed.extend(digest(&SHA256, &client_data).as_ref());
    let spki = bytes(&reply["response"]["publicKey"]);
    let key = ParsedPublicKey::new(&ED25519, &spki).expect("a public key");
    key.verify_sig(&signed, &signature).expect("the signature");
    let attestation = bytes(&reply["response"]["attestationObject"]);
    assert!(
        attestation.starts_with(b"\xa3\x63fmt\x66packed\x67attStmt\xa2\x63alg\x27\x63sig\x58\x40")
    );
}

#[test]
fn credentials_are_chosen_as_a_browser_chooses() {
    let mut passkey = Authenticator::new("https://localhost").with(Algorithm::EdDsa);
    let options = creation(&[Algorithm::EdDsa]);
    let first = passkey.register(&options).expect("a key");
    passkey.resident = Some(false);
    let second = passkey.register(&options).expect("a key");
    let found = passkey.sign_in(&request()).expect("a resident key");
    assert_eq!(found["id"], first["id"]);
    assert_eq!(found["response"]["userHandle"], "dXNlcg");
    let mut named = request();
    named["allowCredentials"] = json!([{"type": "public-key", "id": second["id"]}]);
    let found = passkey.sign_in(&named).expect("the named key");
    assert_eq!(found["id"], second["id"]);
    assert!(found["response"].get("userHandle").is_none());
    named["allowCredentials"] = json!([{"type": "public-key", "id": "AAAA"}]);
    assert_eq!(passkey.sign_in(&named), Err(Declined::NotAllowed));
    let mut elsewhere = request();
    elsewhere["rpId"] = json!("evil.example");
    assert_eq!(passkey.sign_in(&elsewhere), Err(Declined::NotAllowed));
    let mut excluding = options.clone();
    excluding["excludeCredentials"] = json!([{"type": "public-key", "id": first["id"]}]);
    assert_eq!(passkey.register(&excluding), Err(Declined::InvalidState));
    let unsupported = creation(&[Algorithm::Es256]);
    assert_eq!(passkey.register(&unsupported), Err(Declined::NotSupported));
}

#[test]
fn sign_counts_behave_as_chosen() {
    for (counter, counts) in [
        (Counter::Counting, [1, 2, 3]),
        (Counter::Zero, [0, 0, 0]),
        (Counter::Stuck, [1000, 1000, 1000]),
        (Counter::Falling, [1000, 999, 998]),
    ] {
        let mut passkey = Authenticator::new("https://localhost").with(Algorithm::EdDsa);
        passkey.counter = counter;
        let registration = passkey.register(&creation(&[Algorithm::EdDsa]));
        let registration = registration.expect("a key");
        let mut seen = vec![bytes(&registration["response"]["authenticatorData"])];
        for _ in 0..2 {
            let assertion = passkey.sign_in(&request()).expect("an assertion");
            seen.push(bytes(&assertion["response"]["authenticatorData"]));
        }
        let seen = seen
            .iter()
            .map(|data| u32::from_be_bytes(data[33..37].try_into().expect("four bytes")));
        assert_eq!(seen.collect::<Vec<_>>(), counts, "{counter:?}");
    }
}

#[test]
fn stages_change_what_follows_them() {
    let mut passkey = Authenticator::new("https://localhost").with(Algorithm::EdDsa);
    passkey
        .register(&creation(&[Algorithm::EdDsa]))
        .expect("a key");
    let mut stages = Vec::new();
    let reply = passkey.sign_in_with(&request(), &mut |stage| match stage {
        Stage::ClientData(data) => {
            data.origin = "https://evil.example".into();
            stages.push("client data");
        }
        Stage::AuthenticatorData(data) => {
            data.flags = 0;
            data.rest = vec![9];
            stages.push("authenticator data");
        }
        Stage::Signature(signature) => {
            signature.truncate(3);
            stages.push("signature");
        }
        Stage::Reply(reply) => {
            reply["type"] = json!("password");
            stages.push("reply");
        }
        _ => {}
    });
    let reply = reply.expect("a reply");
    assert_eq!(
        stages,
        ["client data", "authenticator data", "signature", "reply"]
    );
    let client_data = bytes(&reply["response"]["clientDataJSON"]);
    assert!(String::from_utf8_lossy(&client_data).contains("evil"));
    let data = bytes(&reply["response"]["authenticatorData"]);
    assert_eq!((data[32], data.last(), data.len()), (0, Some(&9), 38));
    assert_eq!(bytes(&reply["response"]["signature"]).len(), 3);
    assert_eq!(reply["type"], "password");
}
