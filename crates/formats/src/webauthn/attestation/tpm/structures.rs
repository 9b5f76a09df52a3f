//! Structures of the TPM 2.0 library (part 2): `TPMT_PUBLIC` and `TPMS_ATTEST`.

use super::super::super::key::PublicKey;
use super::Hash;

/// `TPM_GENERATED_VALUE`.
const GENERATED: [u8; 4] = [0xff, b'T', b'C', b'G'];
/// `TPM_ST_ATTEST_CERTIFY`.
const ATTEST_CERTIFY: u16 = 0x8017;
/// `TPM_ALG_RSA` and `TPM_ALG_ECC`.
const RSA: u16 = 0x0001;
const ECC: u16 = 0x0023;
/// The exponent that a zero stands for.
const DEFAULT_EXPONENT: u32 = 65_537;

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(self.take(2)?.try_into().ok()?))
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_be_bytes(self.take(4)?.try_into().ok()?))
    }

    /// Bytes with their length before them.
    fn sized(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(usize::from(length))
    }

    fn end(&self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}

/// The public part of a key (`TPMT_PUBLIC`).
pub(super) struct PubArea<'a> {
    name_algorithm: (u16, Hash),
    key: Key<'a>,
}

enum Key<'a> {
    Rsa {
        exponent: u32,
        modulus: &'a [u8],
    },
    Ecc {
        curve: u16,
        x: &'a [u8],
        y: &'a [u8],
    },
}

impl<'a> PubArea<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(bytes);
        let kind = cursor.u16()?;
        let name_algorithm = cursor.u16()?;
        let hash = match name_algorithm {
            0x0004 => Hash::Sha1,
            0x000b => Hash::Sha256,
            0x000c => Hash::Sha384,
            0x000d => Hash::Sha512,
            _ => return None,
        };
        let _attributes = cursor.u32()?;
        let _policy = cursor.sized()?;
        let _symmetric = cursor.u16()?;
        let _scheme = cursor.u16()?;
        let key = match kind {
            RSA => {
                let _bits = cursor.u16()?;
                let exponent = match cursor.u32()? {
                    0 => DEFAULT_EXPONENT,
                    exponent => exponent,
                };
                let modulus = cursor.sized()?;
                Key::Rsa { exponent, modulus }
            }
            ECC => {
                let curve = cursor.u16()?;
                let _derivation = cursor.u16()?;
                let x = cursor.sized()?;
                let y = cursor.sized()?;
                Key::Ecc { curve, x, y }
            }
            _ => return None,
        };
        cursor.end()?;
        Some(Self {
            name_algorithm: (name_algorithm, hash),
            key,
        })
    }

    /// Whether this is the same key.
    pub(super) fn is_key(&self, other: &PublicKey) -> bool {
        match (&self.key, other) {
            (Key::Rsa { exponent, modulus }, PublicKey::Rsa { n, e }) => {
                let number = e
                    .iter()
                    .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
                *modulus == n && u64::from(*exponent) == number
            }
            (Key::Ecc { curve: 3, x, y }, PublicKey::P256(point))
            | (Key::Ecc { curve: 4, x, y }, PublicKey::P384(point))
            | (Key::Ecc { curve: 5, x, y }, PublicKey::P521(point)) => {
                x.len() == y.len() && [x, *y].concat() == point[1..]
            }
            _ => false,
        }
    }

    /// The name of the key whose public part is `bytes` (part 1, section 16).
    pub(super) fn name(&self, bytes: &[u8]) -> Vec<u8> {
        let (id, hash) = self.name_algorithm;
        [&id.to_be_bytes()[..], &hash.digest(bytes)].concat()
    }
}

/// What a TPM certifies (`TPMS_ATTEST` with `TPMS_CERTIFY_INFO`).
pub(super) struct CertInfo<'a> {
    pub(super) extra_data: &'a [u8],
    /// The name of the certified key.
    pub(super) name: &'a [u8],
}

impl<'a> CertInfo<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        const CLOCK_AND_FIRMWARE: usize = 17 + 8;
        let mut cursor = Cursor(bytes);
        if cursor.take(4)? != GENERATED || cursor.u16()? != ATTEST_CERTIFY {
            return None;
        }
        let _signer = cursor.sized()?;
        let extra_data = cursor.sized()?;
        let _ = cursor.take(CLOCK_AND_FIRMWARE)?;
        let name = cursor.sized()?;
        let _qualified_name = cursor.sized()?;
        cursor.end()?;
        Some(Self { extra_data, name })
    }
}
