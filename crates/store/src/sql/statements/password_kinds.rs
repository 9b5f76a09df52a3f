//! Which kinds of password hashes are stored.

use crate::PasswordKind;
use crate::password_kind::Kinds;
use crate::sql::TableNames;
use crate::sql::dialect::Dialect;
use crate::sql::executor::{Executor, Failure, Outcome};
use crate::sql::query::{CellError, Query};

/// How many kinds are read from a server, the most frequent first. A table has one or two.
const LIMIT: u32 = 1000;

/// Counts the password hashes in a table with a column `password`.
pub(in crate::sql) async fn count<X: Executor>(
    db: &mut X,
    dialect: Dialect,
    tables: &TableNames,
) -> Outcome<Vec<PasswordKind>, X> {
    let text = dialect.statement(tables, &statement(dialect));
    let mut kinds = Kinds::default();
    db.each(&Query::new(text, Vec::new()), |row| {
        let hash = match row.text(0) {
            Ok(hash) => hash.unwrap_or_default(),
            // The cell holds no text. It is counted like an empty hash.
            Err(CellError::Corrupt) => String::new(),
            Err(CellError::Failed(error)) => return Err(error),
        };
        let count = row.number(1).ok().flatten().unwrap_or_default();
        kinds.add(&hash, count.unsigned_abs());
        Ok(())
    })
    .await?;
    Ok::<_, Failure<X::Error>>(kinds.all())
}

/// Selects a hash of each kind and the number of hashes of that kind. A server groups them by the
/// beginning of the hash, up to the salt as far as it can tell, so that not every hash crosses the
/// network. SQLite selects all hashes: it is in the same process and lacks functions to group them.
fn statement(dialect: Dialect) -> String {
    let up_to = |parts: u32| match dialect {
        Dialect::Postgres => {
            format!("array_to_string((string_to_array(password, '$'))[1:{parts}], '$')")
        }
        Dialect::Sqlite | Dialect::MySql { .. } => {
            format!("substring_index(password, '$', {parts})")
        }
    };
    let (hash, count) = match dialect {
        Dialect::Sqlite => return "SELECT password, 1 FROM {user} WHERE password <> ''".to_owned(),
        Dialect::Postgres => ("min(password)::text", "count(*)::bigint"),
        Dialect::MySql { .. } => (
            "CAST(min(password) AS CHAR(2048))",
            "CAST(count(*) AS SIGNED)",
        ),
    };
    let (one, two, three, four) = (up_to(1), up_to(2), up_to(3), up_to(4));
    format!(
        "SELECT {hash}, {count} FROM {{user}} WHERE password <> '' \
         GROUP BY CASE WHEN password LIKE 'scrypt:%' OR password LIKE 'pbkdf2:%' THEN {one} \
         WHEN password LIKE '$argon2%$v=%' OR password LIKE 'argon2$%$v=%' \
         OR password LIKE 'bcrypt%$%' THEN {four} \
         WHEN password LIKE '$argon2%' OR password LIKE 'argon2$%' OR password LIKE '$2%' \
         OR password LIKE '$pbkdf2-sha%' OR password LIKE '$scrypt$%' \
         OR password LIKE '$5$rounds=%' OR password LIKE '$6$rounds=%' THEN {three} \
         WHEN password LIKE '$5$%' OR password LIKE '$6$%' OR password LIKE '$7$%' \
         OR password LIKE 'pbkdf2_sha%' THEN {two} \
         WHEN password LIKE 'sha1$%' OR password LIKE 'md5$%' OR password LIKE 'crypt$%' THEN {one} \
         ELSE '' END ORDER BY 2 DESC LIMIT {LIMIT}"
    )
}
