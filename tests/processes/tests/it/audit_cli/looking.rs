//! Searching, counting and looking at one event.

use serde_json::Value;

use super::deployment::{Deployment, resource};

fn ids(answer: &Value) -> Vec<String> {
    let items = answer["events"].as_array().unwrap();
    let ids = items
        .iter()
        .map(|item| item["resource"]["id"].as_str().unwrap());
    ids.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_search_finds_what_fits_and_is_recorded_once() {
    let deployment = Deployment::with(30).await;

    let found = deployment.ok(&["query", "outcome:denied actor:u0@example.com", "--json"]);
    assert_eq!(ids(&found.json()), [resource(24), resource(12)]);

    let oldest = deployment.ok(&[
        "query",
        "-outcome:denied",
        "--order",
        "asc",
        "--limit",
        "2",
        "--json",
    ]);
    assert_eq!(ids(&oldest.json()), [resource(1), resource(2)]);

    for _ in 0..2 {
        let table = deployment.ok(&["query", "resource:agent/agent-000012"]);
        let lines: Vec<&str> = table.out.lines().collect();
        assert!(lines[0].starts_with("TIME "), "{table:?}");
        for word in [
            "denied",
            "u0@example.com",
            "agents.update",
            "agent/agent-000012",
            "no role",
        ] {
            assert!(lines[1].contains(word), "{table:?}");
        }
        assert_eq!(lines.len(), 2);
    }

    let readings = deployment
        .ok(&["query", "action:audit.read", "--json"])
        .json();
    let filters: Vec<&str> = readings["events"]
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item["metadata"]["filter"].as_str().unwrap())
        .collect();
    assert_eq!(
        filters,
        [
            "resource:agent/agent-000012",
            "-outcome:denied",
            "outcome:denied actor:u0@example.com"
        ]
    );
    assert_eq!(readings["events"][0]["actor"]["id"], "operator");
}

#[tokio::test]
async fn pages_follow_each_other_and_a_cursor_is_good_for_its_search_alone() {
    let deployment = Deployment::with(25).await;
    let first = deployment
        .ok(&["query", "action:agents.*", "--limit", "10", "--json"])
        .json();
    let cursor = first["nextCursor"].as_str().unwrap();

    let args = [
        "query",
        "action:agents.*",
        "--limit",
        "20",
        "--json",
        "--cursor",
        cursor,
    ];
    let second = deployment.ok(&args).json();

    let both = [ids(&first), ids(&second)].concat();
    let expected: Vec<String> = (1..=25).rev().map(resource).collect();
    assert_eq!(both, expected);
    assert_eq!(second["nextCursor"], Value::Null);
    let other = deployment.run(&["query", "action:users.*", "--cursor", cursor]);
    assert_eq!(other.code, 1);
    assert!(other.err.contains("another filter"), "{other:?}");
    let made_up = deployment.run(&["query", "action:agents.*", "--cursor", "bm8"]);
    assert!(made_up.err.contains("`cursor`"), "{made_up:?}");
    let table = deployment.ok(&["query", "action:agents.*", "--limit", "10"]);
    assert!(table.err.contains("--cursor "), "{table:?}");
}

#[tokio::test]
async fn what_cannot_be_read_is_pointed_at() {
    let deployment = Deployment::with(1).await;

    let wrong = deployment.run(&["query", "outcme:denied"]);
    assert_eq!((wrong.code, &*wrong.out), (2, ""));
    let expected =
        "error: `outcme` is no key; did you mean `outcome`?\n\n  outcme:denied\n  ^^^^^^\n";
    assert_eq!(wrong.err, expected);

    for (args, word) in [
        (&["query", "--from", "yesterday"][..], "`from`"),
        (&["query", "--limit", "0"], "--limit"),
        (&["query", "--josn"], "no such flag"),
        (&["stats", "created:soon"], "created:soon\n"),
        (&["show", "nothing"], "`nothing` is neither"),
        (&["show", "999"], "the log ends with"),
        (
            &["show", "019a0000-0000-7000-8000-000000000000"],
            "there is no event",
        ),
    ] {
        let said = deployment.run(args);
        assert_ne!(said.code, 0, "{args:?}");
        assert!(said.err.contains(word), "{args:?}: {said:?}");
    }
}

#[tokio::test]
async fn counts_have_a_plot() {
    let deployment = Deployment::with(30).await;

    let stats = deployment
        .ok(&["stats", "action:agents.*", "--by", "actor", "--json"])
        .json();
    assert_eq!(stats["count"], 30);
    assert_eq!(stats["values"][0]["value"], "u1");
    assert_eq!(stats["values"][0]["count"], 8);
    let parts = stats["histogram"]["parts"].as_array().unwrap();
    let sum: u64 = parts
        .iter()
        .map(|part| part["count"].as_u64().unwrap())
        .sum();
    assert_eq!(sum, 30);

    let text = deployment.ok(&["stats", "action:agents.*"]).out;
    assert!(
        text.starts_with("30 events\n\nOUTCOME  COUNT  SHARE\n"),
        "{text}"
    );
    assert!(text.contains("success  20     66.7 %"), "{text}");
    assert!(text.contains('█') && text.contains("10 denied"), "{text}");
    let nothing = deployment.ok(&["stats", "action:roles.*"]).out;
    assert!(nothing.starts_with("0 events\n"), "{nothing}");
}

#[tokio::test]
async fn an_event_is_found_by_its_id_and_by_its_number() {
    let deployment = Deployment::with(5).await;

    let by_number = deployment.ok(&["show", "3", "--json"]).json();
    assert_eq!(by_number["seq"], 3);
    assert_eq!(by_number["resource"]["id"], resource(3));
    let id = by_number["id"].as_str().unwrap();
    let text = deployment.ok(&["show", id]).out;
    assert!(text.contains("3 of log `default`"), "{text}");
    assert!(text.contains("no role permits it"), "{text}");
    let raw = deployment.ok(&["show", id, "--raw"]).out;
    assert!(
        raw.starts_with('{') && raw.contains("$commit") && !raw.contains("u3@"),
        "{raw}"
    );
}
