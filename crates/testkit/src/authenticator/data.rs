//! Client data and authenticator data.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::cbor::Cbor;

/// The flags of authenticator data.
pub mod flag {
    /// The user was present.
    pub const USER_PRESENT: u8 = 1;
    /// The user was verified.
    pub const USER_VERIFIED: u8 = 1 << 2;
    /// The credential may be backed up.
    pub const BACKUP_ELIGIBLE: u8 = 1 << 3;
    /// The credential is backed up.
    pub const BACKED_UP: u8 = 1 << 4;
    /// The data of a new credential is included.
    pub const ATTESTED: u8 = 1 << 6;
    /// Extensions are included.
    pub const EXTENSIONS: u8 = 1 << 7;
}

/// The client data, which the browser writes.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClientData {
    /// The ceremony: `webauthn.create` or `webauthn.get`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The challenge, in base64url.
    pub challenge: String,
    /// The origin of the page.
    pub origin: String,
    /// Whether the page is in a frame of another origin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cross_origin: Option<bool>,
    /// The origin of the outermost page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_origin: Option<String>,
    /// Further members.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl ClientData {
    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain values")
    }
}

/// The data of a new credential.
#[derive(Clone, Debug)]
pub struct Attested {
    /// The model of the authenticator.
    pub aaguid: [u8; 16],
    /// The credential ID.
    pub id: Vec<u8>,
    /// The length that is written before the ID. `None`: its own.
    pub id_length: Option<u16>,
    /// The public key, a COSE key.
    pub key: Cbor,
}

/// The authenticator data.
#[derive(Clone, Debug)]
pub struct AuthenticatorData {
    /// The SHA-256 of the relying party's ID.
    pub rp_id_hash: Vec<u8>,
    /// The flags ([`flag`]). They are written as they are, whatever parts follow.
    pub flags: u8,
    /// The sign count.
    pub sign_count: u32,
    /// The data of a new credential.
    pub attested: Option<Attested>,
    /// Outputs of extensions.
    pub extensions: Option<Cbor>,
    /// Bytes after the end.
    pub rest: Vec<u8>,
}

impl AuthenticatorData {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = self.rp_id_hash.clone();
        out.push(self.flags);
        out.extend(self.sign_count.to_be_bytes());
        if let Some(attested) = &self.attested {
            out.extend(attested.aaguid);
            let own = u16::try_from(attested.id.len()).expect("at most 65,535 bytes");
            out.extend(attested.id_length.unwrap_or(own).to_be_bytes());
            out.extend(&attested.id);
            out.extend(attested.key.encode());
        }
        if let Some(extensions) = &self.extensions {
            out.extend(extensions.encode());
        }
        out.extend(&self.rest);
        out
    }
}
