//! `users`.

use clap::{ArgGroup, Args, Subcommand};
use vestibule::App;
use vestibule::admin::{self, NewAccount};

use super::{Failure, Global, Output, Who, audit, terminal, user_view};
use crate::config_file::{Configuration, Purpose};

/// How many users one query reads.
const PAGE: u32 = 500;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Creates an account, active and unconfirmed by default.
    ///
    /// Without --password it prompts for one, or reads one line from a pipe.
    Create(Create),
    /// Lists every account, with the names of its roles.
    List(Output),
    /// Shows an account, its roles and their combined permissions.
    Show {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        output: Output,
    },
    /// Shows the audit log of an account: sign-ins, failed sign-ins and changes, with client
    /// addresses.
    Audit {
        #[command(flatten)]
        who: Who,
        #[command(flatten)]
        output: Output,
    },
    /// Lets a user sign in again. Sessions and tokens that had ended stay invalid.
    Activate(Who),
    /// Blocks sign-in for a user, and ends all their sessions and tokens.
    Deactivate(Who),
    /// Sets a user's password, and ends all their sessions and tokens.
    #[command(name = "change_password")]
    ChangePassword {
        #[command(flatten)]
        who: Who,
        /// The new password. Other users of this machine can see it. Without this option, the
        /// command prompts for a password, or reads one line from a pipe.
        #[arg(long)]
        password: Option<String>,
    },
    /// Revokes every credential of a user except the password.
    ///
    /// Sessions and tokens end. Second factors, codes, passkeys and linked identities are removed,
    /// and the user has to set them up again.
    #[command(name = "reset_access")]
    ResetAccess(Who),
    /// Marks a user's email address as confirmed.
    Confirm(Who),
    /// Unlocks a user who is locked out after too many failed attempts.
    ///
    /// Clears the counters of the account, its devices and its addresses for mail. Those of client
    /// addresses stay. For a deactivated user, use activate.
    Unlock(Who),
    /// Deletes a user and everything that belongs to them. This cannot be undone.
    ///
    /// On a terminal it prompts for the user's identity first. Elsewhere it needs --yes.
    Delete {
        #[command(flatten)]
        who: Who,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("state").args(["active", "inactive"]))]
pub(super) struct Create {
    /// The email address.
    email: String,
    /// The password. Other users of this machine can see it.
    #[arg(long)]
    password: Option<String>,
    /// The username, if usernames are enabled.
    #[arg(long, short)]
    username: Option<String>,
    /// The user can sign in (the default).
    #[arg(long, short)]
    active: bool,
    /// The user cannot sign in until they are activated.
    #[arg(long)]
    inactive: bool,
    /// Mark the email address as confirmed.
    #[arg(long)]
    confirmed: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(global: &Global, command: Command) -> Result<(), Failure> {
    let purpose = match command {
        Command::Create(_) => Purpose::Create,
        Command::List(_) | Command::Show { .. } | Command::Audit { .. } => Purpose::Look,
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
    terminal::table(&["FIELD", "VALUE"], &rows);
    Ok(())
}

async fn set_active(app: &App, id: &str, active: bool) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let changed = admin::set_active(app, &user, active).await?;
    terminal::say(match (active, changed) {
        (true, true) => "the user is active now",
        (true, false) => "the user was already active",
        (false, true) => "the user can no longer sign in; all their sessions and tokens have ended",
        (false, false) => "the user was already deactivated",
    });
    Ok(())
}

async fn change_password(app: &App, id: &str, password: Option<String>) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let password = password.map_or_else(terminal::new_password, Ok)?;
    admin::change_password(app, &user, &password).await?;
    terminal::say("the password was changed; all sessions and tokens of the user have ended");
    Ok(())
}

async fn confirm(app: &App, id: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    terminal::say(if admin::confirm(app, &user).await? {
        "the email address is confirmed now"
    } else {
        "the email address was already confirmed"
    });
    Ok(())
}

async fn unlock(app: &App, id: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let unlocked = admin::unlock(app, &user).await?;
    let label = admin::label(&user);
    let hint = if user.active {
        ""
    } else {
        "; the user is deactivated, and `vestibule users activate` lets them sign in again"
    };
    terminal::say(&if unlocked {
        format!("the counters of failed attempts of {label} were cleared{hint}")
    } else {
        format!("{label} is not locked out: there is nothing to unlock{hint}")
    });
    Ok(())
}

async fn reset_access(app: &App, id: &str) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    admin::reset_access(app, &user).await?;
    terminal::say(
        "all sessions and tokens of the user have ended; second factors, codes, passkeys and linked identities were removed; the password stays the same",
    );
    Ok(())
}

async fn delete(app: &App, id: &str, yes: bool) -> Result<(), Failure> {
    let user = admin::find(app, id).await?;
    let label = admin::label(&user);
    if !yes {
        terminal::confirm(
            &format!("Type {label} to delete user {} permanently: ", user.id),
            &label,
        )?;
    }
    admin::delete(app, &user).await?;
    terminal::say(&format!("deleted user {} {label}", user.id));
    Ok(())
}
