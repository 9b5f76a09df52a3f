//! Stored hashes and passwords that an attacker chose.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use proptest::prelude::*;
use vestibule_formats::hash::{
    Argon2Options, HashError, Hasher, HasherOptions, Memory, Scheme, SingleHash,
};

fn hasher() -> Hasher {
    Hasher::new(&HasherOptions {
        salt: None,
        single_hash: SingleHash::Always,
        argon2: Argon2Options {
            memory_cost: 64,
            time_cost: 1,
            parallelism: 1,
            ..Argon2Options::default()
        },
    })
    .unwrap()
}

fn verdict(hash: &str) -> Result<bool, HashError> {
    hasher().verify("password", hash, &mut Memory::default())
}

#[test]
fn attack_absurd_costs_are_refused_before_they_are_paid() {
    let salt = "c29tZXNhbHRzb21lc2FsdA";
    let digest = "A".repeat(43);
    for hash in [
        format!("$argon2id$v=19$m=4294967295,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=1048577,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=65536,t=4294967295,p=4${salt}${digest}"),
        format!("$argon2id$v=19$m=65536,t=49,p=4${salt}${digest}"),
        format!("$argon2id$v=19$m=65536,t=1,p=65${salt}${digest}"),
        format!("argon2$argon2i$v=19$m=1048577,t=1,p=1${salt}${digest}"),
        format!("$2b$17${}", ".".repeat(53)),
        format!("$2b$31${}", ".".repeat(53)),
        format!("bcrypt$$2b$31${}", ".".repeat(53)),
        format!("$pbkdf2-sha256$10000001${salt}${digest}"),
        format!("pbkdf2_sha256$4294967295$salt${digest}="),
        format!("$scrypt$ln=21,r=8,p=1${salt}${digest}"),
        format!("$scrypt$ln=31,r=4294967295,p=4294967295${salt}${digest}"),
        format!("$scrypt$ln=1,r=1,p=4294967295${salt}${digest}"),
        format!("$5$rounds=10000001$salt${digest}"),
        format!("$6$rounds=999999999$salt${}", "A".repeat(86)),
        format!("pbkdf2:sha256:10000001$salt${}", "0".repeat(64)),
        format!("scrypt:2097152:8:1$salt${}", "0".repeat(128)),
        format!("scrypt:2:1:4294967295$salt${}", "0".repeat(128)),
    ] {
        assert!(
            matches!(verdict(&hash), Err(HashError::Absurd(_))),
            "{hash}"
        );
    }
}

#[test]
fn incomplete_and_invalid_hashes_are_malformed() {
    let salt = "c29tZXNhbHRzb21lc2FsdA";
    let digest = "A".repeat(43);
    for hash in [
        "$argon2id$".to_owned(),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}"),
        format!("pbkdf2:sha256$salt${}", "0".repeat(64)),
        format!("pbkdf2:md5:1000$salt${}", "0".repeat(32)),
        format!("pbkdf2:sha256:1000$salt${}", "0".repeat(63)),
        format!("scrypt:32769:8:1$salt${}", "0".repeat(128)),
        "scrypt:16:8:1$salt$00".to_owned(),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${digest}$"),
        format!("$argon2id$v=18$m=64,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$t=1,m=64,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1,data=AAAA${salt}${digest}"),
        format!("$argon2id$v=19$m=064,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=+64,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=7,t=1,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=31,t=1,p=4${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=0,p=1${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=0${salt}${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1$c2FsdA${digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}=={digest}"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}$AAA"),
        format!("$argon2id$v=19$m=64,t=1,p=1${salt}${}", "A".repeat(2000)),
        "$2b$".to_owned(),
        format!("$2b$4${}", ".".repeat(53)),
        format!("$2b$+4${}", ".".repeat(53)),
        format!("$2b$03${}", ".".repeat(53)),
        format!("$2b$04${}", ".".repeat(52)),
        format!("$2x$04${}", ".".repeat(53)),
        format!("$2b$04${}\u{e9}{}", ".".repeat(21), ".".repeat(30)),
        format!("bcrypt_sha256$2b$04${}", ".".repeat(53)),
        format!("$pbkdf2-sha256$0${salt}${digest}"),
        format!("$pbkdf2-sha256$1${salt}$AAAA"),
        format!("$pbkdf2-sha512$1${salt}${digest}"),
        format!("pbkdf2_sha256$1$salt${digest}"),
        format!("pbkdf2_sha256$1$salt${digest}=$"),
        format!("$scrypt$ln=0,r=8,p=1${salt}${digest}"),
        format!("$scrypt$ln=4,r=0,p=1${salt}${digest}"),
        format!("$scrypt$ln=4,r=8${salt}${digest}"),
        format!("$scrypt$ln=4,r=8,p=1${salt}$AAAA"),
        format!("$5$rounds=999$salt${digest}"),
        format!("$5$rounds=01000$salt${digest}"),
        format!("$5$seventeen-letters${digest}"),
        "$5$salt".to_owned(),
        "sha1$salt".to_owned(),
        "md5$a$b$c".to_owned(),
    ] {
        assert!(
            matches!(verdict(&hash), Err(HashError::Malformed(_))),
            "{hash}: {:?}",
            verdict(&hash)
        );
        assert!(hasher().needs_upgrade(&hash));
    }
}

#[test]
fn plain_text_is_not_accepted_as_a_hash() {
    for stored in [
        "password",
        "",
        "!",
        "plaintext$password",
        "crypt$$abJnggxhB/yWI",
    ] {
        assert!(
            matches!(verdict(stored), Err(HashError::NotServed(_))),
            "{stored}"
        );
    }
}

#[test]
fn a_zero_byte_does_not_hide_the_rest_of_a_password() {
    let mut memory = Memory::default();
    for (scheme, rounds) in [
        (Scheme::Bcrypt, 4),
        (Scheme::Sha256Crypt, 1000),
        (Scheme::Sha512Crypt, 1000),
    ] {
        let hasher = hasher().making(scheme, Some(rounds)).unwrap();
        let made = hasher.hash("pass", &[1; 16], &mut memory).unwrap();
        assert_eq!(hasher.verify("pass\0word", &made, &mut memory), Ok(false));
        assert_eq!(
            hasher.hash("pass\0word", &[1; 16], &mut memory),
            Err(HashError::Password)
        );
    }
}

#[test]
fn attack_a_long_password_cannot_cost_much_time() {
    let hasher = hasher();
    let mut memory = Memory::default();
    let longest = "x".repeat(4096);
    let made = hasher.hash(&longest, &[1; 16], &mut memory).unwrap();
    assert_eq!(hasher.verify(&longest, &made, &mut memory), Ok(true));
    let longer = "x".repeat(4097);
    assert_eq!(hasher.verify(&longer, &made, &mut memory), Ok(false));
    let refused = hasher.hash(&longer, &[1; 16], &mut memory);
    assert_eq!(refused, Err(HashError::Password));
    // SHA-crypt hashes the password in each round.
    let slow = format!("$6$rounds=656000$salt${}", "A".repeat(86));
    let verdict = hasher.verify(&longest, &slow, &mut memory);
    assert_eq!(verdict, Err(HashError::Absurd("sha512_crypt")));
}

#[test]
fn costs_beyond_the_limits_cannot_be_configured() {
    for argon2 in [
        Argon2Options {
            memory_cost: 2 << 20,
            ..Argon2Options::default()
        },
        Argon2Options {
            memory_cost: 31,
            ..Argon2Options::default()
        },
        Argon2Options {
            time_cost: 0,
            ..Argon2Options::default()
        },
        Argon2Options {
            time_cost: 1000,
            ..Argon2Options::default()
        },
        Argon2Options {
            parallelism: 0,
            ..Argon2Options::default()
        },
        Argon2Options {
            digest_bytes: 15,
            ..Argon2Options::default()
        },
        Argon2Options {
            digest_bytes: 513,
            ..Argon2Options::default()
        },
    ] {
        let options = HasherOptions {
            salt: None,
            single_hash: SingleHash::Always,
            argon2,
        };
        assert!(
            matches!(Hasher::new(&options), Err(HashError::Parameters)),
            "{argon2:?}"
        );
    }
    for (scheme, rounds) in [
        (Scheme::Bcrypt, 3),
        (Scheme::Bcrypt, 17),
        (Scheme::Pbkdf2Sha256, 0),
        (Scheme::Pbkdf2Sha512, u32::MAX),
        (Scheme::Scrypt, 0),
        (Scheme::Scrypt, 21),
        (Scheme::Sha256Crypt, 999),
        (Scheme::Sha512Crypt, u32::MAX),
    ] {
        let made = hasher().making(scheme, Some(rounds));
        assert!(
            matches!(made, Err(HashError::Parameters)),
            "{scheme:?} {rounds}"
        );
    }
}

#[test]
fn debug_shows_no_secrets() {
    let hasher = Hasher::new(&HasherOptions {
        salt: Some("the pepper"),
        single_hash: SingleHash::Schemes(Vec::new()),
        argon2: Argon2Options::default(),
    })
    .unwrap();
    assert!(!format!("{hasher:?}").contains("pepper"));
}

/// The recorded hashes, with one character of each replaced.
fn nearly_hashes() -> impl Strategy<Value = String> {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("vectors/hashes.json")).unwrap();
    let hashes: Vec<String> = vectors["hashes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["hash"].as_str().unwrap().to_owned())
        .filter(|hash| !hash.contains("m=65536"))
        .collect();
    (
        prop::sample::select(hashes),
        any::<prop::sample::Index>(),
        "\\PC{0,2}",
    )
        .prop_map(|(hash, place, put)| {
            let mut changed: Vec<char> = hash.chars().collect();
            let place = place.index(changed.len());
            changed.splice(place..=place, put.chars());
            changed.into_iter().collect()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn stored_texts_never_panic(hash in "\\$?[a-z0-9_-]{0,13}\\$\\PC{0,80}") {
        let _ = verdict(&hash);
        let _ = hasher().needs_upgrade(&hash);
    }

    #[test]
    fn changed_hashes_never_panic_or_match(hash in nearly_hashes()) {
        prop_assert_ne!(verdict(&hash), Ok(true));
        let _ = hasher().needs_upgrade(&hash);
    }
}
