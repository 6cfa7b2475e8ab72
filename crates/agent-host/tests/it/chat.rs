use std::sync::Arc;

use ee_agent_host::{Agents, Background, Models, ModelsConfig};
use ee_core::{
    AgentId, ErrorKind, RunId, SystemClock, ThreadId, UserId,
    host::{AgentHost as _, ChatChunk, ChatMessage, ChatRequest, ChatThread, NewAgent},
    storage::{MessageRecord, MessageRole, ThreadRecord, ThreadStore},
};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use serde_json::json;

use crate::stores::TestStore;

struct World {
    agents: Agents,
    background: Background,
    store: Arc<TestStore>,
}

async fn world(config: serde_json::Value) -> World {
    world_of(serde_json::from_value(config).unwrap()).await
}

async fn world_of(config: ModelsConfig) -> World {
    let store = Arc::new(TestStore::default());
    let background = Background::default();
    let agents = Agents::new(
        store.clone(),
        store.clone(),
        Arc::new(Models::new(config).unwrap()),
        Arc::new(SystemClock),
        background.clone(),
    );
    let mut new = NewAgent::default();
    "Agent".clone_into(&mut new.name);
    agents.create(new).await.unwrap();
    World {
        agents,
        background,
        store,
    }
}

fn said(role: MessageRole, text: &str) -> ChatMessage {
    ChatMessage {
        role,
        text: text.to_owned(),
    }
}

fn ask(messages: Vec<ChatMessage>, owner: Option<&str>) -> ChatRequest {
    let mut request = ChatRequest::new(AgentId::new("agent").unwrap(), messages);
    request.thread = owner.map(|owner| ChatThread {
        id: ThreadId::new("thread").unwrap(),
        owner: UserId::new(owner).unwrap(),
        resource_id: "label".to_owned(),
    });
    request
}

fn hi(owner: Option<&str>) -> ChatRequest {
    ask(vec![said(MessageRole::User, "Hi there")], owner)
}

async fn finish(world: &World, request: ChatRequest) -> String {
    let chunks: Vec<_> = world.agents.stream(request).await.unwrap().collect().await;
    match chunks.into_iter().last() {
        Some(Ok(ChatChunk::Finish { text, .. })) => text,
        other => panic!("must finish: {other:?}"),
    }
}

async fn kind(world: &World, request: ChatRequest) -> ErrorKind {
    match world.agents.stream(request).await {
        Ok(_) => panic!("must fail"),
        Err(err) => err.kind(),
    }
}

#[tokio::test]
async fn the_pieces_of_the_built_in_model_make_up_the_whole() {
    let world = world(json!({ "word_delay_ms": 0 })).await;
    let mut request = hi(None);
    request.run_id = Some(RunId::new("my-run").unwrap());

    let chunks: Vec<_> = world.agents.stream(request).await.unwrap().collect().await;

    let Some(Ok(ChatChunk::Start { run_id, model, .. })) = chunks.first() else {
        panic!("must start")
    };
    assert_eq!((run_id.as_str(), &**model), ("my-run", "echo/dev"));
    let Some(Ok(ChatChunk::Finish { text, usage, .. })) = chunks.last() else {
        panic!("must finish")
    };
    let pieces = chunks.iter().filter_map(|chunk| match chunk {
        Ok(ChatChunk::Delta(piece)) => Some(piece.as_str()),
        _ => None,
    });
    assert_eq!(pieces.collect::<String>(), *text);
    assert!(text.contains("> Hi there"));
    assert!(usage.output_tokens > 0);
}

#[tokio::test]
async fn a_conversation_is_created_with_a_title_and_kept() {
    let world = world(json!({ "word_delay_ms": 0 })).await;

    let answer = finish(&world, hi(Some("ann"))).await;

    let id = ThreadId::new("thread").unwrap();
    let thread = ThreadStore::find(&*world.store, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(thread.title.as_deref(), Some("Hi there"));
    assert_eq!(thread.owner.as_str(), "ann");
    assert_eq!(thread.resource_id, "label");
    assert_eq!(thread.agent_id.unwrap().as_str(), "agent");
    assert_eq!(world.store.texts("thread"), ["Hi there".to_owned(), answer]);
}

#[tokio::test]
async fn a_conversation_of_somebody_else_is_not_found() {
    let world = world(json!({ "word_delay_ms": 0 })).await;
    finish(&world, hi(Some("ann"))).await;
    let before = world.store.texts("thread");

    assert_eq!(kind(&world, hi(Some("bob"))).await, ErrorKind::NotFound);
    assert_eq!(world.store.texts("thread"), before);
}

#[tokio::test]
async fn an_empty_conversation_gets_its_title_with_the_first_question() {
    let world = world(json!({ "word_delay_ms": 0 })).await;
    let id = ThreadId::new("thread").unwrap();
    let owner = UserId::new("ann").unwrap();
    let thread = ThreadRecord::new(id.clone(), owner, String::new(), Timestamp::UNIX_EPOCH);
    ThreadStore::create(&*world.store, thread).await.unwrap();

    finish(&world, hi(Some("ann"))).await;

    let thread = ThreadStore::find(&*world.store, &id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(thread.title.as_deref(), Some("Hi there"));
}

#[tokio::test]
async fn a_client_that_sends_the_whole_conversation_does_not_double_it() {
    let world = world(json!({ "word_delay_ms": 0 })).await;
    let answer = finish(&world, hi(Some("ann"))).await;

    let whole = vec![
        said(MessageRole::System, "Be brief."),
        said(MessageRole::User, "Hi there"),
        said(MessageRole::Assistant, &answer),
        said(MessageRole::User, "And now?"),
    ];
    let second = finish(&world, ask(whole, Some("ann"))).await;

    assert_eq!(
        world.store.texts("thread"),
        ["Hi there", &answer, "And now?", &second]
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_said_is_kept_when_the_listener_leaves() {
    let world = world(json!({})).await;
    let mut chunks = world.agents.stream(hi(Some("ann"))).await.unwrap();
    for _ in 0..4 {
        chunks.next().await.unwrap().unwrap();
    }

    drop(chunks);

    world.background.stop().await;
    assert_eq!(
        world.store.texts("thread"),
        ["Hi there", "I am `echo/dev`, "]
    );
}

#[tokio::test]
async fn an_answer_whose_conversation_was_deleted_still_finishes() {
    let world = world(json!({ "word_delay_ms": 0 })).await;
    let chunks = world.agents.stream(hi(Some("ann"))).await.unwrap();

    let id = ThreadId::new("thread").unwrap();
    assert!(ThreadStore::delete(&*world.store, &id).await.unwrap());

    let chunks: Vec<_> = chunks.collect().await;
    assert!(matches!(chunks.last(), Some(Ok(ChatChunk::Finish { .. }))));
}

#[tokio::test]
async fn a_wrong_question_is_refused_before_anything_is_kept() {
    let world = world(json!({ "word_delay_ms": 0 })).await;
    let nothing = ask(vec![], Some("ann"));
    let blank = ask(vec![said(MessageRole::User, " ")], Some("ann"));
    let mut unknown = hi(Some("ann"));
    unknown.agent = AgentId::new("unknown").unwrap();

    assert_eq!(kind(&world, nothing).await, ErrorKind::Invalid);
    assert_eq!(kind(&world, blank).await, ErrorKind::Invalid);
    assert_eq!(kind(&world, unknown).await, ErrorKind::NotFound);
    let id = ThreadId::new("thread").unwrap();
    assert!(
        ThreadStore::find(&*world.store, &id)
            .await
            .unwrap()
            .is_none()
    );
}

#[tokio::test]
async fn in_production_the_built_in_model_does_not_answer() {
    let mut config = ModelsConfig::default();
    config.production = true;
    let world = world_of(config).await;

    assert_eq!(kind(&world, hi(None)).await, ErrorKind::Invalid);
}

#[tokio::test]
async fn messages_have_the_role_of_who_said_them() {
    let world = world(json!({ "word_delay_ms": 0 })).await;
    finish(&world, hi(Some("ann"))).await;

    let id = ThreadId::new("thread").unwrap();
    let kept: Vec<MessageRecord> = world.agents.threads().last_messages(&id, 9).await.unwrap();

    let roles: Vec<_> = kept.iter().map(|message| message.role).collect();
    assert_eq!(roles, [MessageRole::User, MessageRole::Assistant]);
}
