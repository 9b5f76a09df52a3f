//! The built-in roots, which are those of `py_webauthn` 3.0.1.

/// Apple WebAuthn Root CA, valid until 2045-03-15. From
/// <https://www.apple.com/certificateauthority/Apple_WebAuthn_Root_CA.pem>.
pub(super) const APPLE: &[&[u8]] = &[include_bytes!("roots/apple.der")];

/// Google's roots for hardware attestation. From <https://android.googleapis.com/attestation/root> and
/// <https://developer.android.com/privacy-and-security/security-key-attestation>.
pub(super) const GOOGLE: &[&[u8]] = &[
    include_bytes!("roots/google_2.der"),
    include_bytes!("roots/google_3.der"),
    include_bytes!("roots/google_4.der"),
    include_bytes!("roots/google_5.der"),
];
