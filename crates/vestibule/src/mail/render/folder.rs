//! The folder of templates that override the built-in ones.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The path of the template with this name, or `None` for a name that could lead out of the folder.
pub(super) fn path_of(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut path = folder.to_owned();
    for step in name.split('/') {
        if step.is_empty() || step.starts_with('.') || step.contains(['\\', ':', '\0']) {
            return None;
        }
        path.push(step);
    }
    Some(path)
}

/// The template with this name, if it exists.
pub(super) fn read(folder: &Path, name: &str) -> std::io::Result<Option<String>> {
    let Some(path) = path_of(folder, name) else {
        return Ok(None);
    };
    match std::fs::read_to_string(path) {
        Ok(source) => Ok(Some(source)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attack_path_traversal_names_outside_the_folder_are_refused() {
        let folder = Path::new("templates");
        assert_eq!(
            path_of(folder, "security/email/welcome.txt"),
            Some(PathBuf::from("templates/security/email/welcome.txt"))
        );
        for name in [
            "",
            "/",
            "/etc/passwd",
            "../secret.txt",
            "security/../../secret.txt",
            "security//welcome.txt",
            "security/.hidden",
            "./welcome.txt",
            "..\\secret.txt",
            "C:/secret.txt",
            "a\0b",
        ] {
            assert_eq!(path_of(folder, name), None, "{name:?}");
        }
    }
}
