//! What a failed request to an SMS service means for its SMS.

use http::StatusCode;

use super::DeliveryError;
use crate::outbound::OutboundError;

/// The failure of a request without a response. The service may have sent the SMS even so.
pub(super) fn without_response(service: &str, error: &OutboundError) -> DeliveryError {
    let text = format!("{service}: {error}");
    match error {
        OutboundError::Connection(_) | OutboundError::Request => DeliveryError::Blocked(text),
        _ => DeliveryError::Later(text),
    }
}

/// The failure that a status means. `detail` is the service's own error number, if it has one.
pub(super) fn by_status(service: &str, status: StatusCode, detail: Option<i64>) -> DeliveryError {
    let detail = detail.map_or_else(String::new, |number| format!(", error {number}"));
    let text = format!("{service} responds with {status}{detail}");
    match status {
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => DeliveryError::Later(text),
        // Credentials and paths are the operator's, and redirects are not followed.
        StatusCode::UNAUTHORIZED
        | StatusCode::FORBIDDEN
        | StatusCode::NOT_FOUND
        | StatusCode::METHOD_NOT_ALLOWED => DeliveryError::Blocked(text),
        status if status.is_client_error() => DeliveryError::Never(text),
        status if status.is_server_error() => DeliveryError::Later(text),
        _ => DeliveryError::Blocked(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refusal_of_this_sms_ends_the_retries() {
        let kind = |status: u16| {
            let status = StatusCode::from_u16(status).unwrap();
            match by_status("it", status, Some(7)) {
                DeliveryError::Later(_) => "later",
                DeliveryError::Blocked(_) => "blocked",
                DeliveryError::Never(_) => "never",
            }
        };
        for status in [408, 429, 500, 502, 503] {
            assert_eq!(kind(status), "later", "{status}");
        }
        for status in [301, 302, 401, 403, 404, 405] {
            assert_eq!(kind(status), "blocked", "{status}");
        }
        for status in [400, 410, 422] {
            assert_eq!(kind(status), "never", "{status}");
        }
    }
}
