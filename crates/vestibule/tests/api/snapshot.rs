//! `openapi.json` is generated from the endpoints, so that it cannot drift.

use std::path::PathBuf;

use crate::{EVERYTHING, vestibule};

#[test]
fn the_copy_at_the_root_is_up_to_date() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    let made = format!("{}\n", vestibule(EVERYTHING).openapi());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &made).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == made,
        "openapi.json is out of date: UPDATE_DOCS=1 cargo test -p vestibule --test api"
    );
}
