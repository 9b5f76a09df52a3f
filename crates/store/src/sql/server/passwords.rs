//! Which kinds of password hashes a server's database holds.

use super::dialect::Dialect;
use super::schema::columns_of;
use super::wire::Link;
use crate::PasswordKind;
use crate::password_kind::Kinds;
use crate::sql::TableNames;

/// How many kinds are looked at, the most frequent first. A table has one or two.
const MOST: u32 = 1000;

/// Has the server count, so that not every hash crosses the net. It groups by what a hash begins
/// with, up to the salt as far as it can tell; one of each group is looked at here.
pub(super) async fn kinds(
    link: &mut Link<'_>,
    dialect: Dialect,
    tables: &TableNames,
) -> Result<Vec<PasswordKind>, sqlx_core::Error> {
    let columns = columns_of(link, dialect, &tables.user).await?;
    if columns.iter().all(|column| column.name != "password") {
        return Ok(Vec::new());
    }
    let upto = |parts: u32| match dialect {
        Dialect::Postgres => {
            format!("array_to_string((string_to_array(password, '$'))[1:{parts}], '$')")
        }
        Dialect::MySql { .. } => format!("substring_index(password, '$', {parts})"),
    };
    let (one, two, three, four) = (upto(1), upto(2), upto(3), upto(4));
    let grouped = format!(
        "CASE WHEN password LIKE 'scrypt:%' OR password LIKE 'pbkdf2:%' THEN {one} \
         WHEN password LIKE '$argon2%$v=%' OR password LIKE 'argon2$%$v=%' \
         OR password LIKE 'bcrypt%$%' THEN {four} \
         WHEN password LIKE '$argon2%' OR password LIKE 'argon2$%' OR password LIKE '$2%' \
         OR password LIKE '$pbkdf2-sha%' OR password LIKE '$scrypt$%' \
         OR password LIKE '$5$rounds=%' OR password LIKE '$6$rounds=%' THEN {three} \
         WHEN password LIKE '$5$%' OR password LIKE '$6$%' OR password LIKE '$7$%' \
         OR password LIKE 'pbkdf2_sha%' THEN {two} \
         WHEN password LIKE 'sha1$%' OR password LIKE 'md5$%' OR password LIKE 'crypt$%' THEN {one} \
         ELSE '' END"
    );
    let (text, number) = match dialect {
        Dialect::Postgres => ("min(password)::text", "count(*)::bigint"),
        Dialect::MySql { .. } => (
            "CAST(min(password) AS CHAR(2048))",
            "CAST(count(*) AS SIGNED)",
        ),
    };
    let statement = format!(
        "SELECT {text}, {number} FROM {{user}} WHERE password <> '' \
         GROUP BY {grouped} ORDER BY 2 DESC LIMIT {MOST}"
    );
    let statement = tables.fill_with(&statement, |name| dialect.quote(name));
    let mut kinds = Kinds::default();
    for row in link.rows(&statement, &[]).await? {
        let count = row.number(1)?.unwrap_or_default();
        kinds.add(&row.text(0)?.unwrap_or_default(), count.unsigned_abs());
    }
    Ok(kinds.all())
}
