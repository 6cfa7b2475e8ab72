//! The places that events are taken to.

use std::fs;

use super::deployment::Deployment;

#[tokio::test]
async fn a_sink_is_listed_tested_and_sent_events_once_more() {
    let deployment = Deployment::with(12).await;
    let none = deployment.ok(&["sinks"]);
    assert!(none.out.contains("there are no sinks"), "{none:?}");
    let file = deployment.path("events.jsonl");
    deployment.configure(&format!(
        "[[audit.sinks]]\nname = \"copy\"\nfilter = \"action:agents.*\"\nto = {{ kind = \"file\", path = \"{}\" }}\n",
        file.display()
    ));

    let listed = deployment.ok(&["sinks", "--json"]).json();
    assert_eq!(listed["sinks"][0]["name"], "copy");
    assert_eq!(listed["sinks"][0]["kind"], "file");
    assert_eq!(listed["sinks"][0]["lag"], 12);
    deployment.ok(&["sinks", "test", "copy"]);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 1);
    let args = [
        "sinks", "replay", "copy", "--from", "3", "--to", "7", "--json",
    ];
    let replayed = deployment.ok(&args).json();
    assert_eq!(replayed["taken"], 5);
    assert_eq!(fs::read_to_string(&file).unwrap().lines().count(), 6);
    deployment.ok(&["sinks", "replay", "copy", "--dead-letters"]);

    let told = deployment
        .ok(&[
            "query",
            "action:audit.sink.replay",
            "--order",
            "asc",
            "--json",
        ])
        .json();
    assert_eq!(told["events"][0]["resource"]["id"], "copy");
    assert_eq!(told["events"][0]["metadata"]["lastSeq"], 7);
    for (args, word) in [
        (&["sinks", "test", "other"][..], "there are: `copy`"),
        (&["sinks", "test", "../copy"], "is not a name of a sink"),
        (&["sinks", "replay", "copy"], "--from"),
        (
            &["sinks", "replay", "copy", "--from", "9", "--to", "3"],
            "`--from` is behind",
        ),
        (
            &["sinks", "replay", "copy", "--from", "1", "--to", "999"],
            "behind the end",
        ),
    ] {
        let said = deployment.run(args);
        assert_ne!(said.code, 0, "{args:?}");
        assert!(said.err.contains(word), "{args:?}: {said:?}");
    }
}
