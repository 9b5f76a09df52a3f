//! A browser with a passkey, in software (Web Authentication, Level 3).
//!
//! [`Authenticator::register`] and [`Authenticator::sign_in`] take the options that a server sends
//! as JSON and return what `credential.toJSON()` returns in a browser. Fields of [`Authenticator`]
//! decide what kind of authenticator it is. For attacks, `register_with` and `sign_in_with` show
//! each [`Stage`] of a reply to a closure, which may change it before it is signed, encoded or sent.
//!
//! ```
//! use serde_json::json;
//! use vestibule_testkit::authenticator::{Authenticator, Stage};
//!
//! let options = json!({
//!     "challenge": "AAAA", "rp": {"id": "localhost", "name": "Shop"},
//!     "user": {"id": "dXNlcg", "name": "ana", "displayName": "Ana"},
//!     "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
//!     "authenticatorSelection": {"residentKey": "required"},
//! });
//! let mut passkey = Authenticator::new("https://localhost");
//! let registration = passkey.register(&options).unwrap();
//! assert_eq!(registration["type"], "public-key");
//!
//! let options = json!({"challenge": "BBBB", "rpId": "localhost"});
//! let phished = passkey.sign_in_with(&options, &mut |stage| {
//!     if let Stage::ClientData(data) = stage {
//!         data.origin = "https://evil.example".into();
//!     }
//! });
//! assert!(phished.unwrap()["response"]["signature"].is_string());
//! ```

mod assertion;
mod data;
mod registration;

use aws_lc_rs::digest::{SHA256, digest};
use serde_json::Value;

pub use self::data::{Attested, AuthenticatorData, ClientData, flag};
use crate::encoding::from_base64url;
use crate::keys::{Algorithm, Key};

/// What the sign count of an authenticator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter {
    /// It grows by one with each signature.
    Counting,
    /// It is always zero, as synchronised passkeys have it.
    Zero,
    /// It never changes.
    Stuck,
    /// It falls by one with each signature, as a clone's may.
    Falling,
}

/// How an authenticator attests its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// Not at all: the format `none`.
    None,
    /// With the new key itself: the format `packed` without certificates.
    PackedSelf,
}

/// Why there is no reply. The names are those of the errors in a browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Declined {
    /// `InvalidStateError`: a credential of this authenticator is in `excludeCredentials`.
    InvalidState,
    /// `NotSupportedError`: the server accepts no algorithm of this authenticator.
    NotSupported,
    /// `NotAllowedError`: no credential fits.
    NotAllowed,
}

/// A stage in the making of a reply, in the order in which a closure sees them. A change takes part
/// in everything that follows it; only what is changed after the signature makes that one wrong.
#[derive(Debug)]
pub enum Stage<'a> {
    /// The client data, before it is encoded.
    ClientData(&'a mut ClientData),
    /// The encoded client data, before it is hashed.
    ClientDataJson(&'a mut Vec<u8>),
    /// The authenticator data, before it is encoded.
    AuthenticatorData(&'a mut AuthenticatorData),
    /// The encoded authenticator data, before it is signed.
    AuthenticatorBytes(&'a mut Vec<u8>),
    /// What is signed: the authenticator data and the hash of the client data.
    Signed(&'a mut Vec<u8>),
    /// The signature. Registrations have one only with [`Attestation::PackedSelf`].
    Signature(&'a mut Vec<u8>),
    /// The encoded attestation object of a registration.
    AttestationObject(&'a mut Vec<u8>),
    /// The reply.
    Reply(&'a mut Value),
}

/// A registered credential.
#[derive(Debug)]
pub struct Credential {
    /// The credential ID.
    pub id: Vec<u8>,
    /// The relying party that it belongs to.
    pub rp_id: String,
    /// The user handle that the server gave.
    pub user_handle: Vec<u8>,
    /// The sign count.
    pub sign_count: u32,
    /// The key pair. Tests may swap the keys of two credentials.
    pub key: Key,
    /// Whether it can be found without its ID, and returns its user handle.
    pub resident: bool,
}

/// A browser with an authenticator.
#[derive(Debug)]
pub struct Authenticator {
    /// The origin that the browser shows, such as `http://localhost:5000`.
    pub origin: String,
    /// Algorithms of new keys, by preference. The first that the server accepts is used.
    pub algorithms: Vec<Algorithm>,
    /// Whether it reports that the user was present.
    pub user_present: bool,
    /// Whether it reports that it verified the user.
    pub user_verified: bool,
    /// What the sign count does.
    pub counter: Counter,
    /// Whether new credentials are resident. `None`: as the server asks (`residentKey`).
    pub resident: Option<bool>,
    /// Whether it reports that credentials may be backed up.
    pub backup_eligible: bool,
    /// Whether it reports that credentials are backed up.
    pub backed_up: bool,
    /// The transports that registrations report.
    pub transports: Vec<String>,
    /// `authenticatorAttachment` of the replies.
    pub attachment: Option<String>,
    /// How new keys are attested.
    pub attestation: Attestation,
    /// The model of the authenticator.
    pub aaguid: [u8; 16],
    /// The registered credentials, oldest first.
    pub credentials: Vec<Credential>,
}

impl Authenticator {
    /// A security key with user verification in a browser at this origin.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.to_owned(),
            algorithms: Algorithm::ALL.to_vec(),
            user_present: true,
            user_verified: true,
            counter: Counter::Counting,
            resident: None,
            backup_eligible: false,
            backed_up: false,
            transports: vec!["usb".into()],
            attachment: Some("cross-platform".into()),
            attestation: Attestation::None,
            aaguid: [0; 16],
            credentials: Vec::new(),
        }
    }

    /// Uses only this algorithm for new keys.
    #[must_use]
    pub fn with(mut self, algorithm: Algorithm) -> Self {
        self.algorithms = vec![algorithm];
        self
    }

    /// Without user verification, as a security key without a PIN.
    #[must_use]
    pub fn without_verification(mut self) -> Self {
        self.user_verified = false;
        self
    }

    fn flags(&self) -> u8 {
        [
            (self.user_present, flag::USER_PRESENT),
            (self.user_verified, flag::USER_VERIFIED),
            (self.backup_eligible, flag::BACKUP_ELIGIBLE),
            (self.backed_up, flag::BACKED_UP),
        ]
        .into_iter()
        .filter(|(set, _)| *set)
        .fold(0, |flags, (_, bit)| flags | bit)
    }

    fn client_data(&self, kind: &str, options: &Value) -> ClientData {
        ClientData {
            kind: kind.to_owned(),
            challenge: text(&options["challenge"]),
            origin: self.origin.clone(),
            cross_origin: Some(false),
            top_origin: None,
            others: serde_json::Map::new(),
        }
    }

    /// The relying party without one in the options: the domain of the origin.
    fn domain(&self) -> String {
        let (_, host) = self.origin.split_once("://").unwrap_or(("", &self.origin));
        host.split(':').next().unwrap_or_default().to_owned()
    }
}

/// The client data through its stages.
fn client_data_json(mut data: ClientData, change: &mut dyn FnMut(Stage<'_>)) -> Vec<u8> {
    change(Stage::ClientData(&mut data));
    let mut json = data.encode();
    change(Stage::ClientDataJson(&mut json));
    json
}

/// The authenticator data through its stages.
fn authenticator_data(mut data: AuthenticatorData, change: &mut dyn FnMut(Stage<'_>)) -> Vec<u8> {
    change(Stage::AuthenticatorData(&mut data));
    let mut bytes = data.encode();
    change(Stage::AuthenticatorBytes(&mut bytes));
    bytes
}

/// The signature through its stages.
fn signature(
    key: &Key,
    authenticator_data: &[u8],
    client_data: &[u8],
    change: &mut dyn FnMut(Stage<'_>),
) -> Vec<u8> {
    let mut signed = authenticator_data.to_vec();
    signed.extend(sha256(client_data));
    change(Stage::Signed(&mut signed));
    let mut signature = key.sign(&signed);
    change(Stage::Signature(&mut signature));
    signature
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let hash = digest(&SHA256, bytes);
    hash.as_ref().try_into().expect("32 bytes")
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// The credential IDs in a list of descriptors; none if the list is absent or empty.
fn listed(descriptors: &Value) -> Vec<Vec<u8>> {
    let all = descriptors.as_array().into_iter().flatten();
    all.filter_map(|one| from_base64url(one["id"].as_str()?))
        .collect()
}
