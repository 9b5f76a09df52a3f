//! Compares the real binary with the real Flask-Security ("the reference").
//!
//! `oracle_*` sends both servers the same requests, and compares everything that a client can see
//! and every change in the database. `artefacts_*` hands what one server issued to the other.
//! `hostile_*` sends hostile requests to our server only. `example_client` runs a client that was
//! written for the reference.

mod artefacts_factors;
mod artefacts_links;
mod artefacts_passkeys;
mod artefacts_passwords;
mod artefacts_sessions;
mod artefacts_tokens;
mod artefacts_unified;
mod example_client;
mod hostile_bodies;
mod hostile_requests;
mod oracle_authz;
mod oracle_change;
mod oracle_confirm;
mod oracle_cookies;
mod oracle_csrf;
mod oracle_csrf_matrix;
mod oracle_oauth;
mod oracle_oauth_verify;
mod oracle_passkeys_declared;
mod oracle_passkeys_factor;
mod oracle_passkeys_hostile;
mod oracle_passkeys_register;
mod oracle_passkeys_settings;
mod oracle_passkeys_sign_in;
mod oracle_passkeys_verify;
mod oracle_passwordless;
mod oracle_recover;
mod oracle_recovery_codes;
mod oracle_refresh;
mod oracle_register;
mod oracle_requests;
mod oracle_session;
mod oracle_sign_in;
mod oracle_sign_out;
mod oracle_tokens;
mod oracle_two_factor_edges;
mod oracle_two_factor_entrances;
mod oracle_two_factor_rescue;
mod oracle_two_factor_rules;
mod oracle_two_factor_setup;
mod oracle_two_factor_sign_in;
mod oracle_unified;
mod oracle_unified_codes;
mod oracle_unified_edges;
mod oracle_unified_links;
mod oracle_unified_settings;
mod oracle_unified_setup;
mod oracle_unified_sign_in;
mod oracle_unified_verify;
mod oracle_usernames;
mod oracle_verify;
#[path = "../../../store/tests/contract/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the stores")]
mod server;
mod settings;
mod support;

/// Prevents the suite from shrinking unnoticed. Every test ends with `finish(N)`, where N is its
/// exact number of exchanges; the CSRF matrix counts its own.
#[test]
fn oracle_compares_at_least_5700_exchanges() {
    let suite = [
        include_str!("oracle_change.rs"),
        include_str!("oracle_confirm.rs"),
        include_str!("oracle_cookies.rs"),
        include_str!("oracle_oauth.rs"),
        include_str!("oracle_oauth_verify.rs"),
        include_str!("oracle_passkeys_declared.rs"),
        include_str!("oracle_passkeys_factor.rs"),
        include_str!("oracle_passkeys_hostile.rs"),
        include_str!("oracle_passkeys_register.rs"),
        include_str!("oracle_passkeys_settings.rs"),
        include_str!("oracle_passkeys_sign_in.rs"),
        include_str!("oracle_passkeys_verify.rs"),
        include_str!("oracle_passwordless.rs"),
        include_str!("oracle_recover.rs"),
        include_str!("oracle_csrf.rs"),
        include_str!("oracle_recovery_codes.rs"),
        include_str!("oracle_refresh.rs"),
        include_str!("oracle_register.rs"),
        include_str!("oracle_requests.rs"),
        include_str!("oracle_session.rs"),
        include_str!("oracle_sign_in.rs"),
        include_str!("oracle_sign_out.rs"),
        include_str!("oracle_tokens.rs"),
        include_str!("oracle_two_factor_edges.rs"),
        include_str!("oracle_two_factor_entrances.rs"),
        include_str!("oracle_two_factor_rescue.rs"),
        include_str!("oracle_two_factor_rules.rs"),
        include_str!("oracle_two_factor_setup.rs"),
        include_str!("oracle_two_factor_sign_in.rs"),
        include_str!("oracle_unified.rs"),
        include_str!("oracle_unified_codes.rs"),
        include_str!("oracle_unified_edges.rs"),
        include_str!("oracle_unified_links.rs"),
        include_str!("oracle_unified_settings.rs"),
        include_str!("oracle_unified_setup.rs"),
        include_str!("oracle_unified_sign_in.rs"),
        include_str!("oracle_unified_verify.rs"),
        include_str!("oracle_usernames.rs"),
        include_str!("oracle_verify.rs"),
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
    let matrix = 4 * oracle_csrf_matrix::EXCHANGES;
    assert!(
        exchanges + matrix >= 5700,
        "{exchanges} and {matrix} exchanges"
    );
}
