//! Passkeys in a real Chromium, whose authenticators are virtual ones of `WebDriver`. The page runs the
//! scripts of `docs/features/webauthn.md`.

#![expect(clippy::unwrap_used, reason = "a test may panic when a step fails")]

#[path = "../support/http.rs"]
#[expect(dead_code, reason = "shared with the comparison")]
mod http;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod program;

mod authenticator;
mod chromium;
mod front;
mod page;
mod site;

mod interrupted;
mod origins;
mod second_factor;
mod sign_in;
mod tabs;
mod verify;
