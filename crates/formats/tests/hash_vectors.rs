//! Hashes made by the real Flask-Security: see `vectors/record_hashes.py`.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use serde_json::Value;
use vestibule_formats::hash::{
    Argon2Options, Argon2Type, Hasher, HasherOptions, Memory, Scheme, SingleHash,
};

fn vectors() -> Value {
    serde_json::from_str(include_str!("vectors/hashes.json")).unwrap()
}

fn text<'a>(row: &'a Value, name: &str) -> &'a str {
    row[name].as_str().unwrap()
}

/// The reference's default for `SECURITY_PASSWORD_SINGLE_HASH`.
fn single_hash() -> SingleHash {
    SingleHash::Schemes(
        [
            "django_argon2",
            "django_bcrypt_sha256",
            "django_pbkdf2_sha256",
            "django_pbkdf2_sha1",
            "django_bcrypt",
            "django_salted_md5",
            "django_salted_sha1",
            "django_des_crypt",
            "plaintext",
        ]
        .map(str::to_owned)
        .to_vec(),
    )
}

fn hasher(vectors: &Value, single: bool, argon2: Argon2Options) -> Hasher {
    Hasher::new(&HasherOptions {
        salt: Some(text(vectors, "salt")),
        single_hash: if single {
            SingleHash::Always
        } else {
            single_hash()
        },
        argon2,
    })
    .unwrap()
}

#[test]
fn hashes_of_the_reference_match_their_passwords() {
    let vectors = vectors();
    let mut memory = Memory::default();
    let [double, single] =
        [false, true].map(|single| hasher(&vectors, single, Argon2Options::default()));
    let mut schemes = std::collections::HashSet::new();
    for row in vectors["hashes"].as_array().unwrap() {
        let (password, hash) = (text(row, "password"), text(row, "hash"));
        let is_single = row["single"].as_bool().unwrap();
        let (right, other) = if is_single {
            (&single, &double)
        } else {
            (&double, &single)
        };
        assert_eq!(Scheme::identify(hash).name(), text(row, "scheme"), "{hash}");
        let verdict = right.verify(password, hash, &mut memory);
        assert_eq!(verdict, Ok(true), "{password:?} {hash}");
        // The extra character comes first, because bcrypt would not read it at the end.
        let wrong = right.verify(&format!("x{password}"), hash, &mut memory);
        assert_eq!(wrong, Ok(false), "{hash}");
        // Django's hashes are single in either configuration.
        let mixed = other.verify(password, hash, &mut memory);
        assert_eq!(mixed, Ok(hash.starts_with(|c| c != '$')), "{hash}");
        schemes.insert(Scheme::identify(hash));
    }
    assert_eq!(schemes.len(), 14, "{schemes:?}");
}

#[test]
fn hashes_are_upgraded_when_the_reference_would() {
    let vectors = vectors();
    for row in vectors["upgrades"].as_array().unwrap() {
        let mut options = Argon2Options::default();
        for (name, value) in row["configured"].as_object().unwrap() {
            let number = || u32::try_from(value.as_u64().unwrap()).unwrap();
            match name.as_str() {
                "memory_cost" => options.memory_cost = number(),
                "time_cost" => options.time_cost = number(),
                "type" => options.kind = Argon2Type::I,
                other => panic!("{other}"),
            }
        }
        let ours = hasher(&vectors, true, options).needs_upgrade(text(row, "hash"));
        let expected = match row["made_with"]["time_cost"].as_u64() {
            // The reference checks the passes only if they are configured, and then also upgrades
            // hashes with more of them. Here, fewer always need an upgrade, and more never do.
            Some(2) => true,
            Some(4) => row["configured"]
                .as_object()
                .unwrap()
                .keys()
                .any(|name| name != "time_cost"),
            _ => row["upgrade"].as_bool().unwrap(),
        };
        assert_eq!(ours, expected, "{row}");
    }
}

#[test]
fn an_explicit_list_of_deprecated_schemes_leaves_the_others_alone() {
    let vectors = vectors();
    let hashes = vectors["hashes"].as_array().unwrap();
    for row in vectors["deprecations"].as_array().unwrap() {
        let mut hasher = hasher(&vectors, true, Argon2Options::default());
        let rounds = |scheme: &str| {
            let options = &row["options"];
            let own = options["rounds"]
                .as_u64()
                .filter(|_| text(row, "scheme") == scheme);
            let rounds = own.or_else(|| options[format!("{scheme}__rounds")].as_u64());
            rounds.map(|rounds| u32::try_from(rounds).unwrap())
        };
        if text(row, "scheme") != "argon2" {
            let scheme = Scheme::from_name(text(row, "scheme")).unwrap();
            hasher = hasher.making(scheme, rounds(scheme.name())).unwrap();
        }
        let deprecated = row["deprecated"].as_array().unwrap();
        let all: std::collections::BTreeSet<&str> =
            hashes.iter().map(|hash| text(hash, "scheme")).collect();
        for name in all {
            let listed = deprecated
                .iter()
                .any(|other| *other == name || other == "auto");
            if !listed && name != text(row, "scheme") {
                let scheme = Scheme::from_name(name).unwrap();
                hasher = hasher.keeping(scheme, rounds(name)).unwrap();
            }
        }
        let expected = text(row, "upgrades").chars().map(|letter| letter == 'y');
        for (hash, expected) in hashes.iter().zip(expected) {
            let stored = text(hash, "hash");
            // The reference also upgrades hashes with more rounds than configured.
            let stronger = rounds("bcrypt") == Some(4) && stored.starts_with("$2a$05$");
            let ours = hasher.needs_upgrade(stored);
            assert_eq!(ours, expected && !stronger, "{row} {stored}");
        }
    }
}

#[test]
fn keeping_rejects_read_only_schemes_and_invalid_rounds() {
    let vectors = vectors();
    let hasher = hasher(&vectors, true, Argon2Options::default());
    for (scheme, rounds) in [
        (Scheme::DjangoPbkdf2Sha256, 1000),
        (Scheme::Bcrypt, 3),
        (Scheme::Bcrypt, 40),
    ] {
        assert!(hasher.clone().keeping(scheme, Some(rounds)).is_err());
    }
}

/// The parts of a hash that are the same for every salt and password.
fn shape(hash: &str) -> String {
    let mut parts: Vec<&str> = hash.split('$').collect();
    if parts[1].starts_with('2') {
        parts.truncate(3);
    } else {
        parts.truncate(parts.len() - 2);
    }
    format!("{} {}", parts.join("$"), hash.len())
}

#[test]
fn new_hashes_have_the_format_of_the_reference() {
    let vectors = vectors();
    let mut memory = Memory::default();
    let salt = &[
        0x07, 0x62, 0xbd, 0x18, 0x73, 0xce, 0x29, 0x84, 0xdf, 0x3a, 0x95, 0xf0, 0x4b, 0xa6, 0x01,
        0x5c,
    ];
    for (name, rounds) in [
        ("argon2", None),
        ("bcrypt", Some(4)),
        ("pbkdf2_sha256", Some(1000)),
        ("pbkdf2_sha512", Some(1000)),
        ("scrypt", Some(4)),
        ("sha256_crypt", Some(1000)),
        ("sha256_crypt", Some(5000)),
        ("sha512_crypt", Some(1001)),
    ] {
        let scheme = Scheme::from_name(name).unwrap();
        assert!(scheme.can_make());
        let mut hasher = hasher(&vectors, false, Argon2Options::default());
        if scheme != Scheme::Argon2 {
            hasher = hasher.making(scheme, rounds).unwrap();
        }
        let made = hasher.hash("some password", salt, &mut memory).unwrap();
        assert_eq!(hasher.verify("some password", &made, &mut memory), Ok(true));
        assert!(!hasher.needs_upgrade(&made), "{made}");
        let known = vectors["hashes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| shape(text(row, "hash")))
            .any(|known| known == shape(&made));
        assert!(known, "{made}");

        let decoy = hasher.decoy();
        assert!(!hasher.needs_upgrade(&decoy), "{decoy}");
        assert_eq!(
            hasher.verify("some password", &decoy, &mut memory),
            Ok(false)
        );
    }
}

#[test]
fn django_hashes_are_verified_but_never_made() {
    let vectors = vectors();
    let hasher = hasher(&vectors, false, Argon2Options::default());
    for row in vectors["hashes"].as_array().unwrap() {
        let scheme = Scheme::from_name(text(row, "scheme")).unwrap();
        if scheme.name().starts_with("django") {
            assert!(!scheme.can_make());
            assert!(hasher.clone().making(scheme, None).is_err());
            assert!(hasher.needs_upgrade(text(row, "hash")));
        }
    }
}
