//! Renders every mail that the settings can send, without sending it, so that a broken template is
//! found before a user waits for its mail.

use serde_json::{Map, Value, json};
use time::OffsetDateTime;

use super::render::{Bodies, Renderer, built_in};
use super::transport::{self, Outgoing};
use crate::messages::catalogue::{Catalogues, Locale};
use crate::settings::{MailTemplate, Method, Problem, Settings};

/// The result of a rehearsed mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsed {
    /// The template, as the settings name it.
    pub template: String,
    /// The languages that the mail was rendered in.
    pub languages: Vec<&'static str>,
    /// What is wrong with the mail, if anything.
    pub problem: Option<Problem>,
}

/// A kind of mail.
struct Kind<'a> {
    /// The setting that names the template.
    key: &'static str,
    template: &'a MailTemplate,
    /// The variables that the template always gets, besides the user.
    given: &'static [&'static str],
    /// The variables that it gets only sometimes.
    sometimes: &'static [&'static str],
}

/// Renders and encodes every mail of every active feature in every language.
#[must_use]
pub fn all(settings: &Settings) -> Vec<Rehearsed> {
    let renderer = Renderer::new(settings.mail.templates.clone());
    let kinds = kinds(settings);
    kinds
        .iter()
        .map(|kind| Rehearsed {
            template: kind.template.path.clone(),
            languages: Locale::all().map(Locale::tag).collect(),
            problem: rehearse(kind, &renderer, settings).err(),
        })
        .collect()
}

/// The errors in custom templates. Every mail with such a template would fail.
#[must_use]
pub fn problems(settings: &Settings) -> Vec<Problem> {
    let mut kinds = kinds(settings);
    if settings.mail.templates.is_none() {
        kinds.retain(|kind| !is_built_in(settings, &kind.template.path));
    }
    if kinds.is_empty() {
        return Vec::new();
    }
    let renderer = Renderer::new(settings.mail.templates.clone());
    kinds
        .iter()
        .filter_map(|kind| rehearse(kind, &renderer, settings).err())
        .collect()
}

fn is_built_in(settings: &Settings, path: &str) -> bool {
    let there = |ending: &str| built_in::find(&format!("{path}.{ending}")).is_some();
    (!settings.mail.text || there("txt")) && (!settings.mail.html || there("html"))
}

/// The kinds of mail of the active features.
fn kinds(settings: &Settings) -> Vec<Kind<'_>> {
    let accounts = &settings.accounts;
    let mut kinds = Vec::new();
    let mut add = |key, template, given, sometimes| {
        kinds.push(Kind {
            key,
            template,
            given,
            sometimes,
        });
    };
    let register = &accounts.register;
    if register.enabled && register.send_mail {
        add(
            "SECURITY_REGISTER_EMAIL_TEMPLATE",
            &register.welcome,
            &[][..],
            &["confirmation_link", "confirmation_token"][..],
        );
        if settings.login.return_generic_responses {
            add(
                "SECURITY_REGISTER_EMAIL_EXISTING_TEMPLATE",
                &register.existing,
                &[],
                &["recovery_link", "reset_link", "reset_token"],
            );
            add(
                "SECURITY_REGISTER_EMAIL_EXISTING_USERNAME_TEMPLATE",
                &register.existing_username,
                &["email", "username"],
                &[],
            );
        }
    }
    if settings.login.confirmable {
        add(
            "SECURITY_EMAIL_TEMPLATE_CONFIRM",
            &accounts.confirm.instructions,
            &["confirmation_link", "confirmation_token", "within"],
            &[],
        );
    }
    if accounts.passwordless.enabled {
        add(
            "SECURITY_EMAIL_TEMPLATE_PASSWORDLESS",
            &accounts.passwordless.instructions,
            &["login_link", "login_token", "within"],
            &[],
        );
    }
    let recover = &accounts.recover;
    if let (true, Some(instructions)) = (recover.enabled, &recover.instructions) {
        add(
            "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET",
            instructions,
            &["reset_link", "reset_token", "within"],
            &[],
        );
    }
    if let (true, Some(notice)) = (recover.enabled, &recover.notice) {
        add(
            "SECURITY_EMAIL_TEMPLATE_PASSWORD_RESET_NOTICE",
            notice,
            &[],
            &["recovery_link"],
        );
    }
    let change = &accounts.change_password;
    if let (true, Some(notice)) = (change.enabled, &change.notice) {
        add(
            "SECURITY_EMAIL_TEMPLATE_PASSWORD_CHANGE_NOTICE",
            notice,
            &[],
            &["recovery_link"],
        );
    }
    let change = &accounts.change_email;
    if change.enabled {
        add(
            "SECURITY_CHANGE_EMAIL_EMAIL_TEMPLATE",
            &change.instructions,
            &["link", "token", "within"],
            &[],
        );
        if let Some(notice) = &change.notice {
            add("SECURITY_CHANGE_EMAIL_NOTICE_TEMPLATE", notice, &[], &[]);
        }
    }
    let change = &accounts.change_username;
    if let (true, Some(notice)) = (change.enabled, &change.notice) {
        add("SECURITY_CHANGE_USERNAME_EMAIL_TEMPLATE", notice, &[], &[]);
    }
    if accounts.recover_username.enabled {
        add(
            "SECURITY_USERNAME_RECOVERY_EMAIL_TEMPLATE",
            &accounts.recover_username.instructions,
            &["username"],
            &[],
        );
    }
    kinds.extend(codes(settings));
    kinds.extend(notices(settings));
    kinds
}

/// The mails with one-time codes, and the one about a user who cannot show the second factor.
fn codes(settings: &Settings) -> Vec<Kind<'_>> {
    let mut kinds = Vec::new();
    let (unified, two_factor) = (&settings.unified, &settings.two_factor);
    if unified.has(Method::Email) {
        kinds.push(Kind {
            key: "SECURITY_US_EMAIL_TEMPLATE",
            template: &unified.email,
            given: &["login_token", "token", "username", "within"],
            sometimes: &["login_link"],
        });
    }
    let mails_codes = two_factor.rescue_email || two_factor.methods.contains(&Method::Email);
    if two_factor.enabled && mails_codes {
        kinds.push(Kind {
            key: "SECURITY_TWO_FACTOR_EMAIL_TEMPLATE",
            template: &two_factor.email,
            given: &["token", "username", "within"],
            sometimes: &[],
        });
    }
    if two_factor.enabled {
        kinds.push(Kind {
            key: "SECURITY_TWO_FACTOR_RESCUE_EMAIL_TEMPLATE",
            template: &two_factor.rescue,
            given: &[],
            sometimes: &[],
        });
    }
    kinds
}

/// The notices about sign-in methods, recovery codes and new devices.
fn notices(settings: &Settings) -> Vec<Kind<'_>> {
    let notices = &settings.notices;
    let mut kinds = Vec::new();
    let mut add = |key, template, given| {
        kinds.push(Kind {
            key,
            template,
            given,
            sometimes: &["recovery_link"],
        });
    };
    let factors =
        settings.two_factor.enabled || settings.unified.enabled || settings.webauthn.enabled;
    if factors && notices.factors {
        add(
            "SECURITY_EMAIL_TEMPLATE_FACTOR_ADDED_NOTICE",
            &notices.factor_added,
            &["method"][..],
        );
        add(
            "SECURITY_EMAIL_TEMPLATE_FACTOR_REMOVED_NOTICE",
            &notices.factor_removed,
            &["method"],
        );
        add(
            "SECURITY_EMAIL_TEMPLATE_RECOVERY_CODES_RENEWED_NOTICE",
            &notices.recovery_codes_renewed,
            &[],
        );
        add(
            "SECURITY_EMAIL_TEMPLATE_RECOVERY_CODE_USED_NOTICE",
            &notices.recovery_code_used,
            &["remaining"],
        );
    }
    if notices.new_device {
        kinds.push(Kind {
            key: "SECURITY_EMAIL_TEMPLATE_NEW_DEVICE_NOTICE",
            template: &notices.new_device_template,
            given: &["address"],
            sometimes: &["device", "recovery_link"],
        });
    }
    kinds
}

/// Renders one kind in every language, with all possible variables and with as few as possible.
fn rehearse(kind: &Kind<'_>, renderer: &Renderer, settings: &Settings) -> Result<(), Problem> {
    let catalogues = Catalogues::built_in();
    let bodies = Bodies {
        text: settings.mail.text,
        html: settings.mail.html,
    };
    let path = &kind.template.path;
    for locale in Locale::all() {
        for all in [true, false] {
            let context = context(kind, all);
            let rendered = renderer
                .render(path, locale, &catalogues, &context, bodies)
                .map_err(|error| {
                    Problem::new(
                        kind.key,
                        format!("{path:?} cannot be rendered ({}): {error}", locale.tag()),
                        "correct or remove that file: no mail of this kind could be sent",
                    )
                })?;
            let subject = catalogues.translate(locale, &kind.template.subject);
            let mail = Outgoing {
                from: settings.mail.sender.clone(),
                to: "ana@example.com".to_owned(),
                subject: subject.to_owned(),
                text: rendered.text,
                html: rendered.html,
                message_id: "<rehearsal@example.com>".to_owned(),
                date: OffsetDateTime::UNIX_EPOCH,
            };
            transport::encode(&mail).map_err(|why| {
                Problem::new(
                    kind.key,
                    format!("{path:?} cannot be encoded ({}): {why}", locale.tag()),
                    "correct its template, its subject or SECURITY_EMAIL_SENDER",
                )
            })?;
        }
    }
    Ok(())
}

fn context(kind: &Kind<'_>, all: bool) -> Map<String, Value> {
    let sometimes = if all { kind.sometimes } else { &[] };
    let mut context: Map<String, Value> = kind
        .given
        .iter()
        .chain(sometimes)
        .map(|name| ((*name).to_owned(), sample(name)))
        .collect();
    let username = all.then_some("ana");
    let user = json!({ "email": "ana@example.com", "username": username });
    context.insert("user".to_owned(), user);
    context
}

fn sample(name: &str) -> Value {
    let text = match name {
        "email" => "ana@example.com",
        "username" => "ana",
        "within" => "2 days",
        "remaining" => return Value::from(3),
        "method" => "authenticator",
        "address" => "203.0.113.7",
        "device" => "Firefox",
        name if name.ends_with("token") => "a-token",
        _ => "https://accounts.example.com/a-link",
    };
    Value::from(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRETS: &str = r#"
SECRET_KEY = "a secret key of the rehearsal's tests, 0123456789"
SECURITY_PASSWORD_SALT = "146585145368132386173505678016728509634"
SECURITY_TOTP_SECRETS = { "1" = "TjQ9Qa31VOrfEzuPy4VHQWPCTmRzCnFzMKLxXYiZu9B" }
"#;

    fn templates(line: &str) -> Vec<String> {
        let settings = Settings::from_toml(&format!("{SECRETS}{line}")).unwrap();
        let rehearsed = all(&settings);
        for mail in &rehearsed {
            assert_eq!(mail.problem, None);
        }
        rehearsed.into_iter().map(|mail| mail.template).collect()
    }

    #[test]
    fn mails_with_codes_are_rehearsed_if_they_can_be_sent() {
        let code = "security/email/us_instructions";
        let second = "security/email/two_factor_instructions";
        let rescue = "security/email/two_factor_rescue";
        for (line, expected) in [
            (
                "SECURITY_UNIFIED_SIGNIN = true\nSECURITY_LOGIN_ERROR_VIEW = \"/x\"",
                &[code][..],
            ),
            ("SECURITY_TWO_FACTOR = true", &[second, rescue]),
            (
                "SECURITY_TWO_FACTOR = true\nSECURITY_TWO_FACTOR_RESCUE_EMAIL = false\nSECURITY_TWO_FACTOR_ENABLED_METHODS = [\"authenticator\"]",
                &[rescue],
            ),
            ("", &[]),
        ] {
            let sent = templates(&format!("{line}\nSECURITY_FACTOR_NOTICES = false"));
            assert_eq!(sent, expected, "{line}");
        }
    }

    #[test]
    fn notices_are_rehearsed_if_they_can_be_sent() {
        let notices = [
            "security/email/factor_added_notice",
            "security/email/factor_removed_notice",
            "security/email/recovery_codes_renewed_notice",
            "security/email/recovery_code_used_notice",
        ];
        let sent = templates("SECURITY_TWO_FACTOR = true");
        assert!(
            notices
                .iter()
                .all(|notice| sent.iter().any(|one| one == notice))
        );
        assert!(!sent.iter().any(|one| one.contains("new_device")));
        for line in [
            "",
            "SECURITY_TWO_FACTOR = true\nSECURITY_FACTOR_NOTICES = false",
        ] {
            let sent = templates(line);
            assert!(!sent.iter().any(|one| one.ends_with("_notice")));
        }
        let sent = templates("SECURITY_NEW_DEVICE_NOTICE = true");
        assert_eq!(sent, ["security/email/new_device_notice"]);
    }
}
