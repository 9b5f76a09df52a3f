//! Attestation statements: each check refuses what it must.

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyUsagePurpose, date_time_ymd};
use serde_json::Value;
use sha2::{Digest, Sha256};
use vestibule_formats::webauthn::{
    AttestationError, AttestationFormat, Expected, Invalid, parse_registration,
};

use crate::maker::{Maker, NOW, Parts, der, key_pair, x5c};
use crate::support::{
    Authenticator, base64url, cbor_bytes, cbor_text, ed25519_key, from_base64url, py_webauthn,
};

#[expect(
    clippy::unnecessary_wraps,
    reason = "compared with the error of a result, which may be none"
)]
const fn refused(error: AttestationError) -> Option<Invalid> {
    Some(Invalid::Attestation(error))
}

#[test]
fn unknown_formats_are_refused() {
    for format in ["", "None", "android-safetynet", "compound"] {
        let verified = Parts::new().verify(format, &[]);
        assert_eq!(
            verified.err(),
            refused(AttestationError::Format),
            "{format}"
        );
    }
}

#[test]
fn none_has_an_empty_statement() {
    let parts = Parts::new();
    assert_eq!(parts.verify("none", &[]), Ok(AttestationFormat::None));
    assert_eq!(
        parts.verify("none", &[("a", vec![0])]).err(),
        refused(AttestationError::Statement)
    );
}

#[test]
fn packed_self_attestation_is_verified() {
    let parts = Parts::new();
    let signature = parts.ceremony.sign(&parts.signed());
    let verify = |alg: &[u8], signature: &[u8]| {
        let fields = [("alg", alg.to_vec()), ("sig", cbor_bytes(signature))];
        parts.verify("packed", &fields).err()
    };
    assert_eq!(verify(&[0x27], &signature), None);
    assert_eq!(
        verify(&[0x26], &signature),
        refused(AttestationError::Algorithm)
    );
    assert_eq!(
        verify(&[0x01], &signature),
        refused(AttestationError::Algorithm)
    );
    assert_eq!(
        verify(&[0x60], &signature),
        refused(AttestationError::Statement)
    );
    assert_eq!(verify(&[0x27], &[]), refused(AttestationError::Statement));
    assert_eq!(
        verify(&[0x27], &[1; 64]),
        refused(AttestationError::Signature)
    );
}

#[test]
fn attack_webauthn_untrusted_certificates_are_refused_where_roots_are_configured() {
    let mut parts = Parts::new();
    assert_eq!(parts.packed(), Ok(AttestationFormat::Packed));
    let chain = refused(AttestationError::Chain);
    let other = Maker::new().root_der();
    let own = std::mem::replace(&mut parts.roots, vec![other.clone()]);
    assert_eq!(parts.packed().err(), chain);
    parts.roots = vec![other, own[0].clone()];
    assert!(parts.packed().is_ok());
    // The leaf itself is no root.
    parts.roots = vec![parts.maker.leaf_der()];
    assert_eq!(parts.packed().err(), chain);
    // Without roots every maker is accepted, as in py_webauthn.
    parts.roots = Vec::new();
    assert!(parts.packed().is_ok());
}

#[test]
fn attack_webauthn_expired_certificates_are_refused() {
    let mut parts = Parts::new();
    parts.maker.leaf.not_before = date_time_ymd(2020, 1, 1);
    parts.maker.leaf.not_after = date_time_ymd(2030, 1, 1);
    let (first, last) = (1_577_836_800, 1_893_456_000);
    for (now, accepted) in [
        (first - 1, false),
        (first, true),
        (last, true),
        (last + 1, false),
    ] {
        parts.now = now;
        assert_eq!(parts.packed().is_ok(), accepted, "{now}");
    }
    parts.now = NOW;
    parts.maker.root.not_after = date_time_ymd(2021, 1, 1);
    parts.roots = vec![parts.maker.root_der()];
    assert_eq!(parts.packed().err(), refused(AttestationError::Chain));
}

#[test]
fn attack_webauthn_certificates_of_no_authority_are_refused() {
    let mut parts = Parts::new();
    parts.maker.root.is_ca = IsCa::ExplicitNoCa;
    parts.roots = vec![parts.maker.root_der()];
    assert_eq!(parts.packed().err(), refused(AttestationError::Chain));
    parts.maker.root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parts.maker.root.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    parts.roots = vec![parts.maker.root_der()];
    assert_eq!(parts.packed().err(), refused(AttestationError::Chain));
}

#[test]
fn intermediate_certificates_are_authorities_within_their_limit() {
    let parts = Parts::new();
    let verify = |parts: &Parts, intermediate: &CertificateParams, limit: Option<u8>| {
        let key = key_pair();
        let mut root = parts.maker.root.clone();
        if let Some(limit) = limit {
            root.is_ca = IsCa::Ca(BasicConstraints::Constrained(limit));
        }
        let root_issuer = Issuer::from_params(&root, &parts.maker.root_key);
        let issuer_der = intermediate
            .signed_by(&key, &root_issuer)
            .unwrap()
            .der()
            .to_vec();
        let issuer = Issuer::from_params(intermediate, &key);
        let leaf = parts
            .maker
            .leaf
            .signed_by(&parts.maker.leaf_key, &issuer)
            .unwrap();
        let mut fields = parts.packed_fields();
        fields[2].1 = x5c(&[leaf.der().to_vec(), issuer_der]);
        let trusted = root
            .self_signed(&parts.maker.root_key)
            .unwrap()
            .der()
            .to_vec();
        let roots = Parts {
            ceremony: Authenticator::registering(),
            maker: Maker::new(),
            roots: vec![trusted],
            now: NOW,
        };
        roots.verify("packed", &fields).err()
    };
    let mut intermediate = CertificateParams::new([]).unwrap();
    intermediate
        .distinguished_name
        .push(rcgen::DnType::CommonName, "intermediate");
    intermediate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    assert_eq!(verify(&parts, &intermediate, None), None);
    assert_eq!(verify(&parts, &intermediate, Some(1)), None);
    let chain = refused(AttestationError::Chain);
    assert_eq!(verify(&parts, &intermediate, Some(0)), chain);
    intermediate.is_ca = IsCa::ExplicitNoCa;
    assert_eq!(verify(&parts, &intermediate, None), chain);
    intermediate.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    intermediate.not_after = date_time_ymd(2021, 1, 1);
    assert_eq!(verify(&parts, &intermediate, None), chain);
}

#[test]
fn packed_certificate_for_another_model_is_refused() {
    const AAGUID: &[u64] = &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4];
    for (value, error) in [
        (der(&[4], &[3; 16]), None),
        (der(&[4], &[4; 16]), refused(AttestationError::Aaguid)),
        (vec![3; 16], refused(AttestationError::Aaguid)),
    ] {
        let mut parts = Parts::new();
        parts.maker.extend(AAGUID, value);
        assert_eq!(parts.packed().err(), error);
    }
}

#[test]
fn packed_signature_and_certificates_are_checked() {
    let parts = Parts::new();
    let with = |index: usize, value: Vec<u8>| {
        let mut fields = parts.packed_fields();
        fields[index].1 = value;
        parts.verify("packed", &fields).err()
    };
    assert_eq!(with(0, vec![0x27]), refused(AttestationError::Algorithm));
    assert_eq!(
        with(1, parts.sign(b"other data")),
        refused(AttestationError::Signature)
    );
    assert_eq!(with(2, x5c(&[])), refused(AttestationError::Statement));
    assert_eq!(with(2, vec![0x81, 1]), refused(AttestationError::Statement));
    assert_eq!(
        with(2, x5c(&[vec![0x30, 0]])),
        refused(AttestationError::Certificate)
    );
    let trailing = [parts.maker.leaf_der(), vec![0]].concat();
    assert_eq!(
        with(2, x5c(&[trailing])),
        refused(AttestationError::Certificate)
    );
}

#[test]
fn u2f_attestation_is_verified() {
    let mut parts = Parts::new();
    parts.ceremony.public_key = parts.maker.credential_key();
    // The software authenticator has an AAGUID.
    assert_eq!(parts.u2f().err(), refused(AttestationError::Aaguid));
    parts.ceremony.aaguid = [0; 16];
    assert_eq!(parts.u2f(), Ok(AttestationFormat::FidoU2f));
    let leaf = parts.maker.leaf_der();
    let two = [
        ("sig", parts.sign(b"")),
        ("x5c", x5c(&[leaf.clone(), leaf.clone()])),
    ];
    assert_eq!(
        parts.verify("fido-u2f", &two).err(),
        refused(AttestationError::Statement)
    );
    let other = [("sig", parts.sign(b"")), ("x5c", x5c(&[leaf]))];
    assert_eq!(
        parts.verify("fido-u2f", &other).err(),
        refused(AttestationError::Signature)
    );
    parts.ceremony.public_key = ed25519_key(&[5; 32]);
    assert_eq!(
        parts.verify("fido-u2f", &other).err(),
        refused(AttestationError::Algorithm)
    );
}

#[test]
fn apple_attestation_is_verified() {
    const NONCE: &[u64] = &[1, 2, 840, 113_635, 100, 8, 2];
    let attested = |nonce: Option<&[u8]>, own_key: bool| {
        let mut parts = Parts::new();
        if own_key {
            parts.ceremony.public_key = parts.maker.credential_key();
        }
        let hash = Sha256::digest(parts.signed());
        let nonce = nonce.unwrap_or(&hash);
        let value = der(&[0x30], &der(&[0xa1], &der(&[4], nonce)));
        parts.maker.extend(NONCE, value);
        parts
    };
    assert_eq!(attested(None, true).apple(), Ok(AttestationFormat::Apple));
    assert_eq!(
        attested(Some(&[0; 32]), true).apple().err(),
        refused(AttestationError::Nonce)
    );
    assert_eq!(
        attested(None, false).apple().err(),
        refused(AttestationError::Key)
    );
    let mut untrusted = attested(None, true);
    untrusted.roots.clear();
    assert_eq!(untrusted.apple().err(), refused(AttestationError::Chain));
    assert_eq!(
        Parts::new().apple().err(),
        refused(AttestationError::CertificateProfile)
    );
}

/// The statements of real TPMs in `py_webauthn`'s vectors, with one bit changed.
#[test]
fn attack_webauthn_changed_tpm_statements_are_refused() {
    let calls = py_webauthn();
    let tpm = calls.iter().filter(|call| call["verified"]["fmt"] == "tpm");
    let [mut statements, mut rsa] = [0; 2];
    for call in tpm {
        let text = |name: &str| call[name].as_str().unwrap();
        let challenge = from_base64url(text("challenge"));
        let origins = [call["origins"][0].as_str().unwrap()];
        let expected = Expected {
            challenge: &challenge,
            rp_id: text("rp_id"),
            origins: &origins,
            require_user_verification: false,
        };
        let response: Value = serde_json::from_str(text("response")).unwrap();
        let encoded = response["response"]["attestationObject"].as_str().unwrap();
        let object = from_base64url(&encoded.replace('+', "-").replace('/', "_"));
        let verify = |object: &[u8]| {
            let mut changed = response.clone();
            changed["response"]["attestationObject"] = base64url(object).into();
            parse_registration(&changed.to_string())
                .unwrap()
                .verify(&expected, NOW)
                .err()
        };
        assert_eq!(verify(&object), None);
        statements += 1;
        // The position of a byte in a field.
        let find = |name: &str, offset: usize| {
            let label = cbor_text(name);
            let at = object.windows(label.len()).position(|bytes| bytes == label);
            let value = at.unwrap() + label.len();
            let header = if object[value] == 0x58 { 2 } else { 3 };
            value + header + offset
        };
        for (name, offset, error) in [
            // The magic number, the type, the length of the signer.
            ("certInfo", 0, AttestationError::Statement),
            ("certInfo", 5, AttestationError::Statement),
            ("certInfo", 6, AttestationError::Statement),
            // The clock and other data that only the signature covers.
            ("certInfo", 45 + 34, AttestationError::Signature),
            ("sig", 40, AttestationError::Signature),
            // The type, the hash, the attributes, which are in the name only.
            ("pubArea", 0, AttestationError::Statement),
            ("pubArea", 2, AttestationError::Statement),
            ("pubArea", 6, AttestationError::Key),
            // The counter in the authenticator data, and the key itself.
            ("authData", 36, AttestationError::Nonce),
        ] {
            let mut changed = object.clone();
            changed[find(name, offset)] ^= 0x40;
            assert_eq!(verify(&changed), refused(error), "{name} {offset}");
        }
        // The exponent of an RSA key is the last member of the credential.
        let exponent = object.len() - 3;
        if object[exponent - 1] == 0x43 {
            let mut changed = object.clone();
            changed[exponent + 2] = 3;
            assert_eq!(verify(&changed), refused(AttestationError::Key));
            rsa += 1;
        }
    }
    assert_eq!(rsa, 3);
    assert_eq!(statements, 4);
}

/// The members of a key description that the tests change.
struct Description {
    challenge: Option<Vec<u8>>,
    software: Vec<u8>,
    hardware: Vec<u8>,
}

fn purpose(purposes: &[u8]) -> Vec<u8> {
    let integers: Vec<u8> = purposes
        .iter()
        .flat_map(|purpose| [2, 1, *purpose])
        .collect();
    der(&[0xa1], &der(&[0x31], &integers))
}

fn origin(origin: u8) -> Vec<u8> {
    der(&[0xbf, 0x85, 0x3e], &[2, 1, origin])
}

fn android(description: Description) -> Parts {
    const KEY_DESCRIPTION: &[u64] = &[1, 3, 6, 1, 4, 1, 11129, 2, 1, 17];
    let mut parts = Parts::new();
    parts.ceremony.public_key = parts.maker.credential_key();
    let challenge = description.challenge.unwrap_or(parts.client_data_hash());
    let value = [
        vec![2, 1, 3, 10, 1, 1, 2, 1, 4, 10, 1, 1],
        der(&[4], &challenge),
        der(&[4], &[]),
        der(&[0x30], &description.software),
        der(&[0x30], &description.hardware),
    ]
    .concat();
    parts.maker.extend(KEY_DESCRIPTION, der(&[0x30], &value));
    parts
}

#[test]
fn android_attestation_is_verified() {
    let restricted = || [purpose(&[2]), origin(0)].concat();
    let parts = |challenge: Option<Vec<u8>>, software: Vec<u8>, hardware: Vec<u8>| {
        android(Description {
            challenge,
            software,
            hardware,
        })
    };
    let valid = parts(None, Vec::new(), restricted());
    assert_eq!(valid.android(), Ok(AttestationFormat::AndroidKey));
    let other = parts(Some(vec![0; 32]), Vec::new(), restricted());
    assert_eq!(other.android().err(), refused(AttestationError::Nonce));
    let all_applications = || der(&[0xbf, 0x84, 0x58], &[5, 0]);
    for (software, hardware) in [
        (all_applications(), restricted()),
        (Vec::new(), [restricted(), all_applications()].concat()),
        (restricted(), Vec::new()),
        (Vec::new(), purpose(&[2])),
        (Vec::new(), origin(0)),
        (Vec::new(), [purpose(&[2]), origin(2)].concat()),
        (Vec::new(), [purpose(&[2, 3]), origin(0)].concat()),
        (Vec::new(), [purpose(&[1]), origin(0)].concat()),
    ] {
        let parts = parts(None, software, hardware);
        assert_eq!(parts.android().err(), refused(AttestationError::KeyUse));
    }
    let mut other_key = parts(None, Vec::new(), restricted());
    other_key.ceremony = Authenticator::registering();
    assert_eq!(other_key.android().err(), refused(AttestationError::Key));
    let mut untrusted = parts(None, Vec::new(), restricted());
    untrusted.roots.clear();
    assert_eq!(untrusted.android().err(), refused(AttestationError::Chain));
    let mut bare = Parts::new();
    bare.ceremony.public_key = bare.maker.credential_key();
    assert_eq!(
        bare.android().err(),
        refused(AttestationError::CertificateProfile)
    );
}
