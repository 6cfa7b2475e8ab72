//! The verification of the store and of spools, proofs, keys.

use std::fs;

use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, Clock as _, SystemClock,
    audit::spool::{Spool, SpoolConfig},
    storage::AuditRecord,
};
use processes::command;

use super::deployment::{Deployment, said};

#[tokio::test]
async fn a_store_is_verified_and_a_flipped_byte_of_the_file_is_named_by_its_number() {
    let deployment = Deployment::with(50).await;

    let verified = deployment.ok(&["verify"]);
    assert!(
        verified.out.contains("events 1-50, covered up to 50: ok"),
        "{verified:?}"
    );
    deployment.ok(&["verify", "--partition", "default", "--from", "50"]);
    let other = deployment.run(&["verify", "--partition", "other"]);
    assert_eq!(other.code, 2);
    assert!(other.err.contains("there are: `default`"), "{other:?}");

    deployment.flip(23);

    let changed = deployment.run(&["verify", "--json"]);
    assert_eq!(changed.code, 1, "{changed:?}");
    let json = changed.json();
    assert_eq!(json["outcome"], "tampered");
    let verdicts = json["logs"][0]["verdicts"].as_array().unwrap();
    let wrong = verdicts
        .iter()
        .find(|it| it["kind"] == "hash_mismatch")
        .unwrap();
    assert_eq!(
        (&wrong["from"], &wrong["to"]),
        (&23.into(), &23.into()),
        "{json}"
    );
    let text = deployment.run(&["verify"]).out;
    assert!(text.contains("hash mismatch (event)"), "{text}");
}

#[tokio::test]
async fn a_cut_tail_is_told_by_what_this_machine_has_seen_until_somebody_lets_it_be() {
    let deployment = Deployment::with(20).await;
    let backup = fs::read(deployment.database()).unwrap();
    assert!(deployment.add(21..=1_030).await, "a checkpoint was due");
    deployment.ok(&["verify"]);

    fs::write(deployment.database(), &backup).unwrap();

    let rolled_back = deployment.run(&["verify"]);
    assert_eq!(rolled_back.code, 1, "{rolled_back:?}");
    assert!(rolled_back.out.contains("21-1030"), "{rolled_back:?}");
    assert!(
        rolled_back.out.contains("rollback (pin)"),
        "{rolled_back:?}"
    );
    let refused = deployment.run(&["pins", "forget"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    deployment.ok(&["pins", "forget", "--yes"]);
    deployment.ok(&["verify"]);
    let told = deployment
        .ok(&["query", "action:audit.rollback.detected", "--json"])
        .json();
    assert_eq!(told["events"][0]["metadata"]["seen"], 1_030);
    let nothing = deployment.run(&["pins", "forget", "--yes"]);
    assert!(nothing.err.contains("nothing to forget"), "{nothing:?}");
}

#[tokio::test]
async fn a_log_that_is_gone_as_a_whole_is_missed() {
    let deployment = Deployment::with(5).await;
    let other = Deployment::with(0).await;

    fs::copy(other.database(), deployment.database()).unwrap();

    let gone = deployment.run(&["verify"]);
    assert_eq!(gone.code, 1, "{gone:?}");
    assert!(gone.out.contains("rollback"), "{gone:?}");
}

#[tokio::test]
async fn signatures_of_unknown_keys_are_nobodys() {
    let deployment = Deployment::with(10).await;
    let stranger = Deployment::with(1).await;
    let keys = stranger.ok(&["keys"]).out;
    let file = deployment.path("stranger.keys");
    fs::write(&file, &keys).unwrap();

    let unknown = deployment.run(&["verify", "--key", file.to_str().unwrap()]);

    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(
        unknown.out.contains("unknown key (checkpoint)"),
        "{unknown:?}"
    );
    assert!(
        unknown.out.contains("`--key FILE` names the ones"),
        "{unknown:?}"
    );
    let secret = deployment.data().join("audit-signing.key");
    let given = deployment.run(&["verify", "--key", secret.to_str().unwrap()]);
    assert_eq!(given.code, 2);
    assert!(given.err.contains("public half"), "{given:?}");
    let text = fs::read_to_string(secret).unwrap();
    assert!(!given.err.contains(text.trim().rsplit('+').next().unwrap()));
}

#[tokio::test]
async fn anchors_are_compared_and_those_of_others_are_refused() {
    let deployment = Deployment::with(10).await;
    let note = |deployment: &Deployment, name: &str| {
        let proof = deployment.ok(&["proof", "1"]).out;
        let path = deployment.path(name);
        fs::write(&path, proof.split_once("\n\n").unwrap().1).unwrap();
        path
    };
    let own = note(&deployment, "own.note");
    deployment.ok(&["verify", "--anchor", own.to_str().unwrap()]);

    let other = Deployment::with(10).await;
    let foreign = note(&other, "foreign.note");
    let keys = deployment.path("both.keys");
    let both = deployment.ok(&["keys"]).out + &other.ok(&["keys"]).out;
    fs::write(&keys, both).unwrap();
    let args = [
        "verify",
        "--anchor",
        foreign.to_str().unwrap(),
        "--key",
        keys.to_str().unwrap(),
    ];
    let another = deployment.run(&args);
    assert_eq!(another.code, 1, "{another:?}");
    assert!(
        another.out.contains("consistency failed (anchor)"),
        "{another:?}"
    );

    deployment.configure("[audit.integrity]\ndeployment = \"elsewhere\"\n");
    let nowhere = deployment.run(&["verify", "--anchor", own.to_str().unwrap()]);
    assert_eq!(nowhere.code, 2, "{nowhere:?}");
    assert!(
        nowhere.err.contains("none is of `elsewhere/audit/default`"),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn a_proof_is_checked_without_a_store_and_by_keys_alone() {
    let deployment = Deployment::with(12).await;
    let file = deployment.path("proof");
    let proof = file.to_str().unwrap();
    deployment.ok(&["proof", "7", "--out", proof]);
    let again = deployment.run(&["proof", "7", "--out", proof]);
    assert!(again.err.contains("there already"), "{again:?}");

    let here = deployment.ok(&["verify-proof", proof, "--json"]).json();
    assert_eq!(here["seq"], 7);
    assert_eq!(here["log"], "mastra-ee/audit/default");
    let keys = deployment.path("keys");
    fs::write(&keys, deployment.ok(&["keys"]).out).unwrap();
    let empty = tempfile::tempdir().unwrap();
    let elsewhere = |keys: &str| {
        let mut command = command(&["audit", "verify-proof", proof, "--key", keys]);
        said(&command.current_dir(&empty).output().unwrap())
    };
    let proven = elsewhere(keys.to_str().unwrap());
    assert_eq!(proven.code, 0, "{proven:?}");
    assert!(proven.out.starts_with("proven: "), "{proven:?}");
    assert_eq!(fs::read_dir(&empty).unwrap().count(), 0);

    let stranger = Deployment::with(1).await;
    fs::write(&keys, stranger.ok(&["keys"]).out).unwrap();
    let unknown = elsewhere(keys.to_str().unwrap());
    assert_eq!(unknown.code, 2, "{unknown:?}");
    assert!(unknown.out.contains("signed by `mastra-ee`"), "{unknown:?}");
    let mut command = command(&["audit", "verify-proof", proof]);
    let keyless = said(&command.current_dir(&empty).output().unwrap());
    assert_eq!(keyless.code, 2);
    assert!(keyless.err.contains("`--key FILE`"), "{keyless:?}");

    let text = fs::read(&file).unwrap();
    for at in (0..text.len()).step_by(41) {
        let mut changed = text.clone();
        changed[at] ^= 1;
        fs::write(&file, changed).unwrap();
        let refused = deployment.run(&["verify-proof", proof]);
        assert_ne!(refused.code, 0, "{at}: {refused:?}");
    }
    deployment.add(13..=13).await;
    let early = deployment.run(&["proof", "13"]);
    assert_eq!(early.code, 1);
    assert!(early.err.contains("no checkpoint"), "{early:?}");
}

#[tokio::test]
async fn a_second_key_takes_over() {
    let deployment = Deployment::with(3).await;
    let file = deployment.path("new.key");
    let new = file.to_str().unwrap();

    let made = deployment.ok(&["keys", "generate", "--out", new]);
    let public = made.out.trim();
    assert!(public.starts_with("mastra-ee+"), "{made:?}");
    assert!(made.err.contains("audit-signing.key"), "{made:?}");
    let again = deployment.run(&["keys", "generate", "--out", new]);
    assert!(again.err.contains("there already"), "{again:?}");
    let old = deployment
        .ok(&["keys"])
        .out
        .lines()
        .nth(1)
        .unwrap()
        .to_owned();
    deployment.configure(&format!(
        "[audit.integrity]\nkeys = [\"file:{new}\"]\nknown = [\"{old}\"]\n"
    ));

    let keys = deployment.ok(&["keys", "--json"]).json();

    assert_eq!(keys["items"][0]["key"], public);
    assert_eq!(keys["items"][0]["signs"], true);
    assert_eq!(
        (&keys["items"][1]["key"], &keys["items"][1]["signs"]),
        (&old.into(), &false.into())
    );
    deployment.ok(&["verify"]);
}

#[tokio::test]
async fn a_spool_is_verified() {
    let deployment = Deployment::with(1).await;
    let none = deployment.run(&["verify", "--spool"]);
    assert_eq!(none.code, 2, "{none:?}");
    assert!(none.err.contains("there is no spool"), "{none:?}");
    let dir = deployment.path("spool");
    let (spool, _) = Spool::open(SpoolConfig::new(&dir)).unwrap();
    let actor = AuditActor::new(ActorType::User, "u-in-the-spool");
    let event = AuditEvent::new(
        SystemClock.now(),
        actor,
        AuditAction::AGENT_UPDATE,
        AuditOutcome::Success,
    );
    spool
        .append(&AuditRecord::new(event).unwrap())
        .await
        .unwrap();
    let name = dir.to_str().unwrap();

    let whole = deployment.ok(&["verify", "--spool", name, "--json"]).json();
    assert_eq!(whole["spool"]["records"], 1);
    assert_eq!(whole["spool"]["unacknowledged"], 1);
    drop(spool);
    let segment = fs::read_dir(&dir).unwrap().map(|it| it.unwrap().path());
    let segment = segment
        .into_iter()
        .find(|it| it.extension().is_some_and(|it| it == "segment"));
    let segment = segment.unwrap();
    let mut bytes = fs::read(&segment).unwrap();
    let word = b"u-in-the-spool";
    let at = bytes.windows(word.len()).position(|it| it == word).unwrap();
    bytes[at] ^= 1;
    fs::write(&segment, bytes).unwrap();

    let damaged = deployment.run(&["verify", "--spool", name]);
    assert_eq!(damaged.code, 1, "{damaged:?}");
    assert!(damaged.out.contains("TAMPERED: segment"), "{damaged:?}");
}
