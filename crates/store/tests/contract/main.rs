//! What every store does, whatever it keeps its users in; in `sqlite.rs` and `schema.rs`
//! what SQLite has of its own.

#![expect(
    clippy::unwrap_used,
    reason = "a test that does not get what it asks for ends there"
)]

mod changes;
mod schema;
mod sqlite;
mod support;
mod users;

use std::sync::Arc;

use support::Folder;
use vestibule_store::{MemoryStore, Store};

/// A store, and what has to stay while it is used.
struct Backend {
    store: Arc<dyn Store>,
    _folder: Option<Folder>,
}

fn in_memory() -> Backend {
    Backend {
        store: Arc::new(MemoryStore::default()),
        _folder: None,
    }
}

fn sqlite_file() -> Backend {
    let folder = Folder::new();
    Backend {
        store: Arc::new(folder.made()),
        _folder: Some(folder),
    }
}

macro_rules! contract {
    ($backend:ident) => {
        mod $backend {
            contract!($backend, users:
                a_new_user_is_found_by_every_key
                who_is_not_there_is_not_found
                a_taken_value_is_a_conflict_that_names_its_column
                many_users_may_go_without_a_name
                of_two_at_once_with_one_address_one_is_made
                case_matters_unless_it_is_ignored
                the_exact_spelling_comes_before_others
                only_the_case_of_ascii_is_ignored
                no_value_is_more_than_a_value
                moments_keep_their_microseconds_and_lose_their_zone
                users_are_listed_in_pages
                a_new_user_has_no_roles
            );
            contract!($backend, changes:
                a_patch_changes_what_it_says_and_nothing_else
                a_patch_of_nobody_changes_nothing
                a_refused_patch_changes_nothing_at_all
                a_second_factor_can_be_set_and_taken_away
                a_sign_in_moves_current_to_last_and_counts
                no_sign_in_is_lost_when_many_come_at_once
                an_upgrade_of_a_hash_never_undoes_a_change
                what_was_written_is_read_at_once
            );
        }
    };
    ($backend:ident, $cases:ident: $($case:ident)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
            async fn $case() {
                let backend = crate::$backend();
                crate::$cases::$case(&backend.store).await;
            }
        )+
    };
}

contract!(in_memory);
contract!(sqlite_file);
