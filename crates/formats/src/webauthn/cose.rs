//! Public keys as `COSE_Key` (RFC 9052, section 7), as authenticators send them and Flask-Security stores
//! them.

use super::algorithm::Algorithm;
use super::cbor::{self, Form, Value};
use super::error::Invalid;
use super::key::{Curve, PublicKey};

const KTY: i64 = 1;
const ALG: i64 = 3;

/// A public key with the algorithm that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoseKey {
    pub(super) algorithm: Algorithm,
    pub(super) key: PublicKey,
    id: i64,
}

impl CoseKey {
    /// Reads and validates a `COSE_Key`: its type and curve fit its algorithm, a point is on its curve, an
    /// RSA key has 2048 to 8192 bits. Unknown parameters are ignored.
    ///
    /// # Errors
    /// [`Invalid::Algorithm`] or [`Invalid::PublicKey`].
    pub fn parse(bytes: &[u8]) -> Result<Self, Invalid> {
        let map = cbor::parse(bytes, Form::Shortest).map_err(|_| Invalid::PublicKey)?;
        let number = |label| map.label(label).and_then(Value::as_i64);
        let id = number(ALG).ok_or(Invalid::PublicKey)?;
        let algorithm = match Algorithm::from_id(id) {
            // SHA-1 is for statements only.
            Some(Algorithm::Rs1) | None => return Err(Invalid::Algorithm),
            Some(algorithm) => algorithm,
        };
        let key = read_key(&map).ok_or(Invalid::PublicKey)?;
        if algorithm.fits(&key) {
            Ok(Self { algorithm, key, id })
        } else {
            Err(Invalid::PublicKey)
        }
    }

    /// Reads a stored key: a `COSE_Key`, or the bare point of an old U2F key.
    pub(super) fn parse_stored(bytes: &[u8]) -> Result<Self, Invalid> {
        if bytes.len() != 65 || bytes[0] != 4 {
            return Self::parse(bytes);
        }
        Ok(Self {
            algorithm: Algorithm::Es256,
            key: PublicKey::ec_point(Curve::P256, bytes.to_vec()).ok_or(Invalid::PublicKey)?,
            id: -7,
        })
    }

    /// The COSE identifier of the algorithm.
    #[must_use]
    pub fn algorithm_id(&self) -> i64 {
        self.id
    }

    /// Whether the key made the signature.
    pub(super) fn verify(&self, data: &[u8], signature: &[u8]) -> bool {
        self.algorithm.verify(&self.key, data, signature)
    }
}

fn read_key(map: &Value<'_>) -> Option<PublicKey> {
    let number = |label| map.label(label).and_then(Value::as_i64);
    let bytes = |label| map.label(label).and_then(Value::as_bytes);
    match (number(KTY)?, number(-1)) {
        (1, Some(6)) => PublicKey::ed25519(bytes(-2)?),
        (2, Some(1)) => PublicKey::ec(Curve::P256, bytes(-2)?, bytes(-3)?),
        (2, Some(2)) => PublicKey::ec(Curve::P384, bytes(-2)?, bytes(-3)?),
        (2, Some(3)) => PublicKey::ec(Curve::P521, bytes(-2)?, bytes(-3)?),
        (3, None) => PublicKey::rsa(bytes(-1)?, bytes(-2)?),
        _ => None,
    }
}
