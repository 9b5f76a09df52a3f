//! Which user a text identifies, and when a stored password hash is replaced.

#![expect(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod bench;
mod rehash;

use bench::Bench;
use vestibule_store::UserId;

const ALL: &str = r#"
SECURITY_USERNAME_ENABLE = true
SECURITY_USER_IDENTITY_ATTRIBUTES = ["email", "username", "us_phone_number"]
SECURITY_INPUT_NORMALIZE_FORM = "NFKC"
SECURITY_PHONE_REGION_DEFAULT = "GB"
"#;

async fn people(bench: &Bench) -> (UserId, UserId) {
    let renee = bench
        .user("Renée@BÜCHER.example", Some("Renée"), Some("+442079460958"))
        .await;
    let other = bench
        .user("other@example.com", Some("another"), Some("+16502530000"))
        .await;
    (renee, other)
}

#[tokio::test]
async fn every_spelling_of_every_identity_identifies_the_same_user() {
    let bench = Bench::new(&[ALL]);
    let (renee, other) = people(&bench).await;
    for name in [
        "Renée@bücher.example",
        "renée@bücher.example",
        "RENéE@BÜCHER.EXAMPLE",
        "Rene\u{301}e@bu\u{308}cher.example",
        "Renée@xn--bcher-kva.example",
        "Renée@ｂücher。example",
        "Renée",
        "renée",
        "RENéE",
        "Rene\u{301}e",
        " Renée ",
        "Ｒenée",
        "+442079460958",
        "+44 20 7946 0958",
        "+44 (0)20 7946-0958",
        "020 7946 0958",
        "(020) 7946 0958",
        "442079460958",
        "00442079460958",
        "０２０ ７９４６ ０９５８",
        "020 7946 0958 ext. 7",
    ] {
        assert_eq!(bench.named(name).await, Some(renee), "{name:?}");
        assert_eq!(bench.basic(name, renee).await, Some(renee), "{name:?}");
        assert_eq!(bench.basic(name, other).await, None, "{name:?}");
    }
    for name in [
        "",
        "renee",
        // Only ASCII letters are case-insensitive, as in SQLite's lower().
        "RENÉE",
        "Renée@example.com",
        "@bücher.example",
        "+44 20 7946 0959",
        "7946 0958",
        "+1 20 7946 0958",
        "650 253 0000",
        "\u{0}",
    ] {
        assert_eq!(bench.named(name).await, None, "{name:?}");
        assert_eq!(bench.basic(name, renee).await, None, "{name:?}");
    }
    assert_eq!(bench.named("tel:+44-20-7946-0958").await, Some(renee));
    assert_eq!(
        bench.basic("+1 (650) 253-0000", other).await,
        Some(other),
        "a number of another country"
    );
}

#[tokio::test]
async fn numbers_without_a_country_code_belong_to_the_configured_region() {
    for (region, names, unmatched) in [
        (
            "US",
            &["650 253 0000", "1-650-253-0000"][..],
            &["020 7946 0958"][..],
        ),
        (
            "DE",
            &["001 650 253 0000"],
            &["650 253 0000", "020 7946 0958"],
        ),
        (
            "",
            &["+1 650 253 0000"],
            &["650 253 0000", "1-650-253-0000"],
        ),
    ] {
        let region_line = format!("SECURITY_PHONE_REGION_DEFAULT = \"{region}\"");
        let bench = Bench::new(&[ALL, &region_line]);
        let (_, other) = people(&bench).await;
        for name in names {
            assert_eq!(bench.named(name).await, Some(other), "{region} {name}");
        }
        for name in unmatched {
            assert_eq!(bench.named(name).await, None, "{region} {name}");
        }
    }
}

#[tokio::test]
async fn case_matters_if_the_attribute_says_so() {
    let strict = Bench::new(&[r#"
SECURITY_USERNAME_ENABLE = true
SECURITY_USER_IDENTITY_ATTRIBUTES = [
    { email = { mapper = "uia_email_mapper", case_insensitive = false } },
    { username = { mapper = "uia_username_mapper" } },
    { us_phone_number = { mapper = "uia_phone_mapper", case_insensitive = true } },
]
SECURITY_PHONE_REGION_DEFAULT = "GB"
"#]);
    let (renee, _) = people(&strict).await;
    for (name, found) in [
        ("Renée@bücher.example", true),
        // Domains are case-insensitive under every setting.
        ("Renée@BÜCHER.Example", true),
        ("renée@bücher.example", false),
        ("Renée", true),
        ("renée", false),
        ("020 7946 0958", true),
    ] {
        let expected = Some(renee).filter(|_| found);
        assert_eq!(strict.named(name).await, expected, "{name}");
        assert_eq!(strict.basic(name, renee).await, expected, "{name}");
    }
    let lenient = Bench::new(&[r#"
SECURITY_USERNAME_ENABLE = true
SECURITY_USER_IDENTITY_ATTRIBUTES = [{ email = { case_insensitive = false } }]
"#]);
    let (renee, _) = people(&lenient).await;
    assert_eq!(lenient.named("renée@bücher.example").await, None);
    // SECURITY_USERNAME_ENABLE adds usernames as the last attribute, and ignores their case.
    assert_eq!(lenient.named("RENéE").await, Some(renee));
}

#[tokio::test]
async fn a_username_that_reads_as_a_number_never_precedes_the_user_with_that_number() {
    for order in [
        r#"["username", "us_phone_number", "email"]"#,
        r#"["us_phone_number", "username", "email"]"#,
    ] {
        let attributes = format!("SECURITY_USER_IDENTITY_ATTRIBUTES = {order}");
        let bench = Bench::new(&[ALL, &attributes]);
        let owner = bench
            .user("owner@example.com", None, Some("+442079460958"))
            .await;
        let namesake = bench
            .user("namesake@example.com", Some("02079460958"), None)
            .await;
        assert_eq!(bench.basic("02079460958", owner).await, Some(owner));
        assert_eq!(bench.basic("02079460958", namesake).await, None, "{order}");
        // An operator's command would have to guess which user is meant.
        assert_eq!(bench.named("02079460958").await, None, "{order}");
        // No user has this number, so the other attributes are searched.
        let numeral = bench
            .user("numeral@example.com", Some("02079460959"), None)
            .await;
        assert_eq!(bench.named("02079460959").await, Some(numeral), "{order}");
        assert_eq!(bench.basic("02079460959", numeral).await, Some(numeral));
    }
}

#[tokio::test]
async fn a_column_that_is_no_identity_attribute_identifies_no_user() {
    let bench = Bench::new(&[r#"SECURITY_USER_IDENTITY_ATTRIBUTES = ["email"]"#]);
    let number = bench
        .user("ana@example.com", None, Some("+16502530000"))
        .await;
    assert_eq!(bench.named("ana@example.com").await, Some(number));
    assert_eq!(bench.basic("+16502530000", number).await, None);
    assert_eq!(bench.basic("650 253 0000", number).await, None);
}
