//! `users`.

use clap::{ArgGroup, Args, Subcommand};
use vestibule::App;
use vestibule::admin::{self, Draft};
use vestibule_store::{User, UserId};

use super::{Failure, Global, terminal};
use crate::config_file::Configuration;

/// How many users are read from the database at once.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes an account, active and unconfirmed unless told otherwise. Without --password
    /// it asks for one, or reads one line of standard input.
    Create(Create),
    /// Lists every account.
    List(Output),
    /// Shows an account.
    Show {
        /// Any identity attribute of the user, such as the email address.
        id: String,
        #[command(flatten)]
        output: Output,
    },
    /// Lets a user sign in again.
    Activate {
        /// Any identity attribute of the user.
        id: String,
    },
    /// Stops a user from signing in, and ends what they are signed in to.
    Deactivate {
        /// Any identity attribute of the user.
        id: String,
    },
    /// Gives a user another password, and ends every session of theirs.
    #[command(name = "change_password")]
    ChangePassword {
        /// Any identity attribute of the user.
        id: String,
        /// The new password; without it you are asked, or one line of standard input is
        /// read. Other people on the machine can see arguments.
        #[arg(long)]
        password: Option<String>,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("state").args(["active", "inactive"]))]
pub(super) struct Create {
    /// The email address.
    email: String,
    /// The password. Other people on the machine can see arguments.
    #[arg(long)]
    password: Option<String>,
    /// The username, where usernames are switched on.
    #[arg(long)]
    username: Option<String>,
    /// The user may sign in (this is how it is anyway).
    #[arg(long)]
    active: bool,
    /// The user may not sign in yet.
    #[arg(long)]
    inactive: bool,
    /// The address counts as confirmed.
    #[arg(long)]
    confirmed: bool,
}

#[derive(Debug, Args)]
pub(super) struct Output {
    /// JSON for programs.
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let configuration = Configuration::read(global.config.as_deref(), None)?;
    let vestibule = configuration.open(1)?;
    let app = vestibule.app();
    match command {
        Command::Create(arguments) => create(app, arguments).await,
        Command::List(output) => list(app, &output).await,
        Command::Show { id, output } => show(app, &id, &output).await,
        Command::Activate { id } => set_active(app, &id, true).await,
        Command::Deactivate { id } => set_active(app, &id, false).await,
        Command::ChangePassword { id, password } => change_password(app, &id, password).await,
    }
}

async fn create(app: &App, arguments: Create) -> Result<(), Failure> {
    let Create {
        email,
        password,
        username,
        active: _,
        inactive,
        confirmed,
    } = arguments;
    let password = password.map_or_else(terminal::new_password, Ok)?;
    let draft = Draft {
        email,
        username,
        password,
        active: !inactive,
        confirmed,
    };
    let user = admin::create(app, draft).await?;
    terminal::say(&format!(
        "created user {} {} ({}, {})",
        user.id,
        user.email.as_deref().unwrap_or_default(),
        if user.active { "active" } else { "inactive" },
        if user.confirmed_at.is_some() {
            "confirmed"
        } else {
            "unconfirmed"
        },
    ));
    Ok(())
}

async fn list(app: &App, output: &Output) -> Result<(), Failure> {
    let mut users = Vec::new();
    let mut after: Option<UserId> = None;
    loop {
        let page = app.store().list_users(after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        users.extend(page);
    }
    if output.json {
        let rows: Vec<_> = users.iter().map(|user| as_json(user, None)).collect();
        terminal::say(&serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = users.iter().map(as_row).collect();
    terminal::table(
        &[
            "ID",
            "EMAIL",
            "USERNAME",
            "ACTIVE",
            "CONFIRMED",
            "SIGN-INS",
            "LAST SIGN-IN",
        ],
        &rows,
    );
    Ok(())
}

async fn show(app: &App, id: &str, output: &Output) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let roles: Vec<String> = app
        .store()
        .roles_of(user.id)
        .await?
        .into_iter()
        .map(|role| role.name)
        .collect();
    let json = as_json(&user, Some(&roles));
    if output.json {
        terminal::say(&serde_json::to_string_pretty(&json)?);
        return Ok(());
    }
    let rows: Vec<Vec<String>> = json
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            vec![
                name.clone(),
                if value.is_null() {
                    "-".to_owned()
                } else {
                    text
                },
            ]
        })
        .collect();
    terminal::table(&["WHAT", "VALUE"], &rows);
    Ok(())
}

async fn set_active(app: &App, id: &str, active: bool) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let changed = admin::set_active(app, &user, active).await?;
    terminal::say(match (active, changed) {
        (true, true) => "the user may sign in now",
        (true, false) => "the user could sign in already",
        (false, true) => "the user may not sign in any more; what they were signed in to has ended",
        (false, false) => "the user could not sign in before",
    });
    Ok(())
}

async fn change_password(app: &App, id: &str, password: Option<String>) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let password = password.map_or_else(terminal::new_password, Ok)?;
    admin::change_password(app, &user, &password).await?;
    terminal::say("the password was changed; every session of the user has ended");
    Ok(())
}

fn moment(at: Option<time::OffsetDateTime>) -> Option<String> {
    at.and_then(|at| {
        at.format(&time::format_description::well_known::Rfc3339)
            .ok()
    })
}

/// A user without anything that is secret.
fn as_json(user: &User, roles: Option<&[String]>) -> serde_json::Value {
    let mut json = serde_json::json!({
        "id": user.id.0,
        "email": user.email,
        "username": user.username,
        "active": user.active,
        "confirmed_at": moment(user.confirmed_at),
        "has_password": user.password.is_some(),
        "us_phone_number": user.us_phone_number,
        "tf_primary_method": user.tf_primary_method,
        "login_count": user.login_count,
        "current_login_at": moment(user.current_login_at),
        "current_login_ip": user.current_login_ip,
        "last_login_at": moment(user.last_login_at),
        "last_login_ip": user.last_login_ip,
        "create_datetime": moment(user.create_datetime),
    });
    if let (Some(roles), Some(members)) = (roles, json.as_object_mut()) {
        members.insert("roles".to_owned(), roles.into());
    }
    json
}

fn as_row(user: &User) -> Vec<String> {
    let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
    vec![
        user.id.to_string(),
        or_dash(user.email.clone()),
        or_dash(user.username.clone()),
        if user.active { "yes" } else { "no" }.to_owned(),
        if user.confirmed_at.is_some() {
            "yes"
        } else {
            "no"
        }
        .to_owned(),
        user.login_count.unwrap_or(0).to_string(),
        or_dash(moment(user.current_login_at)),
    ]
}
