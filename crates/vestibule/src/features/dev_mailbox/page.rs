//! The page of the dev mailbox.

use std::fmt::Write as _;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::mail::transport::Outgoing;
use crate::sms::transport::SmsMessage;

const HEAD: &str = r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Mailbox</title>
<style>
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0; }
header p { opacity: .7; margin: .2rem 0 1.5rem; }
article { border: 1px solid #8884; border-radius: .6rem; margin: 0 0 1rem; padding: .9rem 1.1rem; }
h2 { font-size: 1.05rem; margin: 0; }
.who { opacity: .7; margin: 0 0 .7rem; }
.who time { float: right; }
ul { list-style: none; margin: .7rem 0; padding: 0; }
li a { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; padding: .45rem .7rem; border-radius: .4rem; background: #4a7dff22; text-decoration: none; }
li + li { margin-top: .3rem; }
summary { cursor: pointer; opacity: .8; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; margin: .6rem 0 0; }
iframe { width: 100%; height: 24rem; border: 1px solid #8884; border-radius: .4rem; margin-top: .6rem; background: #fff; }
</style>
"#;

/// Renders every mail and SMS, the newest first.
pub(super) fn render(mails: &[Outgoing], sms: &[SmsMessage]) -> String {
    let mut page = String::from(HEAD);
    let mut articles: Vec<(OffsetDateTime, String)> = mails
        .iter()
        .map(|mail| (mail.date, article(mail)))
        .chain(sms.iter().map(|sms| (sms.date, sms_article(sms))))
        .collect();
    // Stable: what was sent in the same moment stays in its order.
    articles.sort_by_key(|(date, _)| std::cmp::Reverse(*date));
    if articles.is_empty() {
        // Only while the mailbox is empty: a reload would close a mail that is being read.
        page.push_str("<meta http-equiv=\"refresh\" content=\"2\">\n");
    }
    let count = match articles.len() {
        0 => "No messages yet. The emails and SMS that this server would send appear here."
            .to_owned(),
        1 => "1 message. Nothing leaves this machine.".to_owned(),
        count => format!("{count} messages, newest first. Nothing leaves this machine."),
    };
    let _ = write!(
        page,
        "<header><h1>Mailbox</h1><p>{count}</p></header>\n<main>\n"
    );
    for (_, article) in articles {
        page.push_str(&article);
    }
    page.push_str("</main>\n</html>\n");
    page
}

fn sms_article(sms: &SmsMessage) -> String {
    format!(
        "<article><h2>SMS</h2>\n<p class=\"who\">to {} <time>{}</time></p>\n<pre>{}</pre></article>\n",
        escaped(&sms.to),
        escaped(&sms.date.format(&Rfc3339).unwrap_or_default()),
        escaped(&sms.text),
    )
}

fn article(mail: &Outgoing) -> String {
    let mut page = String::new();
    let date = mail.date.format(&Rfc3339).unwrap_or_default();
    let _ = write!(
        page,
        "<article><h2>{}</h2>\n<p class=\"who\">to {} <time>{}</time></p>\n",
        escaped(&mail.subject),
        escaped(&mail.to),
        escaped(&date),
    );
    let links = links(mail);
    if !links.is_empty() {
        page.push_str("<ul>");
        for link in links {
            let link = escaped(&link);
            let _ = write!(
                page,
                "<li><a href=\"{link}\" rel=\"noreferrer\">{link}</a></li>"
            );
        }
        page.push_str("</ul>\n");
    }
    if let Some(text) = &mail.text {
        let _ = writeln!(
            page,
            "<details><summary>Text</summary><pre>{}</pre></details>",
            escaped(text)
        );
    }
    if let Some(html) = &mail.html {
        // The empty sandbox runs no scripts, and isolates the frame from this page.
        let _ = writeln!(
            page,
            "<details><summary>HTML</summary><iframe sandbox=\"\" srcdoc=\"{}\"></iframe></details>",
            escaped(html)
        );
    }
    page.push_str("</article>\n");
    page
}

/// The distinct URLs in a mail's text, or in its HTML if it has no text.
pub(super) fn links(mail: &Outgoing) -> Vec<String> {
    let text = mail.text.as_deref().or(mail.html.as_deref());
    let mut links = Vec::new();
    let mut rest = text.unwrap_or_default();
    while let Some(start) = ["http://", "https://"]
        .iter()
        .filter_map(|scheme| rest.find(scheme))
        .min()
    {
        let link = &rest[start..];
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')');
        let end = link.find(ends).unwrap_or(link.len());
        let found = link[..end].trim_end_matches(['.', ',', ';']).to_owned();
        if !links.contains(&found) {
            links.push(found);
        }
        rest = &link[end..];
    }
    links
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(text: &str) -> Outgoing {
        Outgoing {
            from: "no-reply@localhost".to_owned(),
            to: "ana@example.com".to_owned(),
            subject: "Hello <b>".to_owned(),
            text: Some(text.to_owned()),
            html: Some("<script>alert(1)</script>".to_owned()),
            message_id: "<1@localhost>".to_owned(),
            date: OffsetDateTime::UNIX_EPOCH,
        }
    }

    fn sms(text: &str) -> SmsMessage {
        SmsMessage {
            to: "<b>+15550100".to_owned(),
            text: text.to_owned(),
            message_id: "sms_1".to_owned(),
            date: OffsetDateTime::UNIX_EPOCH + std::time::Duration::from_secs(1),
        }
    }

    #[test]
    fn mails_and_sms_are_shown_newest_first() {
        let page = render(&[mail("older")], &[sms("newer")]);
        assert!(page.contains("2 messages"), "{page}");
        assert!(page.find("newer") < page.find("older"), "{page}");
    }

    #[test]
    fn links_are_found_once_each() {
        let text = "Go to http://localhost/a?b=1. Or (https://x.example/c)\nhttp://localhost/a?b=1";
        assert_eq!(
            links(&mail(text)),
            ["http://localhost/a?b=1", "https://x.example/c"]
        );
        assert!(links(&mail("nothing")).is_empty());
    }

    #[test]
    fn attack_markup_in_mails_is_escaped_in_the_dev_mailbox() {
        let page = render(
            &[mail("</pre><script>alert(2)</script> http://x/\"onclick=1")],
            &[sms("</pre><script>alert(3)</script>")],
        );
        assert!(!page.contains("<script"), "{page}");
        assert!(!page.contains("<b>"), "{page}");
        assert!(!page.contains("\"onclick"), "{page}");
    }
}
