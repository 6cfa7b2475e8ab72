use ee_studio::paths;
use http::StatusCode;
use serde_json::Value;

use crate::browser::{Browser, House};

#[tokio::test]
async fn an_agent_is_created_changed_and_deleted() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;

    owner
        .get(paths::NEW_AGENT)
        .await
        .shows(200, &["Create agent", "<option value=\"echo/dev\">"]);
    let fields = [
        ("name", " Helper "),
        ("id", "helper"),
        ("model", "echo/dev"),
        ("instructions", "a\r\nb"),
    ];
    owner
        .post(paths::AGENTS, &fields)
        .await
        .leads_to("/studio/agents/helper");
    {
        let agents = house.agents.agents.lock().unwrap();
        let helper = agents.last().unwrap();
        assert_eq!(
            (helper.name.as_str(), helper.instructions.as_str()),
            ("Helper", "a\nb")
        );
        assert_eq!(helper.created_by.as_ref().unwrap().as_str(), "owner");
    }
    let changed = [
        ("name", "Better"),
        ("model", "echo/dev"),
        ("instructions", "a\r\nb"),
    ];
    owner
        .post("/studio/agents/helper/edit", &changed)
        .await
        .leads_to("/studio/agents/helper");
    owner
        .get("/studio/agents/helper/delete")
        .await
        .shows(200, &["Delete agent \u{201c}Better\u{201d}?"]);
    owner
        .post("/studio/agents/helper/delete", &[])
        .await
        .leads_to(paths::AGENTS);
    owner
        .get("/studio/agents/helper")
        .await
        .shows(404, &["No such agent"]);

    let lines = house.record.lines();
    for line in [
        "agents.create Success owner",
        "agents.update Success owner",
        "agents.delete Success owner",
    ] {
        assert!(lines.contains(&line.to_owned()), "{lines:?}");
    }
    let events = house.record.0.lock().unwrap();
    let update = events
        .iter()
        .find(|event| event.action.as_str() == "agents.update")
        .unwrap();
    assert_eq!(update.metadata["changed"], serde_json::json!(["name"]));
}

#[tokio::test]
async fn a_form_comes_back_with_what_was_typed_and_what_is_wrong() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;

    let empty = [
        ("name", ""),
        ("model", "echo/dev"),
        ("instructions", "Keep <me>"),
    ];
    let answer = owner.post(paths::AGENTS, &empty).await;
    answer.shows(
        400,
        &["name-error", "Must not be empty.", "Keep &lt;me&gt;"],
    );
    let bad_id = [("name", "x"), ("id", "a/b")];
    owner
        .post(paths::AGENTS, &bad_id)
        .await
        .shows(400, &["id-error", "value=\"a/b\""]);
    let taken = [("name", "Support"), ("id", "support")];
    owner
        .post(paths::AGENTS, &taken)
        .await
        .shows(409, &["id-error", "already"]);
    let model = [
        ("name", "Support"),
        ("model", "unknown/x"),
        ("instructions", ""),
    ];
    let answer = owner.post("/studio/agents/support/edit", &model).await;
    answer.shows(
        400,
        &[
            "model-error",
            "Names no known provider.",
            "value=\"unknown/x\"",
        ],
    );

    assert!(
        house
            .record
            .lines()
            .contains(&"agents.create Failure owner".to_owned())
    );
}

#[tokio::test]
async fn agents_are_found_by_words() {
    let mut owner = House::new().as_user("owner").await;

    let found = owner.get("/studio/agents?q=SUPP").await;
    found.shows(200, &["/studio/agents/support", "value=\"SUPP\""]);
    assert!(!found.body.contains("/studio/agents/other"));
    owner
        .get("/studio/agents?q=%3Cb%3E")
        .await
        .shows(200, &["No agent matches", "&lt;b&gt;"]);
}

#[tokio::test]
async fn p4_a_chat_works_without_a_script() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;
    owner.get("/studio/agents/support").await.shows(
        200,
        &["action=\"/studio/agents/support/chat\"", "built-in model"],
    );

    let asked = owner
        .post(
            "/studio/agents/support/chat",
            &[("message", "Hi <i>"), ("thread_id", "")],
        )
        .await;

    assert_eq!(asked.status, StatusCode::SEE_OTHER);
    let location = asked.location().unwrap().to_owned();
    assert!(location.ends_with("#message-answer-1"), "{location}");
    let page = location.split('#').next().unwrap();
    let thread = page.rsplit('/').next().unwrap();
    let shown = owner.get(page).await;
    let hidden = format!("name=\"thread_id\" value=\"{thread}\"");
    shown.shows(
        200,
        &[
            "Hi &lt;i&gt;",
            "<strong>Hello</strong>",
            "aria-current=\"page\"",
            &hidden,
        ],
    );
    assert!(!shown.body.contains("<b>there"));
    let again = owner
        .post(
            "/studio/agents/support/chat",
            &[("message", "More"), ("thread_id", thread)],
        )
        .await;
    assert!(again.location().unwrap().starts_with(page));
    assert!(
        house
            .record
            .lines()
            .contains(&"agents.execute Success owner".to_owned())
    );
}

#[tokio::test]
async fn who_may_not_read_conversations_sees_the_answer_once() {
    let mut chatter = House::new().as_user("chatter").await;

    let answer = chatter
        .post(
            "/studio/agents/support/chat",
            &[("message", "Hi"), ("thread_id", "")],
        )
        .await;

    answer.shows(200, &["<strong>Hello</strong>", "name=\"thread_id\""]);
    assert!(!answer.body.contains("Conversations"));
}

#[tokio::test]
async fn a_question_without_an_answer_is_given_back() {
    let mut owner = House::new().as_user("owner").await;
    let target = "/studio/agents/support/chat";

    let failed = owner
        .post(target, &[("message", "fail early <b>"), ("thread_id", "")])
        .await;
    failed.shows(503, &["does not answer", "fail early &lt;b&gt;"]);
    let late = owner
        .post(target, &[("message", "fail late"), ("thread_id", "")])
        .await;
    late.shows(500, &["The agent could not answer. Try again."]);
    assert!(!late.body.contains("secret detail"));
    owner
        .post(target, &[("message", "  "), ("thread_id", "")])
        .await
        .shows(400, &["Write a message first."]);
    let long = "x".repeat(32_001);
    owner
        .post(target, &[("message", &long)])
        .await
        .shows(400, &["32000 characters"]);
}

async fn events(browser: &mut Browser, message: &str) -> Vec<Value> {
    let fields = [("message", message), ("thread_id", "")];
    let answer = browser
        .post("/studio/agents/support/chat/stream", &fields)
        .await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let blocks: Vec<&str> = answer.body.split_terminator("\n\n").collect();
    let (last, blocks) = blocks.split_last().unwrap();
    assert_eq!(*last, "data: [DONE]");
    blocks
        .iter()
        .map(|block| serde_json::from_str(block.strip_prefix("data: ").unwrap()).unwrap())
        .collect()
}

#[tokio::test]
async fn p4_an_answer_is_streamed_in_the_order_that_the_script_reads() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;

    let events = events(&mut owner, "Hi").await;

    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        [
            "thread",
            "text-delta",
            "text-delta",
            "text-delta",
            "message"
        ]
    );
    let url = events[0]["payload"]["url"].as_str().unwrap();
    assert_eq!(
        url,
        paths::thread("support", events[0]["payload"]["id"].as_str().unwrap())
    );
    assert_eq!(events[2]["payload"]["text"], " you");
    let html = events[4]["payload"]["html"].as_str().unwrap();
    assert!(html.starts_with("<article") && html.contains("<strong>Hello</strong>"));
    assert!(html.contains("id=\"message-answer-1\"") && !html.contains("<b>there"));
    owner.get(url).await.shows(
        200,
        &[html.split("<time").next().unwrap(), "aria-current=\"page\""],
    );
    assert!(
        house
            .record
            .lines()
            .contains(&"agents.stream Success owner".to_owned())
    );
}

#[tokio::test]
async fn a_stream_that_breaks_off_ends_with_an_error() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;

    let events = events(&mut owner, "fail late").await;

    let last = events.last().unwrap();
    assert_eq!(last["type"], "error");
    assert_eq!(
        last["payload"]["message"],
        "The agent could not answer. Try again."
    );
    let refused = owner
        .post(
            "/studio/agents/support/chat/stream",
            &[("message", "fail early")],
        )
        .await;
    refused.shows(503, &["\"message\":"]);
    let mut stranger = house.browser();
    stranger
        .post("/studio/agents/support/chat/stream", &[("message", "Hi")])
        .await
        .shows(401, &["\"error\""]);
}

#[tokio::test]
async fn a_long_list_is_shown_page_by_page() {
    let house = House::new();
    let mut owner = house.as_user("owner").await;
    for number in 0..60 {
        let name = format!("Number-{number:02}");
        let fields = [
            ("name", &*name),
            ("instructions", "x"),
            ("model", "echo/dev"),
        ];
        owner.post("/studio/agents", &fields).await;
    }

    let first = owner.get("/studio/agents").await;
    first.shows(
        200,
        &["1\u{2013}50 of 62", "href=\"/studio/agents?page=2\""],
    );
    assert!(!first.body.contains("rel=\"prev\""));
    let second = owner.get("/studio/agents?page=2").await;
    second.shows(
        200,
        &["51\u{2013}62 of 62", "href=\"/studio/agents?page=1\""],
    );
    assert!(!second.body.contains("rel=\"next\""));
    let behind = owner.get("/studio/agents?page=900").await;
    behind.shows(200, &["51\u{2013}62 of 62"]);
    let found = owner.get("/studio/agents?q=number&page=2").await;
    found.shows(
        200,
        &[
            "51\u{2013}60 of 60",
            "href=\"/studio/agents?q=number&amp;page=1\"",
        ],
    );
    for number in ["0", "1"] {
        let page = owner.get(&format!("/studio/agents?page={number}")).await;
        page.shows(200, &["1\u{2013}50 of 62"]);
    }
    for number in ["-1", "x", "4294967295"] {
        let page = owner.get(&format!("/studio/agents?page={number}")).await;
        assert_eq!(page.status, 400, "{number}");
    }
}
