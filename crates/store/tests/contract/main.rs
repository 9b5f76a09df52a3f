//! The contract that every store keeps, in memory or in a database; `sqlite.rs` and `schema.rs` add
//! what only SQLite does.

#![expect(clippy::unwrap_used, reason = "an unexpected result ends the test")]

mod away;
mod changes;
mod encodings;
mod forgetting;
mod guesses;
mod identities;
mod injection;
mod journal;
mod leaving;
mod leaving_early;
mod outside;
mod passkeys;
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

/// A store, and the things that must outlive it.
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

/// PostgreSQL behind a pooler with few sessions.
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

/// Expands a macro with its own argument and every case of the contract.
macro_rules! with_every_case {
    ($macro:ident, $backend:ident) => {
        $macro! { $backend;
            users:
                a_new_user_is_found_by_every_key
                unknown_keys_find_no_user
                a_taken_value_is_a_conflict_that_names_its_column
                many_users_may_have_no_username
                concurrent_registrations_of_one_address_create_one_user
                case_matters_unless_it_is_ignored
                the_exact_spelling_takes_precedence
                only_ascii_case_is_ignored
                values_are_never_read_as_sql_or_patterns
                times_keep_microseconds_and_are_converted_to_utc
                users_are_listed_in_pages
                a_new_user_has_no_roles
                stored_hashes_are_counted_by_cost
            ;
            changes:
                a_patch_changes_only_its_fields
                a_patch_of_an_unknown_user_changes_nothing
                a_refused_patch_changes_nothing
                a_second_factor_can_be_set_and_removed
                a_sign_in_moves_current_to_last_and_counts
                concurrent_sign_ins_are_all_counted
                a_hash_upgrade_never_undoes_a_password_change
                the_first_token_uniquifier_stays
                writes_are_visible_immediately
                identities_can_change_unless_they_are_taken
                a_confirmation_can_be_set_and_removed
            ;
            roles:
                a_role_is_created_found_and_listed
                a_taken_name_is_a_conflict
                a_role_is_given_and_taken_once
                concurrent_grants_of_one_role_succeed_once
                permissions_are_added_and_removed_in_order
                concurrent_permission_changes_all_take_effect
                a_user_is_found_with_their_roles_by_every_key
            ;
            trackers:
                a_family_begins_in_generation_one
                a_taken_family_is_a_conflict
                concurrent_rotations_of_one_generation_succeed_once
                a_revoked_family_cannot_be_rotated
                expired_and_revoked_families_are_deleted
            ;
            journal:
                concurrent_uses_of_one_secret_succeed_once
                a_change_is_applied_completely_or_not_at_all
                a_user_who_fails_the_conditions_is_not_changed
                conditions_count_for_a_patch_that_changes_nothing
                factors_change_only_if_they_are_as_expected
                a_consumed_secret_is_known_as_consumed
                concurrent_claims_of_one_value_in_any_case_succeed_once
                concurrent_claims_of_one_name_in_any_script_succeed_once
                a_mail_is_claimed_by_one_worker_and_settled_once
                a_failed_mail_is_claimed_again_when_it_is_due
                concurrent_workers_never_claim_the_same_mail
                concurrent_audit_entries_form_one_chain
            ;
            forgetting:
                consumed_secrets_are_purged_after_they_expire
                mails_given_up_before_the_cutoff_are_purged
                expired_families_of_all_users_are_purged
            ;
            guesses:
                guesses_are_counted_until_the_window_ends
                a_full_counter_leaves_the_others_alone
                a_guess_is_given_back_to_its_own_window
                cleared_and_forgotten_counters_begin_again
                counters_are_purged_after_their_window
                attack_parallel_guesses_never_exceed_the_limit
            ;
            passkeys:
                a_new_passkey_is_found_by_credential_user_and_usage
                a_taken_credential_or_name_is_a_conflict
                a_use_is_recorded_if_the_counter_is_as_expected
                attack_race_of_parallel_uses_of_one_sign_count_one_succeeds
                concurrent_registrations_of_one_name_or_credential_succeed_once
                a_passkey_is_deleted_once_and_by_its_owner
                a_deleted_or_reset_user_has_no_passkeys
                the_first_user_handle_stays
            ;
            identities:
                a_linked_identity_is_found_byte_for_byte
                a_taken_identity_is_a_conflict
                a_user_is_created_together_with_an_identity
                a_sign_in_with_an_identity_is_recorded_while_it_is_linked
                an_identity_is_unlinked_once_and_by_its_owner
                attack_race_parallel_unlinks_leave_one_identity
                concurrent_links_of_one_identity_succeed_once
                a_deleted_or_reset_user_has_no_identities
            ;
            together:
                deleting_or_resetting_a_user_is_audited
                changes_of_roles_are_audited
                beginning_and_ending_a_family_is_audited
                concurrent_identical_changes_are_applied_and_audited_once
                several_secrets_are_consumed_together_or_not_at_all
                a_stale_part_prevents_every_other_part
            ;
            injection:
                attack_injection_every_column_keeps_hostile_text_as_it_is
            ;
            leaving:
                a_deleted_user_leaves_nothing_behind
                attack_recycled_identifier_the_id_of_a_deleted_user_is_not_reused
                resetting_access_revokes_every_credential_but_the_password
            ;
        }
    };
}

/// Runs each case as a test with a database of its own.
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

/// Runs all cases in one database, which is emptied after each.
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

/// Empties every table and restarts the numbering of rows.
const EMPTY: &str = "DO $$ BEGIN EXECUTE (SELECT 'TRUNCATE ' || string_agg(quote_ident(tablename), ', ') \
     || ' RESTART IDENTITY CASCADE' FROM pg_tables WHERE schemaname = 'public'); END $$";

with_every_case!(one_by_one, in_memory);
with_every_case!(one_by_one, sqlite_file);
with_every_case!(one_by_one, postgres);
with_every_case!(one_by_one, mysql);
with_every_case!(one_after_another, through_pooler);
