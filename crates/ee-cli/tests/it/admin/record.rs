//! What the commands write to the record, and what they must not.

use serde_json::Value;

use super::deployment::{Deployment, PASSWORD, PASSWORDS};
use crate::running::text;

/// Returns the events on standard error.
fn events(stderr: &[u8]) -> Vec<Value> {
    let stderr = text(stderr);
    let lines = stderr.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn a_change_is_recorded_with_the_operator_as_its_actor() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let mut command = deployment.command(&["roles", "assign", "ada@example.com", "viewer"]);

    let output = command.env("SUDO_USER", "grace").output().unwrap();

    let [event] = &*events(&output.stderr) else {
        panic!("not one event: {}", text(&output.stderr));
    };
    let ada = deployment.json(&["users", "show", "ada@example.com"])["id"].clone();
    assert_eq!(event["actor"]["type"], "system");
    assert_eq!(event["actor"]["id"], "operator");
    assert_eq!(event["action"], "roles.assign");
    assert_eq!(event["outcome"], "success");
    assert_eq!(event["resource"]["type"], "user");
    assert_eq!(event["resource"]["id"], ada);
    assert_eq!(event["metadata"]["role"], "viewer");
    assert_eq!(event["metadata"]["systemUser"], "grace");
}

#[test]
fn a_change_that_fails_is_recorded_and_one_that_only_looks_is_not() {
    let deployment = Deployment::with_owner(PASSWORDS);

    let failed = deployment.run(&["users", "disable", "ada@example.com"]);
    let looked = deployment.run(&["users", "list"]);

    let [event] = &*events(&failed.stderr) else {
        panic!("not one event: {}", text(&failed.stderr));
    };
    assert_eq!(event["action"], "users.update");
    assert_eq!(event["outcome"], "failure");
    assert!(event["reason"].as_str().unwrap().contains("the last owner"));
    assert!(looked.stderr.is_empty(), "{}", text(&looked.stderr));
}

#[test]
fn each_kind_of_change_has_its_action_and_none_has_a_secret() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let bea = deployment.person("bea@example.com", &["viewer"]);
    let create = [
        "keys",
        "create",
        "--user",
        &bea,
        "--name",
        "ci",
        "--scope",
        "agents:read",
    ];
    let key = deployment.json(&create)["key"]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let changes: [(&[&str], &str); 14] = [
        (
            &["users", "create", "--name", "C", "--email", "c@example.com"],
            "users.create",
        ),
        (&["users", "recover", "c@example.com"], "users.recover"),
        (&["users", "disable", "c@example.com"], "users.update"),
        (
            &["users", "delete", "c@example.com", "--yes"],
            "users.delete",
        ),
        (
            &["roles", "put", "r", "--permission", "agents:read"],
            "roles.update",
        ),
        (
            &["roles", "mapping", "set", "x", "viewer"],
            "roles.mapping.change",
        ),
        (&["roles", "unassign", &bea, "viewer"], "roles.unassign"),
        (&["groups", "create", "ops"], "groups.create"),
        (&["groups", "add", "ops", &bea], "groups.members.add"),
        (
            &["grants", "add", "group:ops", "agents:a", "read"],
            "acl.grant",
        ),
        (&["grants", "remove", "group:ops", "agents:a"], "acl.revoke"),
        (&["roles", "assign", &bea, "viewer"], "roles.assign"),
        (&["keys", "rotate", &key], "apikeys.rotate"),
        (&["sessions", "end", "--user", &bea], "auth.session.revoke"),
    ];
    for (args, action) in changes {
        let output = deployment.run(args);

        assert!(
            output.status.success(),
            "{args:?}: {}",
            text(&output.stderr)
        );
        let [event] = &*events(&output.stderr) else {
            panic!("{args:?}: not one event: {}", text(&output.stderr));
        };
        assert_eq!(event["action"], action);
        let secret = text(&output.stdout);
        let secret = secret.trim().rsplit(['_', '=']).next().unwrap();
        let is_secret = secret.len() >= 43;
        assert!(
            !is_secret || !text(&output.stderr).contains(secret),
            "{args:?}"
        );
    }
}

#[test]
fn a_password_is_in_no_line_of_the_record() {
    let deployment = Deployment::new(PASSWORDS);
    let args = [
        "users",
        "create",
        "--name",
        "A",
        "--email",
        "a@example.com",
        "--password-stdin",
    ];

    let output = deployment.run_with(&args, PASSWORD);

    assert_eq!(events(&output.stderr).len(), 1);
    assert!(!text(&output.stderr).contains(PASSWORD));
    assert!(!text(&output.stdout).contains(PASSWORD));
}
