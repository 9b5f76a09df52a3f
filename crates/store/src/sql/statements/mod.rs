//! The statements, and the order in which they run: the same for every database.

pub(super) mod account_removal;
mod changes;
pub(super) mod guesses;
pub(super) mod identities;
pub(super) mod journal;
pub(super) mod passkeys;
pub(super) mod password_kinds;
pub(super) mod roles;
pub(super) mod trackers;
mod user_update;
pub(super) mod users;

use std::collections::HashSet;

use self::account_removal::RemovalStatements;
use self::guesses::GuessStatements;
use self::identities::IdentityStatements;
use self::journal::JournalStatements;
use self::passkeys::PasskeyStatements;
use self::roles::RoleStatements;
use self::trackers::TrackerStatements;
use self::users::UserStatements;
use super::TableNames;
use super::columns::UserColumns;
use super::dialect::Dialect;
use super::executor::{Executor, Outcome};
use crate::{Cutoffs, StoreError};

/// The columns that the reference's tables have; none if the table does not exist.
#[derive(Debug, Default)]
pub(super) struct PresentColumns {
    pub(super) user: HashSet<String>,
    pub(super) role: HashSet<String>,
    pub(super) roles_users: HashSet<String>,
    pub(super) web_authn: HashSet<String>,
    pub(super) refresh: HashSet<String>,
}

/// The tables that the reference does not have.
pub(super) const OUR_TABLES: [&str; 6] = [
    "vestibule_ledger",
    journal::OUTBOX,
    journal::AUDIT,
    "vestibule_audit_head",
    guesses::TABLE,
    identities::TABLE,
];

/// Every statement, built once for the tables and columns that exist.
#[derive(Debug)]
pub(super) struct Statements {
    pub(super) users: UserStatements,
    pub(super) roles: RoleStatements,
    pub(super) trackers: TrackerStatements,
    pub(super) journal: JournalStatements,
    pub(super) guesses: GuessStatements,
    pub(super) passkeys: PasskeyStatements,
    pub(super) identities: IdentityStatements,
    removal: RemovalStatements,
}

impl Statements {
    /// Builds them.
    ///
    /// `utf8` tells whether the database knows every letter. PostgreSQL with another encoding
    /// does not.
    pub(super) fn new(
        dialect: Dialect,
        tables: &TableNames,
        present: PresentColumns,
        utf8: bool,
    ) -> Result<Self, StoreError> {
        let roles = RoleStatements::new(dialect, tables, &present);
        let trackers = TrackerStatements::new(dialect, tables, !present.refresh.is_empty());
        let removal = RemovalStatements::new(dialect, tables, &present);
        let columns = UserColumns::new(present.user, &tables.user)?;
        let passkeys = PasskeyStatements::new(dialect, tables, present.web_authn);
        let mut users = UserStatements::new(dialect, tables, columns, &roles, utf8);
        if passkeys.have_owners() {
            users.referring.push("{web_authn}");
        }
        Ok(Self {
            identities: IdentityStatements::new(dialect, tables, &users),
            users,
            passkeys,
            journal: JournalStatements::new(dialect),
            guesses: GuessStatements::new(dialect),
            roles,
            trackers,
            removal,
        })
    }

    /// Removes what is no longer needed. Returns the number of rows.
    pub(super) async fn purge<X: Executor>(
        &self,
        db: &mut X,
        cutoffs: &Cutoffs,
    ) -> Outcome<u64, X> {
        let mut purged = self.journal.purge(db, cutoffs).await?;
        purged += self.guesses.purge(db, cutoffs.secrets).await?;
        if let Some(before) = cutoffs.families {
            purged += self.trackers.purge(db, before).await?;
        }
        Ok(purged)
    }
}
