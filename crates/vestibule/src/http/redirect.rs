//! Redirect targets under the configured rules.

use vestibule_formats::redirect::{AllowedHosts, is_allowed, view_url};

use super::body::{Field, Fields};
use super::facts::Facts;
use super::query::Query;
use crate::app::App;
use crate::messages::Message;
use crate::settings::RedirectSettings;

/// Whether a target that the client chose (`next`) stays with us.
#[must_use]
pub fn is_ours(target: &str, facts: &Facts, settings: &RedirectSettings) -> bool {
    let hosts = AllowedHosts {
        own: facts.host(),
        with_subdomains_of: settings.subdomains_of.as_deref(),
        listed: &settings.allowed_hosts,
    };
    is_allowed(target, &hosts)
}

/// The address of one of the app's own views.
#[must_use]
pub fn to_view(view: &str, facts: &Facts, settings: &RedirectSettings) -> String {
    let scheme = if facts.secure() { "https" } else { "http" };
    view_url(view, settings.redirect_host.as_deref(), scheme)
}

/// The errors of `next`, in the body or the query: it has to be a text, and stay with us.
#[must_use]
pub fn check_next(
    app: &App,
    facts: &Facts,
    query: &Query,
    fields: &Fields,
) -> Option<(&'static str, Message)> {
    const NEXT: &str = "next";
    let next = match fields.exact(NEXT) {
        Field::Text(text) => Some(text),
        Field::Empty => query.get(NEXT).filter(|next| !next.is_empty()),
        Field::WrongType => return Some((NEXT, Message::ApiError)),
    };
    let away = next.is_some_and(|next| !is_ours(next, facts, &app.settings().redirect));
    away.then_some((NEXT, Message::InvalidRedirect))
}
