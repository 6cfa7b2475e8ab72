//! Archives verify alone.

use std::{fs, ops::RangeInclusive};

use ee_audit::{
    integrity::{Evidence, SigningKey},
    retention::verify_archive,
};
use ee_core::{AuditAction, ErrorKind};

use super::world::{DEPLOYMENT, LOG, World, operator, unpacked};

#[tokio::test]
async fn a_range_is_archived_and_stays() {
    let world = World::new(10, 10).await;

    let archiver = world.archiver();
    let report = archiver
        .archive(LOG, 11..=40, &operator(), &mut |_| ())
        .await
        .unwrap();

    assert_eq!(report.files.len(), 1);
    assert_eq!((report.files[0].first, report.files[0].last), (11, 40));
    assert_eq!(world.archived(), (11..=40).collect::<Vec<u64>>());
    assert_eq!(world.seqs().len(), 101);
    let notes = world.notes(&AuditAction::AUDIT_ARCHIVE);
    assert_eq!(notes[0].metadata["sha256"], report.files[0].sha256.as_str());
    world.assert_verified().await;
    for (first, last) in [(0, 5), (5, 4), (90, 200)] {
        let range = RangeInclusive::new(first, last);
        let refused = archiver.archive(LOG, range, &operator(), &mut |_| ()).await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Invalid);
    }
}

#[tokio::test]
async fn the_same_archive_is_taken_again_and_another_one_never_replaced() {
    let world = World::new(500, 2).await;
    let archiver = world.archiver();
    let archive = async |range| {
        let report = archiver.archive(LOG, range, &operator(), &mut |_| ()).await;
        report.unwrap().files.remove(0)
    };
    let first = archive(1..=20).await;
    assert_eq!(archive(1..=20).await, first);
    assert_eq!(world.files(".ndjson.gz").len(), 1);

    // What lies there now is damaged: it stays where it is, for whoever wants to know what has happened.
    let mut bytes = fs::read(&first.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&first.path, &bytes).unwrap();
    let second = archive(1..=20).await;

    assert!(second.path.ends_with("1-20-2.ndjson.gz"));
    assert_eq!(second.sha256, first.sha256);
    assert_eq!(fs::read(&first.path).unwrap(), bytes);
    assert_eq!(world.files(".new").len(), 0);
}

#[tokio::test]
async fn every_change_of_an_archive_is_found() {
    let world = World::new(500, 2).await;
    let report = world.prune().await;
    let (events, manifest) = (
        report.files[0].path.clone(),
        world.files(".manifest")[0].clone(),
    );
    let is_ok = |evidence: &Evidence| {
        verify_archive(&events, evidence, |_| ()).is_ok_and(|found| found.is_ok())
    };
    let evidence = world.evidence();
    assert!(is_ok(&evidence));

    for (path, step) in [(&events, 97), (&manifest, 13)] {
        let bytes = fs::read(path).unwrap();
        // The header of gzip has a time, flags and a system that say nothing of what is in it.
        for at in (10..bytes.len()).step_by(step) {
            let mut changed = bytes.clone();
            changed[at] ^= 4;
            fs::write(path, &changed).unwrap();
            assert!(!is_ok(&evidence), "byte {at} of {}", path.display());
        }
        for length in [0, 1, bytes.len() / 2, bytes.len() - 1] {
            fs::write(path, &bytes[..length]).unwrap();
            assert!(!is_ok(&evidence), "{length} bytes of {}", path.display());
        }
        fs::write(path, &bytes).unwrap();
        assert!(is_ok(&evidence));
    }

    let other = SigningKey::generate(DEPLOYMENT).unwrap();
    let stranger = [other.verifier().clone()].into_iter().collect();
    assert!(!is_ok(&Evidence::new(DEPLOYMENT, stranger)));
    assert!(!is_ok(&Evidence::new(
        "other.example",
        evidence.keys.clone()
    )));
    fs::remove_file(&manifest).unwrap();
    assert!(!is_ok(&evidence));
}

/// Two archives, each whole and signed: the events of one under the name of the other.
#[tokio::test]
async fn events_of_another_archive_are_found() {
    let world = World::new(500, 2).await;
    let archiver = world.archiver();
    for range in [1..=20, 21..=40] {
        archiver
            .archive(LOG, range, &operator(), &mut |_| ())
            .await
            .unwrap();
    }
    let files = world.files(".ndjson.gz");

    fs::copy(&files[0], &files[1]).unwrap();

    let refused = verify_archive(&files[1], &world.evidence(), |_| ()).unwrap_err();
    assert!(
        refused.message().contains("not what its manifest"),
        "{refused}"
    );
}

#[tokio::test]
async fn nobody_else_reads_archives_and_two_do_not_write_them() {
    use std::os::unix::fs::PermissionsExt as _;

    let world = World::new(500, 2).await;
    world.prune().await;
    let dir = world.archives().join(LOG);

    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for file in fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&file.unwrap().path()), 0o600);
    }
    let lock = fs::File::open(dir.join("lock")).unwrap();
    lock.lock().unwrap();
    let refused = world.try_prune().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Conflict);
}

/// With everything that there is of them: nothing of it is left elsewhere.
#[tokio::test]
async fn archives_hold_whole_events() {
    let world = World::new(500, 2).await;
    let before = world.entries();

    let report = world.prune().await;

    let text = unpacked(&report.files[0].path);
    for (line, entry) in text.lines().zip(&before) {
        let line: ee_audit::export::ExportLine = serde_json::from_str(line).unwrap();
        assert_eq!(line.entry().unwrap().as_ref(), Some(entry));
    }
    assert_eq!(text.lines().count(), 202);
}
