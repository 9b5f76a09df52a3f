//! Hashes of older schemes, made by the real libpass, and which of them the next sign-in replaces.

use super::bench::Bench;

const EMAIL: &str = "ana@example.com";
const PASSWORD: &str = "correct horse battery staple";

/// Schemes without the double hash, as an older database stores them.
const SCHEMES: &str = r#"
SECURITY_PASSWORD_SINGLE_HASH = true
SECURITY_PASSWORD_SCHEMES = ["argon2", "bcrypt", "pbkdf2_sha256", "sha512_crypt", "plaintext"]
"#;

fn recorded(scheme: &str) -> String {
    let vectors = include_str!("../../../formats/tests/vectors/hashes.json");
    let vectors: serde_json::Value = serde_json::from_str(vectors).unwrap();
    let rows = vectors["hashes"].as_array().unwrap();
    let row = rows.iter().find(|row| {
        row["scheme"] == scheme && row["single"] == true && row["password"] == PASSWORD
    });
    row.unwrap()["hash"].as_str().unwrap().to_owned()
}

/// Signs in with a stored hash of each scheme, and returns the schemes whose hash was replaced.
async fn replaced(lines: &str) -> Vec<&'static str> {
    let bench = Bench::new(&[SCHEMES, lines]);
    let user = bench.user(EMAIL, None, None).await;
    let mut replaced = Vec::new();
    for scheme in [
        "argon2",
        "bcrypt",
        "pbkdf2_sha256",
        "sha512_crypt",
        "django_salted_sha1",
    ] {
        let old = recorded(scheme);
        bench.store_hash(user, &old).await;
        assert_eq!(bench.basic_with(EMAIL, "wrong").await, None);
        assert_eq!(bench.stored(user).await.password.as_ref(), Some(&old));
        assert_eq!(bench.basic_with(EMAIL, PASSWORD).await, Some(user));
        let new = bench.stored(user).await.password.unwrap();
        if new != old {
            assert!(new.starts_with("$argon2id$v=19$m=64,t=1,p=1$"), "{new}");
            replaced.push(scheme);
        }
        // The new hash verifies the same password, and is not replaced again.
        assert_eq!(bench.basic_with(EMAIL, PASSWORD).await, Some(user));
        assert_eq!(bench.stored(user).await.password, Some(new));
    }
    replaced
}

#[tokio::test]
async fn every_scheme_but_the_configured_one_is_deprecated_by_default() {
    let all = [
        "argon2",
        "bcrypt",
        "pbkdf2_sha256",
        "sha512_crypt",
        "django_salted_sha1",
    ];
    assert_eq!(replaced("").await, all);
    let auto = r#"SECURITY_DEPRECATED_PASSWORD_SCHEMES = ["auto"]"#;
    assert_eq!(replaced(auto).await, all);
}

#[tokio::test]
async fn an_explicit_list_keeps_hashes_of_the_other_schemes() {
    // The argon2 hash is replaced because its parameters differ from the configured ones, and
    // Django's scheme wherever it is not accepted.
    for (lines, expected) in [
        (
            r#"SECURITY_DEPRECATED_PASSWORD_SCHEMES = ["bcrypt", "plaintext"]"#,
            &["argon2", "bcrypt", "django_salted_sha1"][..],
        ),
        (
            r#"SECURITY_DEPRECATED_PASSWORD_SCHEMES = ["pbkdf2_sha256", "sha512_crypt"]"#,
            &[
                "argon2",
                "pbkdf2_sha256",
                "sha512_crypt",
                "django_salted_sha1",
            ],
        ),
        (
            "SECURITY_DEPRECATED_PASSWORD_SCHEMES = []",
            &["argon2", "django_salted_sha1"],
        ),
        (
            r#"
SECURITY_DEPRECATED_PASSWORD_SCHEMES = []
SECURITY_PASSWORD_SCHEMES = ["argon2", "bcrypt", "pbkdf2_sha256", "sha512_crypt", "django_salted_sha1"]
SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS = { argon2__memory_cost = 64, argon2__time_cost = 1, argon2__parallelism = 1, bcrypt__rounds = 4, pbkdf2_sha256__rounds = 1001 }
"#,
            &["argon2", "pbkdf2_sha256"],
        ),
    ] {
        assert_eq!(replaced(lines).await, expected, "{lines}");
    }
}
