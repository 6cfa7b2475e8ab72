//! `mastra-ee users`: create, list, show, close, delete.

use serde_json::{Value, json};

use super::deployment::{Deployment, PASSWORD, PASSWORDS, line};
use crate::running::text;

#[test]
fn a_person_without_a_password_gets_a_link_that_stands_alone_on_standard_output() {
    let deployment = Deployment::new(PASSWORDS);
    let args = [
        "users",
        "create",
        "--name",
        "Ada",
        "--email",
        "ada@example.com",
    ];

    let output = deployment.run(&args);

    assert!(output.status.success(), "{}", text(&output.stderr));
    let link = text(&output.stdout);
    assert_eq!(link.lines().count(), 1, "{link}");
    let (page, token) = link.trim().split_once("#token=").unwrap();
    assert_eq!(page, "http://127.0.0.1:4111/studio/reset-password");
    assert!(token.len() >= 43);
    assert!(text(&output.stderr).contains("good for half an hour"));
    assert!(
        !text(&output.stderr).contains(token),
        "the link is told twice"
    );
    let shown = deployment.json(&["users", "show", "ada@example.com"]);
    assert_eq!(shown["hasPassword"], false);
    assert_eq!(shown["emailVerified"], true);
}

#[test]
fn a_link_begins_with_the_public_address() {
    let config = format!("{PASSWORDS}public_url = \"https://agents.example.com\"\n");
    let deployment = Deployment::new(&config);
    let args = ["users", "create", "--name", "A", "--email", "a@example.com"];

    let created = deployment.json(&args);

    let link = created["link"].as_str().unwrap();
    assert!(
        link.starts_with("https://agents.example.com/studio/"),
        "{link}"
    );

    let no_port = Deployment::new(&format!("{PASSWORDS}listen = \"127.0.0.1:0\"\n"));
    let message = no_port.refused(1, &args);
    assert!(message.contains("set `public_url`"), "{message}");
    let users = no_port.json(&["users", "list"]);
    assert_eq!(users["items"], json!([]), "somebody was created");
}

#[test]
fn accounts_are_listed_and_shown_for_people_and_for_programs() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let id = deployment.person("bea@example.com", &["viewer", "member"]);
    deployment.ok(&["users", "create", "--kind", "service", "--name", "Builder"]);

    let table = deployment.ok(&["users", "list"]);
    assert_eq!(table.lines().count(), 4, "{table}");
    assert_eq!(
        line(&table, "ID"),
        ["ID", "NAME", "E-MAIL", "KIND", "STATUS", "LAST", "SIGN-IN"]
    );
    assert_eq!(
        line(&table, &id)[1..5],
        ["Somebody", "bea@example.com", "person", "active"]
    );

    let ids = |filter: &[&str]| -> usize {
        let listed = deployment.json(&[&["users", "list"], filter].concat());
        assert_eq!(listed.as_object().unwrap().len(), 1, "{listed}");
        listed["items"].as_array().unwrap().len()
    };
    assert_eq!(ids(&[]), 3);
    assert_eq!(ids(&["--kind", "person"]), 2);
    assert_eq!(ids(&["--search", "bea@"]), 1);
    assert_eq!(ids(&["--status", "disabled"]), 0);

    let shown = deployment.ok(&["users", "show", "BEA@example.com"]);
    assert_eq!(line(&shown, "id"), ["id", &id]);
    assert_eq!(line(&shown, "roles"), ["roles", "member,", "viewer"]);
    assert_eq!(line(&shown, "password"), ["password", "yes"]);
    let mut shown = deployment.json(&["users", "show", &id]);
    let facts = shown.as_object_mut().unwrap();
    assert!(facts.remove("createdAt").unwrap().is_string());
    assert_eq!(
        shown,
        json!({
            "id": id, "kind": "person", "status": "active", "email": "bea@example.com",
            "emailVerified": true, "name": "Somebody", "hasSecondFactor": false,
            "roles": ["member", "viewer"], "groups": [], "version": 1,
            "hasPassword": true, "recoveryCodes": 0, "sessions": 0, "keys": 0,
        })
    );
}

#[test]
fn a_list_of_more_than_one_part_is_whole() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let actions: Vec<String> = (0..30).map(|number| format!("act-{number}")).collect();
    for thing in 0..10 {
        let thing = format!("agents:a-{thing}");
        let mut grant = vec!["grants", "add", "role:viewer", &thing];
        grant.extend(actions.iter().map(String::as_str));
        deployment.ok(&grant);
    }

    let listed = deployment.json(&["grants", "list", "--role", "viewer"]);

    let grants = listed["items"].as_array().unwrap();
    let counts = grants
        .iter()
        .map(|grant| grant["actions"].as_array().unwrap().len());
    assert_eq!(counts.sum::<usize>(), 300);
    assert_eq!(listed["nextCursor"], Value::Null);
}

#[test]
fn a_closed_account_is_open_again_and_a_deleted_one_is_gone() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let id = deployment.person("bea@example.com", &["viewer"]);
    let status = || deployment.json(&["users", "show", &id])["status"].clone();

    let said = deployment.ok(&["users", "disable", "bea@example.com"]);
    assert_eq!(said, format!("{id} is disabled\n"));
    assert_eq!(status(), "disabled");
    let enabled = deployment.json(&["users", "enable", "bea@example.com"]);
    assert_eq!(
        (&enabled["id"], &enabled["status"]),
        (&json!(id), &json!("active"))
    );
    assert_eq!(status(), "active");

    let usage = deployment.refused(2, &["users", "delete", "bea@example.com"]);
    assert!(usage.contains("--yes"), "{usage}");
    assert_eq!(status(), "active");
    let done = deployment.json(&["users", "delete", "bea@example.com", "--yes"]);
    assert_eq!(done, json!({ "success": true }));
    let message = deployment.refused(1, &["users", "show", &id]);
    assert!(
        message.contains(&format!("there is no user `{id}`")),
        "{message}"
    );
}

#[test]
fn a_program_has_keys_and_no_password() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let service = ["users", "create", "--kind", "service", "--name", "Builder"];

    let created = deployment.json(&[&service[..], &["--role", "member"]].concat());
    assert_eq!(created["kind"], "service");
    assert_eq!(created["roles"], json!(["member"]));
    assert_eq!(created["link"], Value::Null);

    let with_password = [&service[..], &["--password-stdin"]].concat();
    let output = deployment.run_with(&with_password, PASSWORD);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("a program has no password"));
    let id = created["id"].as_str().unwrap();
    let message = deployment.refused(1, &["users", "recover", id]);
    assert!(message.contains("is a program"), "{message}");
    let message = deployment.refused(1, &["users", "create", "--name", "Nobody"]);
    assert!(message.contains("`--email ADDRESS`"), "{message}");
}

#[test]
fn where_nobody_signs_in_with_a_password_accounts_have_none() {
    let deployment = Deployment::new("");
    let ada = [
        "users",
        "create",
        "--name",
        "Ada",
        "--email",
        "ada@example.com",
    ];

    let created = deployment.json(&ada);
    assert_eq!(created["link"], Value::Null);
    assert_eq!(created["emailVerified"], false);

    let with_password = [&ada[..], &["--password-stdin"]].concat();
    let output = deployment.run_with(&with_password, PASSWORD);
    assert!(text(&output.stderr).contains("auth = \"password\""));
    for args in [
        ["users", "setup-link"].as_slice(),
        &["users", "recover", "ada@example.com"],
    ] {
        let message = deployment.refused(1, args);
        assert!(message.contains("auth = \"password\""), "{message}");
    }
    // The users of the first start have roles and keys without an account.
    let message = deployment.refused(1, &["users", "show", "owner"]);
    assert!(
        message.contains("is a user of the configuration"),
        "{message}"
    );
    deployment.ok(&["roles", "assign", "viewer", "member"]);
}
