//! 5,000 mutations of valid registrations and sign-ins. None is accepted, unless it means the same.

use serde_json::{Value, json};
use vestibule_formats::webauthn::{Policy, parse_authentication, parse_registration};

use crate::support::{Ceremonies, Specification, base64url, from_base64url, w3c};

const ROUNDS: usize = 5_000;
const ALL: &[i32] = &[-7, -8, -35, -36, -257];
/// The vectors whose registration is refused (`vectors.rs`).
const REFUSED: [&str; 4] = [
    "packed-ed448",
    "tpm-es256",
    "fido-u2f-es256",
    "android-key-es256",
];
const NOW: i64 = 1_790_000_000;

/// xorshift64*: the same mutations in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).unwrap() % bound.max(1)
    }
}

/// Flips a bit, cuts, inserts, removes or swaps bytes.
fn change(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len());
    match dice.below(5) {
        0 | 1 => bytes[at] ^= 1 << dice.below(8),
        2 => bytes.truncate(at),
        3 => bytes.insert(at, u8::try_from(dice.below(256)).unwrap()),
        _ => {
            let other = dice.below(bytes.len());
            bytes.swap(at, other);
        }
    }
}

/// Changes one member of a response, or takes it from another vector. Returns its name.
fn mutate(response: &mut Value, other: &Value, dice: &mut Dice) -> &'static str {
    const MEMBERS: [&str; 6] = [
        "/rawId",
        "/response/clientDataJSON",
        "/response/attestationObject",
        "/response/authenticatorData",
        "/response/signature",
        "/response/attestationObject",
    ];
    loop {
        let member = MEMBERS[dice.below(MEMBERS.len())];
        let Some(value) = response.pointer_mut(member) else {
            continue;
        };
        let before = value.clone();
        if dice.below(10) == 0 {
            *value = other.pointer(member).unwrap().clone();
        } else {
            let mut bytes = from_base64url(value.as_str().unwrap());
            change(&mut bytes, dice);
            *value = json!(base64url(&bytes));
        }
        if *value == before {
            continue;
        }
        if member == "/rawId" {
            response["id"] = response["rawId"].clone();
        }
        return member;
    }
}

fn accepted(vectors: &Specification, vector: &Ceremonies, json: &str, registration: bool) -> bool {
    let policy = Policy {
        algorithms: ALL,
        top_origins: &["https://example.com"],
        attestation_roots: &[&vectors.root],
    };
    let expected = vector.expected(registration);
    if registration {
        parse_registration(json)
            .is_ok_and(|response| response.verify_under(&expected, &policy, NOW).is_ok())
    } else {
        parse_authentication(json).is_ok_and(|response| {
            response
                .verify_under(&expected, &policy, &vector.public_key, 0)
                .is_ok()
        })
    }
}

/// Nothing signs the attestation object of a registration without attestation: another key, AAGUID, counter
/// or flag makes another valid registration.
fn is_unsigned(vector: &Ceremonies, member: &str) -> bool {
    vector.name.starts_with("none-") && member == "/response/attestationObject"
}

#[test]
fn attack_webauthn_mutated_responses_are_refused() {
    let vectors = w3c();
    let usable: Vec<&Ceremonies> = vectors
        .ceremonies
        .iter()
        .filter(|vector| !REFUSED.contains(&vector.name.as_str()))
        .collect();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut refused = 0;
    for _ in 0..ROUNDS {
        let vector = usable[dice.below(usable.len())];
        let other = usable[dice.below(usable.len())];
        let registration = dice.below(2) == 0;
        let json = |vector: &Ceremonies| {
            if registration {
                vector.registration.clone()
            } else {
                vector.authentication.clone()
            }
        };
        let text = json(vector);
        assert!(accepted(&vectors, vector, &text, registration));
        let mut response: Value = serde_json::from_str(&text).unwrap();
        let other: Value = serde_json::from_str(&json(other)).unwrap();
        let member = mutate(&mut response, &other, &mut dice);
        if !accepted(&vectors, vector, &response.to_string(), registration) {
            refused += 1;
            continue;
        }
        // The ID of a sign-in is not signed: it chooses the credential, and thereby the key.
        let means_the_same = (registration && is_unsigned(vector, member))
            || (!registration && member == "/rawId")
            || (registration && keeps_checked_members(vector, &text, &response));
        assert!(means_the_same, "{} {member} {response}", vector.name);
    }
    assert!(refused > ROUNDS * 8 / 10, "{refused}");
}

/// Whether the mutation left type, challenge and origin as they were, in client data that nothing signs.
fn keeps_checked_members(vector: &Ceremonies, before: &str, after: &Value) -> bool {
    let before: Value = serde_json::from_str(before).unwrap();
    let checked = |response: &Value| {
        let text = response["response"]["clientDataJSON"].as_str().unwrap();
        let client_data: Value = serde_json::from_slice(&from_base64url(text)).unwrap();
        ["type", "challenge", "origin"].map(|name| client_data[name].clone())
    };
    vector.name.starts_with("none-") && checked(&before) == checked(after)
}

/// Characters of the JSON itself are changed, and members removed.
#[test]
fn mutated_json_does_not_panic() {
    let vectors = w3c();
    let mut dice = Dice(0x1234_5678_9abc_def1);
    for round in 0..ROUNDS {
        let vector = &vectors.ceremonies[dice.below(vectors.ceremonies.len())];
        let registration = round % 2 == 0;
        let mut bytes = if registration {
            vector.registration.clone()
        } else {
            vector.authentication.clone()
        }
        .into_bytes();
        change(&mut bytes, &mut dice);
        let text = String::from_utf8_lossy(&bytes);
        let _ = accepted(&vectors, vector, &text, registration);
    }
}
