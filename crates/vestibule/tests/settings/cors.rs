//! Patterns of CORS origins.

use vestibule::Settings;
use vestibule::program::Cors;

fn read(lines: &str) -> Result<Settings, Vec<String>> {
    let secrets = "SECRET_KEY = \"a secret key for tests, long enough\"
SECURITY_PASSWORD_SALT = \"a salt for tests\"";
    Settings::from_toml(&format!("{secrets}\n{lines}"))
        .map_err(|error| error.problems().iter().map(ToString::to_string).collect())
}

#[test]
fn attack_cors_a_glob_is_refused_with_a_pattern_that_matches_the_intended_origins() {
    let said = read("CORS_ORIGINS = [\"https://*.example.com\"]").unwrap_err();
    let meant = r"https://[a-z0-9-]+\.example\.com";
    assert!(said.len() == 1 && said[0].contains(meant), "{said:?}");
    let lines = format!("CORS_ORIGINS = ['{meant}']\nCORS_SUPPORTS_CREDENTIALS = true");
    let cors = Cors::new(&read(&lines).unwrap().cors).unwrap();
    assert!(cors.allows("/", "https://app.example.com"));
    for origin in [
        "https://xexample.com",
        "https://example.com",
        "https://evil.com",
        "https://a.b.example.com",
        "https://app.example.com.evil.com",
    ] {
        assert!(!cors.allows("/", origin), "{origin}");
    }
    // A star on its own is still the wildcard.
    assert!(read("CORS_ORIGINS = [\"*\"]").is_ok());
}
