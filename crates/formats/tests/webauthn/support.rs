//! Vectors, and a software authenticator, for the tests of the WebAuthn verifier.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use vestibule_formats::hex;
use vestibule_formats::webauthn::authenticator_data::AuthenticatorData;
use vestibule_formats::webauthn::cbor::{self, Form};
use vestibule_formats::webauthn::{
    Authenticated, Expected, Invalid, Registered, parse_authentication, parse_registration,
};

pub(crate) fn base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) fn from_base64url(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).unwrap()
}

/// The vectors of the specification.
pub(crate) struct Specification {
    pub root: Vec<u8>,
    pub ceremonies: Vec<Ceremonies>,
}

impl Specification {
    pub(crate) fn ceremony(&self, name: &str) -> &Ceremonies {
        self.ceremonies
            .iter()
            .find(|vector| vector.name == name)
            .unwrap()
    }
}

/// A registration and a sign-in with the same credential.
pub(crate) struct Ceremonies {
    pub name: String,
    /// As JSON.
    pub registration: String,
    pub registration_challenge: Vec<u8>,
    pub credential_id: Vec<u8>,
    pub public_key: Vec<u8>,
    /// As JSON.
    pub authentication: String,
    pub authentication_challenge: Vec<u8>,
}

impl Ceremonies {
    pub(crate) fn expected(&self, registration: bool) -> Expected<'_> {
        Expected {
            challenge: if registration {
                &self.registration_challenge
            } else {
                &self.authentication_challenge
            },
            rp_id: "example.org",
            origins: &["https://example.org"],
            require_user_verification: false,
        }
    }
}

pub(crate) fn w3c() -> Specification {
    let vectors: Value =
        serde_json::from_str(include_str!("../vectors/webauthn/w3c.json")).unwrap();
    let ceremonies = vectors["ceremonies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|vector| {
            let bytes = |kind: &str, name: &str| decoded(&vector[kind][name]);
            let credential_id = bytes("registration", "credential_id");
            let object = bytes("registration", "attestationObject");
            let registration = registration_json(
                &credential_id,
                &bytes("registration", "clientDataJSON"),
                &object,
            );
            let authentication = authentication_json(
                &credential_id,
                &bytes("authentication", "clientDataJSON"),
                &bytes("authentication", "authenticatorData"),
                &bytes("authentication", "signature"),
            );
            Ceremonies {
                name: vector["name"].as_str().unwrap().to_owned(),
                registration: registration.to_string(),
                registration_challenge: bytes("registration", "challenge"),
                public_key: public_key(&object),
                credential_id,
                authentication: authentication.to_string(),
                authentication_challenge: bytes("authentication", "challenge"),
            }
        });
    Specification {
        root: decoded(&vectors["root"]),
        ceremonies: ceremonies.collect(),
    }
}

/// The recorded calls of `py_webauthn`.
pub(crate) fn py_webauthn() -> Vec<Value> {
    serde_json::from_str(include_str!("../vectors/webauthn/py_webauthn.json")).unwrap()
}

pub(crate) fn registration_json(id: &[u8], client_data: &[u8], object: &[u8]) -> Value {
    json!({
        "id": base64url(id),
        "rawId": base64url(id),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": base64url(client_data),
            "attestationObject": base64url(object),
        },
    })
}

pub(crate) fn authentication_json(
    id: &[u8],
    client_data: &[u8],
    authenticator_data: &[u8],
    signature: &[u8],
) -> Value {
    json!({
        "id": base64url(id),
        "rawId": base64url(id),
        "type": "public-key",
        "clientExtensionResults": {},
        "response": {
            "clientDataJSON": base64url(client_data),
            "authenticatorData": base64url(authenticator_data),
            "signature": base64url(signature),
        },
    })
}

fn decoded(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn public_key(object: &[u8]) -> Vec<u8> {
    let object = cbor::parse(object, Form::Any).unwrap();
    let data = object.member("authData").unwrap().as_bytes().unwrap();
    let data = AuthenticatorData::parse(data).unwrap();
    data.credential.unwrap().public_key.to_vec()
}

/// A software authenticator with one Ed25519 credential, and the browser in front of it. The fields are
/// what a test changes.
pub(crate) struct Authenticator {
    pub(crate) challenge: Vec<u8>,
    /// The members of the client data.
    pub(crate) client_data: Value,
    pub(crate) rp_id: &'static str,
    pub(crate) flags: u8,
    pub(crate) sign_count: u32,
    pub(crate) aaguid: [u8; 16],
    pub(crate) id: Vec<u8>,
    pub(crate) public_key: Vec<u8>,
    pub(crate) extensions: Vec<u8>,
    key: Ed25519KeyPair,
}

pub(crate) const UP: u8 = 1;
pub(crate) const UV: u8 = 1 << 2;
pub(crate) const BE: u8 = 1 << 3;
pub(crate) const BS: u8 = 1 << 4;
pub(crate) const AT: u8 = 1 << 6;
pub(crate) const ED: u8 = 1 << 7;

const CHALLENGE: &[u8] = b"a token that Flask-Security makes";

impl Authenticator {
    /// In the middle of a registration that is valid.
    pub(crate) fn registering() -> Self {
        Self::new("webauthn.create", UP | AT)
    }

    /// In the middle of a sign-in that is valid.
    pub(crate) fn signing_in() -> Self {
        Self::new("webauthn.get", UP)
    }

    fn new(kind: &str, flags: u8) -> Self {
        let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let client_data = json!({
            "type": kind,
            "challenge": base64url(CHALLENGE),
            "origin": "https://app.example",
            "crossOrigin": false,
        });
        Self {
            challenge: CHALLENGE.to_vec(),
            client_data,
            rp_id: "app.example",
            flags,
            sign_count: 7,
            aaguid: [3; 16],
            id: vec![9; 16],
            public_key: ed25519_key(key.public_key().as_ref()),
            extensions: Vec::new(),
            key,
        }
    }

    pub(crate) fn expected(&self) -> Expected<'_> {
        Expected {
            challenge: &self.challenge,
            rp_id: "app.example",
            origins: &["https://app.example", "https://side.example"],
            require_user_verification: false,
        }
    }

    pub(crate) fn authenticator_data(&self) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp_id).to_vec();
        data.push(self.flags);
        data.extend(self.sign_count.to_be_bytes());
        if self.flags & AT != 0 {
            data.extend(self.aaguid);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(&self.public_key);
        }
        data.extend(&self.extensions);
        data
    }

    /// A registration with no attestation.
    pub(crate) fn registration(&self) -> Value {
        self.registration_of(&attestation_object(
            "none",
            &[0xa0],
            &self.authenticator_data(),
        ))
    }

    /// A registration with this attestation object.
    pub(crate) fn registration_of(&self, object: &[u8]) -> Value {
        registration_json(&self.id, self.client_data.to_string().as_bytes(), object)
    }

    pub(crate) fn register(&self) -> Result<Registered, Invalid> {
        parse_registration(&self.registration().to_string())
            .unwrap()
            .verify(&self.expected(), 0)
    }

    pub(crate) fn authentication(&self) -> Value {
        self.authentication_of(self.client_data.to_string().as_bytes())
    }

    /// A sign-in with these bytes as client data.
    pub(crate) fn authentication_of(&self, client_data: &[u8]) -> Value {
        let data = self.authenticator_data();
        let signed = [&data[..], &Sha256::digest(client_data)].concat();
        let signature = self.key.sign(&signed);
        authentication_json(&self.id, client_data, &data, signature.as_ref())
    }

    /// Signs in with a stored counter of 6.
    pub(crate) fn sign_in(&self) -> Result<Authenticated, Invalid> {
        self.verify(&self.authentication(), &self.public_key, 6)
    }

    pub(crate) fn verify(
        &self,
        response: &Value,
        public_key: &[u8],
        sign_count: u32,
    ) -> Result<Authenticated, Invalid> {
        parse_authentication(&response.to_string()).unwrap().verify(
            &self.expected(),
            public_key,
            sign_count,
        )
    }

    /// A signature over any data.
    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        self.key.sign(data).as_ref().to_vec()
    }
}

/// An attestation object. The statement is encoded.
pub(crate) fn attestation_object(format: &str, statement: &[u8], data: &[u8]) -> Vec<u8> {
    [
        &[0xa3][..],
        &cbor_text("fmt"),
        &cbor_text(format),
        &cbor_text("attStmt"),
        statement,
        &cbor_text("authData"),
        &cbor_bytes(data),
    ]
    .concat()
}

pub(crate) fn cbor_text(text: &str) -> Vec<u8> {
    cbor_string(0x60, text.as_bytes())
}

pub(crate) fn cbor_bytes(bytes: &[u8]) -> Vec<u8> {
    cbor_string(0x40, bytes)
}

fn cbor_string(major: u8, bytes: &[u8]) -> Vec<u8> {
    let mut encoded = match bytes.len() {
        short @ 0..24 => vec![major | u8::try_from(short).unwrap()],
        short @ 24..256 => vec![major | 24, u8::try_from(short).unwrap()],
        long => {
            let [high, low] = u16::try_from(long).unwrap().to_be_bytes();
            vec![major | 25, high, low]
        }
    };
    encoded.extend(bytes);
    encoded
}

/// `{1: 1, 3: -8, -1: 6, -2: x}`.
pub(crate) fn ed25519_key(x: &[u8]) -> Vec<u8> {
    [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21][..], &cbor_bytes(x)].concat()
}

/// `{1: 3, 3: alg, -1: n, -2: e}`, for an algorithm that takes three bytes.
pub(crate) fn rsa_key(algorithm: [u8; 3], n: &[u8], e: &[u8]) -> Vec<u8> {
    [
        &[0xa4, 1, 3, 3][..],
        &algorithm,
        &[0x20],
        &cbor_bytes(n),
        &[0x21],
        &cbor_bytes(e),
    ]
    .concat()
}

/// `{1: 2, 3: alg, -1: curve, -2: x, -3: y}`, for an encoded algorithm.
pub(crate) fn ec_key(algorithm: &[u8], curve: u8, x: &[u8], y: &[u8]) -> Vec<u8> {
    [
        &[0xa5, 1, 2, 3][..],
        algorithm,
        &[0x20, curve, 0x21],
        &cbor_bytes(x),
        &[0x22],
        &cbor_bytes(y),
    ]
    .concat()
}
