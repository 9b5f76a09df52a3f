//! Stand-in.
use crate::messages::catalogue::{Catalogues, Locale};
use serde_json::{Map, Value};
use std::path::PathBuf;
pub(crate) struct Parts {
    pub(crate) text: bool,
    pub(crate) html: bool,
}
pub(crate) struct Rendered {
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}
#[derive(Debug, thiserror::Error)]
#[error("stand-in")]
pub(crate) struct RenderError;
#[derive(Debug)]
pub(crate) struct Renderer;
impl Renderer {
    pub(crate) fn new(_: Option<PathBuf>) -> Self {
        Self
    }
    pub(crate) fn render(
        &self,
        template: &str,
        _: Locale,
        _: &Catalogues,
        context: &Map<String, Value>,
        parts: Parts,
    ) -> Result<Rendered, RenderError> {
        let text = format!(
            "{template}\n{}",
            context
                .iter()
                .map(|(k, v)| format!(
                    "{k}: {}\n",
                    v.as_str().map_or_else(|| v.to_string(), str::to_owned)
                ))
                .collect::<String>()
        );
        Ok(Rendered {
            html: parts.html.then(|| text.clone()),
            text: parts.text.then_some(text),
        })
    }
}
