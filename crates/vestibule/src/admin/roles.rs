//! Administration of roles and of their assignment to users.

use std::fmt;

use serde_json::{Value, json};
use vestibule_store::{
    Applied, Change, NewRole, PermissionChange, Role, RoleChange, StoreError, User, UserId,
};

use super::AdminError;
use super::users::entry;
use crate::app::App;

/// The maximum length of a name, which the column's size sets.
const NAME_MAX: usize = 80;

/// The maximum length of a description, which the column's size sets.
const DESCRIPTION_MAX: usize = 255;

/// What is wrong with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameFault {
    /// The name is empty.
    Empty,
    /// The name is longer than its column.
    TooLong,
    /// The name has a comma: the tables store permissions as one comma-separated text, and headers
    /// list roles in the same way.
    Comma,
    /// The name has a control character, such as a line break or an escape sequence.
    Control,
    /// The name has white space at its beginning or end, which is easily overlooked.
    OuterSpace,
}

impl fmt::Display for NameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("is empty"),
            Self::TooLong => write!(f, "has more than {NAME_MAX} characters"),
            Self::Comma => f.write_str("contains a comma"),
            Self::Control => f.write_str("contains a control character"),
            Self::OuterSpace => f.write_str("begins or ends with white space"),
        }
    }
}

/// Creates a role.
///
/// # Errors
/// If a name or the description breaks a rule, or the role exists.
pub async fn create(
    app: &App,
    name: String,
    description: Option<String>,
    permissions: Vec<String>,
) -> Result<Role, AdminError> {
    if let Some(fault) = fault_of(&name, Some(NAME_MAX)) {
        return Err(AdminError::RoleName(name, fault));
    }
    let description = description.filter(|text| !text.is_empty());
    if description
        .as_ref()
        .is_some_and(|text| text.chars().count() > DESCRIPTION_MAX)
    {
        return Err(AdminError::Description(DESCRIPTION_MAX));
    }
    let permissions = distinct(permissions);
    check_permissions(&permissions)?;
    if app.store().role(&name).await?.is_some() {
        return Err(AdminError::RoleTaken(name));
    }
    let new = NewRole {
        name: name.clone(),
        description,
        permissions,
        created_at: app.clock().now(),
    };
    let detail = json!({ "role": name, "permissions": new.permissions });
    match written_down(app, RoleChange::Create(new), "role_created", None, detail).await {
        // Another process created it first.
        Err(StoreError::Conflict { .. }) => Err(AdminError::RoleTaken(name)),
        made => {
            made?;
            find(app, &name).await
        }
    }
}

/// Applies a change with its entry in the audit log. Returns false if nothing had to be changed.
async fn written_down(
    app: &App,
    role: RoleChange,
    kind: &'static str,
    whose: Option<UserId>,
    detail: Value,
) -> Result<bool, StoreError> {
    let change = Change {
        role: Some(role),
        events: entry(app, kind, whose, Some(detail)),
        ..Change::default()
    };
    let applied = app.apply(change).await?;
    Ok(matches!(applied, Applied::Done(_)))
}

/// The role with this name.
///
/// # Errors
/// If the role does not exist.
pub async fn find(app: &App, name: &str) -> Result<Role, AdminError> {
    let role = app.store().role(name).await?;
    role.ok_or_else(|| AdminError::RoleNotFound(name.to_owned()))
}

/// All roles, ordered by name.
///
/// # Errors
/// If the store fails.
pub async fn list(app: &App) -> Result<Vec<Role>, AdminError> {
    Ok(app.store().list_roles().await?)
}

/// Gives a user a role. Returns false if they have it already.
///
/// # Errors
/// If the store fails.
pub async fn give(app: &App, user: &User, role: &Role) -> Result<bool, AdminError> {
    let change = RoleChange::Give(user.id, role.id);
    let detail = json!({ "role": role.name });
    Ok(written_down(app, change, "role_given", Some(user.id), detail).await?)
}

/// Takes a role from a user. Returns false if they do not have it.
///
/// # Errors
/// If the store fails.
pub async fn take(app: &App, user: &User, role: &Role) -> Result<bool, AdminError> {
    let change = RoleChange::Take(user.id, role.id);
    let detail = json!({ "role": role.name });
    Ok(written_down(app, change, "role_taken", Some(user.id), detail).await?)
}

/// A role after a change of its permissions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The role as it is now.
    pub role: Role,
    /// The permissions that were added or removed, without those that needed no change.
    pub permissions: Vec<String>,
}

/// Adds permissions to a role.
///
/// # Errors
/// If a name breaks a rule.
pub async fn add_permissions(
    app: &App,
    role: Role,
    permissions: Vec<String>,
) -> Result<Changed, AdminError> {
    let mut new = distinct(permissions);
    new.retain(|permission| !role.permissions.contains(permission));
    check_permissions(&new)?;
    change(app, role, new, PermissionChange::Add, "permissions_added").await
}

/// Removes permissions from a role.
///
/// # Errors
/// If a name that the role does not have breaks a rule: an operator who mistypes a name must not
/// believe that the permission was removed.
pub async fn remove_permissions(
    app: &App,
    role: Role,
    permissions: Vec<String>,
) -> Result<Changed, AdminError> {
    let (gone, absent): (Vec<_>, Vec<_>) = distinct(permissions)
        .into_iter()
        .partition(|permission| role.permissions.contains(permission));
    check_permissions(&absent)?;
    let kind = "permissions_removed";
    change(app, role, gone, PermissionChange::Remove, kind).await
}

async fn change(
    app: &App,
    role: Role,
    permissions: Vec<String>,
    how: fn(Vec<String>) -> PermissionChange,
    kind: &'static str,
) -> Result<Changed, AdminError> {
    if permissions.is_empty() {
        return Ok(Changed { role, permissions });
    }
    let change = RoleChange::Permissions(role.id, how(permissions.clone()));
    let detail = json!({ "role": role.name, "permissions": permissions });
    if !written_down(app, change, kind, None, detail).await? {
        return Err(AdminError::RoleNotFound(role.name));
    }
    let role = find(app, &role.name).await?;
    Ok(Changed { role, permissions })
}

fn check_permissions(permissions: &[String]) -> Result<(), AdminError> {
    permissions.iter().try_for_each(|permission| {
        // The column accepts texts of any length.
        match fault_of(permission, None) {
            Some(fault) => Err(AdminError::PermissionName(permission.clone(), fault)),
            None => Ok(()),
        }
    })
}

fn fault_of(name: &str, longest: Option<usize>) -> Option<NameFault> {
    if name.is_empty() {
        Some(NameFault::Empty)
    } else if name.contains(',') {
        Some(NameFault::Comma)
    } else if name.contains(char::is_control) {
        Some(NameFault::Control)
    } else if name.trim() != name {
        Some(NameFault::OuterSpace)
    } else if longest.is_some_and(|longest| name.chars().count() > longest) {
        Some(NameFault::TooLong)
    } else {
        None
    }
}

/// The names in order, without duplicates.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut kept: Vec<String> = Vec::with_capacity(names.len());
    for name in names {
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    kept
}
