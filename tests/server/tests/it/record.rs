//! What the record says of each request.

use ee::{
    AuditEvent, AuditOutcome, AuditStage,
    server::{Access, Op},
};
use http::Method;
use server_tests::{Call, Setup, TestServer, Who, needs_accounts};

/// Only tell something, although they are sent like a change.
const TELL: [Op; 2] = [Op::ObserveRun, Op::Explain];

/// Kind of thing that an operation acts upon, as the record names it.
pub(crate) const fn kind(op: Op) -> Option<&'static str> {
    Some(match op {
        Op::Assign
        | Op::CreateUser
        | Op::DeleteUser
        | Op::EndMyOtherSessions
        | Op::EndMySession
        | Op::EndSession
        | Op::EndSessions
        | Op::Unassign
        | Op::UpdateUser => "user",
        Op::DeleteRole | Op::PutRole => "role",
        Op::SetRoleMapping => "role-mapping",
        Op::Grant | Op::Revoke => "grant",
        Op::AddMember | Op::CreateGroup | Op::DeleteGroup | Op::RemoveMember | Op::UpdateGroup => {
            "group"
        }
        Op::CreateKey | Op::DeleteKey | Op::RotateKey | Op::UpdateKey => "key",
        Op::GenerateAgent
        | Op::StreamAgent
        | Op::CreateStoredAgent
        | Op::UpdateStoredAgent
        | Op::DeleteStoredAgent => "agent",
        Op::CreateStoredWorkflow
        | Op::DeleteStoredWorkflow
        | Op::CreateRun
        | Op::StartRun
        | Op::StartRunAsync
        | Op::StreamRun
        | Op::RestartRun
        | Op::RestartRunAsync
        | Op::CancelRun
        | Op::DeleteRun => "workflow",
        Op::PauseAuditSink | Op::ReplayAuditSink | Op::ResumeAuditSink | Op::TestAuditSink => {
            "audit-sink"
        }
        Op::CreateThread | Op::UpdateThread | Op::DeleteThread => "thread",
        _ => return None,
    })
}

fn assert_context(event: &AuditEvent, op: Op, status: u16) {
    let context = event.context.as_ref().unwrap();
    assert_eq!(context.status, status, "{op:?}");
    assert_eq!(context.method, op.route().method.as_str(), "{op:?}");
    assert_eq!(
        context.route,
        op.route().path,
        "{op:?}: the template, never the URL"
    );
    assert_eq!(event.actor.ip.unwrap().to_string(), "203.0.113.9", "{op:?}");
    assert_eq!(
        event.actor.user_agent.as_deref(),
        Some("agent/1.0"),
        "{op:?}"
    );
    assert!(event.duration.is_some(), "{op:?}");
}

/// Phase 5: audit events capture actor, action, resource, timestamp and metadata; they are logged for agent CRUD, chat
/// messages and workflow runs.
#[tokio::test]
async fn every_change_is_recorded_once_with_all_its_fields() {
    let server = TestServer::start().await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| op.route().is_unsafe() && !TELL.contains(op) && !needs_accounts(*op))
    {
        let session = server.sign_in(Who::Owner).await;
        let call = Call::prepare(&server, op, Who::Owner).await;
        server.audit.take();
        let answer = call
            .ask(&server)
            .cookie(&session)
            .header("user-agent", "agent/1.0")
            .send()
            .await;

        let mut events = server.audit.take();
        let event = events.pop().unwrap();
        assert_eq!(event.stage, AuditStage::Result, "{op:?}");
        // Before the first piece of a stream it is told that there will be one.
        assert_eq!(
            events.len(),
            usize::from(op.route().is_stream()),
            "{op:?}: {events:#?}"
        );
        for intent in events {
            assert_eq!(intent.stage, AuditStage::Intent, "{op:?}");
            assert_eq!(intent.action, event.action, "{op:?}");
        }
        let refused = matches!(op, Op::SignUp | Op::Signup);
        let outcome = if refused {
            AuditOutcome::Failure
        } else {
            AuditOutcome::Success
        };
        assert_eq!(event.outcome, outcome, "{op:?}: {}", answer.text());
        assert_eq!(Some(&event.action), op.route().audit.as_ref(), "{op:?}");
        assert_eq!(event.actor.id, "owner", "{op:?}");
        assert_eq!(
            event.actor.email.as_deref(),
            Some("owner@example.com"),
            "{op:?}"
        );
        assert_context(&event, op, answer.code());
        assert_eq!(
            event.context.unwrap().request_id,
            answer.header("x-request-id"),
            "{op:?}"
        );
        let resource = event.resource.as_ref();
        assert_eq!(resource.map(|resource| &*resource.kind), kind(op), "{op:?}");
        if let Some(resource) = resource {
            let named = match &call.resource {
                Some(expected) => resource.id == *expected,
                None => call.path.contains(&resource.id) || answer.text().contains(&resource.id),
            };
            assert!(named, "{op:?}: {resource:?}");
        }
        let id = event.id.to_string();
        assert_eq!(event.id.get_version_num(), 7, "{id}");
    }
}

/// Phase 5: events are logged for agent CRUD, chat messages and workflow runs, also for those that are refused.
#[tokio::test]
async fn every_refusal_is_recorded_once_as_denied() {
    let server = TestServer::start().await;

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().access.is_public())
    {
        for (who, status) in [(Who::Anonymous, 401), (Who::Nobody, 403)] {
            // Nobody is refused his own sessions who is known at all.
            if status == 403 && op.route().access == Access::Authenticated {
                continue;
            }
            let call = Call::prepare(&server, op, Who::Owner).await;
            server.audit.take();
            let ask = call.ask(&server).by(who).header("user-agent", "agent/1.0");
            assert_eq!(ask.send().await.code(), status, "{op:?} {who:?}");

            let event = server.audit.take_one();
            assert_eq!(event.outcome, AuditOutcome::Denied, "{op:?} {who:?}");
            assert_eq!(event.actor.id, who.id(), "{op:?}");
            let action = op
                .route()
                .audit
                .map_or("auth.access.denied".to_owned(), |action| action.to_string());
            assert_eq!(event.action.as_str(), action, "{op:?}");
            assert_context(&event, op, status);
            let reason = event.reason.unwrap();
            let expected = if status == 401 {
                "Invalid or expired token"
            } else {
                "Missing required permission: "
            };
            assert!(reason.starts_with(expected), "{op:?}: {reason}");
        }
    }
}

#[tokio::test]
async fn an_explanation_is_not_recorded_and_its_refusal_is() {
    let server = TestServer::start().await;
    let call = Call::prepare(&server, Op::Explain, Who::Owner).await;
    server.audit.take();

    assert_eq!(call.ask(&server).by(Who::Owner).send().await.code(), 200);
    assert!(server.audit.take().is_empty());
    assert_eq!(call.ask(&server).by(Who::Viewer).send().await.code(), 403);
    assert_eq!(server.audit.take_one().outcome, AuditOutcome::Denied);
}

#[tokio::test]
async fn a_read_that_succeeds_is_not_recorded() {
    let server = TestServer::start().await;
    // Whoever reads the record itself is in it (`audit_readers`).
    let is_record = |op: &Op| op.route().path.starts_with("/api/audit");

    for op in Op::ALL
        .iter()
        .copied()
        .filter(|op| !op.route().is_unsafe() && op.route().audit.is_none() && !is_record(op))
    {
        let call = Call::prepare(&server, op, Who::Owner).await;
        server.audit.take();
        call.ask(&server).by(Who::Owner).send().await;
        assert!(server.audit.take().is_empty(), "{op:?}");
    }
}

#[tokio::test]
async fn a_refused_thing_is_named_by_its_id() {
    let server = TestServer::start().await;

    let _ = server
        .get("/api/agents/reviewer")
        .by(Who::Writer)
        .send()
        .await;

    let resource = server.audit.take_one().resource.unwrap();
    assert_eq!(
        (&*resource.kind, resource.id.as_str()),
        ("agent", "reviewer")
    );
}

#[tokio::test]
async fn a_failed_change_is_recorded_as_failed_with_its_reason() {
    let server = TestServer::start().await;

    let missing = server
        .ask(Method::DELETE, "/api/stored/agents/unknown")
        .by(Who::Owner)
        .send()
        .await;
    assert_eq!(missing.code(), 404);
    let event = server.audit.take_one();
    assert_eq!(
        (event.outcome, event.resource.unwrap().id.as_str()),
        (AuditOutcome::Failure, "unknown")
    );
    assert!(event.reason.is_some());

    let broken = server
        .post("/api/stored/agents")
        .by(Who::Owner)
        .body("application/json", "{")
        .send()
        .await;
    assert_eq!(broken.code(), 400);
    assert_eq!(server.audit.take_one().outcome, AuditOutcome::Failure);
}

#[tokio::test]
async fn a_wrong_password_is_recorded_with_the_address_and_without_the_password() {
    let server = TestServer::start().await;
    let body =
        serde_json::json!({ "email": "eve@example.com", "password": "wrong-password-5a6978" });

    let answer = server.post("/api/auth/login").json(&body).send().await;

    assert_eq!(answer.code(), 401);
    let event = server.audit.take_one();
    assert_eq!(
        (event.actor.id.as_str(), event.outcome),
        ("anonymous", AuditOutcome::Failure)
    );
    assert_eq!(event.metadata["email"], "eve@example.com");
    assert_eq!(event.reason.as_deref(), Some("Invalid email or password"));
}

#[tokio::test]
async fn unknown_paths_and_foreign_names_are_recorded_without_the_url() {
    let server = Setup::loopback().start().await;

    let _ = server
        .get("/api/nothing/secret-5a6978?token=secret-5a6978")
        .send()
        .await;

    let event = server.audit.take_one();
    assert_eq!(event.outcome, AuditOutcome::Denied);
    assert!(
        !serde_json::to_string(&event)
            .unwrap()
            .contains("secret-5a6978")
    );
}

#[tokio::test]
async fn a_user_agent_is_cut_and_control_characters_do_not_reach_the_record() {
    let server = TestServer::start().await;

    let long = server
        .get("/api/agents")
        .header("user-agent", "x".repeat(5_000));
    long.send().await;
    assert_eq!(server.audit.take_one().actor.user_agent.unwrap().len(), 512);

    let wild = server.get("/api/agents").header("user-agent", "a\u{e9}\tb");
    wild.send().await;
    let event = serde_json::to_string(&server.audit.take_one()).unwrap();
    assert!(!event.contains(['\n', '\r', '\u{1b}']));
}
