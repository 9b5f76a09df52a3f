//! Redirect targets under the configured rules.

use http::HeaderValue;
use vestibule_formats::redirect::{AllowedHosts, in_ascii, is_allowed, view_url};

use super::body::{Field, Fields};
use super::fault::Fault;
use super::query::Query;
use super::reply::Reply;
use super::request_info::RequestInfo;
use crate::app::App;
use crate::messages::Message;
use crate::settings::RedirectSettings;

/// Whether a target that the client chose (`next`) is on an allowed host.
#[must_use]
pub(crate) fn is_ours(target: &str, info: &RequestInfo, settings: &RedirectSettings) -> bool {
    let hosts = AllowedHosts {
        own: info.host(),
        with_subdomains_of: settings.subdomains_of.as_deref(),
        listed: &settings.allowed_hosts,
    };
    is_allowed(target, &hosts)
}

/// The address of one of the app's own views.
#[must_use]
pub(crate) fn to_view(view: &str, info: &RequestInfo, settings: &RedirectSettings) -> String {
    let scheme = if info.secure() { "https" } else { "http" };
    view_url(view, settings.redirect_host.as_deref(), scheme)
}

/// Redirects the browser to one of the app's own views, with the parameters added to the view's
/// query.
///
/// # Errors
/// If the view is not a valid header value.
pub(crate) fn go_to(
    app: &App,
    info: &RequestInfo,
    view: &str,
    parameters: &[(&str, &str)],
) -> Result<Reply, Fault> {
    let view = with_query(view, parameters);
    let location = to_view(&view, info, &app.settings().redirect);
    let location = header_value(&location)
        .ok_or_else(|| Fault::Internal(format!("the view {view:?} is not valid in a header")))?;
    Ok(Reply::redirect(location))
}

/// A target as a `Location` header: in ASCII, which all clients and proxies read alike.
fn header_value(target: &str) -> Option<HeaderValue> {
    HeaderValue::try_from(in_ascii(target)?).ok()
}

/// A view with parameters added to its query. An existing parameter with the same name is replaced,
/// and one without a value is dropped.
fn with_query(view: &str, parameters: &[(&str, &str)]) -> String {
    if parameters.is_empty() {
        return view.to_owned();
    }
    let (rest, fragment) = match view.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (view, None),
    };
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    for (name, value) in parameters {
        match pairs.iter_mut().find(|(known, _)| known == name) {
            Some(pair) => pair.1 = (*value).to_owned(),
            None => pairs.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    let query = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish();
    let fragment = fragment.map_or_else(String::new, |fragment| format!("#{fragment}"));
    format!("{path}?{query}{fragment}")
}

/// The parameter with the target that the client chooses.
const NEXT: &str = "next";

/// The target that the query's `next` names, if it is on an allowed host.
pub(crate) fn next_in(app: &App, info: &RequestInfo, query: &Query) -> Option<HeaderValue> {
    let next = query.get(NEXT)?;
    let ours = is_ours(next, info, &app.settings().redirect);
    header_value(next).filter(|_| ours)
}

/// Where the app continues after a sign-in: the target that `next` in the query names, if it is on
/// an allowed host, or the app's view.
pub(crate) fn after_sign_in(app: &App, info: &RequestInfo, query: &Query, view: &str) -> String {
    let settings = &app.settings().redirect;
    let next = query.get(NEXT).filter(|next| !next.is_empty());
    match next.filter(|next| is_ours(next, info, settings)) {
        Some(next) => next.to_owned(),
        None => to_view(view, info, settings),
    }
}

/// Validates `next` in the body or the query: it has to be text and on an allowed host.
#[must_use]
pub(crate) fn check_next(
    app: &App,
    info: &RequestInfo,
    query: &Query,
    fields: &Fields,
) -> Option<(&'static str, Message)> {
    check(app, info, query.get(NEXT), fields)
}

/// Like [`check_next`], where `next` in the query has no meaning.
#[must_use]
pub(crate) fn check_posted_next(
    app: &App,
    info: &RequestInfo,
    fields: &Fields,
) -> Option<(&'static str, Message)> {
    check(app, info, None, fields)
}

fn check(
    app: &App,
    info: &RequestInfo,
    in_query: Option<&str>,
    fields: &Fields,
) -> Option<(&'static str, Message)> {
    let next = match fields.exact(NEXT) {
        Field::Text(text) => Some(text),
        Field::Empty => in_query.filter(|next| !next.is_empty()),
        Field::WrongType => return Some((NEXT, Message::ApiError)),
    };
    let away = next.is_some_and(|next| !is_ours(next, info, &app.settings().redirect));
    away.then_some((NEXT, Message::InvalidRedirect))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_merged_into_the_query_of_the_view() {
        let parameters = [
            ("error", "It's over: 2 days & more"),
            ("email", "ana+1@example.com"),
        ];
        for (view, expected) in [
            ("/done", "/done?"),
            ("/done?", "/done?"),
            ("/done?a=1&error=x&empty=", "/done?a=1&"),
        ] {
            let with = with_query(view, &parameters);
            assert!(with.starts_with(expected), "{with}");
            assert!(with.ends_with("&email=ana%2B1%40example.com"), "{with}");
            assert!(
                with.contains("error=It%27s+over%3A+2+days+%26+more"),
                "{with}"
            );
        }
        let with = with_query("/#/done", &[("a", "1")]);
        assert_eq!(with, "/?a=1#/done");
        assert_eq!(with_query("/done?empty=", &[]), "/done?empty=");
    }
}
