//! `roles`.

use clap::{Args, Subcommand};
use vestibule::App;
use vestibule::admin::{self, roles};
use vestibule_store::Role;

use super::{Failure, Global, Output, Who, terminal};
use crate::config_file::{Configuration, Purpose};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Creates a role.
    Create {
        /// The role's name: at most 80 characters, without commas.
        name: String,
        /// What the role is for.
        #[arg(long, short)]
        description: Option<String>,
        /// The role's permissions: names separated by commas, such as read,write.
        #[arg(long, short, value_name = "A,B")]
        permissions: Option<String>,
    },
    /// Lists every role and its permissions.
    List(Output),
    /// Gives a user a role.
    Add {
        #[command(flatten)]
        who: Who,
        /// The name of the role.
        role: String,
    },
    /// Takes a role from a user.
    Remove {
        #[command(flatten)]
        who: Who,
        /// The name of the role.
        role: String,
    },
    /// Adds permissions to a role.
    #[command(name = "add_permissions")]
    AddPermissions(Permissions),
    /// Removes permissions from a role.
    #[command(name = "remove_permissions")]
    RemovePermissions(Permissions),
}

#[derive(Debug, Args)]
pub(super) struct Permissions {
    /// The name of the role.
    role: String,
    /// Names of permissions, separated by commas, such as read,write.
    #[arg(value_name = "A,B")]
    permissions: String,
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let purpose = match command {
        Command::List(_) => Purpose::Look,
        Command::Create { .. } => Purpose::Create,
        _ => Purpose::Change,
    };
    let configuration = Configuration::read_to(purpose, global.config.as_deref(), None)?;
    let vestibule = configuration.open(1).await?;
    let app = vestibule.app();
    match command {
        Command::Create {
            name,
            description,
            permissions,
        } => {
            let permissions = permissions.as_deref().map(names).unwrap_or_default();
            let role = roles::create(app, name, description, permissions).await?;
            terminal::say(&format!(
                "created role {:?}, which {}",
                role.name,
                allows(&role)
            ));
            Ok(())
        }
        Command::List(output) => list(app, &output).await,
        Command::Add { who, role } => add(app, &who.id, &role).await,
        Command::Remove { who, role } => remove(app, &who.id, &role).await,
        Command::AddPermissions(arguments) => add_permissions(app, arguments).await,
        Command::RemovePermissions(arguments) => remove_permissions(app, arguments).await,
    }
}

/// Splits a list at its commas. Blanks around a name are removed, as operators type `a, b`.
fn names(list: &str) -> Vec<String> {
    list.split(',')
        .map(|name| name.trim_matches(' ').to_owned())
        .collect()
}

async fn list(app: &App, output: &Output) -> Result<(), Failure> {
    let roles = roles::list(app).await?;
    if output.json {
        let rows = roles.iter().map(as_json).collect();
        terminal::say_json(&rows);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = roles
        .into_iter()
        .map(|role| {
            vec![
                role.name,
                terminal::or_dash(role.permissions.join(",")),
                terminal::or_dash(role.description.unwrap_or_default()),
            ]
        })
        .collect();
    terminal::table(&["NAME", "PERMISSIONS", "DESCRIPTION"], &rows);
    Ok(())
}

async fn add(app: &App, id: &str, role: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let role = roles::find(app, role).await?;
    let label = admin::label(&user);
    let name = &role.name;
    terminal::say(&if roles::give(app, &user, &role).await? {
        format!("{label} now has the role {name:?}")
    } else {
        format!("{label} already had the role {name:?}")
    });
    Ok(())
}

async fn remove(app: &App, id: &str, role: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let role = roles::find(app, role).await?;
    let label = admin::label(&user);
    let name = &role.name;
    terminal::say(&if roles::take(app, &user, &role).await? {
        format!("{label} no longer has the role {name:?}")
    } else {
        format!("{label} did not have the role {name:?}")
    });
    Ok(())
}

async fn add_permissions(app: &App, arguments: Permissions) -> Result<(), Failure> {
    let role = roles::find(app, &arguments.role).await?;
    let changed = roles::add_permissions(app, role, names(&arguments.permissions)).await?;
    let what = if changed.permissions.is_empty() {
        "nothing to add".to_owned()
    } else {
        format!("added {}", changed.permissions.join(","))
    };
    say_change(&what, &changed.role);
    Ok(())
}

async fn remove_permissions(app: &App, arguments: Permissions) -> Result<(), Failure> {
    let role = roles::find(app, &arguments.role).await?;
    let changed = roles::remove_permissions(app, role, names(&arguments.permissions)).await?;
    let what = if changed.permissions.is_empty() {
        "nothing to remove".to_owned()
    } else {
        format!("removed {}", changed.permissions.join(","))
    };
    say_change(&what, &changed.role);
    Ok(())
}

fn say_change(what: &str, role: &Role) {
    terminal::say(&format!(
        "{what}: the role {:?} {}",
        role.name,
        allows(role)
    ));
}

/// The permissions of a role, as the predicate of a sentence whose subject is the role.
fn allows(role: &Role) -> String {
    if role.permissions.is_empty() {
        "allows nothing".to_owned()
    } else {
        format!("allows {}", role.permissions.join(","))
    }
}

fn as_json(role: &Role) -> serde_json::Value {
    serde_json::json!({
        "name": role.name,
        "description": role.description,
        "permissions": role.permissions,
    })
}
