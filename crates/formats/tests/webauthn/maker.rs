//! A maker of authenticators, and the statements that its authenticators make.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData, SigningKey,
};
use sha2::{Digest, Sha256};
use vestibule_formats::webauthn::{AttestationFormat, Invalid, Policy, parse_registration};

use crate::support::{Authenticator, attestation_object, cbor_bytes, cbor_text, ec_key};

pub(crate) const NOW: i64 = 1_790_000_000;

/// A maker of authenticators: a root certificate, and a key for a leaf.
pub(crate) struct Maker {
    pub(crate) root: CertificateParams,
    pub(crate) root_key: KeyPair,
    pub(crate) leaf: CertificateParams,
    pub(crate) leaf_key: KeyPair,
}

impl Maker {
    pub(crate) fn new() -> Self {
        let mut root = CertificateParams::new([]).unwrap();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let mut leaf = CertificateParams::new([]).unwrap();
        leaf.distinguished_name = DistinguishedName::new();
        leaf.is_ca = IsCa::ExplicitNoCa;
        Self {
            root,
            root_key: key_pair(),
            leaf,
            leaf_key: key_pair(),
        }
    }

    pub(crate) fn extend(&mut self, oid: &[u64], content: Vec<u8>) {
        let extension = CustomExtension::from_oid_content(oid, content);
        self.leaf.custom_extensions.push(extension);
    }

    pub(crate) fn root_der(&self) -> Vec<u8> {
        self.root
            .self_signed(&self.root_key)
            .unwrap()
            .der()
            .to_vec()
    }

    pub(crate) fn leaf_der(&self) -> Vec<u8> {
        let issuer = Issuer::from_params(&self.root, &self.root_key);
        let leaf = self.leaf.signed_by(&self.leaf_key, &issuer).unwrap();
        leaf.der().to_vec()
    }

    /// The leaf's key as a credential's.
    pub(crate) fn credential_key(&self) -> Vec<u8> {
        let (x, y) = self.leaf_key.der_bytes()[1..].split_at(32);
        ec_key(&[0x26], 1, x, y)
    }
}

pub(crate) fn key_pair() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap()
}

/// What a statement is made of.
pub(crate) struct Parts {
    pub(crate) ceremony: Authenticator,
    pub(crate) maker: Maker,
    pub(crate) roots: Vec<Vec<u8>>,
    pub(crate) now: i64,
}

impl Parts {
    pub(crate) fn new() -> Self {
        let maker = Maker::new();
        Self {
            ceremony: Authenticator::registering(),
            roots: vec![maker.root_der()],
            maker,
            now: NOW,
        }
    }

    pub(crate) fn client_data_hash(&self) -> Vec<u8> {
        Sha256::digest(self.ceremony.client_data.to_string()).to_vec()
    }

    /// Authenticator data and client data, as most statements sign them.
    pub(crate) fn signed(&self) -> Vec<u8> {
        [self.ceremony.authenticator_data(), self.client_data_hash()].concat()
    }

    pub(crate) fn verify(
        &self,
        format: &str,
        fields: &[(&str, Vec<u8>)],
    ) -> Result<AttestationFormat, Invalid> {
        let mut statement = vec![0xa0 + u8::try_from(fields.len()).unwrap()];
        for (name, value) in fields {
            statement.extend(cbor_text(name));
            statement.extend(value);
        }
        let object = attestation_object(format, &statement, &self.ceremony.authenticator_data());
        let response = self.ceremony.registration_of(&object).to_string();
        let roots: Vec<&[u8]> = self.roots.iter().map(Vec::as_slice).collect();
        let policy = Policy {
            attestation_roots: &roots,
            ..Policy::default()
        };
        parse_registration(&response)
            .unwrap()
            .verify_under(&self.ceremony.expected(), &policy, self.now)
            .map(|registered| registered.attestation_format)
    }

    pub(crate) fn sign(&self, data: &[u8]) -> Vec<u8> {
        cbor_bytes(&self.maker.leaf_key.sign(data).unwrap())
    }

    pub(crate) fn packed(&self) -> Result<AttestationFormat, Invalid> {
        self.verify("packed", &self.packed_fields())
    }

    pub(crate) fn packed_fields(&self) -> Vec<(&'static str, Vec<u8>)> {
        vec![
            ("alg", vec![0x26]),
            ("sig", self.sign(&self.signed())),
            ("x5c", x5c(&[self.maker.leaf_der()])),
        ]
    }

    pub(crate) fn u2f(&self) -> Result<AttestationFormat, Invalid> {
        let point = self.ceremony.public_key.clone();
        let (x, y) = (&point[10..42], &point[45..]);
        let signed = [
            &[0],
            &Sha256::digest(self.ceremony.rp_id)[..],
            &self.client_data_hash(),
            &self.ceremony.id,
            &[4],
            x,
            y,
        ]
        .concat();
        let fields = [
            ("sig", self.sign(&signed)),
            ("x5c", x5c(&[self.maker.leaf_der()])),
        ];
        self.verify("fido-u2f", &fields)
    }

    pub(crate) fn apple(&self) -> Result<AttestationFormat, Invalid> {
        self.verify("apple", &[("x5c", x5c(&[self.maker.leaf_der()]))])
    }

    pub(crate) fn android(&self) -> Result<AttestationFormat, Invalid> {
        let fields = [
            ("alg", vec![0x26]),
            ("sig", self.sign(&self.signed())),
            ("x5c", x5c(&[self.maker.leaf_der(), self.maker.root_der()])),
        ];
        self.verify("android-key", &fields)
    }
}

pub(crate) fn x5c(certificates: &[Vec<u8>]) -> Vec<u8> {
    let mut encoded = vec![0x80 + u8::try_from(certificates.len()).unwrap()];
    for certificate in certificates {
        encoded.extend(cbor_bytes(certificate));
    }
    encoded
}

/// A DER element with a short or one-byte length.
pub(crate) fn der(tag: &[u8], content: &[u8]) -> Vec<u8> {
    let length = u8::try_from(content.len()).unwrap();
    let length = if length < 128 {
        vec![length]
    } else {
        vec![0x81, length]
    };
    [tag, &length, content].concat()
}
