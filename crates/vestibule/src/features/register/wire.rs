//! The request of `/register`.

use crate::app::App;
use crate::http::body::Fields;
use crate::http::query::Query;
use crate::http::redirect;
use crate::http::reject::FieldErrors;
use crate::http::request_info::RequestInfo;
use crate::validation::{self, NewPassword};

pub(super) const EMAIL: &str = "email";
pub(super) const USERNAME: &str = "username";
pub(super) const PASSWORD: &str = "password";
pub(super) const PASSWORD_AGAIN: &str = "password_confirm";

/// The fields of a registration that are well formed. Every field is checked, so that all errors
/// are reported at once.
pub(super) struct RegisterRequest {
    /// The address, normalised.
    pub(super) email: Option<String>,
    /// The username, normalised.
    pub(super) username: Option<String>,
    /// The password, normalised.
    pub(super) password: Option<String>,
    /// The errors in the fields.
    pub(super) errors: FieldErrors,
}

/// Reads and checks each field on its own.
pub(super) async fn read(
    app: &App,
    info: &RequestInfo,
    query: &Query,
    fields: &Fields,
) -> RegisterRequest {
    let settings = app.settings();
    let mut errors = FieldErrors::default();
    let email = validation::new_email(app, fields, EMAIL, &mut errors).await;
    let register = &settings.accounts.register;
    let password = NewPassword {
        name: PASSWORD,
        again: register.password_confirm_required.then_some(PASSWORD_AGAIN),
        required: register.password_required,
    };
    let password = password
        .read(fields, &mut errors)
        .map(|password| validation::normalised(app, password));
    errors.extend(redirect::check_next(app, info, query, fields));
    let username = if settings.identity.username_enable {
        validation::username(
            app,
            fields,
            USERNAME,
            register.username_required,
            &mut errors,
        )
        .await
    } else {
        None
    };
    RegisterRequest {
        email,
        username,
        password,
        errors,
    }
}
