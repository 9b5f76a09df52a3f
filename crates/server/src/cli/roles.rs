//! `roles`.

use clap::{Args, Subcommand};
use vestibule::App;
use vestibule::admin::{self, roles};
use vestibule_store::Role;

use super::{Failure, Global, Output, Who, terminal};
use crate::config_file::{Configuration, Purpose};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes a role.
    Create {
        /// What the role is called: at most 80 characters, no comma.
        name: String,
        /// What the role is for.
        #[arg(long, short)]
        description: Option<String>,
        /// What the role allows: names with commas between them, such as read,write.
        #[arg(long, short, value_name = "A,B")]
        permissions: Option<String>,
    },
    /// Lists every role and what it allows.
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
    /// Lets a role allow more.
    #[command(name = "add_permissions")]
    AddPermissions(Permissions),
    /// Lets a role allow less.
    #[command(name = "remove_permissions")]
    RemovePermissions(Permissions),
}

#[derive(Debug, Args)]
pub(super) struct Permissions {
    /// The name of the role.
    role: String,
    /// Names with commas between them, such as read,write.
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

/// People write a blank after a comma.
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
        format!("{label} has the role {name:?} now")
    } else {
        format!("{label} had the role {name:?} already")
    });
    Ok(())
}

async fn remove(app: &App, id: &str, role: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let role = roles::find(app, role).await?;
    let label = admin::label(&user);
    let name = &role.name;
    terminal::say(&if roles::take(app, &user, &role).await? {
        format!("{label} does not have the role {name:?} any more")
    } else {
        format!("{label} did not have the role {name:?} before")
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

/// What a role allows, as the end of a sentence that names it.
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
