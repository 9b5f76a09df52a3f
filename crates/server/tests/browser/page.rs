//! The page, with the scripts of `docs/features/webauthn.md`.

const DOCUMENT: &str = include_str!("../../../../docs/features/webauthn.md");
const PAGE: &str = include_str!("page.html");

/// The page for an app whose API is at this address, which ends with `/`.
pub(crate) fn page(api: &str) -> String {
    let ceremonies = [
        ("REGISTER", "Registering"),
        ("SIGN_IN", "Signing in"),
        ("AUTOFILL", "Autofill"),
        ("VERIFY", "Proving the identity again"),
    ];
    let mut page = PAGE
        .replace("{INPUT}", block("Autofill", "html"))
        .replace("{API}", api);
    for (name, heading) in ceremonies {
        let script = block(heading, "js");
        page = page.replace(&format!("/*{name}*/"), script);
    }
    page
}

/// The first block in this language below a heading.
fn block(heading: &str, language: &str) -> &'static str {
    let below = DOCUMENT.split("\n## ").find_map(|section| {
        let (title, text) = section.split_once('\n')?;
        (title == heading).then_some(text)
    });
    below
        .and_then(|text| text.split_once(&format!("```{language}\n")))
        .and_then(|(_, rest)| rest.split_once("```"))
        .unwrap_or_else(|| panic!("the page has no {language} below {heading}"))
        .0
}
