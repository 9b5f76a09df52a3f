#![no_main]

#[path = "../bodies.rs"]
#[expect(dead_code, reason = "each target uses one of the bodies")]
mod bodies;

libfuzzer_sys::fuzz_target!(|text: &str| bodies::webauthn_authenticator_data(text));
