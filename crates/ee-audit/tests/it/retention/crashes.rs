//! A run that stops anywhere is ended by the next one. Nothing is lost in between, and the log says why what is missing
//! is missing.

use std::collections::BTreeSet;

use ee_audit::{
    integrity::Outcome,
    retention::{Person, RetentionRule},
};

use super::{
    store::Crash,
    world::{LOG, World, on},
};

/// More changes than a run makes.
const MANY: u32 = 60;

/// So many events are in the log at the start.
const COUNT: u64 = 900;

/// Of 21 of the 30 days, two of four events have had their time: more than are removed at once.
async fn world() -> World {
    let mut world = World::new(30, 30).await;
    world.clock.set(on(420));
    world.config.rules = vec![RetentionRule::of_category("auth", 2_000)];
    world
}

/// Everything that there ever was is in the log or in the archive.
fn assert_all_is_there(world: &World) {
    let there: BTreeSet<u64> = world.seqs().into_iter().chain(world.archived()).collect();
    assert!((1..=COUNT).all(|seq| there.contains(&seq)));
}

#[tokio::test]
async fn a_prune_that_stops_anywhere_is_ended_by_the_next_one() {
    let expected = {
        let world = world().await;
        world.prune().await;
        let seqs = world.seqs();
        seqs.into_iter()
            .filter(|seq| *seq <= COUNT)
            .collect::<Vec<_>>()
    };
    for crash in (0..MANY).flat_map(|at| [Crash::Before(at), Crash::Behind(at)]) {
        let world = world().await;
        world.store.inner().crash = Some(crash);

        let stopped = world.try_prune().await;

        world.store.inner().crash = None;
        assert_all_is_there(&world);
        if (world.seqs().len() as u64) < COUNT {
            world.assert_verified().await;
        } else {
            let outcome = world.verify().await.outcome;
            assert_ne!(outcome, Outcome::Tampered, "{crash:?}");
        }
        if stopped.is_ok() {
            assert_eq!(expected.len() as u64, COUNT - 316);
            return;
        }
        world.prune().await;
        let seqs = world.seqs();
        let left: Vec<u64> = seqs.into_iter().filter(|seq| *seq <= COUNT).collect();
        assert_eq!(left, expected, "{crash:?}");
        assert_all_is_there(&world);
        world.assert_verified().await;
        assert_eq!(world.prune().await.pruned, 0);
    }
    panic!("a run makes fewer changes");
}

#[tokio::test]
async fn an_erasure_that_stops_anywhere_is_ended_by_the_next_one() {
    let person = Person::new(None, Some("u1@example.com")).unwrap();
    for crash in (0..MANY).flat_map(|at| [Crash::Before(at), Crash::Behind(at)]) {
        // Of 300 events: more than are changed at once.
        let world = World::of(30, 20, 2).await;
        world.sealer().seal(LOG).await.unwrap();
        world.store.inner().crash = Some(crash);

        let stopped = world.try_erase(&person).await;

        world.store.inner().crash = None;
        world.assert_verified().await;
        if stopped.is_ok() {
            return;
        }
        world.erase(&person).await;
        world.assert_verified().await;
        let entries = world.entries();
        let named = |it: &&ee_core::storage::AuditEntry| {
            it.record.event.actor.email.as_deref() == Some("u1@example.com")
        };
        assert_eq!(entries.iter().filter(named).count(), 0, "{crash:?}");
        let others = entries
            .iter()
            .filter(|it| it.record.event.actor.email.is_some());
        assert_eq!(others.count(), 300);
        assert_eq!(world.erase(&person).await.erased, 0);
    }
    panic!("a run makes fewer changes");
}

/// What a crash between the renames of two files has left.
#[tokio::test]
async fn archives_that_are_half_done_are_ended_or_thrown_away() {
    let world = world().await;
    let report = world.prune().await;
    let events = report.files[0].path.clone();
    let manifest = world.files(".manifest")[0].clone();
    let new = |path: &std::path::Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        std::path::PathBuf::from(name)
    };

    // The events have their name already, the manifest does not.
    std::fs::rename(&manifest, new(&manifest)).unwrap();
    world.prune().await;
    assert!(manifest.exists() && !new(&manifest).exists());
    let archived = world.archived();

    // Both are new: nobody has relied on them.
    std::fs::copy(&events, new(&events)).unwrap();
    std::fs::write(new(&manifest), "half").unwrap();
    world.prune().await;
    assert!(!new(&manifest).exists() && !new(&events).exists());
    assert_eq!(world.archived(), archived);
}
