use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use ee_audit::sink::{DeliveryError, SinkHealth};
use ee_core::{ActorType, AuditActor, AuditOutcome};
use tokio::time::sleep;

use super::world::{LOG, MemoryLog, Records, Scripted, World, until};

fn is_paused(health: &SinkHealth) -> bool {
    matches!(health, SinkHealth::Paused { .. })
}

#[tokio::test(start_paused = true)]
async fn a_receiver_that_does_not_know_us_pauses_the_sink_until_somebody_resumes_it() {
    let world = World::of(10);
    let sink = Scripted::failing(DeliveryError::unauthorised("the receiver answered 401"));

    let running = world.run(Arc::clone(&sink) as _).await;
    until("it is paused", || is_paused(&running.handle.health())).await;
    sleep(Duration::from_hours(5)).await;
    assert_eq!(sink.calls().len(), 1);
    assert_eq!(world.state.position(), 0);
    let events = world.records.events();
    assert_eq!(world.records.actions(), ["audit.sink.paused"]);
    assert_eq!(events[0].outcome, AuditOutcome::Failure);
    assert_eq!(
        events[0].reason.as_deref(),
        Some("the receiver answered 401")
    );

    sink.recover();
    let admin = AuditActor::new(ActorType::User, "ada");
    running.handle.resume(admin.clone()).await.unwrap();
    running.handle.resume(admin).await.unwrap();
    until("all are taken", || world.state.position() == 10).await;
    assert_eq!(
        world.records.actions(),
        ["audit.sink.paused", "audit.sink.resumed"]
    );
    assert_eq!(world.records.events()[1].actor.id, "ada");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_tries_new_credentials() {
    let world = World::of(3);
    let sink = Scripted::failing(DeliveryError::unauthorised("the receiver answered 403"));
    let running = world.run(Arc::clone(&sink) as _).await;
    until("it is paused", || is_paused(&running.handle.health())).await;
    running.stop().await;

    sink.recover();
    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are taken", || world.state.position() == 3).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_has_stopped_stays_so_after_a_restart() {
    let world = World::of(3);
    let sink = Scripted::willing();
    let running = world.run(Arc::clone(&sink) as _).await;
    until("all are taken", || world.state.position() == 3).await;
    let actor = AuditActor::new(ActorType::User, "ada");
    running
        .handle
        .pause(actor.clone(), "the receiver moves")
        .await
        .unwrap();
    running.stop().await;
    world.log.add(LOG, 2);

    let running = world.run(Arc::clone(&sink) as _).await;
    sleep(Duration::from_hours(1)).await;
    assert_eq!(world.state.position(), 3);
    let SinkHealth::Paused { reason, .. } = running.handle.health() else {
        panic!("it is not paused");
    };
    assert_eq!(reason, "the receiver moves");

    running.handle.resume(actor).await.unwrap();
    until("all are taken", || world.state.position() == 5).await;
    assert_eq!(
        world.records.actions(),
        ["audit.sink.paused", "audit.sink.resumed"]
    );
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_the_tries_of_a_batch() {
    let world = World::of(10);
    let sink = Scripted::failing(DeliveryError::later("down").after(0));
    let running = world.run(Arc::clone(&sink) as _).await;
    until("it was tried", || sink.calls().len() == 3).await;

    running
        .handle
        .pause(AuditActor::system(), "enough")
        .await
        .unwrap();
    sleep(Duration::from_hours(1)).await;
    assert_eq!(sink.calls().len(), 3);

    sink.recover();
    running.handle.resume(AuditActor::system()).await.unwrap();
    until("all are taken", || world.state.position() == 10).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_more_is_sent_while_the_cursor_cannot_be_saved() {
    let world = World::of(300);
    let sink = Scripted::willing();
    world.state.is_full.store(true, Ordering::SeqCst);

    let running = world.run(Arc::clone(&sink) as _).await;
    sleep(Duration::from_hours(1)).await;
    assert_eq!(sink.calls().len(), 1, "one batch at most would come again");
    assert!(matches!(
        running.handle.health(),
        SinkHealth::Failing { .. }
    ));

    world.state.is_full.store(false, Ordering::SeqCst);
    until("all are saved", || world.state.position() == 300).await;
    assert_eq!(running.handle.health(), SinkHealth::Working);
    running.stop().await;
    assert_eq!(sink.taken(), (1..=300).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_log_that_cannot_be_read_is_waited_for() {
    let world = World::of(3);
    world.log.is_down.store(true, Ordering::SeqCst);
    let sink = Scripted::willing();

    let running = world.run(Arc::clone(&sink) as _).await;
    sleep(Duration::from_mins(10)).await;
    assert!(matches!(
        running.handle.health(),
        SinkHealth::Failing { .. }
    ));
    world.log.is_down.store(false, Ordering::SeqCst);
    until("all are taken", || world.state.position() == 3).await;

    assert_eq!(running.handle.health(), SinkHealth::Working);
    running.stop().await;
}

/// A log that was taken from a copy gives the numbers behind its end to other events: without a look at that, they would
/// never be sent.
#[tokio::test(start_paused = true)]
async fn a_log_that_is_not_the_one_that_was_delivered_stops_the_sink() {
    for (kept, added) in [(4, 0), (4, 3), (4, 9)] {
        let world = World::of(10);
        let sink = Scripted::willing();
        let running = world.run(Arc::clone(&sink) as _).await;
        until("all are taken", || world.state.position() == 10).await;
        running.stop().await;

        world.log.cut(LOG, kept);
        world.log.add(LOG, added);
        let running = world.run(Arc::clone(&sink) as _).await;
        until("it is paused", || is_paused(&running.handle.health())).await;
        assert_eq!(sink.taken().len(), 10);
        let reason = world.records.events()[0].reason.clone().unwrap();
        assert_eq!(
            reason,
            "the log `default` is not the one that was delivered"
        );

        running.handle.resume(AuditActor::system()).await.unwrap();
        world.log.add(LOG, 1);
        running.handle.wake();
        let size = world.log.size() as u64;
        until("what is new is taken", || world.state.position() == size).await;
        let first = (kept as u64 + added + 1).min(11);
        assert_eq!(sink.taken()[10..], (first..=size).collect::<Vec<_>>());
        running.stop().await;
    }
}

/// An event about a sink that is refused would be the reason for another one, for ever.
#[tokio::test(start_paused = true)]
async fn sinks_that_refuse_everything_do_not_make_the_log_grow_for_ever() {
    let log = MemoryLog::of(3);
    let world = || World {
        log: Arc::clone(&log),
        records: Arc::new(Records::into(&log)),
        ..World::of(0)
    };
    let (one, other) = (world(), world());
    let refusing = || Scripted::failing(DeliveryError::refused("the receiver answered 422"));

    let first = one.run(refusing()).await;
    let second = other.run(refusing()).await;
    sleep(Duration::from_hours(2)).await;

    let size = log.size();
    assert!(size <= 3 + 6, "{size}");
    assert_eq!(one.state.position(), size as u64);
    assert_eq!(one.state.letters().len(), size);
    sleep(Duration::from_hours(2)).await;
    assert_eq!(log.size(), size);
    first.stop().await;
    second.stop().await;
}
