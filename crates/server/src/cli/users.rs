//! `users`.

use clap::{ArgGroup, Args, Subcommand};
use vestibule::App;
use vestibule::admin::{self, NewAccount};

use super::{Failure, Global, Output, Who, audit, terminal, user_view};
use crate::config_file::{Configuration, Purpose};

/// How many users are read from the database at once.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Makes an account, active and unconfirmed unless told otherwise.
    ///
    /// Without --password it asks for one, or reads one line of standard input.
    Create(Create),
    /// Lists every account, with the names of its roles.
    List(Output),
    /// Shows an account, with its roles and what they allow together.
    Show {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        output: Output,
    },
    /// Shows what happened to an account: signing in, failing to, changes; from where.
    Audit {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        output: Output,
    },
    /// Lets a user sign in again. What had ended stays ended.
    Activate(Who),
    /// Stops a user from signing in, and ends every session and token of theirs.
    Deactivate(Who),
    /// Gives a user another password, and ends every session and token of theirs.
    #[command(name = "change_password")]
    ChangePassword {
        #[command(flatten)]
        who: Who,
        /// The new password; without it you are asked, or one line of standard input is
        /// read. Other people on the machine can see arguments.
        #[arg(long)]
        password: Option<String>,
    },
    /// Ends every way in but the password.
    ///
    /// Sessions and tokens end; second factors, codes and passkeys are gone and have to be set
    /// up again.
    #[command(name = "reset_access")]
    ResetAccess(Who),
    /// Counts a user's address as confirmed.
    Confirm(Who),
    /// Lets in again a user whom too many failed attempts locked out.
    ///
    /// This version locks nobody out, so that there is nothing to unlock. Whoever was switched
    /// off is let in by activate.
    Unlock(Who),
    /// Deletes a user and whatever belongs to them, for good.
    ///
    /// On a terminal it asks first: type what identifies the user. Elsewhere it needs --yes.
    Delete {
        #[command(flatten)]
        who: Who,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
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
    #[arg(long, short)]
    username: Option<String>,
    /// The user may sign in (this is how it is anyway).
    #[arg(long, short)]
    active: bool,
    /// The user may not sign in yet.
    #[arg(long)]
    inactive: bool,
    /// The address counts as confirmed.
    #[arg(long)]
    confirmed: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let purpose = match command {
        Command::Create(_) => Purpose::Create,
        Command::List(_) | Command::Show { .. } | Command::Audit { .. } | Command::Unlock(_) => {
            Purpose::Look
        }
        _ => Purpose::Change,
    };
    let configuration = Configuration::read_to(purpose, global.config.as_deref(), None)?;
    let vestibule = configuration.open(1).await?;
    let app = vestibule.app();
    match command {
        Command::Create(arguments) => create(app, arguments).await,
        Command::List(output) => list(app, &output).await,
        Command::Show { who, output } => show(app, &who.id, &output).await,
        Command::Audit { who, output } => audit::of_user(app, &who, &output).await,
        Command::Activate(who) => set_active(app, &who.id, true).await,
        Command::Deactivate(who) => set_active(app, &who.id, false).await,
        Command::ChangePassword { who, password } => change_password(app, &who.id, password).await,
        Command::ResetAccess(who) => reset_access(app, &who.id).await,
        Command::Confirm(who) => confirm(app, &who.id).await,
        Command::Unlock(who) => unlock(app, &who.id).await,
        Command::Delete { who, yes } => delete(app, &who.id, yes).await,
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
        output,
    } = arguments;
    let password = password.map_or_else(terminal::new_password, Ok)?;
    let account = NewAccount {
        email,
        username,
        password,
        active: !inactive,
        confirmed,
    };
    let user = admin::create(app, account).await?;
    if output.json {
        terminal::say_json(&user_view::as_json(&user, &[]));
        return Ok(());
    }
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
    let mut after = None;
    loop {
        let page = admin::list(app, after, PAGE).await?;
        let Some((last, _)) = page.last() else { break };
        after = Some(last.id);
        users.extend(page);
    }
    if output.json {
        let rows = users
            .iter()
            .map(|(user, roles)| user_view::as_json(user, roles))
            .collect();
        terminal::say_json(&rows);
        return Ok(());
    }
    let usernames = app.settings().identity.username_enable;
    let rows: Vec<Vec<String>> = users
        .iter()
        .map(|(user, roles)| user_view::as_row(user, roles, usernames))
        .collect();
    terminal::table(&user_view::headings(usernames), &rows);
    Ok(())
}

async fn show(app: &App, id: &str, output: &Output) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let roles = app.store().roles_of(user.id).await?;
    let details = user_view::details(&user, &roles);
    if output.json {
        terminal::say_json(&user_view::object(details));
        return Ok(());
    }
    let rows: Vec<Vec<String>> = details
        .iter()
        .map(|(name, value)| vec![(*name).to_owned(), user_view::as_cell(value)])
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
        (false, true) => {
            "the user may not sign in any more; every session and token of theirs has ended"
        }
        (false, false) => "the user could not sign in before",
    });
    Ok(())
}

async fn change_password(app: &App, id: &str, password: Option<String>) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let password = password.map_or_else(terminal::new_password, Ok)?;
    admin::change_password(app, &user, &password).await?;
    terminal::say("the password was changed; every session and token of the user has ended");
    Ok(())
}

async fn confirm(app: &App, id: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    terminal::say(if admin::confirm(app, &user).await? {
        "the address counts as confirmed now"
    } else {
        "the address was confirmed already"
    });
    Ok(())
}

async fn unlock(app: &App, id: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let label = admin::label(&user);
    let hint = if user.active {
        ""
    } else {
        "; `vestibule users activate` lets in who is switched off"
    };
    terminal::say(&format!(
        "{label} is not locked out: there is nothing to unlock{hint}"
    ));
    Ok(())
}

async fn reset_access(app: &App, id: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    admin::reset_access(app, &user).await?;
    terminal::say(
        "every session and token of the user has ended; second factors, codes and passkeys are gone; the password stays",
    );
    Ok(())
}

async fn delete(app: &App, id: &str, yes: bool) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let label = admin::label(&user);
    if !yes {
        terminal::confirm(
            &format!("Type {label} to delete user {} for good: ", user.id),
            &label,
        )?;
    }
    admin::delete(app, &user).await?;
    terminal::say(&format!("deleted user {} {label}", user.id));
    Ok(())
}
