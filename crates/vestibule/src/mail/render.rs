//! Renders mails from templates, built in or from a folder.
//!
//! Templates are written in Jinja, with the reference's names and variables, so that most templates
//! written for the reference work here.

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
pub(crate) struct Bodies {
    pub(crate) text: bool,
    pub(crate) html: bool,
}

/// The rendered parts of a mail.
pub(crate) struct Rendered {
    pub(crate) text: Option<String>,
    pub(crate) html: Option<String>,
}

/// The source of templates.
#[derive(Debug)]
pub(crate) struct Renderer {
    /// Templates in this folder override the built-in ones.
    folder: Option<PathBuf>,
    /// Holds all built-in templates, unless a folder is configured: its files may change at any
    /// time and are read for each mail.
    environment: Environment<'static>,
}

impl Renderer {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        let mut environment = Environment::new();
        // An undefined variable is empty, and so are its members: `config["X"]`.
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
                // Compiled for later; errors are reported when the template is used.
                let _ = environment.get_template(name);
            }
        }
        Self {
            folder,
            environment,
        }
    }

    /// Renders a mail. `template` is a path as in the settings: `security/email/welcome`.
    ///
    /// # Errors
    /// If a template is missing or broken.
    pub(crate) fn render(
        &self,
        template: &str,
        locale: Locale,
        catalogues: &Catalogues,
        context: &Map<String, Value>,
        bodies: Bodies,
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
            text: bodies.text.then(|| part("txt")).transpose()?,
            html: bodies.html.then(|| part("html")).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests;
