//! Settings of signing in and out.

use super::accounts::path;
use super::reader::Reader;

/// Settings of sign-in and sign-out: `SECURITY_LOGIN_*`, `SECURITY_LOGOUT_*` and related switches.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// The path of `/login`, after the prefix.
    pub login_url: String,
    /// The path of `/logout`, after the prefix.
    pub logout_url: String,
    /// The path of `/verify`, after the prefix.
    pub verify_url: String,
    /// The methods that sign out.
    pub logout_methods: Vec<String>,
    /// Where a sign-out by link redirects to.
    pub post_logout_view: String,
    /// Whether a sign-in sets a remember cookie if the request does not say.
    pub default_remember_me: bool,
    /// Whether sign-ins are counted and recorded in the user's row.
    pub trackable: bool,
    /// Whether addresses have to be confirmed.
    pub confirmable: bool,
    /// Whether users may sign in before they confirm.
    pub login_without_confirmation: bool,
    /// Whether responses are generic, so that they do not reveal which accounts exist.
    pub return_generic_responses: bool,
    password_login: bool,
}

impl LoginSettings {
    pub(super) fn read(reader: &mut Reader<'_>) -> Self {
        Self {
            login_url: path(reader, "SECURITY_LOGIN_URL"),
            logout_url: path(reader, "SECURITY_LOGOUT_URL"),
            verify_url: path(reader, "SECURITY_VERIFY_URL"),
            logout_methods: logout_methods(reader),
            post_logout_view: view_or_root(reader, "SECURITY_POST_LOGOUT_VIEW"),
            default_remember_me: reader.flag("SECURITY_DEFAULT_REMEMBER_ME"),
            trackable: reader.flag("SECURITY_TRACKABLE"),
            confirmable: reader.flag("SECURITY_CONFIRMABLE"),
            login_without_confirmation: reader.flag("SECURITY_LOGIN_WITHOUT_CONFIRMATION"),
            return_generic_responses: reader.flag("SECURITY_RETURN_GENERIC_RESPONSES"),
            password_login: !reader.flag("SECURITY_PASSWORDLESS")
                && !(reader.flag("SECURITY_UNIFIED_SIGNIN")
                    && reader.flag("SECURITY_US_SIGNIN_REPLACES_LOGIN")),
        }
    }

    /// Whether `/login` accepts passwords: not if `PASSWORDLESS` or `US_SIGNIN_REPLACES_LOGIN`
    /// gives it another meaning.
    #[must_use]
    pub fn serves_password_login(&self) -> bool {
        self.password_login
    }
}

/// A view, or the application root if the view is not set.
pub(super) fn view_or_root(reader: &Reader<'_>, key: &str) -> String {
    if reader.is_set(key) {
        reader.text(key)
    } else {
        reader.text("APPLICATION_ROOT")
    }
}

fn logout_methods(reader: &mut Reader<'_>) -> Vec<String> {
    const KEY: &str = "SECURITY_LOGOUT_METHODS";
    let methods = reader.list(KEY);
    for method in &methods {
        if !["GET", "POST"]
            .iter()
            .any(|known| known.eq_ignore_ascii_case(method))
        {
            reader.problem(
                KEY,
                format!("{method:?} is not a method for signing out"),
                "write [\"POST\"] or [\"GET\", \"POST\"]",
            );
        }
    }
    methods
}
