//! Events as they lie there, and whether they are found by what they are.

use std::net::Ipv4Addr;

use ee_core::{
    AuditField, AuditGlance, AuditHash, Error, ErrorKind,
    storage::{AuditKept, AuditRecord},
};

use super::{
    BASE, LAST,
    rows::{EVENT, address_v4, searched},
    seq,
};
use crate::{Statement, Value, ValueRef};

/// Asks for what is kept of the next events of a log. What is searched of no event is shown by no search.
///
/// The bound is told of both tables: PostgreSQL may merge them, and would begin at the first event of all for each page.
pub(super) fn query(partition: &str, after: u64, limit: u32) -> Statement {
    let columns: Vec<String> = EVENT.iter().skip(1).map(|it| format!("e.{it}")).collect();
    let sql = format!(
        "SELECT b.number, b.canonical, b.personal, b.id, {} \
         FROM ee_audit_bodies AS b LEFT JOIN ee_audit_events AS e ON e.number = b.number \
         AND e.number > {BASE} + ?2 WHERE b.number > {BASE} + ?2 AND b.number <= {BASE} + 1099511627775 \
         ORDER BY b.number LIMIT ?3",
        columns.join(", ")
    );
    let after = after.min(LAST);
    Statement::new(sql).bind(partition).bind(after).bind(limit)
}

/// Reads a row of the answer.
pub(super) fn read(row: &[ValueRef<'_>]) -> Result<AuditKept, Error> {
    let refused = || Error::new(ErrorKind::Internal, "a stored event cannot be read");
    let [
        ValueRef::Integer(number),
        ValueRef::Text(canonical),
        personal,
        columns @ ..,
    ] = row
    else {
        return Err(refused());
    };
    let personal = match personal {
        ValueRef::Null => None,
        ValueRef::Text(personal) => Some(*personal),
        ValueRef::Blob(_) | ValueRef::Integer(_) => return Err(refused()),
    };
    let seq = seq((*number).try_into().map_err(|_| refused())?);
    if let Some(glance) = AuditGlance::of(canonical, personal)
        && is_plainly_filed(&glance, columns)
    {
        return Ok(AuditKept::Plain {
            id: glance.id,
            leaf: AuditHash::of_leaf(canonical.as_bytes()),
            seq,
        });
    }
    let (canonical, personal) = ((*canonical).to_owned(), personal.map(str::to_owned));
    Ok(AuditKept::Text {
        is_filed: is_filed(canonical.clone(), personal.clone(), columns),
        canonical,
        event: None,
        personal,
        seq,
    })
}

/// Tells whether the id of an event and what is searched of it are those of the event. What a later version wrote may be
/// unreadable: then nobody can tell.
fn is_filed(canonical: String, personal: Option<String>, columns: &[ValueRef<'_>]) -> bool {
    let Ok(record) = AuditRecord::restore(canonical, personal) else {
        return true;
    };
    let Some((id, searchable)) = columns.split_first() else {
        return false;
    };
    let searched = searched(&record.event);
    *id == ValueRef::from(&Value::from(record.event.id))
        && searched
            .iter()
            .map(ValueRef::from)
            .eq(searchable.iter().copied())
}

/// Tells the same of an event like nearly all. False says nothing.
fn is_plainly_filed(glance: &AuditGlance<'_>, columns: &[ValueRef<'_>]) -> bool {
    use AuditField as F;
    let &[
        body_id,
        id,
        ts,
        action,
        actor_id,
        actor_kind,
        actor_type,
        address,
        agent_id,
        category,
        duration,
        email,
        ip,
        model,
        organization,
        outcome,
        request_id,
        resource_id,
        resource_type,
        roles,
        run_id,
        session_id,
        stage,
        thread_id,
        trace_id,
    ] = columns
    else {
        return false;
    };
    let has_id = |column| column == ValueRef::Blob(glance.id.as_bytes());
    let texts = [
        (F::Action, action),
        (F::ActorId, actor_id),
        (F::ActorKind, actor_kind),
        (F::ActorType, actor_type),
        (F::AgentId, agent_id),
        (F::Category, category),
        (F::Email, email),
        (F::Ip, ip),
        (F::Model, model),
        (F::Organization, organization),
        (F::Outcome, outcome),
        (F::RequestId, request_id),
        (F::ResourceId, resource_id),
        (F::ResourceType, resource_type),
        (F::RunId, run_id),
        (F::SessionId, session_id),
        (F::Stage, stage),
        (F::ThreadId, thread_id),
        (F::TraceId, trace_id),
    ];
    has_id(body_id)
        && has_id(id)
        && ts == ValueRef::Integer(glance.timestamp.as_microsecond())
        && duration == is_number(glance.duration)
        && texts
            .iter()
            .all(|(field, column)| match glance.field(*field) {
                Some(text) => *column == ValueRef::Text(text) && is_kept_so(*field, text),
                None => *column == ValueRef::Null,
            })
        && is_at(glance.field(F::Ip), address)
        && are_roles(&glance.roles, roles)
}

fn is_number(number: Option<u64>) -> ValueRef<'static> {
    number.map_or(ValueRef::Null, |number| {
        ValueRef::Integer(number.try_into().unwrap_or(i64::MAX))
    })
}

/// Tells whether a text stands in its column as it stands in an event.
fn is_kept_so(field: AuditField, text: &str) -> bool {
    let is_small = || {
        text.bytes()
            .all(|it| it.is_ascii() && !it.is_ascii_uppercase())
    };
    // What has another spelling in a column begins with this byte.
    !text.as_bytes().contains(&0xef) && (field != AuditField::Email || is_small())
}

/// Tells whether an address stands there. One that can be written in several ways is not looked at.
fn is_at(ip: Option<&str>, column: ValueRef<'_>) -> bool {
    let Some(ip) = ip else {
        return column == ValueRef::Null;
    };
    let ip = ip.parse::<Ipv4Addr>();
    ip.is_ok_and(|ip| column == ValueRef::Blob(&address_v4(ip)))
}

/// Tells whether the list of these roles stands there, which has none that is written in another way in a list.
fn are_roles(roles: &[&str], column: ValueRef<'_>) -> bool {
    let ValueRef::Text(list) = column else {
        return roles.is_empty() && column == ValueRef::Null;
    };
    let rest = roles.iter().enumerate().try_fold(list, |rest, (at, role)| {
        let rest = rest.strip_prefix(if at == 0 { "[\"" } else { ",\"" })?;
        let is_kept_so = is_kept_so(AuditField::Role, role);
        rest.strip_prefix(role)
            .filter(|_| is_kept_so)?
            .strip_prefix('"')
    });
    !roles.is_empty() && rest == Some("]")
}

#[cfg(test)]
mod tests {
    use ee_core::{
        ActorKind, ActorType, AuditAction, AuditActor, AuditAi, AuditContext, AuditEvent,
        AuditOutcome, AuditResource, AuditStage,
    };

    use super::*;

    /// Events of which each is plain, and some that are not.
    fn events() -> Vec<(AuditEvent, bool)> {
        let event = |actor: &str| {
            let actor = AuditActor::new(ActorType::Apikey, actor);
            let at = "2026-01-02T03:04:05.678901Z".parse().unwrap();
            AuditEvent::new(at, actor, AuditAction::AGENT_UPDATE, AuditOutcome::Denied)
        };
        let mut full = event("u1");
        full.actor.email = Some("ada@example.com".to_owned());
        full.actor.ip = Some("192.0.2.7".parse().unwrap());
        full.actor.kind = Some(ActorKind::ApiKey);
        full.actor.organization_id = Some("o1".to_owned());
        full.actor.roles = vec!["admin".to_owned(), "a,b]".to_owned()];
        full.actor.session_id = Some("s1".to_owned());
        let mut ai = AuditAi::default();
        ai.agent_id = Some("a1".to_owned());
        ai.model = Some("m1".to_owned());
        ai.run_id = Some("r1".to_owned());
        ai.thread_id = Some("t1".to_owned());
        full.ai = Some(Box::new(ai));
        let mut context = AuditContext::new("q1".to_owned(), "GET".to_owned(), "/".into(), 200);
        context.trace_id = Some("c1".to_owned());
        full.context = Some(Box::new(context));
        full.duration = Some(7);
        full.metadata.insert("id".to_owned(), "x".into());
        full.resource = Some(AuditResource::new("agent", "a1"));
        full.stage = AuditStage::Intent;
        let mut others = vec![(full.clone(), true), (event("u1"), true)];
        for change in [
            |it: &mut AuditEvent| it.actor.email = Some("Ada@example.com".to_owned()),
            |it: &mut AuditEvent| it.actor.ip = Some("2001:db8::1".parse().unwrap()),
            |it: &mut AuditEvent| it.actor.id = "\u{ffff}".to_owned(),
            |it: &mut AuditEvent| it.actor.id = "a\0\"b".to_owned(),
            |it: &mut AuditEvent| it.actor.roles = vec!["\"".to_owned()],
            |it: &mut AuditEvent| it.action = AuditAction::AUDIT_PRUNE,
        ] {
            let mut other = full.clone();
            change(&mut other);
            others.push((other, false));
        }
        others
    }

    /// What is kept of an event: its texts and what is searched of it.
    fn row(record: &AuditRecord) -> Vec<Value> {
        let event = &record.event;
        let (canonical, personal) = (record.canonical.clone(), record.personal.clone());
        let body = [
            Value::from(5_u64),
            canonical.into(),
            personal.into(),
            event.id.into(),
        ];
        body.into_iter().chain(searched(event)).collect()
    }

    fn look(row: &[Value]) -> AuditKept {
        let row: Vec<ValueRef<'_>> = row.iter().map(ValueRef::from).collect();
        read(&row).unwrap()
    }

    #[test]
    fn an_event_like_nearly_all_is_told_by_a_glance() {
        for (event, is_plain) in events() {
            let record = AuditRecord::new(event).unwrap();
            let plain = AuditKept::Plain {
                id: record.event.id,
                leaf: record.leaf(),
                seq: 5,
            };

            let kept = look(&row(&record));

            match &kept {
                AuditKept::Plain { .. } => assert_eq!((kept, is_plain), (plain, true)),
                AuditKept::Text { is_filed, .. } => {
                    assert_eq!((*is_filed, is_plain), (true, false));
                }
            }
        }
    }

    #[test]
    fn every_column_is_compared() {
        for (event, _) in events() {
            let record = AuditRecord::new(event).unwrap();
            let row = row(&record);
            for at in 3..row.len() {
                let others = match &row[at] {
                    Value::Null => vec![Value::from(0_u64), Value::from("a")],
                    Value::Integer(number) => vec![Value::Null, Value::Integer(number ^ 1)],
                    Value::Blob(bytes) => {
                        let mut other = bytes.clone();
                        other[0] ^= 1;
                        vec![Value::Null, Value::Blob(other)]
                    }
                    Value::Text(text) => {
                        let other = format!("{text} ");
                        vec![
                            Value::Null,
                            text.chars().skip(1).collect::<String>().into(),
                            other.into(),
                            Value::from(""),
                        ]
                    }
                };
                for other in others {
                    let mut row = row.clone();
                    row[at] = other;
                    let kept = look(&row);
                    let is_found = matches!(
                        kept,
                        AuditKept::Text {
                            is_filed: false,
                            ..
                        }
                    );
                    assert!(is_found, "{at} {kept:?}");
                }
            }
        }
    }

    #[test]
    fn what_is_no_event_cannot_be_read() {
        assert!(read(&[]).is_err());
        let row = [
            ValueRef::Integer(1),
            ValueRef::Text(""),
            ValueRef::Integer(1),
        ];
        assert!(read(&row).is_err());
    }
}
