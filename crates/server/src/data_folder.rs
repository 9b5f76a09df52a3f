//! `./vestibule-data/`: the secrets and the embedded database, for a program whose configuration
//! names neither.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

use vestibule::program::rng::{self, Random};

use crate::private_files;

/// The folder, relative to the working directory.
pub const FOLDER: &str = "vestibule-data";

const SECRETS: &str = "secrets.toml";
const DATABASE: &str = "vestibule.db";

/// What SQLite appends to the database's name for its other files. They get the database's mode.
const DATABASE_FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// The SQLAlchemy URI of the embedded database.
#[must_use]
pub fn database_uri(folder: &Path) -> String {
    format!("sqlite:///{}", folder.join(DATABASE).display())
}

/// New values for the settings that must be secret, as lines of TOML.
#[must_use]
pub fn fresh_secrets(random: &dyn Random) -> String {
    let mut lines = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(lines, "SECRET_KEY = \"{}\"", rng::hex::<32>(random));
    let _ = writeln!(
        lines,
        "SECURITY_PASSWORD_SALT = \"{}\"",
        rng::hex::<16>(random)
    );
    let _ = writeln!(
        lines,
        "SECURITY_TOTP_SECRETS = {{ \"1\" = \"{}\" }}",
        rng::hex::<32>(random)
    );
    lines
}

/// The secrets of this installation. Generates them if there are none, and stores them in a file
/// that only its owner can read.
///
/// # Errors
/// When the folder cannot be created, read or written, or another user can tamper with it.
pub fn kept_secrets(folder: &Path, random: &dyn Random) -> io::Result<String> {
    if let Some(text) = secrets(folder)? {
        return Ok(text);
    }
    make(folder)?;
    // When two processes start at once, one of them creates the file and both use it.
    private_files::create(&folder.join(SECRETS), &fresh_secrets(random), random)?;
    secrets(folder)?
        .ok_or_else(|| io::Error::other("the secrets disappeared while they were being written"))
}

/// The stored secrets, if there are any.
///
/// # Errors
/// When they exist and cannot be read, or another user can read or change them.
pub fn secrets(folder: &Path) -> io::Result<Option<String>> {
    if !private_files::check_folder(folder)? {
        return Ok(None);
    }
    private_files::read(&folder.join(SECRETS))
}

/// Whether the embedded database exists.
#[must_use]
pub fn has_database(folder: &Path) -> bool {
    folder.join(DATABASE).exists()
}

/// Creates the folder, for its owner only. If it exists, neither the folder nor the database in it
/// may be writable by other users.
///
/// # Errors
/// When it cannot be created, or another user can tamper with it.
pub fn make(folder: &Path) -> io::Result<()> {
    if !private_files::check_folder(folder)? {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
        private_files::check_folder(folder)?;
    }
    DATABASE_FILES.iter().try_for_each(|ending| {
        private_files::keep_private(&folder.join(format!("{DATABASE}{ending}")))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use vestibule::program::rng::SystemRandom;

    use super::*;

    #[test]
    fn secrets_are_generated_once_and_only_the_owner_can_read_them() {
        let folder = std::env::temp_dir().join(format!("vestibule-secrets-{}", std::process::id()));
        let first = kept_secrets(&folder, &SystemRandom).unwrap();
        let again = kept_secrets(&folder, &SystemRandom).unwrap();
        let mode = fs::metadata(folder.join(SECRETS))
            .unwrap()
            .permissions()
            .mode();
        fs::remove_dir_all(&folder).unwrap();
        assert_eq!(first, again);
        assert_eq!(mode & 0o777, 0o600);
        assert!(first.contains("SECRET_KEY = "));
    }
}
