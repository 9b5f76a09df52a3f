//! The answer of a token endpoint (RFC 6749, section 5).

use secrecy::SecretString;
use serde_json::{Map, Value};
use vestibule_formats::strict_json;

use super::error::{ProtocolFault, ProviderError};
use super::transport::RawAnswer;

/// The longest access token, in bytes.
const LONGEST: usize = 8 * 1024;

/// The tokens of a successful answer.
pub(super) struct TokenAnswer {
    /// Visible ASCII, so that it fits a header.
    pub(super) access_token: SecretString,
    pub(super) id_token: Option<String>,
}

impl TokenAnswer {
    /// Reads an answer: JSON, or a form. GitHub reports errors with status 200.
    ///
    /// # Errors
    /// If the answer is an error, or has no bearer token.
    pub(super) fn read(answer: &RawAnswer) -> Result<Self, ProviderError> {
        let members = members(&answer.body);
        let text = |name: &str| members.as_ref()?.get(name)?.as_str();
        if let Some(code) = text("error") {
            return Err(ProviderError::denied(code));
        }
        if !answer.is_success {
            return Err(ProtocolFault::Status.into());
        }
        if members.is_none() {
            return Err(ProtocolFault::Malformed.into());
        }
        let access_token = text("access_token").unwrap_or_default();
        let is_token = !access_token.is_empty()
            && access_token.len() <= LONGEST
            && access_token.bytes().all(|byte| byte.is_ascii_graphic());
        let is_bearer = text("token_type").is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"));
        if !is_token || !is_bearer {
            return Err(ProtocolFault::AccessToken.into());
        }
        Ok(Self {
            access_token: access_token.into(),
            id_token: text("id_token").map(str::to_owned),
        })
    }
}

fn members(body: &[u8]) -> Option<Map<String, Value>> {
    if body.trim_ascii_start().starts_with(b"{") {
        return strict_json::parse_object(body);
    }
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        let value = Value::String(value.into_owned());
        if members.insert(name.into_owned(), value).is_some() {
            return None;
        }
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::*;

    fn read(is_success: bool, body: &'static str) -> Result<TokenAnswer, ProviderError> {
        TokenAnswer::read(&RawAnswer {
            is_success,
            body: body.into(),
        })
    }

    #[test]
    fn answers_are_json_or_a_form() {
        for body in [
            r#"{"access_token": "a.b-c", "token_type": "Bearer", "id_token": "x"}"#,
            "access_token=a.b-c&token_type=bearer&scope=user%3Aemail&id_token=x",
        ] {
            let answer = read(true, body).ok().unwrap();
            assert_eq!(answer.access_token.expose_secret(), "a.b-c");
            assert_eq!(answer.id_token.as_deref(), Some("x"));
        }
    }

    #[test]
    fn errors_are_read_whatever_the_status() {
        let error = |is_success, body| read(is_success, body).err().unwrap().name();
        assert_eq!(
            error(false, r#"{"error": "invalid_grant"}"#),
            "invalid_grant"
        );
        assert_eq!(
            error(true, "error=bad_verification_code"),
            "bad_verification_code"
        );
        assert_eq!(error(false, "<html>"), "status");
        assert_eq!(error(true, "<html>"), "access_token");
    }

    #[test]
    fn attack_idp_error_text_is_not_repeated() {
        let body = r#"{"error": "<script>alert(1)</script>", "error_description": "<b>x</b>"}"#;
        let error = read(false, body).err().unwrap();
        assert_eq!(error, ProviderError::Denied { code: "other" });
        assert!(!format!("{error} {error:?}").contains('<'));
    }

    #[test]
    fn attack_access_token_that_splits_a_header_is_refused() {
        for body in [
            r#"{"access_token": "a\r\nX-Evil: 1", "token_type": "bearer"}"#,
            r#"{"access_token": "a b", "token_type": "bearer"}"#,
            r#"{"access_token": "", "token_type": "bearer"}"#,
            r#"{"access_token": 1, "token_type": "bearer"}"#,
            r#"{"access_token": "a", "token_type": "mac"}"#,
            r#"{"access_token": "a"}"#,
            "access_token=%0a&token_type=bearer",
        ] {
            assert_eq!(
                read(true, body).err(),
                Some(ProtocolFault::AccessToken.into()),
                "{body}"
            );
        }
        for body in [
            r#"{"access_token": "a", "access_token": "b", "token_type": "bearer"}"#,
            "access_token=a&access_token=b&token_type=bearer",
            "{",
        ] {
            assert_eq!(
                read(true, body).err(),
                Some(ProtocolFault::Malformed.into()),
                "{body}"
            );
        }
    }
}
