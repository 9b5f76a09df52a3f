//! `roles`: effects, output and exit status of the commands.

use serde_json::{Value, json};

use crate::support::{Folder, done, refused};

const ANA: &str = "ana@example.com";

/// A folder with the user Ana and a role with permissions.
fn created() -> Folder {
    let folder = Folder::new();
    done(&folder.run(&["users", "create", ANA, "--password", "battery staple"]));
    done(&folder.run(&[
        "roles",
        "create",
        "editor",
        "--description",
        "May change pages",
        "--permissions",
        "read,write",
    ]));
    folder
}

fn listed(folder: &Folder) -> Value {
    serde_json::from_str(&done(&folder.run(&["roles", "list", "--json"]))).unwrap()
}

fn permissions(folder: &Folder) -> Value {
    listed(folder)[0]["permissions"].clone()
}

#[test]
fn roles_are_created_and_listed() {
    let folder = created();
    let said = done(&folder.run(&["roles", "create", "admin"]));
    assert_eq!(said, "created role \"admin\", which allows nothing\n");
    assert_eq!(
        listed(&folder),
        json!([
            {"name": "admin", "description": null, "permissions": []},
            {"name": "editor", "description": "May change pages", "permissions": ["read", "write"]},
        ])
    );
    let table = done(&folder.run(&["roles", "list"]));
    assert_eq!(
        table,
        "NAME    PERMISSIONS  DESCRIPTION\n\
         admin   -            -\n\
         editor  read,write   May change pages\n"
    );
}

#[test]
fn an_empty_list_of_roles_is_an_empty_array() {
    let folder = Folder::new();
    assert_eq!(done(&folder.run(&["roles", "list", "--json"])), "[]\n");
    assert_eq!(done(&folder.run(&["roles", "list"])).lines().count(), 1);
}

#[test]
fn attack_separator_in_a_name_of_a_role_or_permission_is_refused() {
    let folder = created();
    let before = listed(&folder);
    let long = "n".repeat(81);
    for (name, why) in [
        ("a,b", "comma"),
        ("", "empty"),
        (" a", "white space"),
        ("a ", "white space"),
        ("a\tb", "control character"),
        ("a\u{1b}[31m", "control character"),
        (&long, "80"),
    ] {
        refused(&folder.run(&["roles", "create", name]), why);
    }
    for (names, why) in [
        ("", "empty"),
        ("a,,b", "empty"),
        ("a,", "empty"),
        ("a,\tb", "control character"),
        ("a\nb", "control character"),
    ] {
        refused(
            &folder.run(&["roles", "create", "x", "--permissions", names]),
            why,
        );
        refused(
            &folder.run(&["roles", "add_permissions", "editor", names]),
            why,
        );
        refused(
            &folder.run(&["roles", "remove_permissions", "editor", names]),
            why,
        );
    }
    let long = "d".repeat(256);
    refused(&folder.run(&["roles", "create", "x", "-d", &long]), "255");
    refused(&folder.run(&["roles", "create", "editor"]), "already");
    assert_eq!(
        listed(&folder),
        before,
        "no command was carried out in part"
    );
}

#[test]
fn a_user_gets_a_role_and_loses_it() {
    let folder = created();
    done(&folder.run(&["roles", "create", "author", "-p", "write,publish"]));
    let change = |command: &str, role: &str| done(&folder.run(&["roles", command, ANA, role]));
    assert_eq!(
        change("add", "editor"),
        "ana@example.com now has the role \"editor\"\n"
    );
    assert!(change("add", "editor").contains("already"));
    change("add", "author");

    let shown: Value =
        serde_json::from_str(&done(&folder.run(&["users", "show", ANA, "--json"]))).unwrap();
    assert_eq!(shown["roles"], json!(["author", "editor"]));
    assert_eq!(shown["permissions"], json!(["publish", "read", "write"]));
    let shown = done(&folder.run(&["users", "show", ANA]));
    assert!(shown.contains("author,editor"), "{shown}");
    assert!(shown.contains("publish,read,write"), "{shown}");
    let users = done(&folder.run(&["users", "list"]));
    assert!(users.contains("  author,editor  "), "{users}");
    let users: Value =
        serde_json::from_str(&done(&folder.run(&["users", "list", "--json"]))).unwrap();
    assert_eq!(users[0]["roles"], json!(["author", "editor"]));

    assert!(change("remove", "author").contains("no longer"));
    assert!(change("remove", "author").contains("did not have"));
    let users = done(&folder.run(&["users", "list"]));
    assert!(users.contains("  editor  "), "{users}");
}

#[test]
fn permissions_are_added_and_removed() {
    let folder = created();
    let change =
        |command: &str, names: &str| done(&folder.run(&["roles", command, "editor", names]));
    assert_eq!(
        change("add_permissions", "publish,read"),
        "added publish: the role \"editor\" allows read,write,publish\n"
    );
    assert_eq!(permissions(&folder), json!(["read", "write", "publish"]));
    assert_eq!(
        change("add_permissions", "read"),
        "nothing to add: the role \"editor\" allows read,write,publish\n"
    );
    assert_eq!(
        change("remove_permissions", "write,fly"),
        "removed write: the role \"editor\" allows read,publish\n"
    );
    assert_eq!(permissions(&folder), json!(["read", "publish"]));
    assert_eq!(
        change("remove_permissions", "read,publish"),
        "removed read,publish: the role \"editor\" allows nothing\n"
    );
    assert_eq!(
        change("remove_permissions", "read"),
        "nothing to remove: the role \"editor\" allows nothing\n"
    );
    assert_eq!(permissions(&folder), json!([]));
}

#[test]
fn an_unknown_user_or_role_is_named() {
    let folder = created();
    for command in ["add", "remove"] {
        refused(
            &folder.run(&["roles", command, ANA, "king"]),
            "no role \"king\"",
        );
        refused(
            &folder.run(&["roles", command, ANA, "Editor"]),
            "no role \"Editor\"",
        );
        refused(
            &folder.run(&["roles", command, "b@example.com", "editor"]),
            "no user",
        );
    }
    for command in ["add_permissions", "remove_permissions"] {
        refused(&folder.run(&["roles", command, "king", "read"]), "no role");
    }
}

#[test]
fn blanks_around_commas_are_not_part_of_a_name() {
    let folder = created();
    done(&folder.run(&["roles", "create", "author", "-p", "write, publish"]));
    done(&folder.run(&["roles", "add_permissions", "author", " a , b"]));
    done(&folder.run(&["roles", "remove_permissions", "author", "a, publish"]));
    assert_eq!(listed(&folder)[0]["permissions"], json!(["write", "b"]));
}

#[test]
fn a_new_user_with_the_address_of_a_deleted_one_has_no_roles() {
    let folder = created();
    done(&folder.run(&["roles", "add", ANA, "editor"]));
    done(&folder.run(&["users", "delete", ANA, "--yes"]));
    done(&folder.run(&["users", "create", ANA, "--password", "battery staple"]));
    let shown: Value =
        serde_json::from_str(&done(&folder.run(&["users", "show", ANA, "--json"]))).unwrap();
    assert_eq!(shown["roles"], json!([]));
}

#[test]
fn attack_terminal_orders_control_characters_in_names_are_escaped() {
    let folder = created();
    // Another program wrote this description.
    let database = folder.path().join("vestibule-data/vestibule.db");
    let database = rusqlite::Connection::open(database).unwrap();
    database
        .execute_batch(
            "UPDATE role SET description = 'a' || char(27) || '[2J' || char(10) || 'b' || char(155)",
        )
        .unwrap();
    let table = done(&folder.run(&["roles", "list"]));
    assert!(table.contains(r"a\u001b[2J\u000ab\u009b"), "{table:?}");
    let text = done(&folder.run(&["roles", "list", "--json"]));
    assert!(!text.contains(['\u{1b}', '\u{9b}']), "{text:?}");
    assert_eq!(listed(&folder)[0]["description"], "a\u{1b}[2J\nb\u{9b}");
}
