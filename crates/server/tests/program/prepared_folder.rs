//! A data folder, or files in it, that another user of the machine prepared.

use std::fs::Permissions;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use crate::support::{Folder, Server, done, stderr, stdout};

const SECRETS: &str = "vestibule-data/secrets.toml";
const DATABASE: &str = "vestibule-data/vestibule.db";

fn mode(folder: &Folder, name: &str) -> u32 {
    let found = std::fs::metadata(folder.path().join(name)).unwrap();
    found.permissions().mode() & 0o777
}

fn set_mode(folder: &Folder, name: &str, mode: u32) {
    std::fs::set_permissions(folder.path().join(name), Permissions::from_mode(mode)).unwrap();
}

fn make_data_folder(folder: &Folder) {
    std::fs::create_dir(folder.path().join("vestibule-data")).unwrap();
    set_mode(folder, "vestibule-data", 0o700);
}

/// Every command that would use the folder fails with this complaint.
#[track_caller]
fn refused_by_all(folder: &Folder, complaint: &str) {
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["config", "check"],
        &["users", "list"],
        &[
            "users",
            "create",
            "ana@example.com",
            "--password",
            "battery staple",
        ],
    ] {
        let output = folder.run(command);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{command:?}: {said}");
        assert!(said.contains(complaint), "{command:?}: {said}");
        assert!(!said.contains("planted") && !stdout(&output).contains("planted"));
    }
}

#[test]
fn attack_prepared_folder_planted_secrets_are_not_used() {
    let planted = "SECRET_KEY = \"planted-planted-planted-planted\"\n";
    let folder = Folder::new();
    make_data_folder(&folder);
    folder.write(SECRETS, planted);
    for (mode, what) in [(0o666, "write to"), (0o620, "write to"), (0o644, "read")] {
        set_mode(&folder, SECRETS, mode);
        refused_by_all(&folder, what);
        refused_by_all(&folder, "chmod 600 vestibule-data/secrets.toml");
    }
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(folder.path().join(SECRETS), &elsewhere).unwrap();
    set_mode(&folder, "elsewhere", 0o600);
    symlink(&elsewhere, folder.path().join(SECRETS)).unwrap();
    refused_by_all(&folder, "secrets.toml is a symbolic link");
}

#[test]
fn attack_prepared_folder_a_folder_that_others_can_write_to_is_refused() {
    let folder = Folder::new();
    make_data_folder(&folder);
    for mode in [0o777, 0o1777, 0o720] {
        set_mode(&folder, "vestibule-data", mode);
        refused_by_all(&folder, "chmod 700 vestibule-data");
    }
    assert!(!folder.path().join(SECRETS).exists());
    set_mode(&folder, "vestibule-data", 0o755);
    Server::start(&folder, &[]).stop();
    assert_eq!(mode(&folder, SECRETS), 0o600);
}

#[test]
fn attack_prepared_folder_new_secrets_follow_no_link() {
    let folder = Folder::new();
    make_data_folder(&folder);
    folder.write("theirs", "");
    // Covers the names that the temporary file had in earlier versions, which contained the process
    // ID.
    let last = std::process::id();
    for id in last..last + 3000 {
        let draft = format!("vestibule-data/secrets.{id}.draft");
        symlink(folder.path().join("theirs"), folder.path().join(draft)).unwrap();
    }
    Server::start(&folder, &[]).stop();
    assert_eq!(folder.read("theirs"), "");
    assert!(folder.read(SECRETS).contains("SECRET_KEY"));

    let folder = Folder::new();
    make_data_folder(&folder);
    symlink(folder.path().join("theirs"), folder.path().join(SECRETS)).unwrap();
    refused_by_all(&folder, "secrets.toml is a symbolic link");
    assert!(!folder.path().join("theirs").exists());
}

#[test]
fn attack_prepared_folder_only_the_owner_can_access_the_database() {
    let folder = Folder::new();
    make_data_folder(&folder);
    symlink(folder.path().join("theirs"), folder.path().join(DATABASE)).unwrap();
    let output = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(stderr(&output).contains("vestibule.db is a symbolic link"));
    assert!(!folder.path().join("theirs").exists());
    std::fs::remove_file(folder.path().join(DATABASE)).unwrap();

    let server = Server::start(&folder, &[]);
    for ending in ["", "-wal", "-shm"] {
        assert_eq!(
            mode(&folder, &format!("{DATABASE}{ending}")),
            0o600,
            "{ending}"
        );
    }
    server.stop();
    // A restored copy gets the mode 0600 again.
    set_mode(&folder, DATABASE, 0o644);
    done(&folder.run(&["users", "list"]));
    assert_eq!(mode(&folder, DATABASE), 0o600);
    set_mode(&folder, DATABASE, 0o666);
    let output = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(stderr(&output).contains("chmod 600 vestibule-data/vestibule.db"));
    let output = folder.run(&["db", "check"]);
    assert!(stderr(&output).contains("chmod 600 vestibule-data/vestibule.db"));
}

#[test]
fn attack_prepared_folder_a_database_behind_a_link_is_created_for_its_owner() {
    let folder = Folder::new();
    symlink(folder.path().join("there.db"), folder.path().join("app.db")).unwrap();
    let secrets = stdout(&folder.run(&["secrets", "generate"]));
    let database = "SQLALCHEMY_DATABASE_URI = \"sqlite:///app.db\"\n";
    folder.write("vestibule.toml", &format!("{database}{secrets}"));
    done(&folder.run(&["db", "init"]));
    assert_eq!(mode(&folder, "there.db"), 0o600);
}

#[test]
fn attack_prepared_folder_the_starter_follows_no_link() {
    let folder = Folder::new();
    symlink(
        folder.path().join("theirs"),
        folder.path().join("vestibule.toml"),
    )
    .unwrap();
    let output = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert!(
        stderr(&output).contains("a dangling symbolic link"),
        "{}",
        stderr(&output)
    );
    assert!(!folder.path().join("theirs").exists());
}

#[test]
fn attack_prepared_folder_another_users_folder_is_not_used() {
    let folder = Folder::new();
    make_data_folder(&folder);
    let other_user = 65_534;
    let path = folder.path().join("vestibule-data");
    if std::os::unix::fs::chown(&path, Some(other_user), None).is_err() {
        // Only root can change the owner of a folder. A unit test covers the rule itself.
        return;
    }
    refused_by_all(&folder, "belongs to the user with ID 65534");
    refused_by_all(&folder, "sudo -u '#65534'");
}

#[test]
fn a_secret_file_that_every_user_can_read_gets_advice() {
    let folder = Folder::new();
    let secrets = stdout(&folder.run(&["secrets", "generate"]));
    folder.write("key", "k".repeat(40).as_str());
    let others: String = secrets
        .lines()
        .filter(|line| !line.starts_with("SECRET_KEY"))
        .map(|line| format!("{line}\n"))
        .collect();
    folder.write(
        "vestibule.toml",
        &format!("SECRET_KEY_FILE = \"key\"\n{others}"),
    );
    set_mode(&folder, "vestibule.toml", 0o640);
    set_mode(&folder, "key", 0o644);
    let said = done(&folder.run(&["config", "check"]));
    assert!(said.contains("risky: SECRET_KEY_FILE"), "{said}");
    assert!(said.contains("chmod o-rwx key"), "{said}");
    set_mode(&folder, "key", 0o640);
    let said = done(&folder.run(&["config", "check"]));
    assert!(!said.contains("SECRET_KEY_FILE\n"), "{said}");
    set_mode(&folder, "vestibule.toml", 0o644);
    let said = done(&folder.run(&["config", "check"]));
    assert!(said.contains("risky: vestibule.toml"), "{said}");
}
