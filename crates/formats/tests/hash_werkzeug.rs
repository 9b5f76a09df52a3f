//! Hashes made by the real werkzeug: see `vectors/record_werkzeug.py`.

use serde_json::Value;
use vestibule_formats::hash::{
    Argon2Options, Hasher, HasherOptions, Memory, SingleHash, decoy_like, parameters,
};

#[test]
fn werkzeug_hashes_of_single_and_double_hashes_are_verified_and_upgraded() {
    let vectors: Value = serde_json::from_str(include_str!("vectors/werkzeug.json")).unwrap();
    let mut memory = Memory::default();
    let hasher = Hasher::new(&HasherOptions {
        salt: vectors["salt"].as_str(),
        single_hash: SingleHash::Schemes(Vec::new()),
        argon2: Argon2Options::default(),
    })
    .unwrap();
    let mut kinds = std::collections::BTreeSet::new();
    for row in vectors["hashes"].as_array().unwrap() {
        let (password, hash) = (
            row["password"].as_str().unwrap(),
            row["hash"].as_str().unwrap(),
        );
        assert_eq!(
            hasher.verify(password, hash, &mut memory),
            Ok(true),
            "{row}"
        );
        let wrong = hasher.verify(&format!("{password}x"), hash, &mut memory);
        assert_eq!(wrong, Ok(false), "{row}");
        assert!(hasher.needs_upgrade(hash));
        let decoy = decoy_like(hash);
        assert_eq!(parameters(&decoy), parameters(hash));
        if kinds.insert(parameters(hash).to_owned()) {
            assert_eq!(hasher.verify(password, &decoy, &mut memory), Ok(false));
        }
    }
    assert_eq!(kinds.len(), 6, "{kinds:?}");
}
