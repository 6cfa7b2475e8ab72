//! What the record says of a person is erased, and the log stands.

use std::fmt::Write as _;

use ee_audit::{
    integrity::{Outcome, VerdictKind},
    retention::Person,
};
use ee_core::{
    ActorType, AuditAction, AuditActor, AuditChange, AuditEvent, AuditOutcome, AuditParty,
    AuditResource, AuditStage,
    storage::{AuditEntry, AuditRecord, AuditStore as _},
};
use serde_json::json;

use super::world::{LOG, World, on, operator, start, unpacked};

const EMAIL: &str = "ada@example.com";

fn ada() -> Person {
    Person::new(Some("ada"), Some("Ada@Example.com")).unwrap()
}

fn event_of(actor: &str) -> AuditEvent {
    let actor = AuditActor::new(ActorType::User, actor);
    let (action, outcome) = (AuditAction::ROLE_ASSIGN, AuditOutcome::Success);
    let mut event = AuditEvent::new(start(), actor, action, outcome);
    event.reason = Some("as asked".to_owned());
    event
}

/// Events that speak of Ada in every place that can be erased, and of nobody else.
fn speaking_of_ada() -> Vec<AuditEvent> {
    let mut events = Vec::new();
    let mut add = |change: &dyn Fn(&mut AuditEvent)| {
        let mut event = event_of("bob");
        change(&mut event);
        events.push(event);
    };
    let party = || {
        let mut party = AuditParty::new(ActorType::User, "ada");
        party.email = Some(EMAIL.to_owned());
        party
    };
    add(&|it| it.actor.email = Some("ADA@example.com".to_owned()));
    add(&|it| "ada".clone_into(&mut it.actor.id));
    add(&|it| it.actor.name = Some(format!("Ada <{EMAIL}>")));
    add(&|it| it.on_behalf_of = Some(party()));
    add(&|it| it.impersonated_by = Some(party()));
    add(&|it| it.resource = Some(AuditResource::new("user", "ada")));
    add(&|it| it.targets = vec![AuditResource::new("user", "ada")]);
    add(&|it| {
        let mut resource = AuditResource::new("agent", "a1");
        resource.name = Some(format!("agent of {EMAIL}"));
        it.resource = Some(resource);
    });
    add(&|it| it.reason = Some(format!("asked by\n{EMAIL}\nand others")));
    add(&|it| {
        let deep = json!({"list": [{"to": EMAIL}]});
        it.metadata.insert("deep".to_owned(), deep);
    });
    add(&|it| {
        it.metadata.insert("subject".to_owned(), "user:ada".into());
    });
    add(&|it| it.changes = vec![AuditChange::new("/owner", Some(json!(EMAIL)), None)]);
    events
}

/// Events that look like it.
fn speaking_of_others() -> Vec<AuditEvent> {
    let mut events = Vec::new();
    for email in [
        "nada@example.com",
        "ada@example.com.org",
        "x+ada@example.com",
    ] {
        let mut event = event_of("bob");
        event.actor.email = Some(email.to_owned());
        events.push(event);
    }
    let mut event = event_of("adam");
    event.resource = Some(AuditResource::new("agent", "ada"));
    events.push(event);
    events
}

async fn add(world: &World, partition: &str, events: Vec<AuditEvent>) {
    let records = events.into_iter().map(|it| AuditRecord::new(it).unwrap());
    let store = &world.store;
    store
        .append(partition, records.collect(), start())
        .await
        .unwrap();
}

/// Everything that the store and the archives have.
fn dump(world: &World) -> String {
    let mut text = String::new();
    for log in world.store.inner().logs.values() {
        for entry in log.entries.values() {
            text.push_str(&entry.record.canonical);
            text.push_str(entry.record.personal.as_deref().unwrap_or_default());
            writeln!(text, "{:?}", entry.record.event).unwrap();
        }
    }
    for path in world.files(".ndjson.gz") {
        text.push_str(&unpacked(&path));
    }
    text.to_lowercase()
}

fn email(number: u64) -> String {
    format!("u{number}@example.com")
}

/// Test 12 of the audit design, with 5,000 events of which some are in the archive already.
#[tokio::test]
async fn nothing_is_left_of_a_person_anywhere_and_the_log_stands() {
    let world = World::new(500, 10).await;
    world.prune().await;
    let person = Person::new(Some("u3"), Some(&email(3))).unwrap();
    assert!(dump(&world).contains(&email(3)));

    let plan = world.eraser().plan(&person, &mut |_| ()).await.unwrap();
    let report = world.erase(&person).await;

    assert_eq!((report.found, report.erased, report.held), (399, 399, 0));
    assert_eq!((report.archived, report.archives.len()), (101, 1));
    assert_eq!((plan.found, plan.archived), (399, 101));
    assert_eq!(report.hashed, 0);
    let dump = dump(&world);
    assert_eq!(dump.matches(&email(3)).count(), 0);
    assert!(dump.matches(&email(4)).count() >= 500);
    let verified = world.verify().await;
    assert_eq!(verified.outcome, Outcome::Ok, "{verified}");
    assert_eq!(verified.counts[&VerdictKind::PayloadErased], 399);
    assert_eq!(world.archived(), (1..=1_010).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_person_is_found_wherever_something_can_be_erased() {
    let world = World::empty();
    let (of_ada, of_others) = (speaking_of_ada(), speaking_of_others());
    let (count, others) = (of_ada.len(), of_others.len());
    add(&world, LOG, of_ada).await;
    add(&world, LOG, of_others).await;
    world.sealer().seal(LOG).await.unwrap();

    let report = world.erase(&ada()).await;

    assert_eq!(report.erased, count as u64);
    let entries = world.entries();
    let is_erased = |it: &&AuditEntry| it.record.personal.is_none();
    assert_eq!(entries[..count].iter().filter(is_erased).count(), count);
    let (_, rest) = entries.split_at(count);
    assert_eq!(rest[..others].iter().filter(is_erased).count(), 0);
    world.assert_verified().await;
}

#[tokio::test]
async fn the_log_says_of_how_many_events_and_not_of_whom() {
    let world = World::empty();
    add(&world, LOG, speaking_of_ada()).await;
    add(&world, "other", speaking_of_ada()).await;

    let report = world.erase(&ada()).await;

    assert_eq!(report.erased, 24);
    let notes = world.notes(&AuditAction::AUDIT_ERASE);
    assert_eq!(notes.len(), 2);
    assert_eq!(notes[0].stage, AuditStage::Intent);
    assert_eq!(notes[0].metadata["count"], 12);
    assert_eq!(notes[1].stage, AuditStage::Result);
    assert_eq!(notes[1].metadata["erased"], 24);
    for note in &notes {
        let text = serde_json::to_string(note).unwrap().to_lowercase();
        assert!(!text.contains(EMAIL) && !text.contains("\"ada\""), "{text}");
    }
    let other = world.store.feed("other", 12, 9).await.unwrap();
    let stages: Vec<_> = other.iter().map(|it| it.record.event.stage).collect();
    assert_eq!(stages, [AuditStage::Intent, AuditStage::Result]);
}

/// Values that go without a word, beside an erasure that was recorded, are missed.
#[tokio::test]
async fn an_erasure_does_not_excuse_another_one() {
    let world = World::new(30, 10).await;
    world.sealer().seal(LOG).await.unwrap();
    world
        .erase(&Person::new(None, Some(&email(3))).unwrap())
        .await;
    world.assert_verified().await;

    {
        let mut inner = world.store.inner();
        let entry = inner.log(LOG).entries.get_mut(&7).unwrap();
        let canonical = entry.record.canonical.clone();
        entry.record = AuditRecord::restore(canonical, None).unwrap();
    }

    let report = world.verify().await;
    assert!(
        report.counts.contains_key(&VerdictKind::ColumnDiffers),
        "{report}"
    );
}

#[tokio::test]
async fn what_is_held_stays_and_is_counted() {
    let world = World::new(500, 10).await;
    world.hold("case-1", "actor:u3 action:auth.*");
    world.prune().await;

    let report = world.erase(&Person::new(Some("u3"), None).unwrap()).await;

    let held = world.entries().into_iter().filter(|it| {
        it.record.event.actor.id == "u3" && it.record.event.action.category() == "auth"
    });
    let held: Vec<_> = held.collect();
    assert_eq!(report.held, held.len() as u64);
    assert!(held.iter().all(|it| it.record.personal.is_some()));
    assert_eq!(report.held + report.erased + report.archived, 500);
    world.assert_verified().await;
}

/// Without them, what they explain would be called tampering.
#[tokio::test]
async fn nothing_is_erased_of_what_explains_a_gap() {
    let world = World::new(500, 10).await;
    world.prune().await;
    let mut event = event_of(&operator().id);
    event.actor.email = operator().email;
    add(&world, LOG, vec![event]).await;

    let person = Person::new(Some("olga"), Some("olga@example.com")).unwrap();
    let report = world.erase(&person).await;

    assert_eq!(report.erased, 1);
    assert!(!dump(&world).contains("olga@example.com"));
    let notes = world.notes(&AuditAction::AUDIT_PRUNE);
    assert!(
        notes
            .iter()
            .all(|note| note.metadata.contains_key("ranges"))
    );
    world.assert_verified().await;
}

#[tokio::test]
async fn what_changes_have_left_is_erased_as_well() {
    let world = World::empty();
    let left = speaking_of_ada().into_iter();
    let left = left.map(|event| AuditRecord::new(event).unwrap()).collect();
    world.store.inner().left = left;

    assert_eq!(world.erase(&ada()).await.erased, 12);
}

/// Some providers use addresses as ids.
#[tokio::test]
async fn what_was_hashed_stays_and_is_counted() {
    let world = World::empty();
    add(&world, LOG, vec![event_of(EMAIL), event_of("bob")]).await;

    let report = world
        .erase(&Person::new(Some(EMAIL), Some(EMAIL)).unwrap())
        .await;

    assert_eq!((report.erased, report.hashed), (1, 1));
}

#[tokio::test]
async fn an_archive_that_was_changed_is_not_written_anew() {
    let world = World::new(500, 10).await;
    let report = world.prune().await;
    let path = &report.files[0].path;
    let mut bytes = std::fs::read(path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(path, &bytes).unwrap();

    assert!(
        world
            .try_erase(&Person::new(Some("u3"), None).unwrap())
            .await
            .is_err()
    );

    assert_eq!(std::fs::read(path).unwrap(), bytes);
    world.clock.set(on(501));
    world.sealer().seal(LOG).await.unwrap();
    world.assert_verified().await;
}
