//! Whoever changes who may do what leaves the event in the transaction of the change.

use ee::{AuditOutcome, AuditStage, Delivery, server::Op};
use server_tests::{Call, TestServer, Who, expect_success, needs_accounts};

use crate::record::kind;

fn changes() -> impl Iterator<Item = Op> {
    let rides = |op: &Op| {
        let action = op.route().audit;
        action.is_some_and(|it| it.card().delivery == Delivery::Outbox) && !needs_accounts(*op)
    };
    Op::ALL.iter().copied().filter(rides)
}

#[tokio::test]
async fn every_change_of_access_and_of_agents_takes_its_event_along() {
    let server = TestServer::start().await;
    server.audit.let_ride();
    let mut count = 0;

    for op in changes() {
        let call = Call::prepare(&server, op, Who::Owner).await;
        server.audit.take();
        server.audit.take_carried();
        let answer = call.ask(&server).by(Who::Owner).send().await;
        expect_success(op, &answer);

        assert_eq!(server.audit.take(), [], "{op:?}: it is not recorded twice");
        let mut carried = server.audit.take_carried();
        assert_eq!(carried.len(), 1, "{op:?}: {carried:#?}");
        let event = carried.remove(0);
        assert_eq!(Some(&event.action), op.route().audit.as_ref(), "{op:?}");
        assert_eq!(event.outcome, AuditOutcome::Success, "{op:?}");
        assert_eq!(event.stage, AuditStage::Result, "{op:?}");
        assert_eq!(event.actor.id, "owner", "{op:?}");
        let resource = event.resource.unwrap();
        assert_eq!(Some(&*resource.kind), kind(op), "{op:?}");
        let is_named = match &call.resource {
            Some(expected) => resource.id == *expected,
            None => call.path.contains(&resource.id) || answer.text().contains(&resource.id),
        };
        assert!(is_named, "{op:?}: {resource:?}");
        let context = event.context.unwrap();
        assert_eq!(context.request_id, answer.header("x-request-id"), "{op:?}");
        assert_eq!(context.status, 0, "{op:?}: there is no answer yet");
        count += 1;
    }
    assert!(count >= 20, "{count}");
}

#[tokio::test]
async fn what_is_not_done_is_recorded_as_a_failure() {
    let server = TestServer::start().await;
    server.audit.let_ride();

    for op in changes() {
        let mut call = Call::prepare(&server, op, Who::Owner).await;
        if call.if_match.is_none() {
            continue;
        }
        call.if_match = Some(77);
        server.audit.take();
        server.audit.take_carried();
        let answer = call.ask(&server).by(Who::Owner).send().await;

        assert_eq!(answer.code(), 412, "{op:?}: {}", answer.text());
        assert_eq!(server.audit.take_carried(), [], "{op:?}");
        let event = server.audit.take_one();
        assert_eq!(event.outcome, AuditOutcome::Failure, "{op:?}");
        assert_eq!(Some(&event.action), op.route().audit.as_ref(), "{op:?}");
    }
}

#[tokio::test]
async fn a_record_that_is_away_does_not_undo_what_took_its_event_along() {
    let server = TestServer::start().await;
    server.audit.let_ride();
    let call = Call::prepare(&server, Op::CreateGroup, Who::Owner).await;
    server.audit.break_off();

    let answer = call.ask(&server).by(Who::Owner).send().await;

    expect_success(Op::CreateGroup, &answer);
    assert_eq!(server.audit.take_carried().len(), 1);
}
