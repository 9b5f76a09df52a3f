//! Public keys and algorithms.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    self, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING,
    ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
};
use sha2::{Digest, Sha256};
use vestibule_formats::webauthn::cose::CoseKey;
use vestibule_formats::webauthn::{ALGORITHMS, Invalid, Policy, parse_registration};

use crate::support::{Authenticator, authentication_json, ec_key, ed25519_key, rsa_key};

pub(crate) fn other_ed25519_key() -> Vec<u8> {
    let key = Ed25519KeyPair::from_seed_unchecked(&[8; 32]).unwrap();
    ed25519_key(key.public_key().as_ref())
}

const RS256: [u8; 3] = [0x39, 1, 0];
const ES256: &[u8] = &[0x26];

#[test]
fn offered_algorithms_are_those_of_the_reference() {
    assert_eq!(ALGORITHMS, [-8, -7, -257]);
}

/// Signs in with a key, and refuses the same signature over other data.
fn assert_signs(public_key: &[u8], sign: impl Fn(&[u8]) -> Vec<u8>) {
    let ceremony = Authenticator::signing_in();
    let client_data = ceremony.client_data.to_string();
    let data = ceremony.authenticator_data();
    let signed = [&data[..], &Sha256::digest(&client_data)].concat();
    let mut signature = sign(&signed);
    let response = |signature: &[u8]| {
        authentication_json(&ceremony.id, client_data.as_bytes(), &data, signature)
    };
    let verified = ceremony.verify(&response(&signature), public_key, 6);
    assert!(verified.is_ok(), "{verified:?}");
    *signature.last_mut().unwrap() ^= 1;
    assert_eq!(
        ceremony.verify(&response(&signature), public_key, 6).err(),
        Some(Invalid::Signature)
    );
}

#[test]
fn ecdsa_signatures_are_verified() {
    for (algorithm, width, id, curve) in [
        (&ECDSA_P256_SHA256_ASN1_SIGNING, 32, ES256, 1),
        (&ECDSA_P384_SHA384_ASN1_SIGNING, 48, &[0x38, 34][..], 2),
        (&ECDSA_P521_SHA512_ASN1_SIGNING, 66, &[0x38, 35][..], 3),
    ] {
        let key = EcdsaKeyPair::generate(algorithm).unwrap();
        let point = key.public_key().as_ref();
        let (x, y) = point[1..].split_at(width);
        let sign = |data: &[u8]| {
            key.sign(&SystemRandom::new(), data)
                .unwrap()
                .as_ref()
                .to_vec()
        };
        assert_signs(&ec_key(id, curve, x, y), sign);
        if curve == 1 {
            // A stored key of an old U2F registration.
            assert_signs(point, sign);
        }
    }
}

#[test]
fn rsa_signatures_are_verified() {
    let key = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    // `SEQUENCE { INTEGER n, INTEGER e }`, where n has 257 bytes with its leading zero.
    let der = key.public_key().as_ref();
    let (n, e) = (&der[9..265], &der[267..]);
    let paddings: [(&[u8], &'static dyn signature::RsaEncoding); 6] = [
        (&[0x39, 1, 0], &signature::RSA_PKCS1_SHA256),
        (&[0x39, 1, 1], &signature::RSA_PKCS1_SHA384),
        (&[0x39, 1, 2], &signature::RSA_PKCS1_SHA512),
        (&[0x38, 36], &signature::RSA_PSS_SHA256),
        (&[0x38, 37], &signature::RSA_PSS_SHA384),
        (&[0x38, 38], &signature::RSA_PSS_SHA512),
    ];
    for (id, padding) in paddings {
        let mut cose = rsa_key(RS256, n, e);
        cose.splice(4..7, id.iter().copied());
        assert_signs(&cose, |data| {
            let mut signature = vec![0; key.public_modulus_len()];
            key.sign(padding, &SystemRandom::new(), data, &mut signature)
                .unwrap();
            signature
        });
    }
}

#[test]
fn attack_webauthn_weak_or_malformed_keys_are_refused() {
    let n = [vec![0xc5], vec![0x11; 254], vec![0x0d]].concat();
    let e = [1, 0, 1];
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let (x, y) = key.public_key().as_ref()[1..].split_at(32);
    let mut off_curve = y.to_vec();
    off_curve[31] ^= 1;
    assert!(CoseKey::parse(&rsa_key(RS256, &n, &e)).is_ok());
    assert!(CoseKey::parse(&ec_key(ES256, 1, x, y)).is_ok());
    let weak = [
        ("1024 bits", rsa_key(RS256, &n[128..], &e)),
        ("2040 bits", rsa_key(RS256, &n[1..], &e)),
        ("leading zero", rsa_key(RS256, &[&[0], &n[..]].concat(), &e)),
        (
            "even modulus",
            rsa_key(RS256, &[&n[..255], &[2]].concat(), &e),
        ),
        ("no modulus", rsa_key(RS256, &[], &e)),
        ("16384 bits", rsa_key(RS256, &n.repeat(8), &e)),
        ("exponent 1", rsa_key(RS256, &n, &[1])),
        ("even exponent", rsa_key(RS256, &n, &[1, 0, 0])),
        ("no exponent", rsa_key(RS256, &n, &[])),
        (
            "exponent of 48 bits",
            rsa_key(RS256, &n, &[1, 0, 0, 0, 0, 1]),
        ),
        ("not on the curve", ec_key(ES256, 1, x, &off_curve)),
        ("origin", ec_key(ES256, 1, &[0; 32], &[0; 32])),
        ("short coordinate", ec_key(ES256, 1, &x[1..], y)),
        ("long coordinate", ec_key(ES256, 1, &[&[0], x].concat(), y)),
        ("other curve", ec_key(ES256, 2, x, y)),
        ("curve of EdDSA", ec_key(ES256, 6, x, y)),
        ("curve of ES384", ec_key(&[0x38, 34], 1, x, y)),
        ("ES256 for EdDSA", ec_key(&[0x27], 1, x, y)),
        ("short Ed25519", ed25519_key(&[5; 31])),
        ("small order 0", ed25519_key(&[0; 32])),
        ("small order 1", ed25519_key(&[&[1][..], &[0; 31]].concat())),
        (
            "small order, sign",
            ed25519_key(&[&[1][..], &[0; 30], &[0x80]].concat()),
        ),
        (
            "small order p - 1",
            ed25519_key(&[&[0xec][..], &[0xff; 30], &[0x7f]].concat()),
        ),
        ("empty", Vec::new()),
        ("no map", vec![0x80]),
        ("no algorithm", vec![0xa1, 1, 1]),
        ("trailing", [&ec_key(ES256, 1, x, y)[..], &[0]].concat()),
    ];
    for (what, key) in weak {
        assert_eq!(
            CoseKey::parse(&key).err(),
            Some(Invalid::PublicKey),
            "{what}"
        );
    }
}

#[test]
fn attack_webauthn_algorithm_that_was_not_offered_is_refused() {
    let n = [vec![0xc5], vec![0x11; 254], vec![0x0d]].concat();
    // RS1, ML-DSA-44, ES256K and "none".
    for id in [
        [0x39, 0xff, 0xfe],
        [0x39, 0, 47],
        [0x39, 0, 46],
        [0x19, 1, 0],
    ] {
        let key = CoseKey::parse(&rsa_key(id, &n, &[1, 0, 1]));
        assert!(
            matches!(key, Err(Invalid::Algorithm | Invalid::PublicKey)),
            "{id:?}"
        );
    }
    let rs1 = rsa_key([0x39, 0xff, 0xfe], &n, &[1, 0, 1]);
    assert_eq!(CoseKey::parse(&rs1).err(), Some(Invalid::Algorithm));
    let mut ceremony = Authenticator::registering();
    ceremony.public_key = rsa_key([0x39, 1, 2], &n, &[1, 0, 1]);
    assert_eq!(ceremony.register().err(), Some(Invalid::Algorithm));
    let policy = Policy {
        algorithms: &[-259],
        ..Policy::default()
    };
    let response = parse_registration(&ceremony.registration().to_string()).unwrap();
    assert!(
        response
            .verify_under(&ceremony.expected(), &policy, 0)
            .is_ok()
    );
}
