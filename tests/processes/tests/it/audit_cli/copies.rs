//! Copies, and what shows that one was changed.

use std::{fs, os::unix::fs::PermissionsExt as _};

use super::deployment::{Deployment, flip, resource};

#[tokio::test]
async fn a_copy_is_verified_and_a_flipped_byte_is_named_by_its_number() {
    let deployment = Deployment::with(40).await;
    let copy = deployment.path("copy.ndjson");
    let file = copy.to_str().unwrap();

    let told = deployment
        .ok(&["export", "--format", "ndjson", "--out", file, "--json"])
        .json();
    let lines = fs::read_to_string(&copy).unwrap();
    // The record of the copy's beginning is in it.
    assert_eq!(lines.lines().count(), 41);
    assert_eq!(told["count"], 41);
    assert_eq!(
        fs::metadata(&copy).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let verified = deployment.ok(&["verify", "--export", file]);
    assert!(
        verified.out.contains("events 1-41, covered up to 40: ok"),
        "{verified:?}"
    );

    let again = deployment.run(&["export", "--format", "ndjson", "--out", file]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("there already"), "{again:?}");
    assert_eq!(fs::read_to_string(&copy).unwrap(), lines);

    flip(&copy, &resource(17));
    let changed = deployment.run(&["verify", "--export", file, "--json"]);
    assert_eq!(changed.code, 1, "{changed:?}");
    let verdict = &changed.json()["logs"][0]["verdicts"];
    let wrong = verdict.as_array().unwrap().iter();
    let wrong: Vec<u64> = wrong
        .filter(|it| it["kind"] == "hash_mismatch" || it["kind"] == "column_differs")
        .map(|it| it["from"].as_u64().unwrap())
        .collect();
    assert_eq!(wrong, [17], "{changed:?}");
    let text = deployment.run(&["verify", "--export", file]).out;
    assert!(
        text.contains("TAMPERED") && text.contains("What it means:"),
        "{text}"
    );

    fs::write(&copy, &lines).unwrap();
    let cut: String = lines.split_inclusive('\n').take(39).collect();
    fs::write(&copy, cut).unwrap();
    assert_eq!(deployment.run(&["verify", "--export", file]).code, 1);
}

#[tokio::test]
async fn a_choice_is_verified_and_without_its_manifest_nobody_can_tell() {
    let deployment = Deployment::with(30).await;
    let copy = deployment.path("denied.ndjson");
    let file = copy.to_str().unwrap();
    deployment.ok(&[
        "export",
        "outcome:denied",
        "--format",
        "ndjson",
        "--out",
        file,
    ]);

    deployment.ok(&["verify", "--export", file]);
    let manifest = deployment.path("denied.ndjson.manifest");
    let signed = fs::read(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    let alone = deployment.run(&["verify", "--export", file]);
    assert_eq!(alone.code, 2, "{alone:?}");
    assert!(alone.out.contains("left out"), "{alone:?}");

    for at in [0, signed.len() / 2, signed.len() - 3] {
        let mut changed = signed.clone();
        changed[at] ^= 1;
        fs::write(&manifest, changed).unwrap();
        assert_eq!(
            deployment.run(&["verify", "--export", file]).code,
            1,
            "{at}"
        );
    }
    fs::write(&manifest, signed).unwrap();
    let stranger = Deployment::with(1).await;
    let unknown = stranger.run(&["verify", "--export", file]);
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown.out.contains("no such key is trusted"),
        "{unknown:?}"
    );
}

#[tokio::test]
async fn every_format_has_a_manifest() {
    let deployment = Deployment::with(9).await;
    for (format, begins) in [
        ("csv", "id,"),
        ("json", "[{"),
        ("ocsf", "{"),
        ("cef", "CEF:"),
    ] {
        let copy = deployment.path(format);
        let file = copy.to_str().unwrap();
        deployment.ok(&[
            "export",
            "action:agents.*",
            "--format",
            format,
            "--out",
            file,
        ]);
        let text = fs::read_to_string(&copy).unwrap();
        assert!(text.starts_with(begins), "{format}: {text:.60}");
        deployment.ok(&["verify", "--export", file]);

        fs::write(&copy, text.replacen(&resource(4), &resource(5), 1)).unwrap();

        let changed = deployment.run(&["verify", "--export", file]);
        assert_eq!(changed.code, 1, "{format}: {changed:?}");
    }
    let exports = deployment
        .ok(&["query", "action:audit.export", "--json"])
        .json();
    assert_eq!(exports["events"].as_array().unwrap().len(), 4);
    assert_eq!(exports["events"][0]["metadata"]["count"], 9);
}

#[tokio::test]
async fn checkpoints_from_elsewhere_are_compared_with_a_copy_of_everything_alone() {
    let deployment = Deployment::with(20).await;
    let proof = deployment.ok(&["proof", "1"]).out;
    let note = deployment.path("checkpoint");
    fs::write(&note, proof.split_once("\n\n").unwrap().1).unwrap();
    let note = note.to_str().unwrap();
    let (all, some) = (
        deployment.path("all.ndjson"),
        deployment.path("some.ndjson"),
    );
    let (all, some) = (all.to_str().unwrap(), some.to_str().unwrap());
    deployment.ok(&["export", "--format", "ndjson", "--out", all]);
    deployment.ok(&[
        "export",
        "-outcome:denied",
        "--format",
        "ndjson",
        "--out",
        some,
    ]);

    deployment.ok(&["verify", "--export", all, "--anchor", note]);
    let cannot = deployment.run(&["verify", "--export", some, "--anchor", note]);
    assert_eq!(cannot.code, 2, "{cannot:?}");
    assert!(cannot.out.contains("a copy of a whole log"), "{cannot:?}");
}
