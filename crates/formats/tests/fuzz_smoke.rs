//! Runs the bodies of the fuzz targets on a fixed number of mutated vectors. `cargo fuzz run
//! <target>` in `fuzz/` runs them without a limit.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

use vestibule_formats::hex;

#[path = "../fuzz/bodies.rs"]
mod bodies;

const ROUNDS: u64 = 8_000;

/// All strings in a JSON value.
fn collect(value: &serde_json::Value, into: &mut Vec<String>) {
    match value {
        serde_json::Value::String(text) => into.push(text.clone()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
        serde_json::Value::Object(members) => {
            members.values().for_each(|member| collect(member, into));
        }
        _ => {}
    }
}

/// The inputs to mutate: recorded tokens and cookies, and some edge cases.
fn seeds() -> Vec<String> {
    let recorded: serde_json::Value =
        serde_json::from_str(include_str!("vectors/artefacts.json")).unwrap();
    let mut seeds = Vec::new();
    collect(&recorded, &mut seeds);
    seeds.extend(
        [
            "",
            ".",
            "..",
            "|",
            "$",
            "$argon2id$v=19$m=11,t=1,p=1$MTExMTExMTE$MTExMQ",
            "{}",
            "[]",
            "null",
            "[[[[",
            "{\"ver\":\"5\",\"uid\":1,\"exp\":1e99}",
            "//host",
            "https:\\\\host",
            "a@b.example",
            "\u{1f600}@xn--e1aybc.example",
            "\u{301}\u{200d}",
            "1.1.1",
            "+1 (650) 253-0000 ext. 12",
            "tel:253-0000;phone-context=+1-650;isub=1",
            "0 15 11 96123-4567,,89#",
            "1-800-FLOWERS\u{ff11}\u{663}",
            "{\"enckey\":{\"c\":4,\"k\":\"MFRGGZDF\",\"s\":\"MFRGG\",\"t\":\"1\",\"v\":1},\"type\":\"totp\",\"v\":1}",
            "{\"key\":\"MFRGGZDF\",\"type\":\"totp\",\"v\":1,\"alg\":\"sha256\",\"digits\":8}",
            "otpauth://totp/Example:ana?secret=MFRGGZDF&issuer=Example&digits=7",
            "{\"email\": \"{}\", \"sms\": null}",
            "{\"totp_secret\":\"{}\",\"method\":\"sms\",\"phone\":null}",
            "abcd-0123-ef45,,abcd-0123-ef45",
            "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==",
            "123 456",
            "eyJhbGciOiJFUzI1NiIsImtpZCI6ImEifQ.eyJzdWIiOiIxIiwiZXhwIjoxODAwMDAwMDAwfQ.AAAA",
            "{\"kty\":\"RSA\",\"kid\":\"a\",\"n\":\"AQAB\",\"e\":\"AQAB\",\"use\":\"sig\"}",
            "{\"keys\":[{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\"}]}",
        ]
        .map(str::to_owned),
    );
    seeds
}

/// The inputs to mutate for the WebAuthn verifier: its vectors, and parts of them.
fn webauthn_seeds() -> Vec<String> {
    let mut seeds = ["", "a0", "a10101", "{}"].map(str::to_owned).to_vec();
    for recorded in [
        include_str!("vectors/webauthn/w3c.json"),
        include_str!("vectors/webauthn/py_webauthn.json"),
    ] {
        collect(&serde_json::from_str(recorded).unwrap(), &mut seeds);
    }
    // Authenticator data and keys begin inside the attestation objects.
    let inner: Vec<String> = seeds
        .iter()
        .filter_map(|seed| {
            Some(
                seed.split_once("617574684461746158")?
                    .1
                    .get(2..)?
                    .to_owned(),
            )
        })
        .collect();
    let keys = inner
        .iter()
        .filter_map(|data| data.get(174..).map(str::to_owned));
    seeds.extend(keys.collect::<Vec<_>>());
    seeds.extend(inner);
    // Client data as text.
    let texts: Vec<String> = seeds
        .iter()
        .filter(|seed| seed.starts_with("7b22"))
        .filter_map(|seed| String::from_utf8(hex::decode(seed)?).ok())
        .collect();
    seeds.extend(texts);
    seeds
}

/// xorshift64*: the same mutations in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap_or(0) % bound.max(1)
    }
}

fn change(text: &str, dice: &mut Dice, seeds: &[String]) -> String {
    const PIECES: [&str; 16] = [
        ".",
        "..",
        "=",
        "|",
        "$",
        "\0",
        "\u{fffd}",
        "\u{301}",
        "%2f",
        "//",
        "A",
        "-",
        "99999999999999999999",
        "{",
        "\"",
        "@",
    ];
    let mut characters: Vec<char> = text.chars().collect();
    for _ in 0..=dice.below(3) {
        let at = dice.below(characters.len() + 1);
        match dice.below(5) {
            0 if at < characters.len() => drop(characters.remove(at)),
            1 => characters.truncate(at),
            2 => {
                let piece = PIECES[dice.below(PIECES.len())];
                characters.splice(at..at, piece.chars());
            }
            3 if at < characters.len() => {
                characters[at] = char::from(u8::try_from(dice.below(128)).unwrap_or(0));
            }
            _ => {
                let other = &seeds[dice.below(seeds.len())];
                characters.extend(other.chars().take(dice.below(80)));
            }
        }
    }
    characters.into_iter().collect()
}

fn drive(body: fn(&str), seeds: &[String]) {
    seeds.iter().for_each(|seed| body(seed));
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    for _ in 0..ROUNDS {
        let seed = &seeds[dice.below(seeds.len())];
        body(&change(seed, &mut dice, seeds));
    }
}

macro_rules! targets {
    ($seeds:ident: $($name:ident)*) => { $(#[test] fn $name() { drive(bodies::$name, &$seeds()); })* };
}

targets!(seeds: session_cookie timed_token remember_cookie csrf_token auth_token link_token password_hash redirect_target texts phone_number totp_code wallet us_secrets recovery_codes setup_state jwt provider_json);
targets!(webauthn_seeds: webauthn_cbor webauthn_cose webauthn_authenticator_data webauthn_client_data webauthn_registration);
