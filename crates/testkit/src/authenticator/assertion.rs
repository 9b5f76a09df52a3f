//! Using a credential: `navigator.credentials.get()`.

use serde_json::{Value, json};

use super::{
    Authenticator, AuthenticatorData, Counter, Declined, Stage, authenticator_data,
    client_data_json, listed, sha256, signature,
};
use crate::encoding::base64url;

impl Authenticator {
    /// Answers `PublicKeyCredentialRequestOptionsJSON` with an `AuthenticationResponseJSON`.
    ///
    /// The newest credential of the relying party is used that `allowCredentials` lists or, if that
    /// is absent or empty, that is resident.
    ///
    /// # Errors
    ///
    /// If no credential fits.
    pub fn sign_in(&mut self, options: &Value) -> Result<Value, Declined> {
        self.sign_in_with(options, &mut |_| {})
    }

    /// Like [`Self::sign_in`], with changes on the way.
    ///
    /// # Errors
    ///
    /// If no credential fits.
    pub fn sign_in_with(
        &mut self,
        options: &Value,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> Result<Value, Declined> {
        let rp_id = options["rpId"].as_str();
        let rp_id = rp_id.map_or_else(|| self.domain(), str::to_owned);
        let allowed = listed(&options["allowCredentials"]);
        let position = self.credentials.iter().rposition(|credential| {
            let named = allowed.contains(&credential.id);
            credential.rp_id == rp_id && (named || (allowed.is_empty() && credential.resident))
        });
        let position = position.ok_or(Declined::NotAllowed)?;
        Ok(self.use_credential(position, options, change))
    }

    /// Uses the credential at this position, even if the options do not allow it.
    ///
    /// # Panics
    ///
    /// If there is none at this position.
    pub fn use_credential(
        &mut self,
        position: usize,
        options: &Value,
        change: &mut dyn FnMut(Stage<'_>),
    ) -> Value {
        let client_data = client_data_json(self.client_data("webauthn.get", options), change);
        let (flags, counter) = (self.flags(), self.counter);
        let credential = &mut self.credentials[position];
        let count = &mut credential.sign_count;
        match counter {
            Counter::Counting => *count = count.saturating_add(1),
            Counter::Zero => *count = 0,
            Counter::Stuck => {}
            Counter::Falling => *count = count.saturating_sub(1),
        }
        let data = AuthenticatorData {
            rp_id_hash: sha256(credential.rp_id.as_bytes()).to_vec(),
            flags,
            sign_count: *count,
            attested: None,
            extensions: None,
            rest: Vec::new(),
        };
        let data = authenticator_data(data, change);
        let signature = signature(&credential.key, &data, &client_data, change);
        let mut reply = json!({
            "id": base64url(&credential.id),
            "rawId": base64url(&credential.id),
            "type": "public-key",
            "response": {
                "clientDataJSON": base64url(client_data),
                "authenticatorData": base64url(data),
                "signature": base64url(signature),
            },
            "clientExtensionResults": {},
        });
        if credential.resident {
            reply["response"]["userHandle"] = json!(base64url(&credential.user_handle));
        }
        if let Some(attachment) = &self.attachment {
            reply["authenticatorAttachment"] = json!(attachment);
        }
        change(Stage::Reply(&mut reply));
        reply
    }
}
