//! SMS settings: the service and what it needs.

use secrecy::ExposeSecret as _;
use vestibule::program::{Listening, Loaded, Settings, SmsService, Sources, effective};

use crate::support::{SECRETS, local, problems};

/// A feature that sends SMS.
const NEEDED: &str = r#"
SECURITY_TWO_FACTOR = true
SECURITY_TWO_FACTOR_ENABLED_METHODS = ["SMS"]
SECURITY_TOTP_SECRETS = { "1" = "a totp secret for tests" }
"#;

const TWILIO: &str = r#"ACCOUNT_SID = "AC1", AUTH_TOKEN = "t0ken", PHONE_NUMBER = "+15550199""#;
const WEBHOOK: &str = r#"URL = "https://sms.example/a?b=c", SECRET = "hunter2, hunter2, hunter2""#;

fn service(name: &str, config: &str) -> String {
    format!("SECURITY_SMS_SERVICE = \"{name}\"\nSECURITY_SMS_SERVICE_CONFIG = {{ {config} }}\n")
}

fn read(lines: &str) -> SmsService {
    let settings = Settings::from_toml(&format!("{SECRETS}{lines}"));
    settings
        .unwrap_or_else(|error| panic!("{error:?}"))
        .sms
        .service
}

#[test]
fn the_service_is_read_whatever_its_case() {
    for name in ["Twilio", "twilio", "TWILIO"] {
        let SmsService::Twilio(twilio) = read(&service(name, TWILIO)) else {
            panic!("{name}");
        };
        assert_eq!(twilio.account_sid, "AC1");
        assert_eq!(twilio.auth_token.expose_secret(), "t0ken");
        assert_eq!(twilio.from, "+15550199");
        assert_eq!(twilio.origin.host, "api.twilio.com");
        assert!(twilio.origin.tls);
    }
    let config = format!("{TWILIO}, BASE_URL = \"http://127.0.0.1:9000\"");
    let SmsService::Twilio(twilio) = read(&service("Twilio", &config)) else {
        panic!();
    };
    assert_eq!((twilio.origin.tls, twilio.origin.port), (false, 9000));
    for name in ["webhook", "Webhook"] {
        let SmsService::Webhook(webhook) = read(&service(name, WEBHOOK)) else {
            panic!("{name}");
        };
        assert_eq!(webhook.origin.host, "sms.example");
        assert_eq!(webhook.path, "/a?b=c");
        assert_eq!(webhook.from, None);
    }
    for name in ["Dummy", "dummy", ""] {
        let read = read(&service(name, TWILIO));
        assert!(matches!(read, SmsService::Dummy), "{name}");
    }
}

#[test]
fn a_missing_part_is_an_error_only_if_a_feature_sends_sms() {
    for (name, config, missing) in [
        (
            "Twilio",
            "",
            &["ACCOUNT_SID", "AUTH_TOKEN", "PHONE_NUMBER"][..],
        ),
        (
            "Twilio",
            "ACCOUNT_SID = \"AC1\", AUTH_TOKEN = \"\", PHONE_NUMBER = \" \"",
            &["AUTH_TOKEN", "PHONE_NUMBER"],
        ),
        ("webhook", TWILIO, &["URL", "SECRET"]),
    ] {
        let lines = service(name, config);
        assert_eq!(local(&lines), Vec::<String>::new(), "{lines}");
        assert!(matches!(read(&lines), SmsService::Dummy), "{lines}");
        let said = local(&format!("{lines}{NEEDED}"));
        assert_eq!(said.len(), missing.len(), "{lines}: {said:?}");
        for (said, missing) in said.iter().zip(missing) {
            assert!(said.starts_with("SECURITY_SMS_SERVICE_CONFIG: "), "{said}");
            assert!(said.contains(&format!("has no {missing}")), "{said}");
            assert!(
                said.contains("SECURITY_TWO_FACTOR_ENABLED_METHODS"),
                "{said}"
            );
        }
    }
    for (name, config) in [("Twilio", TWILIO), ("webhook", WEBHOOK), ("Dummy", "")] {
        let lines = format!("{}{NEEDED}", service(name, config));
        assert_eq!(local(&lines), Vec::<String>::new(), "{lines}");
    }
}

#[test]
fn an_invalid_part_is_named_with_its_fix_but_without_its_value() {
    for (name, config, parts) in [
        (
            "webhok",
            TWILIO,
            &["SECURITY_SMS_SERVICE: ", "Twilio or webhook or Dummy"][..],
        ),
        (
            "Twilio",
            "ACCOUNT_SID = 5",
            &["value of ACCOUNT_SID", "in quotes"],
        ),
        (
            "Twilio",
            "ACCOUNT = \"AC1\"",
            &["contains ACCOUNT,", "ACCOUNT_SID"],
        ),
        (
            "Twilio",
            r#"ACCOUNT_SID = "../hunter2", AUTH_TOKEN = "t", PHONE_NUMBER = "1""#,
            &["an ACCOUNT_SID", "begins with AC"],
        ),
        (
            "Twilio",
            r#"BASE_URL = "https://hunter2@twilio.example""#,
            &["a BASE_URL", "without a path"],
        ),
        (
            "Twilio",
            r#"BASE_URL = "http://twilio.example""#,
            &["BASE_URL with plain HTTP", "https://"],
        ),
        (
            "webhook",
            r#"URL = "https://user:hunter2@sms.example/", SECRET = "hunter2, hunter2""#,
            &["a URL that is not valid", "without a username"],
        ),
        (
            "webhook",
            r#"URL = "http://sms.example/", SECRET = "hunter2, hunter2""#,
            &["URL with plain HTTP", "https://"],
        ),
        (
            "webhook",
            r#"URL = "http://localhost/", SECRET = "hunter2""#,
            &["SECRET shorter than 16", "long random"],
        ),
    ] {
        let lines = service(name, config);
        let said = local(&lines);
        assert_eq!(said.len(), 1, "{lines}: {said:?}");
        for part in parts {
            assert!(said[0].contains(part), "{lines}: {part:?} in {}", said[0]);
        }
        assert!(!said[0].contains("hunter2"), "{}", said[0]);
    }
}

#[test]
fn a_lease_that_ends_while_an_sms_is_sent_is_refused() {
    let lease = "VESTIBULE_OUTBOX_LEASE = \"15 seconds\"";
    let said = local(&format!("{}{lease}", service("Twilio", TWILIO)));
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("VESTIBULE_OUTBOX_LEASE: "), "{said:?}");
    assert!(said[0].contains("an SMS"), "{said:?}");
    assert_eq!(local(lease), Vec::<String>::new());
}

#[test]
fn a_public_server_without_a_service_gets_advice_if_a_feature_sends_sms() {
    let public = "SECURITY_PUBLIC_URL = \"https://accounts.example\"\n";
    let advised = |lines: &str| {
        let settings = Settings::from_toml(&format!("{SECRETS}{lines}")).unwrap();
        let mut advice = settings.advice.iter();
        advice.any(|one| one.key == "SECURITY_SMS_SERVICE")
    };
    assert!(advised(&format!("{public}{NEEDED}")));
    assert!(!advised(NEEDED));
    assert!(!advised(public));
    let twilio = service("Twilio", TWILIO);
    assert!(!advised(&format!("{public}{NEEDED}{twilio}")));
    assert_eq!(problems(NEEDED, Listening::Local), Vec::<String>::new());
}

#[test]
fn attack_secret_in_a_log_credentials_of_the_service_are_masked() {
    for lines in [service("Twilio", TWILIO), service("webhook", WEBHOOK)] {
        let text = format!("{SECRETS}{lines}");
        let loaded = Loaded::read(&Sources {
            file: Some(&text),
            environment: &[],
            kept: None,
            read_file: &|path| std::fs::read_to_string(path),
        })
        .unwrap();
        let shown = effective(&loaded);
        let shown = shown
            .iter()
            .find(|setting| setting.name == "SECURITY_SMS_SERVICE_CONFIG");
        assert_eq!(shown.unwrap().value, "********");
        let settings = Settings::from_toml(&text).unwrap();
        let debug = format!("{settings:?}");
        assert!(!debug.contains("t0ken"), "{debug}");
        assert!(!debug.contains("hunter2"), "{debug}");
    }
}
