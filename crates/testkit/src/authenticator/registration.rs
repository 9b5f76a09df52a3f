//! Registering a credential: `navigator.credentials.create()`.

use serde_json::{Value, json};

use super::{
    Attestation, Attested, Authenticator, AuthenticatorData, Counter, Credential, Declined, Stage,
    authenticator_data, client_data_json, flag, listed, sha256, signature, text,
};
use crate::cbor::Cbor;
use crate::encoding::{base64url, from_base64url};
use crate::keys::{Algorithm, Key};

impl Authenticator {
    /// Answers `PublicKeyCredentialCreationOptionsJSON` with a `RegistrationResponseJSON`.
    ///
    /// # Errors
    ///
    /// If a real authenticator would decline, too.
    pub fn register(&mut self, options: &Value) -> Result<Value, Declined> {
        self.register_with(options, &mut |_| {})
    }

    /// Like [`Self::register`], with changes on the way.
    ///
    /// # Errors
    ///
    /// If a real authenticator would decline, too.
    pub fn register_with(
        &mut self,
        options: &Value,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Value, Declined> {
        let own = |id: &Vec<u8>| self.credentials.iter().any(|own| own.id == *id);
        if listed(&options["excludeCredentials"]).iter().any(own) {
            return Err(Declined::InvalidState);
        }
        let algorithm = self.choose(options).ok_or(Declined::NotSupported)?;
        let mut id = [0; 32];
        aws_lc_rs::rand::fill(&mut id).expect("randomness");
        let rp_id = options["rp"]["id"].as_str();
        let credential = Credential {
            id: id.to_vec(),
            rp_id: rp_id.map_or_else(|| self.domain(), str::to_owned),
            user_handle: from_base64url(&text(&options["user"]["id"])).unwrap_or_default(),
            sign_count: match self.counter {
                Counter::Zero => 0,
                Counter::Counting => 1,
                Counter::Stuck | Counter::Falling => 1000,
            },
            key: Key::generate(algorithm),
            resident: self.makes_resident(options),
        };
        let reply = self.reply_to_registration(options, &credential, change);
        self.credentials.push(credential);
        Ok(reply)
    }

    fn reply_to_registration(
        &self,
        options: &Value,
        credential: &Credential,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> Value {
        let client_data = client_data_json(self.client_data("webauthn.create", options), change);
        let data = AuthenticatorData {
            rp_id_hash: sha256(credential.rp_id.as_bytes()).to_vec(),
            flags: self.flags() | flag::ATTESTED,
            sign_count: credential.sign_count,
            attested: Some(Attested {
                aaguid: self.aaguid,
                id: credential.id.clone(),
                id_length: None,
                key: credential.key.cose_key(),
            }),
            extensions: None,
            rest: Vec::new(),
        };
        let data = authenticator_data(data, change);
        let (format, statement) = match self.attestation {
            Attestation::None => ("none", Vec::new()),
            Attestation::PackedSelf => {
                let signature = signature(&credential.key, &data, &client_data, change);
                let algorithm = Cbor::Int(credential.key.algorithm().cose());
                let statement = vec![
                    (Cbor::text("alg"), algorithm),
                    (Cbor::text("sig"), Cbor::Bytes(signature)),
                ];
                ("packed", statement)
            }
        };
        let mut attestation = Cbor::Map(vec![
            (Cbor::text("fmt"), Cbor::text(format)),
            (Cbor::text("attStmt"), Cbor::Map(statement)),
            (Cbor::text("authData"), Cbor::Bytes(data.clone())),
        ])
        .encode();
        change(Stage::AttestationObject(&mut attestation));
        let mut extensions = json!({});
        if options["extensions"]["credProps"] == json!(true) {
            extensions["credProps"] = json!({"rk": credential.resident});
        }
        let mut reply = json!({
            "id": base64url(&credential.id),
            "rawId": base64url(&credential.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(client_data),
                "attestationObject": base64url(attestation),
                "authenticatorData": base64url(data),
                "publicKey": base64url(credential.key.spki()),
                "publicKeyAlgorithm": credential.key.algorithm().cose(),
                "transports": self.transports,
            },
            "clientExtensionResults": extensions,
        });
        if let Some(attachment) = &self.attachment {
            reply["authenticatorAttachment"] = json!(attachment);
        }
        change(Stage::Reply(&mut reply));
        reply
    }

    /// The first algorithm of the authenticator that the server accepts.
    fn choose(&self, options: &Value) -> Option<Algorithm> {
        let accepted = options["pubKeyCredParams"].as_array()?;
        let mut own = self.algorithms.iter().copied();
        own.find(|own| {
            accepted
                .iter()
                .any(|one| one["type"] == "public-key" && one["alg"] == json!(own.cose()))
        })
    }

    fn makes_resident(&self, options: &Value) -> bool {
        let selection = &options["authenticatorSelection"];
        let wanted = match selection["residentKey"].as_str() {
            Some(wanted) => wanted != "discouraged",
            None => selection["requireResidentKey"] == json!(true),
        };
        self.resident.unwrap_or(wanted)
    }
}
