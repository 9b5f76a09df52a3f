//! Two servers on one database: a password that either server hashed signs in at the other.

use serde_json::json;

use crate::server::Engine;
use crate::support::database::chosen_engine;
use crate::support::jar::Jar;
use crate::support::pair::Pair;
use crate::support::requests::{sign_in, sign_in_with};
use crate::support::users::{ANA, PASSWORD, of_scheme};

const SCHEMES: [&str; 5] = [
    "pbkdf2_sha512",
    "pbkdf2_sha256",
    "bcrypt",
    "sha256_crypt",
    "sha512_crypt",
];

fn stored(pair: &Pair, email: &str) -> String {
    pair.ours.database.users()[email]["password"].clone()
}

fn status(email: &str, password: &str, port: u16) -> u16 {
    Jar::default()
        .send(
            sign_in_with(&json!({"email": email, "password": password})),
            port,
        )
        .status
}

#[test]
fn artefacts_password_rehashed_by_either_verifies_at_the_other() {
    for (name, ours_first) in [("ours first", true), ("the reference first", false)] {
        let pair = Pair::start("rehash", &json!({}));
        let (first, second) = if ours_first {
            (pair.ours.port, pair.theirs.port)
        } else {
            (pair.theirs.port, pair.ours.port)
        };
        for scheme in SCHEMES {
            let email = of_scheme(scheme);
            let before = stored(&pair, &email);
            assert_eq!(
                status(&email, "wrong horse", first),
                400,
                "{name}: {scheme}"
            );
            assert_eq!(
                stored(&pair, &email),
                before,
                "{name}: {scheme}: untouched by a wrong password"
            );
            assert_eq!(status(&email, PASSWORD, first), 200, "{name}: {scheme}");
            let renewed = stored(&pair, &email);
            assert!(
                renewed.starts_with("$argon2id$v=19$m=1024,t=1,p=1$"),
                "{name}: {scheme}: {renewed}"
            );
            assert_eq!(
                status(&email, PASSWORD, second),
                200,
                "{name}: {scheme}, at the other"
            );
            assert_eq!(
                stored(&pair, &email),
                renewed,
                "{name}: {scheme}: not rehashed again"
            );
            assert_eq!(
                status(&email, "wrong horse", second),
                400,
                "{name}: {scheme}, at the other"
            );
        }
    }
}

#[test]
fn artefacts_password_of_every_scheme_can_be_the_configured_one() {
    for (scheme, marker) in [
        ("bcrypt", "$2b$"),
        ("pbkdf2_sha512", "$pbkdf2-sha512$"),
        ("pbkdf2_sha256", "$pbkdf2-sha256$"),
        ("sha512_crypt", "$6$"),
        ("sha256_crypt", "$5$"),
        ("argon2", "$argon2id$"),
    ] {
        let config =
            json!({"SECURITY_PASSWORD_HASH": scheme, "SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": {}});
        let pair = Pair::start("configured", &config);
        // Our server rehashes the first password and the reference the second; then each verifies
        // the other's hash.
        assert_eq!(status(ANA, PASSWORD, pair.ours.port), 200, "{scheme}");
        assert_eq!(
            status("hal@example.com", PASSWORD, pair.theirs.port),
            200,
            "{scheme}"
        );
        for email in [ANA, "hal@example.com"] {
            let hash = stored(&pair, email);
            assert!(hash.starts_with(marker), "{scheme}: {email}: {hash}");
        }
        let before = (stored(&pair, ANA), stored(&pair, "hal@example.com"));
        assert_eq!(
            status(ANA, PASSWORD, pair.theirs.port),
            200,
            "{scheme}: our hash at the reference"
        );
        assert_eq!(
            status("hal@example.com", PASSWORD, pair.ours.port),
            200,
            "{scheme}: the reference's hash at ours"
        );
        assert_eq!(
            before,
            (stored(&pair, ANA), stored(&pair, "hal@example.com")),
            "{scheme}: same cost, so not rehashed"
        );
        assert_eq!(status(ANA, "wrong horse", pair.ours.port), 400, "{scheme}");
        assert_eq!(
            status("hal@example.com", "wrong horse", pair.ours.port),
            400,
            "{scheme}"
        );
    }
}

#[test]
fn artefacts_password_set_on_our_command_line_signs_in_at_both() {
    let pair = Pair::start("command-line", &json!({}));
    let password = "p\u{e4}ssw\u{f6}rd \u{fb01} 1\u{20ac}";
    pair.run_ours(&[
        "users",
        "create",
        "New.Person@EXAMPLE.com",
        "--password",
        password,
        "--active",
        "--confirmed",
    ]);
    pair.run_ours(&[
        "users",
        "change_password",
        "bo@example.com",
        "--password",
        "another horse",
    ]);
    for port in [pair.theirs.port, pair.ours.port] {
        assert_eq!(status("new.person@example.com", password, port), 200);
        assert_eq!(status("new.person@example.com", "wrong horse", port), 400);
        // The user is unconfirmed, so even the right password is refused.
        assert_eq!(status("bo@example.com", "another horse", port), 400);
    }
    let row = &pair.ours.database.users()["New.Person@example.com"];
    assert_eq!(
        (row["login_count"].as_str(), row["active"].as_str()),
        ("2", "1")
    );
}

#[test]
fn artefacts_tracking_is_continued_by_the_other() {
    let pair = Pair::start("tracking", &json!({}));
    let row = |pair: &Pair| pair.ours.database.users()[ANA].clone();
    for (count, port) in [
        pair.ours.port,
        pair.theirs.port,
        pair.ours.port,
        pair.theirs.port,
    ]
    .into_iter()
    .enumerate()
    {
        let before = row(&pair);
        if chosen_engine() == Some(Engine::Mysql) {
            // MySQL stores times as whole seconds.
            std::thread::sleep(std::time::Duration::from_secs(1));
        }
        assert_eq!(Jar::default().send(sign_in(ANA), port).status, 200);
        let after = row(&pair);
        assert_eq!(after["login_count"], (count + 1).to_string());
        assert_eq!(after["current_login_ip"], "127.0.0.1");
        if count > 0 {
            assert_eq!(after["last_login_at"], before["current_login_at"]);
            assert_eq!(after["last_login_ip"], before["current_login_ip"]);
            assert!(after["current_login_at"] > before["current_login_at"]);
        }
    }
}
