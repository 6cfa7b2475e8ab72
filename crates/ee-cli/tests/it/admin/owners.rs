//! The first owner and the last one.

use std::{fs, os::unix::fs::PermissionsExt as _};

use serde_json::Value;

use super::deployment::{Deployment, PASSWORDS};
use crate::running::text;

/// How many commands run at the same moment.
const CROWD: usize = 64;

#[test]
fn a_deployment_begins_with_its_first_owner() {
    let deployment = Deployment::new(PASSWORDS);
    fs::remove_file(deployment.data().join("mastra-ee.toml")).unwrap();
    fs::remove_dir(deployment.data()).unwrap();
    fs::write(deployment.path().join("given.toml"), PASSWORDS).unwrap();
    let given = ["--config", "given.toml"];

    let link = deployment.ok(&[&["users", "setup-link"], &given[..]].concat());
    assert!(link.contains("/studio/"), "{link}");
    deployment.ok(&[
        &[
            "users",
            "create",
            "--name",
            "Ada",
            "--email",
            "ada@example.com",
            "--role",
            "owner",
        ],
        &given[..],
    ]
    .concat());

    let message = deployment.refused(1, &[&["users", "setup-link"], &given[..]].concat());
    assert!(message.contains("there is an owner already"), "{message}");
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(deployment.data()), 0o700);
    assert_eq!(mode(deployment.data().join("mastra-ee.db")), 0o600);
}

#[test]
fn of_64_who_create_one_account_at_once_in_a_new_store_one_does() {
    let deployment = Deployment::new(PASSWORDS);
    let args = [
        "users",
        "create",
        "--name",
        "A",
        "--email",
        "a@example.com",
        "--role",
        "owner",
    ];

    let children: Vec<_> = (0..CROWD).map(|_| deployment.spawn(&args)).collect();
    let outputs: Vec<_> = children
        .into_iter()
        .map(|child| child.wait_with_output().unwrap())
        .collect();

    let winners = outputs.iter().filter(|it| it.status.success()).count();
    assert_eq!(winners, 1);
    for loser in outputs.iter().filter(|it| !it.status.success()) {
        let message = text(&loser.stderr);
        assert_eq!(loser.status.code(), Some(1), "{message}");
        assert!(
            message.contains("taken") || message.contains("in use"),
            "{message}"
        );
    }
    let users = deployment.json(&["users", "list"]);
    assert_eq!(users["items"].as_array().unwrap().len(), 1);
    let owners = deployment.json(&["roles", "show", "owner"]);
    assert_eq!(owners["users"].as_array().unwrap().len(), 1);
}

#[test]
fn the_last_owner_stays_whoever_asks() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let ada = "ada@example.com";
    let attempts: [&[&str]; 3] = [
        &["users", "delete", ada, "--yes"],
        &["users", "disable", ada],
        &["roles", "unassign", ada, "owner"],
    ];

    for attempt in attempts {
        let message = deployment.refused(1, attempt);
        assert!(
            message.contains("error: the last owner must stay"),
            "{attempt:?}: {message}"
        );
    }

    deployment.person("bea@example.com", &["owner"]);
    for attempt in attempts.iter().rev() {
        deployment.ok(attempt);
    }
}

#[test]
fn of_two_owners_who_are_removed_at_once_one_stays() {
    for _ in 0..4 {
        let deployment = Deployment::with_owner(PASSWORDS);
        deployment.person("bea@example.com", &["owner"]);
        let attempts = [
            deployment.spawn(&["users", "disable", "ada@example.com"]),
            deployment.spawn(&["roles", "unassign", "bea@example.com", "owner"]),
        ];

        let outputs = attempts.map(|child| child.wait_with_output().unwrap());

        assert_eq!(outputs.iter().filter(|it| it.status.success()).count(), 1);
        let active = deployment.json(&["users", "list", "--status", "active"]);
        let owners = deployment.json(&["roles", "show", "owner"]);
        let is_owner = |user: &&Value| owners["users"].as_array().unwrap().contains(&user["id"]);
        assert_eq!(
            active["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter(is_owner)
                .count(),
            1
        );
    }
}
