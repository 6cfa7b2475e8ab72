use std::os::unix::fs::PermissionsExt as _;

use ee_audit::integrity::{Pin, PinCheck, Pins};
use ee_core::{AuditHead, ErrorKind, storage::AuditStore as _};

use super::memory::{Memory, PARTITION, log, now, record};

async fn add(memory: &Memory, count: u64) -> AuditHead {
    let records = (0..count).map(record).collect();
    memory.append(PARTITION, records, now()).await.unwrap()
}

#[tokio::test]
async fn a_log_that_grows_is_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let pins = Pins::new(dir.path());
    let memory = log(3).await;
    let head = memory.rows().head();

    assert_eq!(pins.check(&head, &memory).await.unwrap(), PinCheck::Ok);
    pins.put(&head).await.unwrap();
    assert_eq!(pins.find(PARTITION).unwrap(), Some(Pin::new(&head)));
    assert_eq!(pins.check(&head, &memory).await.unwrap(), PinCheck::Ok);
    for count in [1, 5, 300] {
        let head = add(&memory, count).await;
        assert_eq!(pins.check(&head, &memory).await.unwrap(), PinCheck::Ok);
        pins.put(&head).await.unwrap();
    }
    let path = dir.path().join("default.pin");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_shorter_log_and_another_one_are_told() {
    let dir = tempfile::tempdir().unwrap();
    let pins = Pins::new(dir.path());
    let memory = log(300).await;
    let head = memory.rows().head();
    pins.put(&head).await.unwrap();
    let rollback = PinCheck::Rollback(Pin::new(&head));

    for other in [
        log(299).await,
        log(300).await,
        log(301).await,
        log(900).await,
        log(0).await,
    ] {
        let head = other.rows().head();
        assert_eq!(pins.check(&head, &other).await.unwrap(), rollback);
    }
    // One that has grown from the same, in a store that lies of the beginning.
    let head = add(&memory, 10).await;
    memory.rows().nodes[0].hash = record(1).leaf();
    assert_eq!(pins.check(&head, &memory).await.unwrap(), rollback);
    memory.rows().links.clear();
    assert!(pins.check(&head, &memory).await.is_err());
}

#[tokio::test]
async fn an_older_head_does_not_take_the_place_of_a_newer_one() {
    let dir = tempfile::tempdir().unwrap();
    let pins = Pins::new(dir.path());
    let memory = log(3).await;
    let old = memory.rows().head();
    let new = add(&memory, 1).await;

    pins.put(&new).await.unwrap();
    pins.put(&old).await.unwrap();
    assert_eq!(pins.find(PARTITION).unwrap().unwrap().size, 4);

    pins.forget(PARTITION).unwrap();
    pins.forget(PARTITION).unwrap();
    assert_eq!(pins.find(PARTITION).unwrap(), None);
}

#[tokio::test]
async fn a_pin_that_cannot_be_read_is_not_taken_for_none() {
    let dir = tempfile::tempdir().unwrap();
    let pins = Pins::new(dir.path());
    let memory = log(3).await;
    let head = memory.rows().head();
    pins.put(&head).await.unwrap();
    let path = dir.path().join("default.pin");
    let text = std::fs::read_to_string(&path).unwrap();

    for bad in [
        "",
        "{}",
        &text[..20],
        &text.replace("default", "other"),
        &text.replace(':', ";"),
    ] {
        std::fs::write(&path, bad).unwrap();
        let refused = pins.check(&head, &memory).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Internal, "{bad}");
        assert!(pins.put(&head).await.is_err());
    }
    std::fs::write(&path, &text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(pins.check(&head, &memory).await.is_err());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(pins.check(&head, &memory).await.unwrap(), PinCheck::Ok);
    assert!(Pins::new(dir.path().join("none")).put(&head).await.is_err());
}

#[tokio::test]
async fn every_log_has_a_file_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let pins = Pins::new(dir.path());
    let long = "a".repeat(61);
    let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let names = ["a", "A", "../a", "a/b", "ä", "", "a.pin", &long, digest];

    for name in names {
        pins.put(&AuditHead::genesis(name)).await.unwrap();
    }

    for name in names {
        assert_eq!(pins.find(name).unwrap().unwrap().partition, name);
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), names.len());
}
