//! The real binary beside the real Flask-Security.
//!
//! `oracle_*` sends both the same requests and compares everything that a client can see
//! and everything that is left in the database. `artefacts_*` hands what one side made to
//! the other. `hostile_*` sends ours what nobody should send.

mod artefacts_passwords;
mod artefacts_sessions;
mod hostile_bodies;
mod hostile_requests;
mod oracle_cookies;
mod oracle_csrf;
mod oracle_requests;
mod oracle_session;
mod oracle_sign_in;
mod oracle_sign_out;
mod settings;
mod support;

/// The suite's promise, kept from shrinking unseen: every test ends with
/// `finish(N)`, N its exact number of exchanges.
#[test]
fn oracle_compares_at_least_400_exchanges() {
    let suite = [
        include_str!("oracle_cookies.rs"),
        include_str!("oracle_csrf.rs"),
        include_str!("oracle_requests.rs"),
        include_str!("oracle_session.rs"),
        include_str!("oracle_sign_in.rs"),
        include_str!("oracle_sign_out.rs"),
    ]
    .concat();
    let exchanges: usize = suite
        .split(".finish(")
        .skip(1)
        .map(|rest| {
            rest.split(')')
                .next()
                .and_then(|number| number.parse::<usize>().ok())
                .expect("a number")
        })
        .sum();
    assert!(exchanges >= 400, "{exchanges} exchanges");
}
