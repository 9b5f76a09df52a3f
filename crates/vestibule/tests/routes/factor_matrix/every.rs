//! Every way to begin a sign-in has a row.

use std::collections::BTreeSet;

use serde_json::Value;

use super::app;
use super::rows::{FIRST, First, seconds};

/// The names in the body of `enum Factor`.
fn variants() -> Vec<String> {
    let source = include_str!("../../../src/session/proof.rs");
    let (_, rest) = source.split_once("pub(crate) enum Factor {").unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let lines = body.lines().map(str::trim);
    let names = lines.filter(|line| !line.is_empty() && !line.starts_with("///"));
    names
        .map(|name| name.trim_end_matches(',').to_owned())
        .collect()
}

#[test]
fn attack_authorisation_by_absence_every_factor_that_begins_a_sign_in_has_a_row() {
    let rows: BTreeSet<&str> = FIRST.iter().map(|first| first.row().0).collect();
    // A recovery code only follows another factor, and a credential is the result of a sign-in.
    let others = ["RecoveryCode", "Credential"];
    let variants = variants();
    assert!(variants.len() > 8, "{variants:?}");
    for variant in variants {
        let covered = match variant.as_str() {
            "Code(Method)" => ["Email", "Sms", "Authenticator"]
                .iter()
                .all(|method| rows.contains(format!("Code({method})").as_str())),
            name => rows.contains(name) || others.contains(&name),
        };
        assert!(covered, "{variant} has no row");
    }
}

/// Operations outside the second factor whose answers hold tokens or announce a second factor.
fn beginning(document: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let mut described = operation["responses"].clone();
            for response in described.as_object_mut().into_iter().flatten() {
                if let Some(reference) = response.1["$ref"].as_str() {
                    *response.1 = document.pointer(&reference[1..]).unwrap().clone();
                }
            }
            let described = described.to_string();
            let begins = ["tf_state", "tf_required", "authentication_token"]
                .iter()
                .any(|name| described.contains(name));
            let tag = operation["tags"][0].as_str().unwrap_or_default();
            if begins && !["second factor", "recovery codes"].contains(&tag) {
                found.insert(format!("{} {path}", method.to_uppercase()));
            }
        }
    }
    found
}

#[tokio::test]
async fn attack_authorisation_by_absence_every_operation_that_begins_a_sign_in_has_a_row() {
    let mut found = BTreeSet::new();
    for first in [First::Password, First::SignInLink, First::PostedCodeLink] {
        let app = app(first, seconds()[1]).await;
        found.extend(beginning(app.document()));
    }
    // These take the credential of a complete sign-in.
    let with_credential = [
        "/change",
        "/verify",
        "/us-verify",
        "/wan-verify/{token}",
        "/refresh-token",
    ];
    for path in with_credential {
        assert!(found.remove(&format!("POST {path}")), "{path}: {found:?}");
    }
    let rows: BTreeSet<String> = FIRST.iter().map(|first| first.row().1.to_owned()).collect();
    let without: Vec<_> = found.difference(&rows).collect();
    assert!(without.is_empty(), "{without:?} have no row");
    assert!(found.len() > 4, "{found:?}");
}
