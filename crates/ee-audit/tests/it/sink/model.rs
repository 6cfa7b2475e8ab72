//! Whatever a receiver does, and whenever the server ends: each event arrives, in order, or is among the dead letters.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use ee_audit::sink::DeliveryError;
use proptest::prelude::*;

use super::world::{Reply, Scripted, World, until};

/// What the receiver does when it is asked the next time.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Takes so many, and then nothing for now.
    Part(usize),
    /// Takes all, and the answer is lost.
    Lost,
    Hang,
    /// The server ends in the midst of it.
    Crash,
    Take,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        (0_usize..30).prop_map(Act::Part),
        Just(Act::Lost),
        Just(Act::Hang),
        Just(Act::Crash),
        Just(Act::Take),
    ];
    prop::collection::vec(act, 0..20)
}

async fn run(acts: Vec<Act>, poison: BTreeSet<u64>, events: u64) {
    let mut world = World::of(events);
    world.options.batch_events = 16;
    let first_seen: Arc<Mutex<Vec<u64>>> = Arc::default();
    let acts = Arc::new(Mutex::new(acts));
    let sink = Scripted::willing();
    loop {
        let (crashed, mut crash) = tokio::sync::watch::channel(false);
        let (acts, seen, poison) = (Arc::clone(&acts), Arc::clone(&first_seen), poison.clone());
        sink.behave(move |seqs| {
            let see = |count: usize| {
                let mut seen = seen.lock().unwrap();
                for seq in seqs.iter().take(count) {
                    if !seen.contains(seq) {
                        seen.push(*seq);
                    }
                }
            };
            let good = seqs.iter().take_while(|seq| !poison.contains(seq)).count();
            let act = acts.lock().unwrap().pop().unwrap_or(Act::Take);
            let later = || DeliveryError::later("down");
            match act {
                Act::Hang => Reply::Hang,
                Act::Crash => {
                    see(good);
                    crashed.send_replace(true);
                    Reply::Hang
                }
                _ if good < seqs.len() => {
                    Reply::Is(Err(DeliveryError::refused("the receiver answered 422")))
                }
                Act::Part(count) => {
                    let count = count.min(seqs.len().saturating_sub(1));
                    see(count);
                    Reply::Is(Err(later().after(count)))
                }
                Act::Lost => {
                    see(seqs.len());
                    Reply::Is(Err(later()))
                }
                Act::Take => {
                    see(seqs.len());
                    Reply::Is(Ok(()))
                }
            }
        });
        let running = world.run(Arc::clone(&sink) as _).await;
        let is_done = || world.state.position() == events;
        until("the log is through, or the server ends", || {
            // What is saved was taken before, or given up.
            let seen = first_seen.lock().unwrap();
            let letters = world.state.letters();
            for seq in 1..=world.state.position() {
                assert!(seen.contains(&seq) || letters.contains(&seq), "{seq}");
            }
            is_done() || *crash.borrow_and_update()
        })
        .await;
        running.kill().await;
        if is_done() {
            break;
        }
    }
    let expected: Vec<u64> = (1..=events).filter(|seq| !poison.contains(seq)).collect();
    assert_eq!(*first_seen.lock().unwrap(), expected, "each once, in order");
    assert_eq!(
        world.state.letters(),
        poison.into_iter().collect::<Vec<_>>()
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn each_event_arrives_in_order_or_is_among_the_dead_letters(
        acts in acts(),
        poison in prop::collection::btree_set(1_u64..=60, 0..5),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(acts, poison, 60));
    }
}
