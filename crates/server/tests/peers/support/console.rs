//! The command-line client of a database server, kept open between queries: starting it for each
//! query would take longer than the exchanges do.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::Value;

use super::database::{PASSKEY_COLUMNS, Users, is_moment, passkey, passkeys};
use crate::server::{Engine, Schema};

#[derive(Debug)]
pub(crate) struct Console {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// The columns of the user table, for MySQL, whose client prints rows without names.
    columns: Vec<String>,
    /// Drops the database when it is dropped, so it must outlive the client.
    schema: Schema,
}

impl Console {
    pub(crate) fn open(schema: Schema) -> Self {
        let mut process = schema
            .client()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server's client is installed");
        let input = process.stdin.take().expect("a piped input");
        let output = BufReader::new(process.stdout.take().expect("a piped output"));
        let mut console = Self {
            process,
            input,
            output,
            columns: Vec::new(),
            schema,
        };
        if console.schema.engine == Engine::Mysql {
            // So that names and values can be quoted as in PostgreSQL.
            console.ask("SET sql_mode = 'ANSI_QUOTES,NO_BACKSLASH_ESCAPES'");
            console.columns = console.ask(
                "SELECT column_name FROM information_schema.columns \
                 WHERE table_schema = DATABASE() AND table_name = 'user' ORDER BY ordinal_position",
            );
        }
        console
    }

    /// Reads all users and passkeys.
    pub(crate) fn users(&mut self) -> Users {
        let of_users = self.columns.clone();
        let of_passkeys: Vec<String> = PASSKEY_COLUMNS.iter().map(|&name| name.into()).collect();
        let (users, passkeys) = match self.schema.engine {
            Engine::Postgres => (
                "SELECT row_to_json(u) FROM \"user\" u ORDER BY id".to_owned(),
                "SELECT row_to_json(w) FROM web_authn w ORDER BY id".to_owned(),
            ),
            Engine::Mysql => ("SELECT * FROM \"user\" ORDER BY id".to_owned(), passkeys()),
        };
        let users = self.records(&users, &of_users);
        let passkeys = self.records(&passkeys, &of_passkeys);
        let users = users.into_iter().map(|one| (one["email"].clone(), one));
        let passkeys = passkeys.into_iter().map(|one| (passkey(&one), one));
        users.chain(passkeys).collect()
    }

    fn records(&mut self, query: &str, columns: &[String]) -> Vec<BTreeMap<String, String>> {
        let lines = self.ask(query);
        let records = lines.iter().map(|line| match self.schema.engine {
            Engine::Postgres => of_json(line),
            Engine::Mysql => of_values(line, columns),
        });
        records.collect()
    }

    /// Changes a column of an existing user.
    pub(crate) fn set(&mut self, email: &str, column: &str, value: &str) {
        self.update(email, column, &quoted(value));
    }

    /// Sets a column of an existing user to NULL.
    pub(crate) fn clear(&mut self, email: &str, column: &str) {
        self.update(email, column, "NULL");
    }

    fn update(&mut self, email: &str, column: &str, value: &str) {
        let email = quoted(email);
        let found = self.ask(&format!(
            "SELECT COUNT(*) FROM \"user\" WHERE email = {email}"
        ));
        assert_eq!(found, ["1"], "{email} is in the database");
        self.ask(&format!(
            "UPDATE \"user\" SET {column} = {value} WHERE email = {email}"
        ));
    }

    /// Runs a statement and returns the lines of its output.
    fn ask(&mut self, statement: &str) -> Vec<String> {
        const END: &str = "-- that was all";
        let end = match self.schema.engine {
            Engine::Postgres => format!("\\echo {END}"),
            Engine::Mysql => format!("SELECT '{END}';"),
        };
        writeln!(self.input, "{statement};\n{end}").expect("the client listens");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            let read = self.output.read_line(&mut line).expect("an answer");
            assert!(read > 0, "the client stopped at {statement}");
            let line = line.trim_end_matches('\n');
            if line == END {
                return lines;
            }
            lines.push(line.to_owned());
        }
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn of_json(line: &str) -> BTreeMap<String, String> {
    let row: BTreeMap<String, Value> = serde_json::from_str(line).expect("a row");
    row.into_iter()
        .map(|(column, value)| {
            let text = match value {
                Value::Null => "NULL".to_owned(),
                Value::Bool(flag) => u8::from(flag).to_string(),
                // `row_to_json` drops trailing zeros from the fraction of a timestamp.
                Value::String(text) if is_moment(&column) => {
                    let (seconds, fraction) = text.split_once('.').unwrap_or((&text, ""));
                    format!("{seconds}.{fraction:0<6}")
                }
                Value::String(text) => text,
                other => other.to_string(),
            };
            (column, text)
        })
        .collect()
}

/// Parses a row of tab-separated values.
fn of_values(line: &str, columns: &[String]) -> BTreeMap<String, String> {
    let values: Vec<&str> = line.split('\t').collect();
    assert_eq!(values.len(), columns.len(), "{line:?}");
    // The client doubles backslashes.
    let values = values.into_iter().map(|value| value.replace("\\\\", "\\"));
    columns.iter().cloned().zip(values).collect()
}
