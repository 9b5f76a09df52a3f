//! The mails about one-time codes, second factors and recovery codes.

use super::*;

/// Every variable of a mail but these.
fn without(names: &[&str]) -> Map<String, Value> {
    let mut context = everything();
    for name in names {
        assert!(context.remove(*name).is_some(), "{name}");
    }
    context
}

#[test]
fn one_time_code_has_its_own_line_and_is_selectable() {
    let renderer = Renderer::new(None);
    let mut context = everything();
    context.insert("token".to_owned(), json!("123456"));
    context.insert("login_token".to_owned(), json!("123456"));
    for locale in Locale::all() {
        for template in ["us_instructions", "two_factor_instructions"] {
            let (text, html) = write_in(&renderer, template, locale, &context);
            let alone = text.lines().filter(|line| *line == "123456").count();
            assert_eq!((alone, text.matches("123456").count()), (1, 1), "{text}");
            // Neither the heading nor the title, which previews show, contains the code.
            assert_eq!(html.matches("123456").count(), 1, "{html}");
            let (before, _) = html.split_once(">123456</p>").unwrap();
            let element = before.rsplit_once("<p ").unwrap().1;
            assert!(element.contains("user-select: all"), "{element}");
        }
    }
}

#[test]
fn code_is_found_under_both_names_of_the_reference() {
    let renderer = Renderer::new(None);
    for (missing, code) in [("login_token", "t0"), ("token", "t2")] {
        let (text, html) = write(&renderer, "us_instructions", &without(&[missing]));
        assert!(text.lines().any(|line| line == code), "{text}");
        assert!(html.contains(&format!(">{code}</p>")), "{html}");
    }
}

#[test]
fn code_without_a_link_is_mailed_without_a_button() {
    let renderer = Renderer::new(None);
    let (text, html) = write(&renderer, "us_instructions", &everything());
    assert!(text.contains("\nThe code and the link are valid for 1 hour and 30 minutes.\n"));
    assert!(html.contains(">Sign in</a>"), "{html}");
    let (text, html) = write(&renderer, "us_instructions", &without(&["login_link"]));
    assert!(text.contains("\nThis code is valid for 1 hour and 30 minutes.\n"));
    assert!(!text.contains("link"), "{text}");
    assert!(!html.contains("<a "), "{html}");
    let (text, _) = write(
        &renderer,
        "us_instructions",
        &without(&["login_link", "within"]),
    );
    assert!(!text.contains("valid for"), "{text}");
}

#[test]
fn operator_is_warned_before_helping_a_user() {
    let renderer = Renderer::new(None);
    let mut context = everything();
    let (text, html) = write(&renderer, "two_factor_rescue", &context);
    for part in [text, html] {
        assert!(
            part.contains("The user ana@example.com cannot use"),
            "{part}"
        );
        assert!(
            part.contains("An attacker who knows the password"),
            "{part}"
        );
        assert!(
            part.contains("with vestibule users reset_access."),
            "{part}"
        );
    }
    context.insert("user".to_owned(), json!({"email": null, "username": "ana"}));
    let (text, _) = write(&renderer, "two_factor_rescue", &context);
    assert!(text.contains("The user ana cannot use"), "{text}");
}

#[test]
fn methods_are_named_in_the_language_of_the_reader() {
    let renderer = Renderer::new(None);
    let mut context = everything();
    for (tag, expected) in [
        (
            "en",
            "added to the account ana@example.com: an authenticator app.",
        ),
        (
            "de",
            "Zum Konto ana@example.com wurde eine Anmeldemethode hinzugefügt: eine Authenticator-App.",
        ),
        (
            "fr",
            "au compte ana@example.com\u{a0}: une application d’authentification.",
        ),
        (
            "es",
            "a la cuenta ana@example.com: una aplicación de autenticación.",
        ),
    ] {
        let locale = Locale::negotiate(Some(tag));
        let (text, html) = write_in(&renderer, "factor_added_notice", locale, &context);
        assert!(text.contains(expected), "{text}");
        assert!(html.contains(expected), "{html}");
    }
    context.insert("method".to_owned(), json!("a <b>key</b>"));
    let (text, html) = write(&renderer, "factor_removed_notice", &context);
    assert!(text.contains("from the account ana@example.com: a <b>key</b>."));
    assert!(html.contains(": a &lt;b&gt;key&lt;/b&gt;."), "{html}");
    context.remove("method");
    let (text, _) = write(&renderer, "factor_removed_notice", &context);
    assert!(text.contains("was removed from the account ana@example.com.\n"));
}

#[test]
fn remaining_recovery_codes_are_counted() {
    let renderer = Renderer::new(None);
    for (remaining, expected) in [
        (
            json!(0),
            Some("This was your last recovery code. Create new ones now."),
        ),
        (
            json!(1),
            Some("You have one recovery code left. Create new ones soon."),
        ),
        (json!(4), Some("You have 4 recovery codes left.")),
        (json!(null), None),
    ] {
        let mut context = everything();
        context.insert("remaining".to_owned(), remaining);
        let (text, html) = write(&renderer, "recovery_code_used_notice", &context);
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("code")).collect();
        // What happened, how many codes are left, and what to do if this was not the user.
        assert_eq!(lines.len(), 2 + usize::from(expected.is_some()), "{text}");
        if let Some(expected) = expected {
            assert!(text.lines().any(|line| line == expected), "{text}");
            assert!(html.contains(&format!(">{expected}</p>")), "{html}");
        }
    }
}

#[test]
fn notice_of_a_new_device_names_what_is_known() {
    let renderer = Renderer::new(None);
    let (text, _) = write(&renderer, "new_device_notice", &everything());
    assert!(
        text.contains("\nDevice: Firefox\n\nIP address: 203.0.113.7\n"),
        "{text}"
    );
    let (text, html) = write(&renderer, "new_device_notice", &without(&["device"]));
    assert!(
        !text.contains("Device:") && !html.contains("Device:"),
        "{text}"
    );
    let (text, html) = write(
        &renderer,
        "new_device_notice",
        &without(&["device", "address", "recovery_link"]),
    );
    assert!(
        !text.contains("address:") && !html.contains("address:"),
        "{text}"
    );
    assert!(!html.contains("<a "), "{html}");
}

#[test]
fn every_notice_says_what_to_do_if_it_was_not_the_user() {
    let renderer = Renderer::new(None);
    let context = everything();
    let notices = MAILS.iter().filter(|(name, _)| name.ends_with("_notice"));
    for (name, _) in notices {
        let (text, html) = write(&renderer, name, &context);
        assert!(text.contains("\nIf this was not you, "), "{text}");
        assert!(html.contains(">If this was not you, "), "{html}");
    }
}

#[test]
fn attack_markup_in_the_name_of_a_device_is_escaped() {
    let renderer = Renderer::new(None);
    let mut context = everything();
    let name =
        "<a href='https://evil.example'>\r\nhttps://evil.example/\u{2028}%(email)s{{ other }}";
    context.insert("device".to_owned(), json!(name));
    context.insert("address".to_owned(), json!(name));
    let (text, html) = write(&renderer, "new_device_notice", &context);
    assert!(!html.contains("<a href='"), "{html}");
    assert!(!text.lines().any(|line| line.starts_with("https://evil")));
    assert!(!text.contains("t9") && !text.contains('\u{2028}'), "{text}");
    assert!(text.contains("%(email)s{{ other }}"), "{text}");
}
