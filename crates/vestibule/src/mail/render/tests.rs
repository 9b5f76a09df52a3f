use std::fs;
use std::path::Path;

use serde_json::json;

use super::*;

mod factors;

const BOTH: Bodies = Bodies {
    text: true,
    html: true,
};

/// The built-in templates, with the variables for their links.
const MAILS: [(&str, &[&str]); 20] = [
    ("welcome", &["confirmation_link"]),
    ("welcome_existing", &["reset_link"]),
    ("welcome_existing_username", &[]),
    ("confirmation_instructions", &["confirmation_link"]),
    ("login_instructions", &["login_link"]),
    ("reset_instructions", &["reset_link"]),
    ("reset_notice", &["recovery_link"]),
    ("change_notice", &["recovery_link"]),
    ("change_email_instructions", &["link"]),
    ("change_email_notice", &[]),
    ("change_username_notice", &[]),
    ("username_recovery", &[]),
    ("us_instructions", &["login_link"]),
    ("two_factor_instructions", &[]),
    ("two_factor_rescue", &[]),
    ("factor_added_notice", &["recovery_link"]),
    ("factor_removed_notice", &["recovery_link"]),
    ("recovery_codes_renewed_notice", &["recovery_link"]),
    ("recovery_code_used_notice", &["recovery_link"]),
    ("new_device_notice", &["recovery_link"]),
];

fn map(json: Value) -> Map<String, Value> {
    match json {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

/// Every variable that a caller could pass.
fn everything() -> Map<String, Value> {
    map(json!({
        "user": {"email": "ana@example.com", "username": "ana"},
        "email": "ana@example.com",
        "username": "ana",
        "within": 5400,
        "token": "t0",
        "link": "https://example.com/link?a=1&b=2",
        "confirmation_link": "https://example.com/confirm/t1",
        "confirmation_token": "t1",
        "login_link": "https://example.com/login/t2",
        "login_token": "t2",
        "reset_link": "https://example.com/reset/t3",
        "reset_token": "t3",
        "recovery_link": "https://example.com/recover",
        "method": "authenticator",
        "remaining": 3,
        "address": "203.0.113.7",
        "device": "Firefox",
        "other": "t9",
    }))
}

fn write(renderer: &Renderer, name: &str, context: &Map<String, Value>) -> (String, String) {
    write_in(renderer, name, Locale::ENGLISH, context)
}

fn write_in(
    renderer: &Renderer,
    name: &str,
    locale: Locale,
    context: &Map<String, Value>,
) -> (String, String) {
    let path = format!("security/email/{name}");
    let rendered = renderer
        .render(&path, locale, &Catalogues::built_in(), context, BOTH)
        .unwrap_or_else(|error| panic!("{error}"));
    (rendered.text.unwrap(), rendered.html.unwrap())
}

fn failure(renderer: &Renderer, path: &str) -> String {
    let catalogues = Catalogues::built_in();
    let result = renderer.render(path, Locale::ENGLISH, &catalogues, &everything(), BOTH);
    match result {
        Ok(rendered) => panic!("{:?}", rendered.text),
        Err(error) => error.to_string(),
    }
}

/// Creates a folder with these files.
fn folder(test: &str, files: &[(&str, &str)]) -> PathBuf {
    let root = std::env::temp_dir().join(format!("vestibule-mail-{}-{test}", std::process::id()));
    let _ = fs::remove_dir_all(&root);
    fs::create_dir_all(root.join("security/email")).unwrap();
    for (name, source) in files {
        fs::write(root.join(name), source).unwrap();
    }
    root
}

#[test]
fn every_mail_is_rendered_in_every_language() {
    let renderer = Renderer::new(None);
    // Without the frame, the button and the code, which other templates include.
    let words = built_in::TEMPLATES.len() - 3;
    assert_eq!(
        words,
        MAILS.len() * 2,
        "a built-in template is missing from MAILS"
    );
    let (rich, poor) = (everything(), map(json!({"user": {"email": null}})));
    for locale in Locale::all() {
        for (name, links) in MAILS {
            let (text, html) = write_in(&renderer, name, locale, &rich);
            for link in links {
                let link = rich[*link].as_str().unwrap();
                assert!(text.lines().any(|line| line == link), "{name}: {text}");
                let escaped = link.replace('&', "&amp;");
                assert_eq!(html.matches(&escaped).count(), 3, "{name}: {html}");
            }
            assert_eq!(text.matches("https://").count(), links.len(), "{name}");
            assert!(html.starts_with("<!doctype html>"), "{name}: {html}");
            assert!(html.contains(&format!("lang=\"{}\"", locale.tag())));
            assert_eq!(html.matches("<a ").count(), links.len() * 2, "{name}");
            for left_over in ["%(", "{{", "{%", "{#", "none", "undefined"] {
                assert!(!text.contains(left_over), "{name}: {text}");
            }
            for left_over in ["%(", "{{", "{%", "{#", "src=", "url(", "@import", "<script"] {
                assert!(!html.contains(left_over), "{name}: {html}");
            }
            assert!(!text.contains("\n\n\n") && !text.contains(" \n"), "{text}");
            // Missing variables leave no placeholder behind.
            let (text, html) = write_in(&renderer, name, locale, &poor);
            assert!(!text.contains("%(") && !html.contains("%("), "{name}");
            assert!(!text.contains("none") && !html.contains(">none"), "{name}");
        }
    }
}

#[test]
fn languages_differ_in_every_sentence() {
    let renderer = Renderer::new(None);
    let context = everything();
    for (name, _) in MAILS {
        let (english, _) = write(&renderer, name, &context);
        for locale in Locale::all().skip(1) {
            let (other, _) = write_in(&renderer, name, locale, &context);
            let pairs = english.lines().zip(other.lines());
            let same = pairs.filter(|(one, other)| one == other);
            for (line, _) in same {
                let code = ["t0", "t2"].contains(&line);
                assert!(
                    line.is_empty() || code || line.starts_with("https://"),
                    "{line}"
                );
            }
        }
    }
}

#[test]
fn a_duration_may_be_words_or_seconds() {
    let renderer = Renderer::new(None);
    let german = Locale::negotiate(Some("de"));
    for within in [json!(5400), json!("1 Stunde und 30 Minuten")] {
        let mut context = everything();
        context.insert("within".to_owned(), within);
        let (text, html) = write_in(&renderer, "reset_instructions", german, &context);
        assert!(
            text.contains("ist 1 Stunde und 30 Minuten gültig."),
            "{text}"
        );
        assert!(
            html.contains("ist 1 Stunde und 30 Minuten gültig."),
            "{html}"
        );
    }
}

#[test]
fn only_the_requested_parts_are_rendered() {
    let renderer = Renderer::new(None);
    for (text, html) in [(true, false), (false, true), (false, false)] {
        let rendered = renderer
            .render(
                "security/email/welcome",
                Locale::ENGLISH,
                &Catalogues::built_in(),
                &everything(),
                Bodies { text, html },
            )
            .unwrap();
        assert_eq!(
            (rendered.text.is_some(), rendered.html.is_some()),
            (text, html)
        );
    }
}

#[test]
fn an_existing_account_holder_gets_no_confirmation_link() {
    let renderer = Renderer::new(None);
    let mut context = everything();
    let (text, html) = write(&renderer, "welcome_existing", &context);
    assert!(text.contains("/reset/") && html.contains("/reset/"));
    assert!(!text.contains("/confirm/") && !html.contains("/confirm/"));
    context.remove("reset_link");
    let (text, html) = write(&renderer, "welcome_existing", &context);
    assert!(!text.contains("https://") && !html.contains("https://"));
}

#[test]
fn attack_markup_in_mails_values_are_escaped_and_never_interpreted() {
    let renderer = Renderer::new(None);
    let mut context = everything();
    let name = "<b>\"a'&{{ other }}%(email)s\r\n\r\nhttps://evil.example/\u{2028}x";
    context.insert("username".to_owned(), json!(name));
    context.insert("user".to_owned(), json!({"email": name, "username": name}));
    for (template, _) in MAILS {
        let (text, html) = write(&renderer, template, &context);
        assert!(!html.contains("<b>") && !html.contains("\"a'"), "{html}");
        assert!(!text.lines().any(|line| line.starts_with("https://evil")));
        assert!(!text.contains("t9") && !text.contains('\u{2028}'), "{text}");
    }
    let (text, html) = write(&renderer, "username_recovery", &context);
    assert!(
        text.contains("It is <b>\"a'&{{ other }}%(email)s    https://evil"),
        "{text}"
    );
    assert!(
        html.contains("It is &lt;b&gt;&quot;a&#39;&amp;{{ other }}%(email)s"),
        "{html}"
    );
    context.insert("link".to_owned(), json!("https://x/\"><script>"));
    let (_, html) = write(&renderer, "change_email_instructions", &context);
    assert!(
        html.contains("https://x/&quot;&gt;&lt;script&gt;"),
        "{html}"
    );
}

#[test]
fn a_folder_overrides_built_in_templates_and_is_read_each_time() {
    let root = folder(
        "replaces",
        &[
            ("security/email/welcome.txt", "Mine, {{ user.email }}"),
            (
                "security/email/base.html",
                "<i>{% block body %}{% endblock %}</i>",
            ),
        ],
    );
    let renderer = Renderer::new(Some(root.clone()));
    let (text, html) = write(&renderer, "welcome", &everything());
    assert_eq!(text, "Mine, ana@example.com\n");
    assert!(
        html.starts_with("<i>") && html.contains("/confirm/t1"),
        "{html}"
    );
    fs::write(root.join("security/email/welcome.txt"), "Newer").unwrap();
    assert_eq!(write(&renderer, "welcome", &everything()).0, "Newer\n");
    fs::remove_file(root.join("security/email/welcome.txt")).unwrap();
    let (text, _) = write(&renderer, "welcome", &everything());
    assert_eq!(
        text,
        write(&Renderer::new(None), "welcome", &everything()).0
    );
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn templates_written_for_the_reference_work() {
    let html = "{# Takes things. #}\n\
        <p>{{ _fsdomain('Enter a password.') }} {{ _fsdomain('Hi %(email)s!', email=user.email) }}</p>\n\
        {% if security.confirmable %}{{ _fsdomain('<a href=\"%(link)s\">here</a>', \
        link=confirmation_link)|safe }}{% endif %}\n\
        {% if config['SECURITY_X'] and config.Y.z %}no{% endif %}{{ config[\"SECURITY_X\"] }}\
        {{ user.us_phone_number }}{{ user.roles[0].name }}{% if not security.two_factor %}!{% endif %}\n\
        {{ _('<u>') }} {{ gettext('<u>')|safe }} {{ _('a')|upper }} {{ _('a') ~ _('%(x)s', x='<') }}";
    let text = "{%- if security.recoverable -%}{{ _('Use %(reset_link)s & be glad', \
        reset_link=reset_link)|safe }}{%- endif %} {{ within }}";
    let root = folder(
        "reference",
        &[
            ("security/email/welcome.html", html),
            ("security/email/welcome.txt", text),
        ],
    );
    let renderer = Renderer::new(Some(root.clone()));
    let mut context = everything();
    context.insert("user".to_owned(), json!({"email": "<a>@x"}));
    context.insert("confirmation_link".to_owned(), json!("https://x/?a=\"&b"));
    let german = Locale::negotiate(Some("de"));
    let (text, html) = write_in(&renderer, "welcome", german, &context);
    let lines: Vec<&str> = html.lines().collect();
    assert_eq!(
        lines,
        [
            "<p>Geben Sie ein Passwort ein. Hi &lt;a&gt;@x!</p>",
            "<a href=\"https://x/?a=&quot;&amp;b\">here</a>",
            "!",
            "&lt;u&gt; <u> A a&amp;lt;",
        ]
    );
    assert_eq!(
        text,
        "Use https://example.com/reset/t3 & be glad 1 Stunde und 30 Minuten\n"
    );
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn template_errors_name_the_file_and_the_line() {
    let root = folder(
        "broken",
        &[
            ("security/email/welcome.txt", "one\n{{ two\n"),
            ("security/email/reset_notice.txt", "one\n\n{{ missing() }}"),
            ("security/email/part.txt", "one\n{{ user|nonsense }}"),
            (
                "security/email/change_notice.txt",
                "{% include 'security/email/part.txt' %}",
            ),
            ("security/email/mine.txt", "only text"),
            ("security/email/username_recovery.txt", "{{ _('x' }}"),
        ],
    );
    let latin = root.join("security/email/change_email_notice.txt");
    fs::write(&latin, b"\xe9").unwrap();
    let renderer = Renderer::new(Some(root.clone()));
    for (template, file, line) in [
        ("welcome", "welcome.txt", 2),
        ("reset_notice", "reset_notice.txt", 3),
        ("change_notice", "part.txt", 2),
        ("username_recovery", "username_recovery.txt", 1),
        ("change_email_notice", "change_email_notice.txt", 0),
    ] {
        let said = failure(&renderer, &format!("security/email/{template}"));
        let file = root.join("security/email").join(file);
        let expected = format!("{}:{line}: ", file.display());
        assert!(said.starts_with(&expected), "{said}");
        assert!(!said.contains("t0") && !said.contains("ana@"), "{said}");
    }
    // The text part exists, but the HTML part does not.
    let said = failure(&renderer, "security/email/mine");
    assert!(said.starts_with("security/email/mine.html:0: "), "{said}");
    fs::remove_dir_all(root).unwrap();
}

#[test]
fn attack_path_traversal_no_template_outside_the_folder_is_read() {
    let root = folder(
        "outside",
        &[
            ("secret.txt", "secret"),
            ("secret.html", "secret"),
            (
                "security/email/welcome.txt",
                "{% include '../secret.txt' %}",
            ),
            (
                "security/email/reset_notice.txt",
                "{% include 'security/../../secret.txt' %}",
            ),
        ],
    );
    let inside = Renderer::new(Some(root.join("security")));
    let outside = root.join("secret");
    for path in ["../secret", outside.to_str().unwrap(), "./../secret", ""] {
        assert!(!failure(&inside, path).contains("secret\n"), "{path}");
    }
    let renderer = Renderer::new(Some(root.clone()));
    for template in ["welcome", "reset_notice"] {
        let said = failure(&renderer, &format!("security/email/{template}"));
        assert!(said.contains(&format!("{template}.txt:1: ")), "{said}");
    }
    assert!(failure(&Renderer::new(None), "security/email/nothing").contains("nothing.txt"));
    assert!(Path::new(&outside.with_extension("txt")).exists());
    fs::remove_dir_all(root).unwrap();
}
