//! Files that only their owner may read or change: checks of owner and mode, and the creation of
//! new files without following a link that another user planted.

use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;
use rustix::process::geteuid;
use vestibule::rng::{self, Random};

const READABLE: u32 = 0o044;
const WRITABLE: u32 = 0o022;

/// A folder that only this user, or root, can put anything into. `false` if there is none.
///
/// # Errors
/// When another user owns it or can write to it, with the command that mends that.
pub fn check_folder(path: &Path) -> io::Result<bool> {
    let Some(entry) = metadata(fs::symlink_metadata(path))? else {
        return Ok(false);
    };
    let me = geteuid().as_raw();
    // A link that the operator made is the operator's wish; where it leads is looked at, too.
    owned(path, &entry, me)?;
    let Some(folder) = metadata(fs::metadata(path))? else {
        return Err(refusal(path, "is a link that leads nowhere", "remove it"));
    };
    if !folder.is_dir() {
        return Err(refusal(path, "is not a folder", "remove it"));
    }
    owned(path, &folder, me)?;
    refuse_mode(path, &folder, WRITABLE, "700")?;
    Ok(true)
}

/// Reads a file with secrets. `None` if there is none.
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

/// Sees to it that only its owner reads a file, if it is there.
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

/// Writes a new file for its owner only, whole or not at all. `false` if there is something of
/// that name already, be it a link that leads nowhere: when two processes start at once, one of
/// them writes the file.
///
/// # Errors
/// When it cannot be written.
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

/// A file that is ours, as it is opened and not as it was a moment ago.
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
                refusal(path, "is a symbolic link", "put the file itself there")
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
            "run it as that user (sudo -u '#{owner}'), or, if you trust what is in it: chown -R {me} {shown}"
        ),
    ))
}

/// A folder may belong to root; a file with secrets has to belong to the user of this process.
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
            "if you trust what is in it: chmod {wanted} {}",
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
    fn attack_prepared_folder_an_owner_is_this_user_or_root_for_a_folder() {
        assert!(owner_is_trusted(1000, 1000, true) && owner_is_trusted(1000, 1000, false));
        assert!(owner_is_trusted(0, 1000, false));
        assert!(!owner_is_trusted(0, 1000, true));
        assert!(!owner_is_trusted(1001, 1000, false));
        // Root is no exception: what another user prepared is another user's.
        assert!(!owner_is_trusted(1000, 0, false) && !owner_is_trusted(1000, 0, true));
    }
}
