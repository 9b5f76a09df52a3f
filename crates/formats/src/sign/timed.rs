//! Signatures with the time at which they were made.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::error::SignatureError;
use super::key_ring::KeyRing;
use super::signer::{Derivation, SIGNATURE, Signer};

/// How far the clock of another server with our keys may be ahead of ours, in seconds. Such a
/// signature has age 0. (itsdangerous refuses every signature from the future.)
const DRIFT: i64 = 60;

/// The length of the longest encoded time and the dot before it.
const LONGEST_TIME: usize = 1 + (8_usize * 8).div_ceil(6);

/// Signs with the current time, and limits the age when it verifies.
#[derive(Debug, Clone)]
pub struct TimedSigner(Signer);

/// A value whose signature and age are valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened<'a> {
    /// The signed payload, still encoded.
    pub payload: &'a str,
    /// When it was signed, in seconds since 1970.
    pub signed_at: i64,
}

impl TimedSigner {
    /// Creates a signer for a salt.
    #[must_use]
    pub fn new(ring: &KeyRing, salt: &str, derivation: Derivation) -> Self {
        Self(Signer::new(ring, salt, derivation))
    }

    /// Signs a payload: `payload.time.signature`; `now` is in seconds since 1970.
    #[must_use]
    pub fn sign(&self, payload: &str, now: i64) -> String {
        let mut text = String::with_capacity(payload.len() + LONGEST_TIME + SIGNATURE);
        text.push_str(payload);
        text.push('.');
        push_time(&mut text, now);
        self.0.sign_in_place(text)
    }

    /// Verifies the signature, then the age. Without `max_age`, any age is accepted. A signature
    /// from up to a minute ahead has age 0.
    ///
    /// # Errors
    /// Any [`SignatureError`] except `BadPayload`.
    pub fn open<'a>(
        &self,
        signed: &'a str,
        now: i64,
        max_age: Option<Duration>,
    ) -> Result<Opened<'a>, SignatureError> {
        let value = self.0.unsign(signed)?;
        let (payload, time) = value.rsplit_once('.').ok_or(SignatureError::BadTime)?;
        let signed_at = decode_time(time).ok_or(SignatureError::BadTime)?;
        if let Some(max_age) = max_age {
            let age = now.saturating_sub(signed_at);
            if age < -DRIFT {
                return Err(SignatureError::Ahead {
                    payload: payload.as_bytes().to_vec(),
                    signed_at,
                    seconds: age.unsigned_abs(),
                });
            }
            let age = Duration::from_secs(u64::try_from(age).unwrap_or_default());
            if age > max_age {
                return Err(SignatureError::Expired {
                    payload: payload.as_bytes().to_vec(),
                    signed_at,
                });
            }
        }
        Ok(Opened { payload, signed_at })
    }
}

/// Appends seconds as big-endian bytes without leading zeros, in base64.
fn push_time(text: &mut String, seconds: i64) {
    let bytes = seconds.max(0).to_be_bytes();
    let start = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len());
    URL_SAFE_NO_PAD.encode_string(&bytes[start..], text);
}

fn decode_time(text: &str) -> Option<i64> {
    // What does not fit is too long to be a time.
    let mut bytes = [0; 16];
    let length = URL_SAFE_NO_PAD.decode_slice(text, &mut bytes).ok()?;
    if length > 8 {
        return None;
    }
    let number = bytes[..length]
        .iter()
        .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    i64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encode_time(seconds: i64) -> String {
        let mut text = String::new();
        push_time(&mut text, seconds);
        text
    }

    #[test]
    fn times_are_big_endian_numbers_of_at_most_eight_bytes() {
        let base64 = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        for (seconds, bytes) in [
            (0, &[][..]),
            (1, &[1]),
            (255, &[255]),
            (256, &[1, 0]),
            (1_800_000_000, &[0x6b, 0x49, 0xd2, 0]),
            (i64::MAX, &[0x7f, 255, 255, 255, 255, 255, 255, 255]),
        ] {
            assert_eq!(encode_time(seconds), base64(bytes), "{seconds}");
            assert_eq!(decode_time(&base64(bytes)), Some(seconds));
        }
        assert_eq!(encode_time(-1), encode_time(0));
        assert_eq!(decode_time(&base64(&[0, 0, 0, 0, 0, 0, 1, 0])), Some(256));
        for bytes in [&[0; 9][..], &[1, 0, 0, 0, 0, 0, 0, 0, 1], &[255; 8]] {
            assert_eq!(decode_time(&base64(bytes)), None, "{bytes:?}");
        }
        assert_eq!(decode_time("a"), None, "not base64");
    }

    #[test]
    fn a_signed_value_without_a_valid_time_is_refused() {
        let ring = KeyRing::new("secret", []);
        let signer = TimedSigner::new(&ring, "salt", Derivation::Hmac);
        let untimed = Signer::new(&ring, "salt", Derivation::Hmac);
        for value in ["payload", "payload.!", "payload.AAAAAAAAAAAA"] {
            let signed = untimed.sign(value);
            for max_age in [None, Some(Duration::MAX)] {
                assert_eq!(
                    signer.open(&signed, 0, max_age),
                    Err(SignatureError::BadTime),
                    "{value}"
                );
            }
        }
        assert_eq!(signer.open("", 0, None), Err(SignatureError::Malformed));
        assert_eq!(
            signer.open("x.y", 0, None),
            Err(SignatureError::BadSignature)
        );
    }

    #[test]
    fn an_expired_signature_returns_its_payload_and_time() {
        let signer = TimedSigner::new(&KeyRing::new("secret", []), "salt", Derivation::Hmac);
        let signed = signer.sign("a.b", 1000);
        let opened = signer.open(&signed, 1010, Some(Duration::from_secs(10)));
        let expected = Opened {
            payload: "a.b",
            signed_at: 1000,
        };
        assert_eq!(opened, Ok(expected));
        let late = signer.open(&signed, 1011, Some(Duration::from_secs(10)));
        let expected = SignatureError::Expired {
            payload: b"a.b".to_vec(),
            signed_at: 1000,
        };
        assert_eq!(late, Err(expected));
        let early = signer.open(&signed, 900, Some(Duration::from_secs(10)));
        let expected = SignatureError::Ahead {
            payload: b"a.b".to_vec(),
            signed_at: 1000,
            seconds: 100,
        };
        assert_eq!(early, Err(expected));
    }

    #[test]
    fn a_signature_from_up_to_a_minute_ahead_has_age_0() {
        let signer = TimedSigner::new(&KeyRing::new("secret", []), "salt", Derivation::Hmac);
        let signed = signer.sign("payload", 1_000_000);
        let open = |now, age| signer.open(&signed, now, Some(Duration::from_secs(age)));
        for now in [1_000_000, 999_999, 999_998, 999_940] {
            assert!(open(now, 0).is_ok(), "{now}");
        }
        for (now, ahead) in [(999_939, 61), (996_400, 3600), (0, 1_000_000)] {
            let seen = open(now, 3600);
            assert!(
                matches!(&seen, Err(SignatureError::Ahead { seconds, .. }) if *seconds == ahead),
                "{now}: {seen:?}"
            );
        }
        assert!(matches!(
            open(1_000_001, 0),
            Err(SignatureError::Expired { .. })
        ));
        assert!(open(1_000_001, 1).is_ok());
        assert!(
            signer.open(&signed, 0, None).is_ok(),
            "without a limit, any age is accepted"
        );
    }
}
