use std::sync::{Arc, atomic::Ordering};

use ee_audit::sink::DeliveryError;
use ee_core::AuditActor;

use super::world::{LOG, Reply, Scripted, World, until};

/// Refuses every batch with one of these events in it, as a whole.
fn refusing(poison: &'static [u64]) -> Arc<Scripted> {
    Scripted::new(move |seqs| {
        if seqs.iter().any(|seq| poison.contains(seq)) {
            Reply::Is(Err(DeliveryError::refused("the receiver answered 422")))
        } else {
            Reply::Is(Ok(()))
        }
    })
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_not_wanted_is_tried_three_times_and_holds_up_nothing() {
    let world = World::of(100);
    let sink = refusing(&[1, 37, 38, 100]);

    let running = world.run(Arc::clone(&sink) as _).await;
    until("the log is through", || world.state.position() == 100).await;

    let expected: Vec<u64> = (1..=100)
        .filter(|it| ![1, 37, 38, 100].contains(it))
        .collect();
    assert_eq!(sink.taken(), expected);
    for poison in [1, 37, 38, 100] {
        let tries = sink
            .calls()
            .iter()
            .filter(|seqs| **seqs == [poison])
            .count();
        assert_eq!(tries, 3, "{poison}");
    }
    let letters = running.handle.dead_letters(None, 10).await.unwrap();
    let seqs: Vec<u64> = letters.iter().map(|it| it.seq).collect();
    assert_eq!(seqs, [1, 37, 38, 100]);
    assert_eq!((letters[1].id, letters[1].tries), (world.log.id(37), 3));
    assert_eq!(letters[1].reason, "the receiver answered 422");
    let behind = running
        .handle
        .dead_letters(Some(letters[1].id), 1)
        .await
        .unwrap();
    assert_eq!(behind[0].seq, 38);
    // One event for those of one batch.
    assert_eq!(world.records.actions(), ["audit.sink.deadletter"]);
    let event = &world.records.events()[0];
    assert_eq!(
        (&event.metadata["count"], &event.metadata["lastSeq"]),
        (&4.into(), &100.into())
    );
    assert_eq!(running.handle.status().await.unwrap().dead_letters, 4);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn dead_letters_are_replayed_and_those_that_are_taken_are_gone() {
    let world = World::of(10);
    let sink = refusing(&[3, 7]);
    let running = world.run(Arc::clone(&sink) as _).await;
    until("the log is through", || world.state.position() == 10).await;
    assert_eq!(world.state.letters(), [3, 7]);

    sink.behave(|seqs| match seqs[0] {
        7 => Reply::Is(Err(DeliveryError::refused("the receiver answered 400"))),
        _ => Reply::Is(Ok(())),
    });
    running
        .handle
        .replay_dead_letters(AuditActor::system())
        .await
        .unwrap();
    until("the replay is over", || {
        world.state.state().replays.is_empty()
    })
    .await;
    assert_eq!(sink.taken().last(), Some(&3));
    assert_eq!(world.state.letters(), [7]);

    let letters = running.handle.dead_letters(None, 10).await.unwrap();
    assert_eq!(letters[0].reason, "the receiver answered 400");
    assert_eq!(
        running
            .handle
            .remove_dead_letters(&[letters[0].id])
            .await
            .unwrap(),
        1
    );
    assert!(world.state.letters().is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_goes_on_before_a_dead_letter_is_kept() {
    let world = World::of(10);
    let sink = refusing(&[5]);
    world.state.is_full.store(true, Ordering::SeqCst);

    let running = world.run(Arc::clone(&sink) as _).await;
    tokio::time::sleep(std::time::Duration::from_mins(30)).await;
    assert_eq!(sink.taken(), [1, 2, 3, 4]);
    world.state.is_full.store(false, Ordering::SeqCst);
    until("the log is through", || world.state.position() == 10).await;

    assert_eq!(world.state.letters(), [5]);
    assert_eq!(sink.taken().len(), 9);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_whose_event_is_not_in_the_log_any_more_stays_listed() {
    let world = World::of(3);
    let sink = refusing(&[3]);
    let running = world.run(Arc::clone(&sink) as _).await;
    until("the log is through", || world.state.position() == 3).await;
    world.log.cut(LOG, 2);
    sink.recover();

    running
        .handle
        .replay_dead_letters(AuditActor::system())
        .await
        .unwrap();
    until("the replay is over", || {
        world.state.state().replays.is_empty()
    })
    .await;

    assert_eq!(world.state.letters(), [3]);
    assert_eq!(sink.taken(), [1, 2]);
    running.stop().await;
}
