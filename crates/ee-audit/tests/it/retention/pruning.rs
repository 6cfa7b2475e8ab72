//! What has had its time goes, and the log stands.

use ee_audit::{
    integrity::{InclusionProof, LogName, Outcome, VerdictKind},
    retention::{RetentionRule, RetentionStep},
};
use ee_core::{AuditAction, AuditStage, ErrorKind, storage::AuditStore as _};

use super::{
    store::Crash,
    world::{DEPLOYMENT, LOG, World, on, operator},
};

/// Test 11 of the audit design, with 20,000 events.
#[tokio::test]
async fn a_year_is_pruned_with_holds_and_the_log_stands() {
    let world = World::new(800, 25).await;
    world.hold("case-1", "actor:u7");
    let log = LogName {
        deployment: DEPLOYMENT,
        partition: LOG,
    };
    world.sealer().seal(LOG).await.unwrap();
    let old = world.entries()[100].clone();
    assert_ne!(old.record.event.actor.id, "u7");
    let canonical = old.record.canonical.clone();
    let keys = world.evidence().keys;
    let proof = InclusionProof::build(&*world.store, log, old.seq, canonical.clone(), &keys);
    let proof = proof.await.unwrap().unwrap();

    let plan = world.plan().await;
    let report = world.prune().await;

    // The first 400 of the 800 days, and the one that ends now.
    let (due, held) = (401 * 25, 401 * 25 / 10);
    assert_eq!((plan.due, plan.held), (due - held, held));
    assert_eq!((report.due, report.held), (plan.due, plan.held));
    assert_eq!(report.pruned, report.due);
    assert!(!report.is_blocked);
    let verified = world.verify().await;
    assert_eq!(verified.outcome, Outcome::Ok, "{verified}");
    assert_eq!(verified.counts[&VerdictKind::PayloadPruned], report.pruned);
    let entries = world.entries();
    let old_and_left = entries.iter().filter(|it| it.seq <= due);
    let old_and_left: Vec<_> = old_and_left.map(|it| &*it.record.event.actor.id).collect();
    assert_eq!(old_and_left.len() as u64, held);
    assert!(old_and_left.iter().all(|id| *id == "u7"));
    assert!(
        world
            .store
            .find_event(old.record.event.id)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(proof.verify(&keys).unwrap().canonical, canonical);
    let again = InclusionProof::build(&*world.store, log, old.seq, canonical, &keys).await;
    assert!(again.unwrap().unwrap().verify(&keys).is_ok());
    let archived = world.archived();
    let expected: Vec<u64> = (1..=due).filter(|seq| seq % 10 != 7).collect();
    assert_eq!(archived, expected);
    let counts: u64 = report.files.iter().map(|file| file.count).sum();
    assert_eq!(counts, report.pruned);

    let again = world.prune().await;
    assert_eq!((again.due, again.pruned, again.held), (0, 0, held));
    assert!(again.files.is_empty());
}

#[tokio::test]
async fn the_log_says_what_was_removed_and_nothing_of_who_did_it_that_may_have_to_be_erased() {
    let world = World::new(500, 2).await;

    let report = world.prune().await;

    let notes = world.notes(&AuditAction::AUDIT_PRUNE);
    let stages: Vec<AuditStage> = notes.iter().map(|note| note.stage).collect();
    assert_eq!(stages, [AuditStage::Intent, AuditStage::Result]);
    let [file] = &*report.files else {
        panic!("{report:?}");
    };
    for note in &notes {
        let said = |name: &str| note.metadata[name].clone();
        assert_eq!(said("from"), 1);
        assert_eq!(said("to"), 202);
        assert_eq!(said("count"), 202);
        assert_eq!(said("ranges"), serde_json::json!([[1, 202]]));
        assert_eq!(said("size"), 1_000);
        assert_eq!(said("root").as_str().unwrap().len(), 64);
        assert_eq!(said("archive"), "1-202.ndjson.gz");
        assert_eq!(said("sha256"), file.sha256.as_str());
        assert_eq!(note.actor.id, operator().id);
        assert_eq!((&note.actor.email, note.actor.ip), (&None, None));
    }
}

/// The claim names what was removed to the number: what is missing between that was taken by somebody else.
#[tokio::test]
async fn what_stays_between_what_goes_is_missed_when_it_is_taken() {
    let mut world = World::new(500, 4).await;
    world.config.rules = vec![RetentionRule::of_category("auth", 2_000)];
    let report = world.prune().await;
    assert_eq!(report.pruned, 101 * 2);
    world.assert_verified().await;
    let kept: Vec<u64> = (1..=404)
        .filter(|seq| seq % 4 == 0 || seq % 4 == 3)
        .collect();
    assert_eq!(world.seqs()[..202], kept);

    world.store.inner().log(LOG).entries.remove(&200);

    let report = world.verify().await;
    assert_eq!(report.outcome, Outcome::Tampered, "{report}");
    let wrong = report.verdicts.iter().filter(|it| it.kind.is_tampering());
    let wrong: Vec<_> = wrong.map(|it| (it.kind, it.from, it.to)).collect();
    assert_eq!(wrong, [(VerdictKind::MissingSeq, 200, 200)]);
}

/// More ranges than one event of the log can name, and so several archives.
#[tokio::test]
async fn a_log_with_many_holes_is_pruned_in_parts() {
    let mut world = World::new(1_000, 5).await;
    world.config.days = 183;
    world.hold("every-other", "actor:u0,u2,u4,u6,u8");

    let report = world.prune().await;

    assert_eq!(report.pruned, 818 * 5 / 2);
    assert_eq!(report.files.len(), 3);
    assert_eq!(world.notes(&AuditAction::AUDIT_PRUNE).len(), 6);
    assert_eq!(world.archived().len(), 818 * 5 / 2);
    world.assert_verified().await;
}

#[tokio::test]
async fn events_of_agents_stay_for_half_a_year_whatever_fits_them() {
    let mut world = World::new(300, 4).await;
    world.config.days = 183;
    world.config.rules = vec![RetentionRule::matching(
        "-category:agents,tools,workflows",
        30,
    )];

    let report = world.prune().await;

    // 271 days of three events, and 118 of the one by agents.
    assert_eq!(report.pruned, 271 * 3 + 118);
    let left = world.entries().into_iter().map(|it| it.record.event);
    let agents = left.filter(|event| event.action.category() == "agents");
    assert_eq!(agents.map(|event| event.timestamp).min(), Some(on(118)));
    world.assert_verified().await;
}

#[tokio::test]
async fn what_explains_a_gap_is_never_removed() {
    let world = World::new(500, 2).await;
    world.prune().await;

    world.clock.set(on(3_000));
    let report = world.prune().await;

    assert_eq!(report.pruned, 500 * 2 - 202);
    assert_eq!(world.notes(&AuditAction::AUDIT_PRUNE).len(), 4);
    assert_eq!(world.seqs().len(), 4);
    world.assert_verified().await;
}

#[tokio::test]
async fn without_an_archive_nothing_goes_unless_somebody_says_so() {
    let mut world = World::new(500, 2).await;
    let mut parts = world.parts();
    parts.archives = None;
    let archiver = ee_audit::retention::Archiver::new(parts).unwrap();
    let refused = archiver
        .prune(LOG, &operator(), &mut |_| ())
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Invalid);
    assert_eq!(world.seqs().len(), 1_000);

    world.config.prune_without_archive = true;
    let report = world.prune().await;

    assert_eq!(report.pruned, 202);
    assert!(report.files.is_empty() && !world.archives().exists());
    let notes = world.notes(&AuditAction::AUDIT_PRUNE);
    assert_eq!(notes[1].metadata["archived"], false);
    world.assert_verified().await;
}

/// It is evidence.
#[tokio::test]
async fn an_event_that_was_changed_is_not_removed_and_nothing_behind_it() {
    let world = World::new(500, 2).await;
    {
        let mut inner = world.store.inner();
        let entry = inner.log(LOG).entries.get_mut(&50).unwrap();
        entry.record.canonical = entry.record.canonical.replace("u0", "u9");
    }

    let refused = world.try_prune().await.unwrap_err();

    assert_eq!(refused.kind(), ErrorKind::Internal);
    assert!(
        refused.message().contains("event 50 is not the one"),
        "{refused}"
    );
    assert_eq!(world.seqs().len(), 1_000);
    assert!(world.archiver().plan(LOG, &mut |_| ()).await.is_err());
}

#[tokio::test]
async fn nothing_goes_from_a_log_that_became_shorter() {
    let world = World::new(500, 2).await;
    let longer = World::new(500, 3).await;
    let head = longer.store.head(LOG).await.unwrap();
    let checkpoint = ee_audit::integrity::Checkpoint::new(DEPLOYMENT, &head, on(500)).unwrap();
    let text = format!(
        "{}\n{}\n{}\ntime {}\n",
        checkpoint.origin,
        checkpoint.size,
        base64_of(checkpoint.root.as_bytes()),
        checkpoint.time,
    );
    let note = world.sealer().sign(&text).unwrap();
    world.store.inner().log(LOG).checkpoints.push((1_500, note));

    let refused = world.try_prune().await.unwrap_err();

    assert_eq!(refused.kind(), ErrorKind::Conflict, "{refused}");
    assert_eq!(world.seqs().len(), 1_000);
}

fn base64_of(bytes: &[u8]) -> String {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    STANDARD.encode(bytes)
}

#[tokio::test]
async fn nothing_goes_while_checkpoints_cannot_be_signed() {
    let world = World::new(500, 2).await;
    world.store.inner().crash = Some(Crash::Before(0));

    assert!(world.try_prune().await.is_err());

    assert_eq!(world.seqs().len(), 1_000);
    assert!(world.files(".ndjson.gz").is_empty());
}

#[tokio::test]
async fn it_is_told_how_far_it_is() {
    let world = World::new(500, 8).await;
    let mut steps = Vec::new();

    let archiver = world.archiver();
    let report = archiver
        .prune(LOG, &operator(), &mut |it| steps.push(it))
        .await
        .unwrap();

    let last = |step| steps.iter().rfind(|it| it.step == step).map(|it| it.done);
    assert_eq!(last(RetentionStep::Prune), Some(report.pruned));
    assert_eq!(last(RetentionStep::Archive), Some(report.pruned));
    assert_eq!(last(RetentionStep::Verify), Some(report.pruned));
    assert!(last(RetentionStep::Scan).is_none_or(|done| done <= 4_000));
    assert!(
        steps
            .iter()
            .all(|it| it.total.is_none_or(|total| it.done <= total))
    );
}

#[tokio::test]
async fn an_empty_log_is_left_alone() {
    let world = World::empty();

    assert_eq!(world.prune().await, world.plan().await);
    assert!(world.entries().is_empty());
}
