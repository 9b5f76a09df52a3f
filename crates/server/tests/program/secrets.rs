//! Where secrets come from, and when none are generated.

use crate::support::{Folder, Server, done, refused, stderr, stdout};

const CREATE: [&str; 6] = [
    "users",
    "create",
    "ana@example.com",
    "--password",
    "battery staple",
    "--confirmed",
];
const CHANGE: [&str; 5] = [
    "users",
    "change_password",
    "ana@example.com",
    "--password",
    "correct horse battery",
];

/// Every command that hashes a password, or uses the chain of the audit log.
fn commands_with_secrets() -> Vec<Vec<&'static str>> {
    let words = |line: &'static str| line.split(' ').collect();
    let lines = [
        "users activate ana@example.com",
        "users deactivate ana@example.com",
        "users reset_access ana@example.com",
        "users confirm ana@example.com",
        "users delete ana@example.com --yes",
        "roles add ana@example.com editor",
        "roles remove ana@example.com editor",
        "roles create reader",
        "roles add_permissions editor read",
        "roles remove_permissions editor read",
        "audit verify",
    ];
    [CREATE.to_vec(), CHANGE.to_vec()]
        .into_iter()
        .chain(lines.map(words))
        .collect()
}

#[test]
fn without_the_servers_secrets_no_command_hashes_or_writes() {
    let folder = Folder::new();
    let secrets = stdout(&folder.run(&["secrets", "generate"]));
    let database = "SQLALCHEMY_DATABASE_URI = \"sqlite:///app.db\"\n";
    folder.write("vestibule.toml", &format!("{database}{secrets}"));
    done(&folder.run(&CREATE));
    done(&folder.run(&["roles", "create", "editor"]));
    let shown = done(&folder.run(&["users", "show", "ana@example.com"]));

    // The server gets its secrets from elsewhere, and this shell does not have them.
    folder.write("vestibule.toml", database);
    for command in commands_with_secrets() {
        let output = folder.run(&command);
        refused(
            &output,
            "SECRET_KEY and SECURITY_PASSWORD_SALT are not set here",
        );
        assert!(stderr(&output).contains("EnvironmentFile"), "{command:?}");
    }
    assert_eq!(
        done(&folder.run(&["users", "show", "ana@example.com"])),
        shown
    );
    assert!(done(&folder.run(&["users", "audit", "ana@example.com"])).contains("created"));
    done(&folder.run(&["roles", "list"]));
    done(&folder.run(&["db", "check"]));
    done(&folder.run(&["openapi"]));
    let serve = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(serve.status.code(), Some(1));
    assert!(
        stderr(&serve).contains("SECRET_KEY: is not set"),
        "{}",
        stderr(&serve)
    );
    assert!(!folder.path().join("vestibule-data").exists());

    folder.write("vestibule.toml", &format!("{database}{secrets}"));
    done(&folder.run(&CHANGE));
    done(&folder.run(&["audit", "verify"]));
}

#[test]
fn stored_secrets_are_read_and_lost_ones_are_not_replaced() {
    let folder = Folder::new();
    Server::start(&folder, &[]).stop();
    done(&folder.run(&CREATE));
    done(&folder.run(&CHANGE));
    done(&folder.run(&["audit", "verify"]));

    let kept = folder.path().join("vestibule-data/secrets.toml");
    std::fs::remove_file(&kept).unwrap();
    std::fs::remove_file(folder.path().join("vestibule.toml")).unwrap();
    for command in commands_with_secrets() {
        refused(&folder.run(&command), "are not set here");
        assert!(!kept.exists(), "{command:?}");
    }
}

#[test]
fn stored_secrets_are_not_used_with_another_database() {
    let folder = Folder::new();
    Server::start(&folder, &[]).stop();
    folder.write(
        "vestibule.toml",
        "SQLALCHEMY_DATABASE_URI = \"sqlite:///app.db\"\n",
    );
    refused(&folder.run(&CREATE), "are not set here");
    let serve = folder.run(&["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(serve.status.code(), Some(1));
    assert!(
        stderr(&serve).contains("secrets.toml belongs to"),
        "{}",
        stderr(&serve)
    );
}

#[test]
fn read_only_commands_create_nothing() {
    let folder = Folder::new();
    for config in ["", "SECURITY_TRACKABLE = true\n"] {
        if !config.is_empty() {
            folder.write("vestibule.toml", config);
        }
        for command in [
            &["config", "check"][..],
            &["openapi"],
            &["users", "list"],
            &["users", "list", "--json"],
            &["roles", "list"],
        ] {
            done(&folder.run(command));
        }
        refused(
            &folder.run(&["users", "show", "ana@example.com"]),
            "no user",
        );
        refused(&folder.run(&["db", "check"]), "");
        refused(&folder.run(&CHANGE), "are not set here");
        assert!(!folder.path().join("vestibule-data").exists(), "{config:?}");
    }
    // With a configuration, the server has to start first: it may get its secrets from elsewhere.
    refused(&folder.run(&CREATE), "are not set here");
    assert!(!folder.path().join("vestibule-data").exists());
}

#[test]
fn without_a_configuration_the_first_account_may_precede_the_server() {
    for first in [&CREATE[..], &["roles", "create", "editor"], &["db", "init"]] {
        let folder = Folder::new();
        done(&folder.run(first));
        let kept = folder.read("vestibule-data/secrets.toml");
        let server = Server::start(&folder, &[]);
        if first != CREATE {
            done(&folder.run(&CREATE));
        }
        let body = r#"{"email": "ana@example.com", "password": "battery staple"}"#;
        let json = "Content-Type: application/json";
        let answer = server.curl(&["{}/api/accounts/login", "-H", json, "-d", body]);
        assert!(answer.contains("\"code\":200"), "{answer}");
        assert_eq!(folder.read("vestibule-data/secrets.toml"), kept);
    }
}
