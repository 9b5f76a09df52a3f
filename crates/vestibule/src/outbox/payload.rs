//! What a row of the outbox holds, encrypted.

use serde::{Deserialize, Serialize};

/// A delivery.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Payload {
    /// A mail, by SMTP or sendmail.
    Mail(MailPayload),
    /// An SMS, by the configured service.
    Sms(SmsPayload),
}

/// A rendered mail.
#[derive(Serialize, Deserialize)]
pub(crate) struct MailPayload {
    pub(crate) to: String,
    pub(crate) subject: String,
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
    /// Whether it is sent. One that is not was stored so that the time does not tell whether there
    /// is a recipient.
    pub(crate) sent: bool,
}

/// A written SMS.
#[derive(Serialize, Deserialize)]
pub(crate) struct SmsPayload {
    /// The recipient's number in E.164 form.
    pub(crate) to: String,
    pub(crate) text: String,
    /// When the code in it expires, in seconds since 1970. It is not sent later.
    pub(crate) until: i64,
    /// Whether it is sent, as for mails.
    pub(crate) sent: bool,
}

impl Payload {
    /// Reads a delivery. One without a kind is a mail: earlier versions stored nothing else.
    pub(super) fn read(json: &[u8]) -> Option<Self> {
        serde_json::from_slice(json)
            .or_else(|_| serde_json::from_slice(json).map(Self::Mail))
            .ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mails_of_earlier_versions_are_read() {
        let fields = r#""to":"ana@example.com","subject":"s","text":"t","html":null,"sent":true"#;
        for json in [
            format!("{{{fields}}}"),
            format!("{{\"kind\":\"mail\",{fields}}}"),
        ] {
            let Some(Payload::Mail(mail)) = Payload::read(json.as_bytes()) else {
                panic!("{json} is not read");
            };
            assert_eq!(mail.to, "ana@example.com");
            assert!(mail.sent);
        }
        assert!(Payload::read(b"{}").is_none());
    }
}
