//! Runs the commands on the pages of features as they are written there, each page with a server
//! that has the starter file.

use crate::readme::{shows_the_real_output, steps};
use crate::support::{Folder, Server};

const TWO_FACTOR: &str = include_str!("../../../../docs/features/two_factor.md");
const UNIFIED: &str = include_str!("../../../../docs/features/unified.md");

/// Runs a page with the shell functions that the page on the second factor defines.
fn run(page: &str) {
    let functions = TWO_FACTOR
        .split_once("```sh\n")
        .and_then(|(_, rest)| rest.split_once("```"))
        .map(|(functions, _)| functions)
        .unwrap();
    let folder = Folder::new();
    let server = Server::start(&folder, &[]);
    assert!(steps(page).len() >= 8, "{:?}", steps(page));
    shows_the_real_output(page, functions, &folder, &server);
}

#[test]
fn two_factor_page_shows_the_real_output() {
    run(TWO_FACTOR);
}

#[test]
fn unified_page_shows_the_real_output() {
    run(UNIFIED);
}
