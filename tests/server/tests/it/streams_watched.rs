//! Which streams are watched, and what happens while nobody can tell whether their callers may have them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{extract::State, routing::post};
use ee::{
    UserId,
    axum::{AuthContext, event_stream},
    server::{Access, Route, permissions},
    storage::SessionStore as _,
};
use futures_util::{StreamExt as _, stream};
use http::Method;
use serde_json::{Value, json};
use server_tests::{Setup, Who};

use crate::streams_revoked::{OVER, SECOND, by_owner, chat, start, under_way};

#[tokio::test]
async fn workflows_and_what_happens_in_them() {
    let server = start().await;
    let body = json!({ "inputData": { "topic": "Passkeys", "audience": "everybody" } });
    for how in ["stream", "observe"] {
        let ada = server.account(&format!("ada-{how}"), &["member"]).await;
        let session = server.session_of(&ada).await;
        let mut run = server
            .post(format!("/api/workflows/briefing/stream?runId=run-{how}"))
            .json(&body);
        let created = server.post(format!(
            "/api/workflows/briefing/create-run?runId=run-{how}"
        ));
        assert_eq!(created.by(Who::Owner).send().await.code(), 200);
        let mut open = if how == "stream" {
            run.cookie(&session).open().await
        } else {
            run = run.by(Who::Owner);
            let mut started = run.open().await;
            started.until("workflow-step-start").await;
            let observe = server.post(format!("/api/workflows/briefing/observe?runId=run-{how}"));
            observe.cookie(&session).open().await
        };
        open.until("workflow-step-start").await;
        server.audit.take();

        let body = json!({ "status": "disabled" });
        by_owner(&server, Method::PATCH, &format!("users/{ada}"), Some(body)).await;

        let text = open.to_end_within(SECOND).await;
        let records: Vec<Value> = text
            .split_terminator('\u{1e}')
            .map(|record| serde_json::from_str(record).unwrap())
            .collect();
        let last = &records[records.len() - 1];
        assert_eq!(last["type"], "error", "{text}");
        assert_eq!(last["payload"]["error"]["message"], OVER, "{text}");
        assert_eq!(last["runId"], format!("run-{how}"));
        let events = server.audit.take();
        let event = events
            .iter()
            .find(|it| it.action.as_str() == "auth.access.revoked");
        assert_eq!(event.unwrap().actor.id, ada.as_str());
        // The run itself is nobody's stream and goes on.
        let path = format!("/api/workflows/briefing/runs/run-{how}");
        let run = server.get(path).by(Who::Owner).send().await.json();
        assert_eq!(run["status"], "running", "{run}");
    }
}

#[tokio::test]
async fn the_stream_of_the_chat_page() {
    let server = Setup::loopback().word_delay(100).studio().start().await;
    let ada = server.account("ada", &["member"]).await;
    let session = server.session_of(&ada).await;
    let ask = server.post("/studio/agents/writer/chat/stream");
    let form = format!("message={}", "word+".repeat(100));
    let ask = ask.body("application/x-www-form-urlencoded", form);
    let open = under_way(ask.cookie(&session)).await;

    let body = json!({ "status": "disabled" });
    by_owner(&server, Method::PATCH, "users/ada", Some(body)).await;

    let text = open.to_end_within(SECOND).await;
    let inner = text.strip_suffix("\n\ndata: [DONE]\n\n").unwrap();
    let (_, last) = inner.rsplit_once("data: ").unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    let expected =
        json!({ "type": "error", "payload": { "message": "Your sign-in or key is over." } });
    assert_eq!(last, expected, "{text}");
}

#[tokio::test]
async fn a_store_that_is_away_for_a_moment_cuts_nothing_off_and_lets_nothing_through() {
    let server = start().await;
    let session = server.sign_in(Who::Member).await;
    let mut open = under_way(chat(&server, "writer").cookie(&session)).await;

    server.store.go_down();
    // What was on its way when the store went down has come after this.
    assert!(open.is_open_after(SECOND / 2).await);
    let before = open.text().len();
    assert!(open.is_open_after(SECOND).await);
    assert_eq!(open.text().len(), before, "{}", open.text());

    server.store.come_back();
    let known = open.text().matches("text-delta").count();
    while open.text().matches("text-delta").count() == known {
        assert!(open.is_open_after(SECOND / 2).await, "{}", open.text());
    }
}

#[tokio::test]
async fn a_store_that_stays_away_ends_the_stream() {
    let server = start().await;
    let session = server.sign_in(Who::Member).await;
    let open = under_way(chat(&server, "writer").cookie(&session)).await;

    server.store.go_down();

    let text = open.to_end_within(Duration::from_secs(10)).await;
    assert!(text.contains("nobody can tell any more"), "{text}");
    let events = server.audit.take();
    let event = events
        .iter()
        .find(|it| it.action.as_str() == "auth.access.revoked");
    assert_eq!(event.unwrap().outcome, ee::AuditOutcome::Failure);
}

/// Says that it is gone.
struct Dropped(Arc<AtomicBool>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[tokio::test]
async fn streams_of_other_programs_that_never_say_anything_are_dropped_as_well() {
    async fn silent(
        AuthContext(cx): AuthContext,
        State(is_gone): State<Arc<AtomicBool>>,
    ) -> http::Response<axum::body::Body> {
        let guard = Dropped(is_gone);
        let items = stream::once(async { "begun" }).chain(stream::pending().map(move |text| {
            let _ = &guard;
            text
        }));
        let items = cx.until_revoked(items.boxed());
        event_stream(items.map(|item| item.map_or_else(|err| err.to_string(), str::to_owned)))
    }
    let is_gone = Arc::new(AtomicBool::default());
    let state = Arc::clone(&is_gone);
    let setup = Setup::loopback().mount(move |corridor| {
        let access = || Access::permission(permissions::AGENTS_EXECUTE);
        let route = |path| Route::new(Method::POST, path, access());
        let declared = route("/own/declared").streams("text/event-stream", "a word");
        let routes = [
            (declared, post(silent)),
            (route("/own/undeclared"), post(silent)),
        ];
        corridor.mount(routes, state)
    });
    let server = setup.start().await;
    let session = server.sign_in(Who::Member).await;

    // Nobody could tell when to end it.
    let open = server.post("/own/undeclared").cookie(&session).open().await;
    let text = open.to_end_within(SECOND).await;
    assert!(
        text.contains("not declared to stream") && !text.contains("begun"),
        "{text}"
    );
    assert!(is_gone.swap(false, Ordering::AcqRel));

    let mut open = server.post("/own/declared").cookie(&session).open().await;
    open.until("begun").await;
    let user: UserId = "member".parse().unwrap();
    server.store.delete_for_user(&user, None).await.unwrap();
    let text = open.to_end_within(SECOND).await;
    assert!(text.ends_with(&format!("data: {OVER}\n\n")), "{text}");
    assert!(is_gone.load(Ordering::Acquire));
}

#[tokio::test]
async fn a_change_between_the_admission_and_the_first_piece_is_not_missed() {
    let server = Setup::loopback().word_delay(700).start().await;
    let ada = server.account("ada", &["member"]).await;
    let session = server.session_of(&ada).await;

    let asked = chat(&server, "writer").cookie(&session).send();
    let disabled = async {
        // The first word takes longer than this.
        tokio::time::sleep(Duration::from_millis(100)).await;
        let body = json!({ "status": "disabled" });
        by_owner(&server, Method::PATCH, "users/ada", Some(body)).await;
    };
    let (answer, ()) = tokio::join!(asked, disabled);

    answer.assert_error(401, "unauthenticated");
}
