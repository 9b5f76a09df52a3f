//! What every store does, whatever it keeps its users in; in `sqlite.rs` and `schema.rs`
//! what SQLite has of its own.

#![expect(
    clippy::unwrap_used,
    reason = "a test that does not get what it asks for ends there"
)]

mod away;
mod changes;
mod encodings;
mod forgetting;
mod journal;
mod leaving;
mod leaving_early;
mod outside;
mod pooled;
mod pooler;
mod roles;
mod schema;
#[expect(dead_code, reason = "shared with the tests of the program")]
mod server;
mod sqlite;
mod support;
mod tls;
mod together;
mod trackers;
mod users;

use std::sync::Arc;

use pooler::Pooler;
use server::Schema;
use support::Folder;
use vestibule_store::sql::TableNames;
use vestibule_store::sql::server::ServerStore;
use vestibule_store::{MemoryStore, Store};

/// A store, and what has to stay while it is used.
struct Backend {
    store: Arc<dyn Store>,
    _kept: Kept,
}

enum Kept {
    Nothing,
    Folder { _folder: Folder },
    Schema { _schema: Schema },
    Pooled { _pooler: Pooler, schema: Schema },
}

async fn in_memory() -> Backend {
    Backend {
        store: Arc::new(MemoryStore::default()),
        _kept: Kept::Nothing,
    }
}

async fn sqlite_file() -> Backend {
    let folder = Folder::new();
    Backend {
        store: Arc::new(folder.made()),
        _kept: Kept::Folder { _folder: folder },
    }
}

async fn postgres() -> Backend {
    on_server(Schema::postgres()).await
}

/// PostgreSQL through a pooler that has few sessions.
async fn through_pooler() -> Backend {
    let schema = Schema::postgres();
    let pooler = Pooler::before(&schema.uri, 3);
    let tables = TableNames::default();
    ServerStore::init(&pooler.uri, &tables).await.unwrap();
    Backend {
        store: Arc::new(ServerStore::open(&pooler.uri, &tables).await.unwrap()),
        _kept: Kept::Pooled {
            _pooler: pooler,
            schema,
        },
    }
}

async fn mysql() -> Backend {
    on_server(Schema::mysql()).await
}

async fn on_server(schema: Schema) -> Backend {
    let tables = TableNames::default();
    ServerStore::init(&schema.uri, &tables).await.unwrap();
    Backend {
        store: Arc::new(ServerStore::open(&schema.uri, &tables).await.unwrap()),
        _kept: Kept::Schema { _schema: schema },
    }
}

/// Hands every case of the contract to a macro, after what it is given itself.
macro_rules! with_every_case {
    ($macro:ident, $backend:ident) => {
        $macro! { $backend;
            users:
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
                stored_hashes_are_counted_by_what_they_cost_to_check
            ;
            changes:
                a_patch_changes_what_it_says_and_nothing_else
                a_patch_of_nobody_changes_nothing
                a_refused_patch_changes_nothing_at_all
                a_second_factor_can_be_set_and_taken_away
                a_sign_in_moves_current_to_last_and_counts
                no_sign_in_is_lost_when_many_come_at_once
                an_upgrade_of_a_hash_never_undoes_a_change
                the_first_token_uniquifier_stays
                what_was_written_is_read_at_once
                identities_can_change_unless_somebody_has_them
                a_confirmation_can_be_given_and_taken
            ;
            roles:
                a_role_is_made_found_and_listed
                a_taken_name_is_a_conflict
                a_role_is_given_and_taken_once
                of_many_who_give_a_role_at_once_one_does
                permissions_are_added_and_removed_in_order
                no_change_of_permissions_is_lost_when_many_come_at_once
                a_user_comes_with_their_roles_by_every_key
            ;
            trackers:
                a_family_begins_with_its_first_generation
                a_taken_family_is_a_conflict
                of_many_who_rotate_one_generation_one_does
                a_revoked_family_does_not_go_on
                families_that_are_over_are_cleaned_up
            ;
            journal:
                of_many_who_spend_a_secret_one_does
                a_change_is_done_whole_or_not_at_all
                who_is_not_as_expected_is_not_changed
                of_many_who_claim_a_value_in_any_case_one_gets_it
                of_many_who_claim_a_name_in_any_case_of_any_script_one_gets_it
                a_mail_is_handed_out_to_one_and_settled_once
                a_mail_that_failed_comes_back_when_it_is_due
                no_mail_is_handed_out_twice_when_many_ask
                the_audit_log_is_one_chain_whoever_writes_at_once
            ;
            forgetting:
                what_has_expired_need_not_be_remembered
                a_mail_that_was_given_up_is_forgotten_a_while_after
                families_that_expired_are_forgotten_whose_ever_they_are
            ;
            together:
                whoever_is_deleted_or_reset_is_written_down
                what_happens_to_a_role_is_written_down
                a_family_begins_and_ends_with_its_entry
                of_many_who_end_a_family_or_delete_somebody_one_is_written_down
                several_secrets_are_consumed_together_or_not_at_all,
                where_a_part_is_stale_no_other_part_is_done
            ;
            leaving:
                a_deleted_user_leaves_nothing_behind
                attack_recycled_identifier_no_number_is_given_twice
                resetting_access_ends_every_way_in_but_the_password
            ;
        }
    };
}

/// Each case in a test and a database of its own.
macro_rules! one_by_one {
    ($backend:ident; $($cases:ident: $($case:ident)+;)+) => {
        mod $backend {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $case() {
                    let backend = crate::$backend().await;
                    crate::$cases::$case(&backend.store).await;
                }
            )+)+
        }
    };
}

/// All cases in one database, which is emptied after each.
macro_rules! one_after_another {
    ($backend:ident; $($cases:ident: $($case:ident)+;)+) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn the_contract_holds_through_a_pooler() {
            let backend = $backend().await;
            let Kept::Pooled { schema, .. } = &backend._kept else {
                panic!("a pooled database");
            };
            $($(
                crate::$cases::$case(&backend.store).await;
                schema.ask(EMPTY);
            )+)+
        }
    };
}

/// Empties every table, and begins to number anew.
const EMPTY: &str = "DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') \
     || ' RESTART IDENTITY CASCADE' FROM pg_tables WHERE schemaname = 'public'); END $$";

with_every_case!(one_by_one, in_memory);
with_every_case!(one_by_one, sqlite_file);
with_every_case!(one_by_one, postgres);
with_every_case!(one_by_one, mysql);
with_every_case!(one_after_another, through_pooler);
