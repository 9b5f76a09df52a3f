//! Measures the cost of reading one row on SQLite, in microseconds of CPU time.
//!
//! `cargo run --release -p vestibule-store --example read_cost [users] [threads]`

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made ends there, and prints what it measured"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rusqlite::Connection;
use vestibule_store::sql::TableNames;
use vestibule_store::sql::sqlite::SqliteStore;
use vestibule_store::{Store, UserId, UserKey};

const READS: u32 = 20_000;
const ROUNDS: usize = 9;

/// The CPU time of this thread, in nanoseconds.
fn cpu_time() -> u64 {
    let line = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    line.split(' ').next().unwrap().parse().unwrap()
}

fn fill(path: &Path, users: u32) {
    let mut sql = Connection::open(path).unwrap();
    let transaction = sql.transaction().unwrap();
    transaction
        .execute_batch(
            "INSERT INTO role (id, name, permissions) VALUES (1, 'reader', 'read,list'), \
             (2, 'writer', 'write')",
        )
        .unwrap();
    for number in 0..users {
        transaction
            .prepare_cached(
                "INSERT INTO user (id, email, username, password, active, fs_uniquifier, \
                 confirmed_at) VALUES (?1 + 1, ?1 || '@example.com', 'n' || ?1, \
                 '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA', 1, 'u' || ?1, \
                 '2026-03-01 04:05:06.000000')",
            )
            .unwrap()
            .execute([number])
            .unwrap();
        transaction
            .prepare_cached(
                "INSERT INTO roles_users (user_id, role_id) VALUES (?1 + 1, ?1 % 2 + 1)",
            )
            .unwrap()
            .execute([number])
            .unwrap();
    }
    transaction.commit().unwrap();
    sql.execute_batch("ANALYZE").unwrap();
}

/// Does one read of the measured kind. Returns whether it found its row.
async fn read(store: &dyn Store, way: &str, number: u32) -> bool {
    let session = format!("u{number}");
    let key = UserKey::Uniquifier(&session);
    match way {
        "user" => store.user(key).await.unwrap().is_some(),
        "user by id" => {
            let key = UserKey::Id(UserId(i64::from(number) + 1));
            store.user(key).await.unwrap().is_some()
        }
        _ => store.user_with_roles(key).await.unwrap().unwrap().1.len() == 1,
    }
}

/// The CPU time and the elapsed time of one read, in microseconds, with several threads reading
/// at once.
fn measure(store: &Arc<SqliteStore>, way: &'static str, rows: u32, threads: u32) -> (f64, f64) {
    let started = Instant::now();
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            let store = Arc::clone(store);
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    let before = cpu_time();
                    for number in 0..READS {
                        let row = number.wrapping_mul(2_654_435_761).wrapping_add(thread) % rows;
                        assert!(read(&*store, way, row).await);
                    }
                    cpu_time() - before
                })
            })
        })
        .collect();
    let spent: u64 = workers
        .into_iter()
        .map(|worker| worker.join().unwrap())
        .sum();
    let reads = f64::from(READS) * 1000.0;
    #[expect(clippy::cast_precision_loss, reason = "a figure for people")]
    let cpu = spent as f64 / reads / f64::from(threads);
    let wall = started.elapsed().as_secs_f64() * 1e6 / f64::from(READS);
    (cpu, wall)
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|text| text.parse().unwrap());
    let users: u32 = arguments.next().unwrap_or(200_000);
    let threads: u32 = arguments.next().unwrap_or(2);
    let folder = std::env::temp_dir().join(format!("vestibule-read-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("accounts.db");
    let tables = TableNames::default();
    SqliteStore::init(&path, &tables).unwrap();
    SqliteStore::upgrade(&path, &tables).unwrap();
    fill(&path, users);
    let store = Arc::new(SqliteStore::open(&path, &tables).unwrap());
    for way in ["user by id", "user", "user with roles"] {
        for (rows, which) in [(1, "one hot row"), (users, "any row")] {
            for threads in [1, threads] {
                let mut rounds: Vec<_> = (0..ROUNDS)
                    .map(|_| measure(&store, way, rows, threads))
                    .collect();
                rounds.sort_by(|one, other| one.0.total_cmp(&other.0));
                // The least, because other work on the machine only adds to it.
                let (cpu, wall) = rounds[0];
                println!(
                    "{way:16} {which:12} {threads} threads: {cpu:6.2} us CPU, {wall:6.2} us wall"
                );
            }
        }
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
