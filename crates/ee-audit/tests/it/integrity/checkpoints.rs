use ee_audit::integrity::{Checkpoint, IntegrityError, LogName, SigningKey, is_checkpoint_due};
use ee_core::{AuditHash, AuditHead};

use super::memory::{DEPLOYMENT, key, known, later, now};

fn head(size: u64) -> AuditHead {
    let mut head = AuditHead::genesis("default");
    for number in 0..size {
        head.push(AuditHash::of_leaf(&number.to_be_bytes()));
    }
    head
}

fn origin(deployment: &str, partition: &str) -> Result<String, IntegrityError> {
    let log = LogName {
        deployment,
        partition,
    };
    log.origin()
}

#[test]
fn a_checkpoint_has_the_form_of_c2sp() {
    let signer = SigningKey::parse(
        "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz",
    )
    .unwrap();
    let empty = Checkpoint::new("ee.example", &head(0), now()).unwrap();

    let note = empty.sign(std::slice::from_ref(&signer)).unwrap();

    let (text, signature) = note.split_once("\n\n").unwrap();
    assert_eq!(
        text,
        "ee.example/audit/default\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\
        time 2026-01-02T03:04:05Z"
    );
    assert!(signature.starts_with("— PeterNeumann x08go"));
    assert!(signature.ends_with('\n'));
}

#[test]
fn a_checkpoint_of_a_stranger_counts_for_nothing() {
    let said = Checkpoint::new(DEPLOYMENT, &head(300), now()).unwrap();

    let note = said.sign(&[key(), key()]).unwrap();

    let refused = Checkpoint::verify(&note, &said.origin, &known(&[&key()])).unwrap_err();
    assert!(matches!(refused, IntegrityError::UnknownKey));
}

#[test]
fn during_a_rotation_each_of_the_two_keys_is_enough() {
    let (old, new) = (key(), key());
    let said = Checkpoint::new(DEPLOYMENT, &head(3), now()).unwrap();
    let origin = origin(DEPLOYMENT, "default").unwrap();
    let (by_old, by_new, both) = (known(&[&old]), known(&[&new]), known(&[&new, &old]));

    let note = said.sign(&[old, new]).unwrap();

    for keys in [by_old, by_new, both] {
        assert_eq!(Checkpoint::verify(&note, &origin, &keys).unwrap(), said);
    }
}

#[test]
fn a_checkpoint_of_another_log_is_none_of_this() {
    let key = key();
    let keys = known(&[&key]);
    let note = Checkpoint::new(DEPLOYMENT, &head(3), now())
        .and_then(|it| it.sign(&[key]))
        .unwrap();

    for origin in ["ee.example/audit/other", "other/audit/default", ""] {
        let refused = Checkpoint::verify(&note, origin, &keys).unwrap_err();
        assert!(
            matches!(refused, IntegrityError::OtherLog { .. }),
            "{origin}"
        );
    }
}

#[test]
fn names_that_would_break_the_lines_are_refused() {
    for (deployment, partition) in [
        ("", "p"),
        ("d", ""),
        ("d\n9", "p"),
        ("d", "p\n9"),
        ("d", "p\r"),
    ] {
        let refused = origin(deployment, partition).unwrap_err();
        assert!(matches!(refused, IntegrityError::Origin));
    }
    assert_eq!(origin("d", "Größe 1").unwrap(), "d/audit/Größe 1");
}

#[test]
fn signed_texts_that_are_no_checkpoints_are_refused() {
    let key = key();
    let keys = known(&[&key]);
    let root = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
    let time = "time 2026-01-02T03:04:05Z";
    for text in [
        "o\n".to_owned(),
        format!("o\n0\n{root}\n"),
        format!("o\n01\n{root}\n{time}\n"),
        format!("o\n-1\n{root}\n{time}\n"),
        format!("o\n0\n{}\n{time}\n", &root[4..]),
        format!("o\n0\n{root}\ntime yesterday\n"),
        format!("o\n0\n{root}\n{time}\n{time}\n"),
        format!("o\n0\n{root}\n\n{time}\n"),
    ] {
        let note = ee_audit::integrity::sign_note(&text, std::slice::from_ref(&key)).unwrap();
        assert!(Checkpoint::verify(&note, "o", &keys).is_err(), "{text}");
    }
    // Lines of others are passed over.
    let text = format!("o\n0\n{root}\nwitness x\n{time}\n");
    let note = ee_audit::integrity::sign_note(&text, std::slice::from_ref(&key)).unwrap();
    assert_eq!(Checkpoint::verify(&note, "o", &keys).unwrap().size, 0);
}

#[test]
fn a_checkpoint_is_due_after_events_or_time() {
    let last = Checkpoint::new(DEPLOYMENT, &head(10), now()).unwrap();
    let cases = [
        // (last, size, seconds later, due)
        (false, 0, 0, false),
        (false, 1, 0, true),
        (true, 10, 0, false),
        (true, 10, 60, false),
        (true, 10, 3_598, false),
        (true, 10, 3_600, true),
        (true, 11, 0, false),
        (true, 11, 58, false),
        (true, 11, 60, true),
        (true, 1_009, 1, false),
        (true, 1_010, 1, true),
        (true, 5_000, 1, true),
        // A clock that was set back.
        (true, 10, -5, true),
        (true, 11, -86_400, true),
        // A log that has become shorter.
        (true, 9, 60, false),
        (true, 9, 86_400, false),
        (true, 0, 86_400, false),
    ];
    for (has_last, size, seconds, due) in cases {
        let last = has_last.then_some(&last);
        let got = is_checkpoint_due(last, &head(size), later(seconds));
        assert_eq!(got, due, "{has_last} {size} {seconds}");
    }
}
