//! What somebody must have first does not go before.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use async_trait::async_trait;
use ee_audit::{
    retention::{PruneGate, RequiredSinks},
    sink::{FileSinkStore, SinkCursor, SinkName, SinkState, SinkStore as _},
};
use ee_core::{Error, ErrorKind};
use uuid::Uuid;

use super::world::{LOG, World};

fn sinks(world: &World) -> FileSinkStore {
    FileSinkStore::new(world.dir.path().join("sinks"))
}

async fn has(store: &FileSinkStore, sink: &SinkName, seq: u64) {
    let mut state = SinkState::default();
    let id = Uuid::nil();
    state.cursors.insert(LOG.to_owned(), SinkCursor { id, seq });
    store.save(sink, &state).await.unwrap();
}

#[tokio::test]
async fn a_required_sink_that_is_behind_keeps_what_it_does_not_have() {
    let mut world = World::new(600, 2).await;
    let store = sinks(&world);
    let names = ["siem", "worm"].map(|name| SinkName::new(name).unwrap());
    world.gate = Some(Arc::new(RequiredSinks::new(
        Arc::new(store.clone()),
        names.clone(),
    )));

    // One that was never sent anything.
    has(&store, &names[0], 1_200).await;
    let report = world.prune().await;
    assert_eq!((report.pruned, report.is_blocked), (0, true));

    has(&store, &names[1], 300).await;
    let plan = world.plan().await;
    assert_eq!((plan.due, plan.is_blocked), (300, true));
    let report = world.prune().await;
    assert_eq!((report.pruned, report.is_blocked), (300, true));
    assert_eq!(world.seqs()[0], 301);
    world.assert_verified().await;

    has(&store, &names[1], 1_200).await;
    let report = world.prune().await;
    assert_eq!((report.pruned, report.is_blocked), (102, false));
    world.assert_verified().await;
}

/// Says yes a few times.
#[derive(Debug)]
struct Moody(AtomicU32, Option<ErrorKind>);

#[async_trait]
impl PruneGate for Moody {
    async fn may_prune(&self, _: &str, _: u64) -> Result<bool, Error> {
        let left = self.0.load(Ordering::Relaxed);
        if left > 0 {
            self.0.store(left - 1, Ordering::Relaxed);
            return Ok(true);
        }
        match self.1 {
            Some(kind) => Err(Error::new(kind, "nobody knows")),
            None => Ok(false),
        }
    }
}

#[tokio::test]
async fn it_is_asked_again_right_before_events_are_removed() {
    let mut world = World::new(450, 2).await;

    world.gate = Some(Arc::new(Moody(AtomicU32::new(1), None)));
    let report = world.prune().await;
    assert_eq!((report.pruned, report.is_blocked), (0, true));
    assert_eq!(report.files.len(), 1);

    world.gate = Some(Arc::new(Moody(
        AtomicU32::new(1),
        Some(ErrorKind::Unavailable),
    )));
    assert!(world.try_prune().await.is_err());
    assert_eq!(world.seqs().len(), 900);
}
