//! What the program keeps for itself when nobody told it where: its secrets and the
//! embedded database, under `./vestibule-data/`.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use vestibule::rng::{self, Random};

/// The folder, relative to the working directory.
pub const FOLDER: &str = "vestibule-data";

const SECRETS: &str = "secrets.toml";
const DATABASE: &str = "vestibule.db";

/// The SQLAlchemy URI of the embedded database.
#[must_use]
pub fn database_uri(folder: &Path) -> String {
    format!("sqlite:///{}", folder.join(DATABASE).display())
}

/// Fresh values for the settings that have to be secret, as lines of TOML.
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

/// The secrets of this installation: those that are kept, or new ones, which are kept
/// from now on in a file that only its owner can read.
///
/// # Errors
/// When the folder cannot be made, read or written.
pub fn kept_secrets(folder: &Path, random: &dyn Random) -> io::Result<String> {
    if let Some(text) = secrets(folder)? {
        return Ok(text);
    }
    make(folder)?;
    create_secrets(&folder.join(SECRETS), &fresh_secrets(random))
}

/// The secrets that are kept, if there are any.
///
/// # Errors
/// When they are there and cannot be read.
pub fn secrets(folder: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(folder.join(SECRETS)) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether the embedded database is there.
#[must_use]
pub fn has_database(folder: &Path) -> bool {
    folder.join(DATABASE).exists()
}

/// Makes the folder, for its owner only.
///
/// # Errors
/// When it cannot be made.
pub fn make(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

/// Writes the file whole or not at all: when two processes start at once, one wins and
/// both use what it wrote.
fn create_secrets(path: &Path, text: &str) -> io::Result<String> {
    let draft: PathBuf = path.with_extension(format!("{}.draft", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::read_to_string(path),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use vestibule::rng::SystemRandom;

    use super::*;

    #[test]
    fn secrets_are_made_once_and_only_the_owner_reads_them() {
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
