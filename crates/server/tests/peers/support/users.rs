//! The users in every test database: one for each account state that a sign-in checks.

use serde_json::{Value, json};

pub(crate) const PASSWORD: &str = "battery staple";
pub(crate) const ANA: &str = "ana@example.com";
/// `fs_uniquifier` of [`ANA`], which sessions and remember cookies contain.
pub(crate) const ANA_ID: &str = "a0000000000000000000000000000001";
/// `fs_uniquifier` of the deactivated account.
pub(crate) const CY_ID: &str = "c0000000000000000000000000000003";

/// `fs_uniquifier` of an account with one role.
pub(crate) const FAY_ID: &str = "f0000000000000000000000000000006";
/// `fs_uniquifier` of an account with a username and without a role.
pub(crate) const GIL_ID: &str = "90000000000000000000000000000007";

/// The roles and their permissions.
pub(crate) fn roles() -> Value {
    json!({"editor": ["article-write", "article-read"], "reader": ["article-read"], "nothing": []})
}

/// All users, by column. The reference hashes `password`, with `scheme` if it is not the
/// configured one (`:single` skips the keyed first hash). `roles` are given by name.
pub(crate) fn everybody() -> Value {
    let confirmed = "2026-01-02T03:04:05.000006";
    json!([
        person(
            ANA,
            ANA_ID,
            &json!({"confirmed_at": confirmed, "roles": ["editor", "reader"]})
        ),
        person(
            "bo@example.com",
            "b0000000000000000000000000000002",
            &json!({})
        ),
        person(
            "cy@example.com",
            CY_ID,
            &json!({"confirmed_at": confirmed, "active": false})
        ),
        person(
            "dee@example.com",
            "d0000000000000000000000000000004",
            &json!({"active": false})
        ),
        person(
            "eve@example.com",
            "e0000000000000000000000000000005",
            &json!({"confirmed_at": confirmed, "password": null})
        ),
        person(
            "Fay@Example.com",
            FAY_ID,
            &json!({"confirmed_at": confirmed, "roles": ["reader"]})
        ),
        person(
            "gil@example.com",
            GIL_ID,
            &json!({"confirmed_at": confirmed, "username": "gilbert"})
        ),
        person(
            "hal@example.com",
            "80000000000000000000000000000008",
            &json!({
                "confirmed_at": confirmed, "login_count": 7, "current_login_ip": "192.0.2.7", "last_login_ip": "192.0.2.6",
                "current_login_at": "2026-02-03T04:05:06.789000", "last_login_at": "2026-02-01T00:00:00.000000",
            })
        ),
        person(
            "ida@bücher.example",
            "70000000000000000000000000000009",
            &json!({"confirmed_at": confirmed})
        ),
        person(
            "jan@example.com",
            "60000000000000000000000000000010",
            &json!({
                "confirmed_at": confirmed, "password": "pa\u{308}sswo\u{308}rd fi 1\u{20ac}",
            })
        ),
        person(
            "kim@example.com",
            "50000000000000000000000000000011",
            &json!({"confirmed_at": confirmed, "password": ""})
        ),
        scheme("pbkdf2_sha512", "11"),
        scheme("pbkdf2_sha256", "12"),
        scheme("bcrypt", "13"),
        scheme("sha256_crypt", "14"),
        scheme("sha512_crypt", "15"),
        scheme("plaintext:single", "16"),
    ])
}

/// The address of the account whose password is hashed with this older scheme.
pub(crate) fn of_scheme(scheme: &str) -> String {
    format!("{}@example.com", scheme.replace([':', '_'], "-"))
}

fn person(email: &str, id: &str, columns: &Value) -> Value {
    let mut person =
        json!({"email": email, "fs_uniquifier": id, "active": true, "password": PASSWORD});
    for (column, value) in columns.as_object().into_iter().flatten() {
        person[column] = value.clone();
    }
    person
}

fn scheme(name: &str, number: &str) -> Value {
    let id = format!("5c{number:0>30}");
    person(
        &of_scheme(name),
        &id,
        &json!({"confirmed_at": "2026-01-02T03:04:05.000006", "scheme": name}),
    )
}
