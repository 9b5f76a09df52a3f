//! All password checks together.

use std::io::Write;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use super::*;
use crate::builder::Vestibule;
use crate::messages::catalogue::Locale;
use crate::settings::Settings;
use crate::validation::judge;

const HEAD: &str = r#"
SECRET_KEY = "a secret key that is long enough"
SECURITY_PASSWORD_SALT = "salt"
"#;
const ZXCVBN: &str = r#"SECURITY_PASSWORD_COMPLEXITY_CHECKER = "zxcvbn""#;

/// Records what this thread logs while the guard of `listen` lives.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub(crate) fn listen(&self) -> tracing::subscriber::DefaultGuard {
        self.listen_at(tracing::Level::TRACE)
    }

    pub(crate) fn listen_at(&self, level: tracing::Level) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .with_writer(move || log.clone())
            .finish();
        tracing::subscriber::set_default(subscriber)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn settings(more: &str) -> Settings {
    Settings::from_toml(&format!("{HEAD}{more}")).unwrap()
}

fn vestibule(more: &str) -> Vestibule {
    Vestibule::builder(settings(more)).build().unwrap()
}

async fn codes(vestibule: &Vestibule, password: &str, about: &[&str]) -> Vec<&'static str> {
    let said = judge(vestibule.app(), password, about).await.unwrap();
    said.iter().map(|said| said.message.code()).collect()
}

#[tokio::test]
async fn lengths_are_counted_in_characters() {
    let vestibule = vestibule("SECURITY_PASSWORD_LENGTH_MIN = 10");
    let wrong = ["PASSWORD_INVALID_LENGTH"];
    for (count, is_good) in [(9, false), (10, true), (128, true), (129, false)] {
        for character in ["a", "\u{e9}", "\u{1f44b}"] {
            let found = codes(&vestibule, &character.repeat(count), &[]).await;
            assert_eq!(
                found,
                if is_good { &[] } else { &wrong[..] },
                "{count} {character}"
            );
        }
    }
}

#[tokio::test]
async fn weak_passwords_are_refused_with_zxcvbn() {
    let asked = vestibule(ZXCVBN);
    let lenient = vestibule(&format!("{ZXCVBN}\nSECURITY_ZXCVBN_MINIMUM_SCORE = 0"));
    let simple = ["PASSWORD_TOO_SIMPLE"];
    for password in ["password1", "qwertyuiop", "abcabcabcabc", "aaaaaaaaaaaa"] {
        assert_eq!(codes(&asked, password, &[]).await, simple, "{password}");
        assert!(codes(&lenient, password, &[]).await.is_empty());
        assert!(codes(&vestibule(""), password, &[]).await.is_empty());
    }
    let good = "mumble grove 47 pylon";
    assert!(codes(&asked, good, &[]).await.is_empty());
}

#[tokio::test]
async fn a_password_made_of_the_users_own_data_is_too_simple() {
    let asked = vestibule(ZXCVBN);
    let password = "mareikewolkenstein";
    assert!(codes(&asked, password, &[]).await.is_empty());
    for about in [
        &["mareikewolkenstein"][..],
        &["mareikewolkenstein@example.com"],
        &["mareike.wolkenstein@example.com"],
        &["", "Mareike Wolkenstein"],
    ] {
        assert_eq!(
            codes(&asked, password, about).await,
            ["PASSWORD_TOO_SIMPLE"],
            "{about:?}"
        );
    }
}

#[tokio::test]
async fn attack_passwords_crafted_to_be_slow_to_check_are_checked_quickly() {
    let asked = vestibule(ZXCVBN);
    // The faster of two runs, which leaves out noise of the machine.
    let time = async |password: &str, words: &[&str]| {
        let mut least = Duration::MAX;
        for _ in 0..2 {
            let before = Instant::now();
            judge(asked.app(), password, words).await.unwrap();
            least = least.min(before.elapsed());
        }
        least
    };
    let (mut whole, mut judged) = (Duration::ZERO, Duration::ZERO);
    let words: Vec<String> = (0..200).map(|at| format!("{at}").repeat(100)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for password in [
        "a".repeat(128),
        "ab1".repeat(42),
        "4@8({[<69!1/|l0$5+7%2".repeat(6),
        "p@$$w0rd".repeat(16),
        "1/1/1911".repeat(16),
        "\u{1f44b}".repeat(128),
    ] {
        whole += time(&password, &words).await;
        judged += time(&beginning(&password, JUDGED), &words[..WORDS]).await;
    }
    assert!(
        whole < judged * 3,
        "{whole:?} for the whole, {judged:?} for what is judged"
    );
}

#[derive(Debug)]
struct NoCats;

#[async_trait]
impl PasswordCheck for NoCats {
    async fn check(&self, password: &str, about: &[&str]) -> Vec<LocalizedMessage> {
        let mut wrong = Vec::new();
        if password.contains("cat") {
            wrong.push(
                LocalizedMessage::from(Message::PasswordTooSimple)
                    .in_own_words("No cats, %(name)s."),
            );
        }
        if about.contains(&"dog") {
            wrong.push(Message::InvalidInput.into());
        }
        wrong
    }
}

#[tokio::test]
async fn an_application_adds_its_own_check() {
    let vestibule = Vestibule::builder(settings(""))
        .password_check(NoCats)
        .build()
        .unwrap();
    assert!(
        codes(&vestibule, "horse battery", &["cow"])
            .await
            .is_empty()
    );
    let said = judge(vestibule.app(), "concatenate", &["dog"])
        .await
        .unwrap();
    assert_eq!(said.len(), 2);
    assert_eq!(said[0].message.code(), "PASSWORD_TOO_SIMPLE");
    let messages = vestibule.app().messages();
    assert_eq!(
        messages.spoken(Locale::ENGLISH).say(&said[0]),
        "No cats, %(name)s."
    );
    // vestibule's own checks come first; the application's run only if they pass.
    let short = codes(&vestibule, "cat", &["dog"]).await;
    assert_eq!(short, ["PASSWORD_INVALID_LENGTH"]);
}

#[cfg(feature = "breached")]
#[tokio::test]
async fn an_unavailable_list_is_handled_as_configured() {
    // No server listens on port 1.
    let origin = "SECURITY_PASSWORD_BREACHED_ORIGIN = \"http://127.0.0.1:1\"";
    for (how, expected) in [
        ("strict", &["PASSWORD_BREACHED_SITE_ERROR"][..]),
        ("best-effort", &["PASSWORD_TOO_SIMPLE"]),
    ] {
        let vestibule = vestibule(&format!(
            "SECURITY_PASSWORD_CHECK_BREACHED = \"{how}\"\n{origin}\n{ZXCVBN}"
        ));
        // The list comes after the length and before zxcvbn.
        assert_eq!(codes(&vestibule, "password", &[]).await, expected, "{how}");
        let short = codes(&vestibule, "a", &[]).await;
        assert_eq!(short, ["PASSWORD_INVALID_LENGTH"]);
    }
}

#[tokio::test]
async fn attack_a_judged_password_is_not_logged() {
    let log = Log::default();
    let _guard = log.listen();
    let vestibule = vestibule(ZXCVBN);
    codes(&vestibule, "hunter2hunter2", &["ana@example.com"]).await;
    let text = log.text();
    assert!(
        !text.contains("hunter2") && !text.contains("ana@"),
        "{text}"
    );
    assert!(!format!("{:?}", vestibule.app().password_rules()).contains("hunter2"));
}
