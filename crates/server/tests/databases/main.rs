//! The real program on every kind of database: concurrent clients, a killed server, and a mail
//! server that is down.

#![expect(clippy::unwrap_used, reason = "a test may panic when a step fails")]

#[path = "../support/http.rs"]
#[expect(dead_code, reason = "shared with the comparison")]
mod http;
#[path = "../support/jar.rs"]
#[expect(dead_code, reason = "shared with the comparison")]
mod jar;
#[path = "../../../store/tests/contract/pooler.rs"]
mod pooler;
#[path = "../support/post.rs"]
#[expect(dead_code, reason = "shared with the comparison")]
mod post;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "shared with the tests of the program")]
mod program;
#[path = "../../../store/tests/contract/server.rs"]
#[expect(dead_code, reason = "shared with the comparison")]
mod server;
mod site;

/// Runs each of these tests on each kind of database.
macro_rules! on_each_database {
    ($($test:ident)*) => {
        on_each_database!(sqlite = Sqlite: $($test)*);
        on_each_database!(postgres = Postgres: $($test)*);
        on_each_database!(mysql = Mysql: $($test)*);
    };
    ($name:ident = $database:ident: $($test:ident)*) => {
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test($crate::site::Database::$database);
                }
            )*
        }
    };
}

mod codes;
mod encodings;
mod guesses;
mod killed;
mod links;
mod mail_server_away;
mod passkeys;
mod pooled;
mod refresh;
mod registrations;
mod servers;
mod story;
