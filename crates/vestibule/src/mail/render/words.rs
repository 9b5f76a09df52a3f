//! Translation in templates with `_("...", name=value)`, and the escaping of values in HTML.

use std::fmt;
use std::sync::Arc;

use minijinja::value::{Kwargs, Object, ObjectRepr};
use minijinja::{AutoEscape, Environment, Error, Output, State, Value, escape_formatter};

use crate::messages::catalogue::{Catalogues, Locale};
use crate::messages::placeholders;

/// The names of the translation function in the reference's templates, and gettext's.
const NAMES: [&str; 3] = ["_", "_fsdomain", "gettext"];

/// Adds the translation functions, for the reader's language.
pub(super) fn teach(environment: &mut Environment<'_>, locale: Locale, catalogues: Catalogues) {
    for name in NAMES {
        environment.add_function(
            name,
            move |state: &State<'_, '_>, text: String, arguments: Kwargs| {
                let text = catalogues.translate(locale, &text);
                say(text, &arguments, *state.auto_escape() == AutoEscape::Html)
            },
        );
    }
}

fn say(text: &str, arguments: &Kwargs, html: bool) -> Result<Value, Error> {
    let values = arguments
        .args()
        .map(|name| {
            let value: Value = arguments.get(name)?;
            let said = match &value {
                nothing if nothing.is_undefined() || nothing.is_none() => String::new(),
                value if html && !value.is_safe() => escape(&value.to_string()),
                value => value.to_string(),
            };
            Ok((name, said))
        })
        .collect::<Result<Vec<(&str, String)>, Error>>()?;
    let value = |place: &str| {
        let known = values.iter().find(|(name, _)| *name == place)?;
        Some(&known.1)
    };
    let trusted = placeholders::fill(text, value);
    Ok(if html {
        Value::from_object(Sentence {
            escaped: placeholders::fill(&escape(text), value),
            trusted,
        })
    } else {
        trusted.into()
    })
}

/// A sentence in HTML. The values in it are always escaped; its own words are escaped too unless
/// the template marks them as safe: `_('Use <a href="%(link)s">this link</a>', link=link)|safe`.
#[derive(Debug)]
struct Sentence {
    escaped: String,
    trusted: String,
}

impl Object for Sentence {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.trusted)
    }
}

/// Writes a value. Slashes are not escaped, so that links are readable in the source of a mail.
pub(super) fn write(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    if *state.auto_escape() == AutoEscape::Html && !value.is_safe() {
        if let Some(sentence) = value.downcast_object_ref::<Sentence>() {
            return Ok(out.write_str(&sentence.escaped)?);
        }
        if let Some(text) = value.as_str() {
            return Ok(out.write_str(&escape(text))?);
        }
    }
    escape_formatter(out, state, value)
}

/// Escapes a text for the content of an element or for a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            character => escaped.push(character),
        }
    }
    escaped
}
