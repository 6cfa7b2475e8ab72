//! Holds, erasure, archives.

use std::{fs, time::Duration};

use super::deployment::Deployment;

/// Longer than events stay.
const LONG_AGO: Duration = Duration::from_hours(24 * 500);

#[tokio::test]
async fn a_hold_begins_is_listed_and_ends() {
    let deployment = Deployment::with(5).await;
    let create = [
        "hold",
        "create",
        "case-1",
        "--filter",
        "actor:u1@example.com",
        "--reason",
        "a lawsuit",
        "--owner",
        "legal",
    ];

    deployment.ok(&create);
    let again = deployment.run(&create);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("already"), "{again:?}");
    let listed = deployment.ok(&["hold", "list"]).out;
    assert!(
        listed.contains("case-1") && listed.contains("a lawsuit"),
        "{listed}"
    );
    deployment.ok(&["hold", "release", "case-1"]);
    let missing = deployment.run(&["hold", "release", "case-1"]);
    assert!(missing.err.contains("there is no hold"), "{missing:?}");
    let wrong = [
        "hold", "create", "x", "--filter", "actr:x", "--reason", "r", "--owner", "o",
    ];
    let wrong = deployment.run(&wrong);
    assert_eq!(wrong.code, 2);
    assert!(wrong.err.contains("^^^^"), "{wrong:?}");
    let told = deployment
        .ok(&["query", "action:audit.hold.*", "--order", "asc", "--json"])
        .json();
    assert_eq!(told["events"][0]["action"], "audit.hold.create");
    assert_eq!(told["events"][0]["actor"]["id"], "operator");
}

#[tokio::test]
async fn what_is_said_of_a_person_is_erased_and_the_record_stands() {
    let deployment = Deployment::with(8).await;
    let erase = ["erase", "--user", "u1", "--email", "u1@example.com"];

    let planned = deployment.ok(&[&erase[..], &["--dry-run"]].concat()).out;
    assert!(planned.contains("2 events"), "{planned}");
    let unsure = deployment.run(&erase);
    assert_eq!(unsure.code, 2, "{unsure:?}");
    deployment.ok(&[&erase[..], &["--yes"]].concat());

    let found = deployment
        .ok(&["query", "email:u1@example.com", "--json"])
        .json();
    assert_eq!(found["events"].as_array().unwrap().len(), 0);
    let shown = deployment.ok(&["show", "1", "--json"]).json();
    assert_eq!(shown["actor"]["id"], "u1");
    assert!(shown["actor"].get("email").is_none(), "{shown}");
    let verified = deployment.ok(&["verify"]);
    assert!(verified.out.contains("payload erased"), "{verified:?}");
}

#[tokio::test]
async fn an_archive_is_written_and_verified_alone() {
    let deployment = Deployment::with(6).await;

    let planned = deployment.ok(&["archive", "--dry-run"]).out;
    assert!(planned.contains("events 1 to 6"), "{planned}");
    let done = deployment.ok(&["archive", "--to", "4", "--json"]).json();
    let file = done["logs"]["default"]["files"][0]["path"]
        .as_str()
        .unwrap()
        .to_owned();
    deployment.ok(&["verify", "--export", &file]);
    deployment.ok(&["verify"]);
    let pruned = deployment.ok(&["prune", "--dry-run", "--json"]).json();
    assert_eq!(pruned["logs"]["default"]["due"], 0);
    deployment.ok(&["prune"]);

    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, bytes).unwrap();

    let changed = deployment.run(&["verify", "--export", &file]);
    assert_eq!(changed.code, 1, "{changed:?}");
}

#[tokio::test]
async fn what_has_had_its_time_goes_but_for_what_is_held_and_the_record_stands() {
    let deployment = Deployment::with(0).await;
    deployment.add_aged(1..=9, LONG_AGO).await;
    deployment.add(10..=12).await;
    let hold = [
        "hold",
        "create",
        "case",
        "--filter",
        "resource:agent/agent-000004",
    ];
    let hold = [&hold[..], &["--reason", "r", "--owner", "o"]].concat();
    deployment.ok(&hold);

    let planned = deployment.ok(&["prune", "--dry-run"]).out;
    assert!(
        planned.contains("the time of 8 events is over"),
        "{planned}"
    );
    assert!(planned.contains("1 stay because of a hold"), "{planned}");
    let pruned = deployment.ok(&["prune", "--json"]).json();
    let log = &pruned["logs"]["default"];
    assert_eq!(
        (&log["pruned"], &log["held"]),
        (&8.into(), &1.into()),
        "{pruned}"
    );

    let verified = deployment.ok(&["verify"]);
    assert!(
        verified.out.contains("payload pruned by policy"),
        "{verified:?}"
    );
    let gone = deployment.run(&["show", "3"]);
    assert!(gone.err.contains("not there any more"), "{gone:?}");
    deployment.ok(&["show", "4"]);
    let file = log["files"][0]["path"].as_str().unwrap();
    let archive = deployment
        .ok(&["verify", "--export", file, "--json"])
        .json();
    assert_eq!(archive["outcome"], "ok", "{archive}");
    let told = deployment
        .ok(&["query", "action:audit.retention.pruned", "--json"])
        .json();
    assert_eq!(told["events"][0]["metadata"]["count"], 8);
    let again = deployment.ok(&["prune"]).out;
    assert!(again.contains("1 stay because of a hold"), "{again}");
}
