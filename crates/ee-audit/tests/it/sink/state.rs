use std::{fs, sync::Arc};

use ee_audit::sink::{
    DeadLetter, FileSinkStore, SinkCursor, SinkName, SinkPause, SinkReplay, SinkState, SinkStore,
};
use ee_core::ErrorKind;
use jiff::Timestamp;
use tempfile::TempDir;
use uuid::Uuid;

use super::world::{Scripted, World, entries, until};

fn name() -> SinkName {
    SinkName::new("siem").unwrap()
}

fn state() -> SinkState {
    let mut state = SinkState::default();
    let cursor = SinkCursor {
        id: Uuid::from_u128(7),
        seq: 7,
    };
    state.cursors.insert("default".to_owned(), cursor);
    state.paused = Some(SinkPause {
        reason: "moves".to_owned(),
        since: Timestamp::UNIX_EPOCH,
    });
    state.replays = vec![
        SinkReplay::DeadLetters { after: None },
        SinkReplay::Events {
            partition: "default".to_owned(),
            next: 3,
            last: 5,
        },
    ];
    state
}

#[tokio::test]
async fn what_was_saved_is_there_again_and_nobody_else_can_read_it() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("sinks");
    let store = FileSinkStore::new(&root);
    assert_eq!(store.load(&name()).await.unwrap(), SinkState::default());

    store.save(&name(), &SinkState::default()).await.unwrap();
    store.save(&name(), &state()).await.unwrap();

    let again = FileSinkStore::new(&root);
    assert_eq!(again.load(&name()).await.unwrap(), state());
    let other = SinkName::new("other").unwrap();
    assert_eq!(again.load(&other).await.unwrap(), SinkState::default());
    #[cfg(unix)]
    for (path, mode) in [("", 0o700), ("siem", 0o700), ("siem/state.json", 0o600)] {
        use std::os::unix::fs::PermissionsExt as _;
        let found = fs::metadata(root.join(path)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{path}");
    }
}

#[tokio::test]
async fn a_crash_in_the_midst_of_saving_leaves_what_was_there() {
    let dir = TempDir::new().unwrap();
    let store = FileSinkStore::new(dir.path());
    store.save(&name(), &state()).await.unwrap();
    fs::write(
        dir.path().join("siem/state.json.new"),
        b"{\"cursors\":{\"de",
    )
    .unwrap();

    assert_eq!(store.load(&name()).await.unwrap(), state());
    store.save(&name(), &SinkState::default()).await.unwrap();
    assert_eq!(store.load(&name()).await.unwrap(), SinkState::default());
}

#[tokio::test]
async fn a_state_that_cannot_be_read_is_an_error_and_not_a_start_from_the_beginning() {
    let dir = TempDir::new().unwrap();
    let store = FileSinkStore::new(dir.path());
    store.save(&name(), &state()).await.unwrap();
    fs::write(dir.path().join("siem/state.json"), b"{\"cursors\":").unwrap();

    let err = store.load(&name()).await.unwrap_err();

    assert_eq!(err.kind(), ErrorKind::Unavailable);
    let mut parts = World::of(1).parts(Scripted::willing());
    parts.store = Arc::new(store);
    assert!(ee_audit::sink::SinkRunner::open(parts).await.is_err());
}

#[tokio::test]
async fn dead_letters_are_listed_page_by_page_and_kept_once() {
    let dir = TempDir::new().unwrap();
    let store = FileSinkStore::new(dir.path());
    let at = Timestamp::UNIX_EPOCH;
    let letter = |entry, reason: &str| DeadLetter::new(entry, reason.to_owned(), 3, at);
    let entries = entries(1..=5);
    for entry in entries.iter().rev() {
        store
            .put_dead_letter(&name(), &letter(entry, "400"))
            .await
            .unwrap();
    }
    store
        .put_dead_letter(&name(), &letter(&entries[2], "422"))
        .await
        .unwrap();

    assert_eq!(store.count_dead_letters(&name()).await.unwrap(), 5);
    let mut seqs = Vec::new();
    let mut after = None;
    loop {
        let page = store.dead_letters(&name(), after, 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.id);
        seqs.extend(page.iter().map(|it| (it.seq, it.reason.clone())));
    }
    let expected = [(1, "400"), (2, "400"), (3, "422"), (4, "400"), (5, "400")];
    assert_eq!(seqs, expected.map(|(seq, reason)| (seq, reason.to_owned())));

    let gone = [entries[0].record.event.id, Uuid::from_u128(9)];
    assert_eq!(store.remove_dead_letters(&name(), &gone).await.unwrap(), 1);
    assert_eq!(store.count_dead_letters(&name()).await.unwrap(), 4);
}

/// What is erased in the log must not be left here.
#[tokio::test]
async fn nothing_of_an_event_is_kept_with_a_cursor_or_a_dead_letter() {
    let dir = TempDir::new().unwrap();
    let world = World::of(0);
    let mut event = super::world::event("agents.create");
    event.actor.email = Some("ada@example.com".to_owned());
    world.log.push("default", event);
    let err = ee_audit::sink::DeliveryError::refused("the receiver answered 400");
    let mut parts = world.parts(Scripted::failing(err));
    let store = FileSinkStore::new(dir.path());
    parts.store = Arc::new(store.clone());
    parts.log = Arc::clone(&world.log) as _;

    let (runner, handle) = ee_audit::sink::SinkRunner::open(parts).await.unwrap();
    let stop = tokio_util::sync::CancellationToken::new();
    let task = tokio::spawn(runner.run(stop.clone()));
    until("it is recorded", || !world.records.events().is_empty()).await;
    stop.cancel();
    task.await.unwrap();

    let [letter] = &handle.dead_letters(None, 9).await.unwrap()[..] else {
        panic!("there is one");
    };
    let file = dir.path().join(format!("siem/dead/{}.json", letter.id));
    for path in [file, dir.path().join("siem/state.json")] {
        let text = fs::read_to_string(path).unwrap();
        assert!(!text.contains("ada"), "{text}");
    }
}

/// A request that is given up leaves its work behind, and the next one comes while that is still done.
#[tokio::test]
async fn those_who_give_up_waiting_leave_no_half_of_a_state() {
    let dir = TempDir::new().unwrap();
    let (store, name) = (FileSinkStore::new(dir.path()), name());
    for seq in 1..=50 {
        let mut state = state();
        state.cursors.get_mut("default").unwrap().seq = seq;
        state.paused.as_mut().unwrap().reason = "x".repeat(usize::try_from(seq).unwrap() * 1_000);
        tokio::select! {
            biased;
            saved = store.save(&name, &state) => saved.unwrap(),
            () = std::future::ready(()) => {}
        }
    }

    store.save(&name, &state()).await.unwrap();

    let found = store.load(&name).await.unwrap();
    let seq = found.cursors["default"].seq;
    assert!((1..=50).contains(&seq), "{seq}");
}
