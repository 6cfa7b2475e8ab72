//! Rows of the audit record.

use ee::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditOutcome, AuditResource,
    sql::SqlStore,
    storage::{AuditHold, AuditProofStore, AuditRecord, AuditRetention, AuditStore},
};

use super::{databases::Any, fill::now};

/// More than a whole subtree, of which a node is kept.
const EVENTS: usize = 300;

/// Fills every table of the record.
pub(super) async fn record(store: &SqlStore<Any>, texts: &[String]) {
    let records: Vec<AuditRecord> = texts.iter().cycle().take(EVENTS).map(|it| of(it)).collect();
    store.append("default", records, now()).await.unwrap();
    let note = texts.first().map_or("", String::as_str);
    let put = store.put_checkpoint("default", EVENTS as u64, note, now());
    put.await.unwrap();
    let hold = AuditHold {
        id: "case-7".to_owned(),
        filter: "actor:ada".to_owned(),
        reason: note.to_owned(),
        owner: "operator".to_owned(),
        created_at: now(),
    };
    store.put_hold(hold).await.unwrap();
    let left: Vec<AuditRecord> = texts.iter().map(|it| of(it)).collect();
    store.leave_events(&left).await.unwrap();
}

fn of(text: &str) -> AuditRecord {
    let mut actor = AuditActor::new(ActorType::User, text);
    actor.email = Some(text.to_owned());
    let (action, outcome) = (AuditAction::AGENT_CREATE, AuditOutcome::Success);
    let mut event = AuditEvent::new(now(), actor, action, outcome);
    event.resource = Some(AuditResource::new("agent", text));
    event.reason = Some(text.to_owned());
    event.metadata.insert("text".to_owned(), text.into());
    AuditRecord::new(event).unwrap()
}
