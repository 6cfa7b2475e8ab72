//! `mastra-ee roles`, `groups`, `grants` and `explain`.

use serde_json::{Value, json};

use super::deployment::{Deployment, PASSWORDS, line};
use crate::running::text;

#[test]
fn roles_are_made_shown_given_taken_and_deleted() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let bea = deployment.person("bea@example.com", &[]);
    let put = [
        "roles",
        "put",
        "reviewer",
        "--permission",
        "agents:write",
        "--inherits",
        "viewer",
    ];

    assert_eq!(deployment.ok(&put), "role reviewer is kept\n");
    let roles = deployment.json(&[&put[..], &["--name", "Reviewer"]].concat());
    assert_eq!(roles["revision"], 2);

    let table = deployment.ok(&["roles", "list"]);
    assert_eq!(
        line(&table, "reviewer"),
        ["reviewer", "Reviewer", "store", "viewer", "agents:write"]
    );
    assert_eq!(
        line(&table, "viewer"),
        ["viewer", "Viewer", "program", "-", "*:read"]
    );
    let listed = deployment.json(&["roles", "list"]);
    assert_eq!(listed["roles"].as_array().unwrap().len(), 6);

    let given = deployment.json(&["roles", "assign", "bea@example.com", "reviewer"]);
    assert_eq!(given, json!({ "userId": bea, "role": "reviewer" }));
    let shown = deployment.json(&["roles", "show", "reviewer"]);
    assert_eq!(
        shown["effectivePermissions"],
        json!(["agents:write", "*:read"])
    );
    assert_eq!(shown["users"], json!([bea]));
    assert_eq!(shown["isBase"], false);
    let text = deployment.ok(&["roles", "show", "reviewer"]);
    assert_eq!(line(&text, "users"), ["users", &bea]);

    let taken = deployment.ok(&["roles", "unassign", "bea@example.com", "reviewer"]);
    assert_eq!(taken, format!("{bea} has the role reviewer no more\n"));
    assert_eq!(
        deployment.json(&["roles", "delete", "reviewer"]),
        json!({ "success": true })
    );
    let message = deployment.refused(1, &["roles", "show", "reviewer"]);
    assert!(message.contains("there is no role `reviewer`"), "{message}");
}

#[test]
fn roles_that_are_made_at_once_are_all_kept() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let name = |number: usize| format!("role-{number}");

    let children: Vec<_> = (0..8)
        .map(|number| {
            deployment.spawn(&["roles", "put", &name(number), "--permission", "agents:read"])
        })
        .collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
    }

    let roles = deployment.json(&["roles", "list"]);
    assert_eq!(roles["revision"], 8);
    for number in 0..8 {
        let is_it = |role: &Value| role["id"] == name(number);
        assert!(
            roles["roles"].as_array().unwrap().iter().any(is_it),
            "{number}"
        );
    }
}

#[test]
fn a_mapping_is_set_shown_and_unset_one_by_one() {
    let deployment = Deployment::with_owner(PASSWORDS);

    let table = deployment.ok(&["roles", "mapping", "set", "org:admin", "admin", "member"]);
    assert_eq!(line(&table, "org:admin"), ["org:admin", "admin,", "member"]);
    let both = deployment.json(&["roles", "mapping", "set", "org:all", "viewer"]);
    let expected = json!({ "org:admin": ["admin", "member"], "org:all": ["viewer"] });
    assert_eq!(both, json!({ "mapping": expected }));

    deployment.ok(&["roles", "mapping", "unset", "org:all"]);
    let left = deployment.json(&["roles", "mapping", "show"]);
    assert_eq!(
        left,
        json!({ "mapping": { "org:admin": ["admin", "member"] } })
    );
    let message = deployment.refused(1, &["roles", "mapping", "unset", "org:all"]);
    assert!(message.contains("stands for nothing already"), "{message}");
}

#[test]
fn groups_are_made_filled_and_emptied() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let bea = deployment.person("bea@example.com", &[]);

    let created = deployment.json(&["groups", "create", "ops", "--name", "Operations"]);
    assert_eq!(
        (&created["id"], &created["name"]),
        (&json!("ops"), &json!("Operations"))
    );
    let added = deployment.json(&["groups", "add", "ops", "bea@example.com"]);
    assert_eq!(added, json!({ "userId": bea }));

    let table = deployment.ok(&["groups", "list"]);
    assert_eq!(line(&table, "ops")[..2], ["ops", "Operations"]);
    assert_eq!(
        deployment.ok(&["groups", "members", "ops"]),
        format!("USER\n{bea}\n")
    );
    let members = deployment.json(&["groups", "members", "ops"]);
    assert_eq!(members, json!({ "items": [{ "userId": bea }] }));
    assert_eq!(
        deployment.json(&["users", "show", &bea])["groups"],
        json!(["ops"])
    );

    deployment.ok(&["groups", "remove", "ops", &bea]);
    let message = deployment.refused(1, &["groups", "remove", "ops", &bea]);
    assert!(message.contains("there is no such member"), "{message}");
    deployment.ok(&["groups", "delete", "ops"]);
    assert_eq!(deployment.json(&["groups", "list"]), json!({ "items": [] }));
}

#[test]
fn grants_decide_and_are_explained_until_they_are_taken_back() {
    let deployment = Deployment::with_owner(PASSWORDS);
    let bea = deployment.person("bea@example.com", &["viewer"]);
    deployment.ok(&["groups", "create", "ops"]);
    deployment.ok(&["groups", "add", "ops", &bea]);
    let asked = |action: &str| {
        let permission = format!("agents:{action}");
        let args = [
            "explain",
            "--user",
            "bea@example.com",
            "--permission",
            &permission,
        ];
        let output = deployment.run(&[&args[..], &["--id", "writer", "--json"]].concat());
        let verdict: Value = serde_json::from_slice(&output.stdout).unwrap();
        let code = i32::from(verdict["allowed"] != true);
        assert_eq!(output.status.code(), Some(code), "{verdict}");
        verdict["decidedBy"].as_str().unwrap().to_owned()
    };
    assert_eq!(
        (asked("read").as_str(), asked("execute").as_str()),
        ("permission", "nothing")
    );

    let add = [
        "grants",
        "add",
        "group:ops",
        "agents:writer",
        "execute",
        "write",
    ];
    let said = deployment.ok(&[&add[..], &["--expires-in", "7d"]].concat());
    assert!(
        said.starts_with("group:ops may execute, write agents:writer until 2"),
        "{said}"
    );
    let deny = [
        "grants",
        "add",
        "user:bea@example.com",
        "agents:writer",
        "read",
        "--deny",
    ];
    let denied = deployment.json(&deny);
    assert_eq!(denied["subject"], json!({ "type": "user", "id": bea }));
    assert_eq!(denied["effect"], "deny");
    assert_eq!(
        (asked("read").as_str(), asked("execute").as_str()),
        ("deny-grant", "grant")
    );

    let table = deployment.ok(&["grants", "list", "--group", "ops"]);
    assert_eq!(
        line(&table, "group:ops")[1..4],
        ["allow", "execute,", "write"]
    );
    let count = |of: &[&str]| {
        let listed = deployment.json(&[&["grants", "list"], of].concat());
        listed["items"].as_array().unwrap().len()
    };
    assert_eq!(count(&["--user", "bea@example.com"]), 1);
    assert_eq!(count(&["--role", "viewer"]), 0);
    assert_eq!(count(&["--resource", "agents:writer"]), 2);
    // A stored agent is the same agent.
    assert_eq!(count(&["--resource", "stored-agents:writer"]), 2);

    let remove = ["grants", "remove", "group:ops", "agents:writer", "execute"];
    assert_eq!(deployment.ok(&remove), "1 action is taken back\n");
    let all = [
        "grants",
        "remove",
        "user:bea@example.com",
        "agents:writer",
        "--deny",
    ];
    assert_eq!(deployment.json(&all), json!({ "revoked": 1 }));
    assert_eq!(
        (asked("read").as_str(), asked("execute").as_str()),
        ("permission", "nothing")
    );
    let message = deployment.refused(1, &remove);
    assert!(message.contains("there is no such grant"), "{message}");
}

#[test]
fn explain_tells_a_no_from_a_question_that_makes_no_sense() {
    let deployment = Deployment::with_owner(PASSWORDS);
    deployment.person("bea@example.com", &["viewer"]);
    let ask = |user: &str, permission: &str| {
        let args = ["explain", "--user", user, "--permission", permission];
        let output = deployment.run(&args);
        (
            output.status.code().unwrap(),
            text(&output.stdout),
            text(&output.stderr),
        )
    };

    let (code, said, _) = ask("ada@example.com", "agents:write");
    assert_eq!(
        (code, &*said),
        (
            0,
            "allowed: role `owner` holds `*`, which covers `agents:write`\n"
        )
    );
    let (code, said, _) = ask("bea@example.com", "agents:write");
    assert_eq!(code, 1);
    assert!(
        said.starts_with("denied: none of the roles `viewer` permits"),
        "{said}"
    );
    let (code, said, message) = ask("bae@example.com", "agents:write");
    assert_eq!((code, &*said), (2, ""));
    assert!(
        message.contains("did you mean `bea@example.com`?"),
        "{message}"
    );
    assert_eq!(ask("bea@example.com", "").0, 2);

    // Who has no account and a role by the configuration is explained as well.
    let tokens = Deployment::new("");
    tokens.ok(&["migrate", "up"]);
    let args = ["explain", "--user", "viewer", "--permission", "agents:read"];
    assert!(tokens.ok(&args).starts_with("allowed: role `viewer`"));
    let off = Deployment::new("auth = \"none\"\n");
    off.ok(&["migrate", "up"]);
    assert!(
        off.refused(2, &args)
            .contains("everybody may do everything")
    );

    deployment.ok(&["users", "disable", "bea@example.com"]);
    let (code, said, _) = ask("bea@example.com", "agents:read");
    assert_eq!(code, 1);
    assert!(said.contains("is disabled"), "{said}");
}
