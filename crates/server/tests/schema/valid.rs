//! Whatever the settings, the document is valid OpenAPI 3.1.

use std::path::Path;

use crate::support::{Folder, done, stderr, stdout};
use crate::{EVERYTHING, python_program};

#[track_caller]
fn assert_valid(path: &Path) {
    let output = python_program("openapi-spec-validator")
        .args(["--schema", "3.1", "--errors", "all"])
        .arg(path)
        .output()
        .unwrap();
    let said = format!("{}{}", stdout(&output), stderr(&output));
    assert!(output.status.success(), "{said}");
}

#[test]
fn openapi_json_at_the_root_is_valid() {
    assert_valid(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json"));
}

#[test]
fn printed_document_is_valid_and_needs_no_database() {
    let other = r#"
        SECURITY_PUBLIC_URL = "https://accounts.example.com"
        SECURITY_LOGIN_URL = "/sign-in"
        SECURITY_REFRESH_TOKEN = true
        SECURITY_REFRESH_TOKEN_COOKIE_NAME = ""
        SECURITY_BACKWARDS_COMPAT_AUTH_TOKEN = true
        SECURITY_RETURN_GENERIC_RESPONSES = true
        SECURITY_CACHE_CONTROL = {}
        DEBUG = true
    "#;
    let bare = "WTF_CSRF_ENABLED = false\nWTF_CSRF_HEADERS = []\nSECURITY_CSRF_HEADER = \"\"\n";
    for lines in ["", other, bare, EVERYTHING] {
        let folder = Folder::new();
        folder.write("vestibule.toml", lines);
        let document = done(&folder.run(&["openapi"]));
        folder.write("openapi.json", &document);
        assert_valid(&folder.path().join("openapi.json"));
        assert!(!folder.path().join("vestibule-data/vestibule.db").exists());
    }
}
