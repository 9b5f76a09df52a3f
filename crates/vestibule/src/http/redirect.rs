//! Redirect targets under the configured rules.

use vestibule_formats::redirect::{AllowedHosts, is_allowed, view_url};

use super::facts::Facts;
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
