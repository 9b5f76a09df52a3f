//! Files that only their owner may read or change: checks of owner and mode, and the creation of
//! new files without following a link that another user planted.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;
use vestibule::program::rng::{self, Random};

const READABLE: u32 = 0o044;
const WRITABLE: u32 = 0o022;

/// Checks that only this user or root can write to a folder. `false` if it does not exist.
///
/// # Errors
/// When another user owns it or can write to it. The error names the command that fixes this.
pub fn check_folder(path: &Path) -> io::Result<bool> {
    let Some(entry) = metadata(fs::symlink_metadata(path))? else {
        return Ok(false);
    };
    let me = geteuid().as_raw();
    // The operator may have created a link on purpose, so its target is checked as well.
    owned(path, &entry, me)?;
    let Some(folder) = metadata(fs::metadata(path))? else {
        return Err(refusal(path, "is a dangling symbolic link", "remove it"));
    };
    if !folder.is_dir() {
        return Err(refusal(path, "is not a folder", "remove it"));
    }
    owned(path, &folder, me)?;
    refuse_mode(path, &folder, WRITABLE, "700")?;
    Ok(true)
}

/// Reads a file with secrets. `None` if it does not exist.
///
/// # Errors
/// When it is a link, or another user owns it or can read or write it.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    let Some(mut file) = open(path)? else {
        return Ok(None);
    };
    refuse_mode(path, &file.metadata()?, READABLE | WRITABLE, "600")?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(Some(text))
}

/// Makes a file unreadable for other users, if it exists.
///
/// # Errors
/// When it is a link, or another user owns it or can write to it.
pub fn keep_private(path: &Path) -> io::Result<()> {
    let Some(file) = open(path)? else {
        return Ok(());
    };
    let found = file.metadata()?;
    refuse_mode(path, &found, WRITABLE, "600")?;
    if found.mode() & READABLE != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(())
}

/// Whether every user of the machine can read a file.
#[must_use]
pub fn is_readable_by_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.mode() & 0o004 != 0)
}

/// Creates a file for its owner only, completely or not at all. `false` if the name is taken, even
/// by a dangling link: when two processes start at once, only one of them writes the file.
///
/// # Errors
/// When the file cannot be written.
pub fn create(path: &Path, text: &str, random: &dyn Random) -> io::Result<bool> {
    let draft = path.with_extension(format!("{}.draft", rng::hex::<8>(random)));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        });
    let linked = written.and_then(|()| fs::hard_link(&draft, path));
    let _ = fs::remove_file(&draft);
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Opens a file of this user. The checks apply to the open file, so that it cannot be replaced
/// between the check and its use.
fn open(path: &Path) -> io::Result<Option<File>> {
    let not_followed = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let flags = i32::try_from(not_followed.bits()).map_err(io::Error::other)?;
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let is_link = fs::symlink_metadata(path).is_ok_and(|entry| entry.is_symlink());
            return Err(if is_link {
                refusal(
                    path,
                    "is a symbolic link",
                    "replace it with the file itself",
                )
            } else {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            });
        }
    };
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(refusal(path, "is not a file", "remove it"));
    }
    owned(path, &found, geteuid().as_raw())?;
    Ok(Some(file))
}

fn metadata(found: io::Result<Metadata>) -> io::Result<Option<Metadata>> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn owned(path: &Path, found: &Metadata, me: u32) -> io::Result<()> {
    let owner = found.uid();
    if owner_is_trusted(owner, me, found.is_file()) {
        return Ok(());
    }
    let shown = path.display();
    Err(refusal(
        path,
        &format!("belongs to the user with ID {owner}, and this process runs as {me}"),
        &format!(
            "run it as that user (sudo -u '#{owner}'), or, if you trust its contents: chown -R {me} {shown}"
        ),
    ))
}

/// Whether the owner is acceptable. A folder may belong to root; a file must belong to the user of
/// this process.
fn owner_is_trusted(owner: u32, me: u32, is_file: bool) -> bool {
    owner == me || (owner == 0 && !is_file)
}

fn refuse_mode(path: &Path, found: &Metadata, refused: u32, wanted: &str) -> io::Result<()> {
    let mode = found.mode() & 0o777;
    if mode & refused == 0 {
        return Ok(());
    }
    let what = if mode & refused & WRITABLE != 0 {
        "write to"
    } else {
        "read"
    };
    Err(refusal(
        path,
        &format!("has mode {mode:03o}: other users can {what} it"),
        &format!(
            "if you trust its contents: chmod {wanted} {}",
            path.display()
        ),
    ))
}

fn refusal(path: &Path, what: &str, fix: &str) -> io::Error {
    io::Error::other(format!("{} {what}; {fix}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_prepared_folder_only_this_user_or_root_may_own_a_folder() {
        assert!(owner_is_trusted(1000, 1000, true) && owner_is_trusted(1000, 1000, false));
        assert!(owner_is_trusted(0, 1000, false));
        assert!(!owner_is_trusted(0, 1000, true));
        assert!(!owner_is_trusted(1001, 1000, false));
        // Root is no exception: root must not use files that another user prepared.
        assert!(!owner_is_trusted(1000, 0, false) && !owner_is_trusted(1000, 0, true));
    }
}
