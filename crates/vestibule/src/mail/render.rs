//! Writes mails from templates: ours, or those of a folder.
//!
//! Templates are Jinja's, with the names and variables of the reference's, so that most of
//! those that were written for it work here.

pub(crate) mod built_in;
mod context;
mod error;
mod folder;
mod words;

use std::path::PathBuf;

use minijinja::{Environment, ErrorKind, UndefinedBehavior};
use serde_json::{Map, Value};

use self::error::RenderError;
use crate::messages::catalogue::{Catalogues, Locale};

/// Which parts a mail has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parts {
    pub(crate) text: bool,
    pub(crate) html: bool,
}

/// A mail's parts.
pub(crate) struct Rendered {
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

/// Where templates come from.
#[derive(Debug)]
pub(crate) struct Renderer {
    /// What is found in here is used instead of ours.
    folder: Option<PathBuf>,
    /// With every template of ours in it, unless there is a folder: files may change at any
    /// time, and are read whenever a mail is written.
    environment: Environment<'static>,
}

impl Renderer {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        let mut environment = Environment::new();
        // A variable that is not there is empty, and so is what is in it: `config["X"]`.
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        environment.set_formatter(words::write);
        let own = folder.clone();
        environment.set_loader(move |name| match &own {
            None => Ok(built_in::find(name).map(str::to_owned)),
            Some(folder) => match folder::read(folder, name) {
                Ok(None) => Ok(built_in::find(name).map(str::to_owned)),
                Ok(source) => Ok(source),
                Err(error) => Err(minijinja::Error::new(
                    ErrorKind::InvalidOperation,
                    format!("{name} cannot be read: {error}"),
                )),
            },
        });
        if folder.is_none() {
            for (name, _) in built_in::TEMPLATES {
                // Kept for later; what is wrong with it is said when it is used.
                let _ = environment.get_template(name);
            }
        }
        Self {
            folder,
            environment,
        }
    }

    /// Writes a mail. `template` is a path as the settings have it: `security/email/welcome`.
    ///
    /// # Errors
    /// When a template is missing or broken.
    pub(crate) fn render(
        &self,
        template: &str,
        locale: Locale,
        catalogues: &Catalogues,
        context: &Map<String, Value>,
        parts: Parts,
    ) -> Result<Rendered, RenderError> {
        let mut environment = self.environment.clone();
        words::teach(&mut environment, locale, *catalogues);
        let variables = context::variables(context, locale, catalogues);
        let part = |ending: &str| {
            let name = format!("{template}.{ending}");
            environment
                .get_template(&name)
                .and_then(|template| template.render(&variables))
                .map(|written| format!("{}\n", written.trim()))
                .map_err(|error| RenderError::new(&error, &name, self.folder.as_deref()))
        };
        Ok(Rendered {
            text: parts.text.then(|| part("txt")).transpose()?,
            html: parts.html.then(|| part("html")).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
