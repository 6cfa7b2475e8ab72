//! `mastra-ee keys`.

use serde_json::json;

use super::deployment::{Deployment, PASSWORDS, line};
use crate::running::text;

const CREATE: [&str; 8] = [
    "keys",
    "create",
    "--user",
    "bea@example.com",
    "--name",
    "ci",
    "--scope",
    "agents:read",
];

#[test]
fn a_secret_stands_alone_on_standard_output_and_is_shown_once() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let bea = deployment.person("bea@example.com", &["viewer"]);

    let output = deployment.run(&CREATE);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let secret = text(&output.stdout).trim_end().to_owned();
    assert!(
        secret.starts_with("ee_dev_") && !secret.contains('\n'),
        "{secret}"
    );
    assert!(
        !text(&output.stderr).contains(&secret),
        "the secret is told twice"
    );
    let id = secret.split('_').nth(2).unwrap();

    let table = deployment.ok(&["keys", "list"]);
    assert_eq!(line(&table, id)[1..4], ["ci", &bea, "agents:read"]);
    let listed = deployment.ok(&["keys", "list", "--user", "bea@example.com", "--json"]);
    assert!(
        listed.contains(id) && !listed.contains(&secret[60..]),
        "{listed}"
    );

    let rotated = deployment.json(&["keys", "rotate", id, "--overlap", "1h"]);
    assert_eq!(rotated["key"]["id"], id);
    assert_ne!(rotated["secret"], secret);
    assert_eq!(
        deployment.ok(&["keys", "delete", id]),
        format!("key {id} is deleted\n")
    );
    let message = deployment.refused(1, &["keys", "rotate", id]);
    assert!(message.contains("there is no such key"), "{message}");
}

#[test]
fn what_limits_a_key_is_kept() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let ada = deployment.json(&["users", "show", "ada@example.com"])["id"].clone();
    deployment.person("bea@example.com", &["viewer"]);
    let limits = [
        "--scope",
        "workflows:read",
        "--address",
        "10.0.0.0/8",
        "--address",
        "::1",
        "--may-act-for",
        "ada@example.com",
        "--expires-in",
        "2h",
    ];

    let created = deployment.json(&[&CREATE[..], &limits].concat());

    let key = &created["key"];
    assert_eq!(key["scopes"], json!(["agents:read", "workflows:read"]));
    assert_eq!(key["addresses"], json!(["10.0.0.0/8", "::1"]));
    assert_eq!(key["mayActFor"], json!([ada]));
    let listed = deployment.json(&["keys", "list"]);
    assert_eq!(listed["items"], json!([key]));
}

#[test]
fn a_key_that_would_do_more_than_its_owner_is_refused() {
    let deployment = Deployment::with_owner(PASSWORDS);
    deployment.person("bea@example.com", &["viewer"]);
    let refused = |more: &[&str], what: &str| {
        let message = deployment.refused(1, &[&CREATE[..], more].concat());
        assert!(message.contains(what), "{more:?}: {message}");
    };

    refused(
        &["--scope", "agents:write"],
        "`agents:write` is beyond what the owner",
    );
    refused(&["--scope", "*"], "`*` is beyond what the owner");
    refused(
        &["--address", "nowhere"],
        "`nowhere` is neither an address nor a network",
    );
    refused(
        &["--may-act-for", "bae@example.com"],
        "did you mean `bea@example.com`?",
    );

    assert_eq!(deployment.json(&["keys", "list"]), json!({ "items": [] }));
    for time in ["0s", "soon", "-1h"] {
        let expires = format!("--expires-in={time}");
        deployment.refused(2, &[&CREATE[..], &[&expires]].concat());
    }
}
