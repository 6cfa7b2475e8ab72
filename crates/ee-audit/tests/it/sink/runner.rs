use std::{sync::Arc, time::Duration};

use ee_audit::sink::{DeliveryError, SinkHealth};
use ee_core::{AuditActor, AuditField, AuditFilter, ErrorKind};
use tokio::time::{Instant, sleep};

use super::world::{LOG, Reply, Scripted, World, event, until};

#[tokio::test(start_paused = true)]
async fn events_arrive_in_order_and_the_cursor_follows() {
    let world = World::of(250);
    world.log.add("other", 3);
    let sink = Scripted::willing();

    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are taken", || sink.taken().len() == 253).await;
    world.log.add(LOG, 1);
    running.handle.wake();
    until("the new one is taken", || world.state.position() == 251).await;

    let sizes: Vec<usize> = sink.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes, [100, 3, 100, 50, 1]);
    let status = running.handle.status().await.unwrap();
    assert_eq!(
        (status.accepted, status.lag, status.dead_letters),
        (254, 0, 0)
    );
    assert_eq!(status.positions[LOG], 251);
    assert_eq!(status.health, SinkHealth::Working);
    assert!(world.records.actions().is_empty());
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_never_stands_before_what_was_taken() {
    let world = World::of(100);
    let sink = Scripted::new(|seqs| match seqs[0] {
        41 => Reply::Is(Err(DeliveryError::later("down"))),
        // Takes 40 of them, and then no more.
        _ => Reply::Is(Err(DeliveryError::later("down").after(40))),
    });

    let running = world.run(Arc::clone(&sink) as _).await;
    until("it was tried often", || {
        sink.tries.load(std::sync::atomic::Ordering::SeqCst) > 20
    })
    .await;
    assert_eq!(
        world.state.position(),
        0,
        "nothing is saved before the batch is through"
    );
    running.stop().await;

    assert_eq!(world.state.position(), 40);
    assert_eq!(sink.taken(), (1..=40).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_restart_goes_on_where_it_was() {
    let world = World::of(130);
    let sink = Scripted::willing();

    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are saved", || world.state.position() == 130).await;
    running.stop().await;
    world.log.add(LOG, 5);
    let running = world.run(Arc::clone(&sink) as _).await;
    until("the new ones are taken", || world.state.position() == 135).await;
    running.stop().await;

    assert_eq!(sink.taken(), (1..=135).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_crash_sends_at_most_one_batch_again_and_loses_nothing() {
    let world = World::of(250);
    let sink = Scripted::new(|seqs| match seqs[0] {
        201 => Reply::Hang,
        _ => Reply::Is(Ok(())),
    });
    let running = world.run(Arc::clone(&sink) as _).await;
    until("it hangs", || sink.calls().len() == 3).await;
    running.kill().await;

    sink.recover();
    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are saved", || world.state.position() == 250).await;
    running.stop().await;

    assert_eq!(sink.taken(), (1..=250).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_sink_that_hangs_is_given_up_after_the_timeout_and_others_go_on() {
    let world = World::of(10);
    let other = World {
        log: Arc::clone(&world.log),
        ..World::of(0)
    };
    let (hanging, willing) = (Scripted::new(|_| Reply::Hang), Scripted::willing());
    let start = Instant::now();

    let slow = world.run(Arc::clone(&hanging) as _).await;
    let quick = other.run(Arc::clone(&willing) as _).await;
    until("the other one has them", || other.state.position() == 10).await;
    assert!(start.elapsed() < Duration::from_secs(1));
    world.log.add(LOG, 1_000);
    quick.handle.wake();
    until("the other one has all", || other.state.position() == 1_010).await;

    until("it was tried again", || hanging.calls().len() >= 3).await;
    let gap = hanging.times()[1];
    assert!(
        gap >= Duration::from_secs(5) && gap < Duration::from_secs(6),
        "{gap:?}"
    );
    let SinkHealth::Failing { reason, .. } = slow.handle.health() else {
        panic!("{:?}", slow.handle.health());
    };
    assert_eq!(reason, "no answer in time");
    assert_eq!(slow.handle.status().await.unwrap().lag, 1_010);
    // Whatever waits in the log, one batch is held.
    assert!(
        hanging
            .calls()
            .iter()
            .all(|seqs| seqs[0] == 1 && seqs.len() <= 10)
    );

    hanging.recover();
    until("it has all", || world.state.position() == 1_010).await;
    assert_eq!(slow.handle.health(), SinkHealth::Working);
    assert_eq!(hanging.taken(), (1..=1_010).collect::<Vec<_>>());
    slow.stop().await;
    quick.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_hangs_holds_up_the_end_for_a_second() {
    let world = World::of(1);
    let sink = Scripted::new(|_| Reply::Hang);
    let running = world.run(Arc::clone(&sink) as _).await;
    until("it hangs", || sink.calls().len() == 1).await;

    let start = Instant::now();
    running.stop().await;

    assert!(start.elapsed() <= Duration::from_millis(1_100));
    assert_eq!(world.state.position(), 0);
}

#[tokio::test(start_paused = true)]
async fn tries_come_further_apart_and_then_with_single_events() {
    let world = World::of(50);
    let sink = Scripted::failing(DeliveryError::later("down"));

    let running = world.run(Arc::clone(&sink) as _).await;
    until("it was tried often", || sink.calls().len() == 12).await;
    assert!(matches!(
        running.handle.health(),
        SinkHealth::Failing { is_open: true, .. }
    ));
    sink.recover();
    until("all are taken", || world.state.position() == 50).await;
    running.stop().await;

    let sizes: Vec<usize> = sink.calls().iter().map(Vec::len).collect();
    assert_eq!(sizes[..5], [50; 5]);
    assert_eq!(sizes[5..12], [1; 7]);
    // The log is found again step by step.
    assert_eq!(sizes[12..], [1, 2, 4, 8, 16, 19]);
    let times = sink.times();
    let waits = times
        .windows(2)
        .map(|pair| pair[1].checked_sub(pair[0]).unwrap());
    let waits: Vec<Duration> = waits.collect();
    for (at, wait) in waits.iter().take(11).enumerate() {
        let longest = Duration::from_millis(500 << at).min(Duration::from_mins(1));
        // The clock of the runtime counts milliseconds.
        let slack = Duration::from_millis(2);
        assert!(
            *wait + slack >= longest / 2 && *wait <= longest + slack,
            "{at}: {wait:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_wants_to_be_left_alone_is() {
    let world = World::of(5);
    let wait = Some(Duration::from_secs(90));
    let err = DeliveryError::later("the receiver answered 429").with_retry_after(wait);
    let sink = Scripted::failing(err);

    let running = world.run(Arc::clone(&sink) as _).await;
    until("it was tried", || sink.calls().len() == 1).await;
    sink.recover();
    for _ in 0..10 {
        running.handle.wake();
        sleep(Duration::from_secs(1)).await;
    }
    assert_eq!(
        sink.calls().len(),
        1,
        "waking up is no reason to come earlier"
    );
    until("all are taken", || world.state.position() == 5).await;
    running.stop().await;

    assert_eq!(sink.calls().len(), 2);
    assert!(sink.times()[1] >= Duration::from_secs(90));
}

#[tokio::test(start_paused = true)]
async fn only_what_is_wanted_is_sent_and_the_cursor_passes_the_rest() {
    let mut world = World::of(0);
    for at in 0..300 {
        let action = if at % 100 == 7 {
            "roles.assign"
        } else {
            "agents.create"
        };
        world.log.push(LOG, event(action));
    }
    world.filter = AuditFilter::is(AuditField::Action, "roles.assign");
    let sink = Scripted::willing();

    let running = world.run(Arc::clone(&sink) as _).await;
    until("the log is through", || world.state.position() == 300).await;
    running.stop().await;

    assert_eq!(sink.calls(), [[8], [108], [208]]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_has_no_more_bytes_than_it_may() {
    let mut world = World::of(0);
    for at in 0..6 {
        let mut event = event("agents.create");
        let bytes = if at == 3 { 5_000 } else { 400 };
        event
            .metadata
            .insert("text".to_owned(), "x".repeat(bytes).into());
        world.log.push(LOG, event);
    }
    world.options.batch_bytes = 3_000;
    let sink = Scripted::willing();

    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are taken", || world.state.position() == 6).await;
    running.stop().await;

    let calls = sink.calls();
    assert!(
        calls.contains(&vec![4]),
        "one that is too large goes alone: {calls:?}"
    );
    assert!(calls.len() <= 4, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_replay_sends_what_was_asked_for_once_more_between_the_new_ones() {
    let mut world = World::of(20);
    world.options.batch_events = 4;
    let sink = Scripted::willing();
    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are taken", || world.state.position() == 20).await;
    let replay = |seqs| running.handle.replay(AuditActor::system(), LOG, seqs);

    for (first, last, field) in [(0, 3, "from"), (9, 8, "from"), (3, 21, "to")] {
        let err = replay(first..=last).await.unwrap_err();
        assert_eq!(err.kind(), ErrorKind::Invalid);
        assert_eq!(err.issues()[0].field, field);
    }
    replay(5..=11).await.unwrap();
    world.log.add(LOG, 4);
    running.handle.wake();
    until("the replay is over", || {
        world.state.state().replays.is_empty()
    })
    .await;
    until("the new ones are taken", || world.state.position() == 24).await;
    running.stop().await;

    let mut later = sink.calls().split_off(5);
    later.sort();
    assert_eq!(
        later,
        [vec![5, 6, 7, 8], vec![9, 10, 11], vec![21, 22, 23, 24]]
    );
    let events = world.records.events();
    assert_eq!(world.records.actions(), ["audit.sink.replay"]);
    assert_eq!(events[0].metadata["lastSeq"], 11);
    assert_eq!(events[0].resource.as_ref().unwrap().id, "siem");
}

#[tokio::test(start_paused = true)]
async fn a_replay_goes_on_after_a_restart() {
    let mut world = World::of(20);
    world.options.batch_events = 4;
    let sink = Scripted::willing();
    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are taken", || world.state.position() == 20).await;
    sink.behave(|seqs| match seqs[0] {
        9 => Reply::Hang,
        _ => Reply::Is(Ok(())),
    });
    running
        .handle
        .replay(AuditActor::system(), LOG, 5..=12)
        .await
        .unwrap();
    until("it hangs", || sink.calls().last().unwrap()[0] == 9).await;
    running.kill().await;

    sink.recover();
    let running = world.run(Arc::clone(&sink) as _).await;
    until("the replay is over", || {
        world.state.state().replays.is_empty()
    })
    .await;
    running.stop().await;

    assert_eq!(sink.taken()[20..], [5, 6, 7, 8, 9, 10, 11, 12]);
}

#[tokio::test(start_paused = true)]
async fn a_test_sends_one_event_that_is_in_no_log() {
    let world = World::of(0);
    let sink = Scripted::willing();
    let running = world.run(Arc::clone(&sink) as _).await;
    running
        .handle
        .pause(AuditActor::system(), "maintenance")
        .await
        .unwrap();

    running.handle.test().await.unwrap();
    assert_eq!(sink.calls(), [[0]]);

    sink.behave(|_| Reply::Hang);
    let err = running.handle.test().await.unwrap_err();
    assert_eq!(err.to_string(), "no answer in time");
    running.stop().await;
}
