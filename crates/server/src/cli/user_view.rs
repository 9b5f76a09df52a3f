//! The views of a user: table cells for people, JSON for programs. They contain no secrets.

use serde_json::{Map, Value};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use vestibule_store::{Role, User};

use super::terminal;

/// A user and the names of their roles, as JSON.
pub(super) fn as_json(user: &User, roles: &[Role]) -> Value {
    object(members(user, roles))
}

/// The view of a single user: the members of [`as_json`], and the roles' combined permissions.
pub(super) fn details(user: &User, roles: &[Role]) -> Vec<(&'static str, Value)> {
    let mut permissions: Vec<&str> = roles
        .iter()
        .flat_map(|role| &role.permissions)
        .map(String::as_str)
        .collect();
    permissions.sort_unstable();
    permissions.dedup();
    let mut members = members(user, roles);
    members.push(("permissions", permissions.into()));
    members
}

pub(super) fn object(members: Vec<(&'static str, Value)>) -> Value {
    members
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect::<Map<_, _>>()
        .into()
}

/// The members of the view, in the order of the table.
fn members(user: &User, roles: &[Role]) -> Vec<(&'static str, Value)> {
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    vec![
        ("id", user.id.0.into()),
        ("email", user.email.clone().into()),
        ("username", user.username.clone().into()),
        ("us_phone_number", user.us_phone_number.clone().into()),
        ("active", user.active.into()),
        ("confirmed_at", moment(user.confirmed_at).into()),
        ("has_password", user.password.is_some().into()),
        ("tf_primary_method", user.tf_primary_method.clone().into()),
        ("login_count", user.login_count.into()),
        ("current_login_at", moment(user.current_login_at).into()),
        ("current_login_ip", user.current_login_ip.clone().into()),
        ("last_login_at", moment(user.last_login_at).into()),
        ("last_login_ip", user.last_login_ip.clone().into()),
        ("create_datetime", moment(user.create_datetime).into()),
        ("roles", names.into()),
    ]
}

/// The headings of [`as_row`].
pub(super) fn headings(usernames: bool) -> Vec<&'static str> {
    let mut headings = vec!["ID", "EMAIL"];
    if usernames {
        headings.push("USERNAME");
    }
    headings.extend(["ACTIVE", "CONFIRMED", "ROLES", "LAST SIGN-IN"]);
    headings
}

/// One row of the list.
pub(super) fn as_row(user: &User, roles: &[Role], usernames: bool) -> Vec<String> {
    let or_dash = |text: Option<String>| terminal::or_dash(text.unwrap_or_default());
    let yes_or_no = |yes| if yes { "yes" } else { "no" }.to_owned();
    let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
    let mut row = vec![user.id.to_string(), or_dash(user.email.clone())];
    if usernames {
        row.push(or_dash(user.username.clone()));
    }
    row.extend([
        yes_or_no(user.active),
        yes_or_no(user.confirmed_at.is_some()),
        terminal::or_dash(names.join(",")),
        or_dash(moment(user.current_login_at)),
    ]);
    row
}

/// A member of the JSON as a cell of a table.
pub(super) fn as_cell(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Array(items) => items.iter().map(as_cell).collect::<Vec<_>>().join(","),
        other => other.to_string(),
    };
    terminal::or_dash(text)
}

/// A time in RFC 3339, without fractions of a second.
fn moment(at: Option<OffsetDateTime>) -> Option<String> {
    let at = at?;
    at.replace_nanosecond(0).unwrap_or(at).format(&Rfc3339).ok()
}
