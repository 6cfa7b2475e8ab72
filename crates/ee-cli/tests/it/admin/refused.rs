//! What the commands refuse, and how they say it.

use super::deployment::{Deployment, PASSWORDS};
use crate::running::text;

#[test]
fn a_store_that_is_not_there_is_not_made_by_looking() {
    let deployment = Deployment::new(PASSWORDS);
    for args in [
        ["users", "list"].as_slice(),
        &["roles", "put", "r", "--permission", "agents:read"],
        &["sessions", "list"],
        &["explain", "--user", "ada", "--permission", "agents:read"],
    ] {
        let code = if args.first() == Some(&"explain") {
            2
        } else {
            1
        };

        let message = deployment.refused(code, args);

        assert!(message.contains("there is nothing at sqlite:"), "{message}");
        assert!(!deployment.data().join("mastra-ee.db").exists());
    }
}

#[test]
fn what_lives_in_the_process_of_the_server_is_out_of_reach() {
    let memory = Deployment::new("store = \"memory:\"\n");
    let message = memory.refused(1, &["users", "list"]);
    assert!(
        message.contains("keeps nothing outside of the server"),
        "{message}"
    );

    let sessions = format!("{PASSWORDS}[sessions]\nkind = \"memory\"\n");
    let sessions = Deployment::with_owner(&sessions);
    let message = sessions.refused(1, &["sessions", "list"]);
    assert!(
        message.contains("sessions are not in the store"),
        "{message}"
    );
    assert!(message.contains("mastra-ee users disable"), "{message}");

    let mapping = Deployment::new("[rbac.mapping]\nowner = [\"*\"]\n");
    let message = mapping.refused(1, &["users", "list"]);
    assert!(message.contains("`rbac.mapping`"), "{message}");
}

#[test]
fn a_store_of_an_older_version_is_left_to_the_server_that_runs_on_it() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let file = deployment.data().join("mastra-ee.db");
    let version = |set: &str| {
        // The header of a database holds its version from byte 60 on.
        let mut bytes = std::fs::read(&file).unwrap();
        bytes[60..64].copy_from_slice(&u32::to_be_bytes(set.parse().unwrap()));
        std::fs::write(&file, bytes).unwrap();
    };
    version("1");
    let before = std::fs::read(&file).unwrap();

    let message = deployment.refused(1, &["users", "list"]);

    assert!(message.contains("has schema 1 of"), "{message}");
    assert!(message.contains("mastra-ee migrate up"), "{message}");
    assert_eq!(std::fs::read(&file).unwrap(), before);
    version("999");
    let message = deployment.refused(1, &["users", "list"]);
    assert!(message.contains("newer"), "{message}");
}

#[test]
fn a_name_that_nobody_has_gets_the_one_that_was_meant() {
    let deployment = Deployment::with_owner(PASSWORDS);
    deployment.ok(&["groups", "create", "operators"]);
    let cases: [(&[&str], &str); 8] = [
        (
            &["users", "show", "adda@example.com"],
            "did you mean `ada@example.com`?",
        ),
        (&["users", "show", "ada"], "did you mean `ada@example.com`?"),
        (
            &["users", "show", "nobody-at-all"],
            "there is no user `nobody-at-all`\n",
        ),
        (
            &["roles", "assign", "ada@example.com", "viewr"],
            "did you mean `viewer`?",
        ),
        (
            &["roles", "assign", "ada@example.com", "zzz"],
            "known are: owner, admin, developer, member, viewer",
        ),
        (
            &["groups", "members", "operator"],
            "did you mean `operators`?",
        ),
        (
            &["grants", "add", "role:viewr", "agents:a", "read"],
            "there is no role `viewr`",
        ),
        (
            &["grants", "add", "ada", "agents:a", "read"],
            "`ada` is not a subject",
        ),
    ];
    for (args, expected) in cases {
        let message = deployment.refused(1, args);

        assert!(message.contains(expected), "{args:?}: {message}");
    }
}

#[test]
fn a_wrong_command_line_exits_with_2() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let cases: [&[&str]; 8] = [
        &["users", "create", "--email", "a@example.com"],
        &["users", "create", "--name", "A", "--kind", "robot"],
        &[
            "users",
            "create",
            "--name",
            "A",
            "--password",
            "s3cret-of-hers",
        ],
        &["grants", "list"],
        &["grants", "list", "--user", "ada", "--role", "viewer"],
        &["grants", "add", "user:ada", "agents", "read"],
        &["sessions", "end"],
        &["sessions", "end", "x", "--user", "ada"],
    ];
    for args in cases {
        let message = deployment.refused(2, args);

        assert!(
            message.contains("For more information, try '--help'"),
            "{args:?}: {message}"
        );
        assert!(!message.contains("s3cret"), "{message}");
    }
}

#[test]
fn a_name_with_control_characters_does_not_reach_the_terminal() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let name = "Ops\u{1b}[2J\u{202e}";
    deployment.ok(&["groups", "create", "ops", "--name", name]);

    let table = deployment.ok(&["groups", "list"]);

    assert!(table.contains("Ops\\u{1b}[2J\\u{202e}"), "{table}");
    assert_eq!(
        deployment.json(&["groups", "list"])["items"][0]["name"],
        name
    );
}

#[test]
fn an_answer_that_nobody_reads_to_the_end_is_no_failure() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let mut child = deployment.spawn(&["roles", "list"]);
    drop(child.stdout.take());

    let output = child.wait_with_output().unwrap();

    assert!(output.status.success(), "{}", text(&output.stderr));
}
