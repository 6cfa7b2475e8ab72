use serde_json::Value;

use crate::running::{binary, run, text};

#[test]
fn explain_names_the_grant_and_exits_with_the_verdict() {
    let allowed = run(
        "",
        &[
            "permissions",
            "explain",
            "--role",
            "viewer",
            "--permission",
            "agents:read:a",
        ],
    );
    let denied = run(
        "",
        &[
            "permissions",
            "explain",
            "--role",
            "viewer",
            "--permission",
            "agents:write",
            "--json",
        ],
    );

    assert!(allowed.status.success());
    assert!(
        text(&allowed.stdout).contains("`viewer` holds `*:read`"),
        "{}",
        text(&allowed.stdout)
    );
    assert_eq!(denied.status.code(), Some(1));
    let verdict: Value = serde_json::from_slice(&denied.stdout).unwrap();
    assert_eq!(verdict["allowed"], false);
    assert_eq!(verdict["grant"], Value::Null);
}

#[test]
fn explain_says_why_a_wildcard_does_not_reach_the_record() {
    let output = run(
        "",
        &[
            "permissions",
            "explain",
            "--role",
            "viewer",
            "--permission",
            "audit:read",
        ],
    );

    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("sensitive"),
        "{}",
        text(&output.stdout)
    );
}

#[test]
fn explain_refuses_an_unknown_role_and_an_empty_permission() {
    let role = run(
        "",
        &[
            "permissions",
            "explain",
            "--role",
            "viewr",
            "--permission",
            "agents:read",
        ],
    );
    let permission = run(
        "",
        &[
            "permissions",
            "explain",
            "--role",
            "viewer",
            "--permission",
            "",
        ],
    );

    assert!(!role.status.success());
    assert!(
        text(&role.stderr).contains("unknown role `viewr`; known are: "),
        "{}",
        text(&role.stderr)
    );
    assert!(!permission.status.success());
}

#[test]
fn p1_a_key_of_32_characters_enables_the_features_on_the_command_line() {
    for (length, is_valid) in [(31, false), (32, true), (33, true)] {
        let output = binary()
            .args(["license", "inspect", "--json"])
            .env("MASTRA_EE_LICENSE", "k".repeat(length))
            .output();
        let output = output.unwrap();

        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(verdict["license"]["valid"], is_valid, "{length}");
        assert_eq!(verdict["keyIsSet"], true);
        assert_eq!(output.status.success(), is_valid);
        assert!(!text(&output.stdout).contains("kkkk"), "the key is printed");
    }
}

#[test]
fn without_a_key_inspect_says_where_one_goes() {
    let output = binary().args(["license", "inspect"]).output().unwrap();

    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("MASTRA_EE_LICENSE"));
    assert!(text(&output.stdout).contains("local development"));
}

#[test]
fn completions_know_the_commands() {
    for shell in ["bash", "fish", "zsh"] {
        let output = binary().args(["completions", shell]).output().unwrap();
        assert!(
            output.status.success() && text(&output.stdout).contains("explain"),
            "{shell}"
        );
    }
}

#[test]
fn a_mistyped_command_gets_a_hint() {
    let output = binary().arg("sevre").output().unwrap();

    assert!(!output.status.success());
    assert!(
        text(&output.stderr).contains("serve"),
        "{}",
        text(&output.stderr)
    );
}
