use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use ee_agent_host::{Agents, Background, Models, ModelsConfig};
use ee_core::{
    AgentId, Error, ErrorKind, SystemClock, ThreadId, UserId,
    host::{
        AgentHost as _, ChatChunk, ChatMessage, ChatRequest, ChatThread, ChatUsage, FinishReason,
        NewAgent,
    },
    storage::MessageRole,
};
use futures_util::StreamExt as _;
use serde_json::json;

use crate::{
    endpoint::{Act, Endpoint, KEY, delta, end},
    stores::TestStore,
};

struct World {
    agents: Agents,
    background: Background,
    store: Arc<TestStore>,
}

async fn world(config: ModelsConfig) -> World {
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
    new.id = Some(AgentId::new("agent").unwrap());
    "You are brief.".clone_into(&mut new.instructions);
    "Agent".clone_into(&mut new.name);
    agents.create(new).await.unwrap();
    World {
        agents,
        background,
        store,
    }
}

fn ask(text: &str) -> ChatRequest {
    let message = ChatMessage {
        role: MessageRole::User,
        text: text.to_owned(),
    };
    let mut request = ChatRequest::new(AgentId::new("agent").unwrap(), vec![message]);
    request.thread = Some(ChatThread {
        id: ThreadId::new("thread").unwrap(),
        owner: UserId::new("ann").unwrap(),
        resource_id: "ann".to_owned(),
    });
    request
}

/// Asks and returns what came before the first piece or within the answer as an error.
async fn failure(world: &World) -> Error {
    match world.agents.stream(ask("Hi")).await {
        Err(err) => err,
        Ok(chunks) => {
            let results: Vec<_> = chunks.collect().await;
            results.into_iter().find_map(Result::err).unwrap()
        }
    }
}

fn no_key_in(err: &Error) {
    assert!(!format!("{err} {err:?}").contains(KEY), "{err:?}");
}

#[tokio::test]
async fn deltas_arrive_in_pieces_while_the_model_still_speaks() {
    let pieces = vec![delta("Hel"), delta("lo"), end("stop")];
    let endpoint = Endpoint::paced(Act::Body(pieces)).await;
    let world = world(endpoint.config()).await;

    endpoint.proceed();
    let mut chunks = world.agents.stream(ask("Hi")).await.unwrap();
    let Some(Ok(ChatChunk::Start { model, .. })) = chunks.next().await else {
        panic!("must start")
    };
    assert_eq!(model, "test/model-max");
    let first = chunks.next().await.unwrap().unwrap();
    assert_eq!(first, ChatChunk::Delta("Hel".to_owned()));

    endpoint.proceed();
    let second = chunks.next().await.unwrap().unwrap();
    assert_eq!(second, ChatChunk::Delta("lo".to_owned()));
    assert_eq!(world.store.texts("thread"), ["Hi"]);

    endpoint.proceed();
    let last = chunks.next().await.unwrap().unwrap();
    let usage = ChatUsage {
        input_tokens: 7,
        output_tokens: 3,
    };
    let finish = ChatChunk::Finish {
        reason: FinishReason::Stop,
        text: "Hello".to_owned(),
        usage,
    };
    assert_eq!(last, finish);
    assert_eq!(world.store.texts("thread"), ["Hi", "Hello"]);
    assert!(chunks.next().await.is_none());
}

#[tokio::test]
async fn the_request_carries_key_instructions_history_and_the_models_whole_name() {
    let (endpoint, _) = Endpoint::start(Act::Body(vec![delta("Yes."), end("length")])).await;
    let world = world(endpoint.config()).await;

    for text in ["One?", "Two?"] {
        let chunks: Vec<_> = world
            .agents
            .stream(ask(text))
            .await
            .unwrap()
            .collect()
            .await;
        let Some(Ok(ChatChunk::Finish { reason, .. })) = chunks.last() else {
            panic!("must finish: {chunks:?}")
        };
        assert_eq!(*reason, FinishReason::Length);
    }

    let (headers, body) = endpoint.requests().pop().unwrap();
    assert_eq!(headers["authorization"], format!("Bearer {KEY}"));
    assert!(
        headers["user-agent"]
            .to_str()
            .unwrap()
            .starts_with("mastra-ee/")
    );
    assert_eq!(body["model"], "model-max");
    assert_eq!(body["stream"], true);
    assert!(body.get("reasoning_effort").is_none(), "{body}");
    assert_eq!(
        body["messages"],
        json!([
            { "role": "system", "content": "You are brief." },
            { "role": "user", "content": "One?" },
            { "role": "assistant", "content": "Yes." },
            { "role": "user", "content": "Two?" },
        ])
    );
}

#[tokio::test]
async fn without_a_key_no_authorization_is_sent() {
    let (endpoint, _) = Endpoint::start(Act::Body(vec![delta("x"), end("stop")])).await;
    let mut config = endpoint.config();
    config.openai_api_key = None;
    let world = world(config).await;

    let chunks: Vec<_> = world
        .agents
        .stream(ask("Hi"))
        .await
        .unwrap()
        .collect()
        .await;

    assert!(chunks.iter().all(Result::is_ok));
    assert!(endpoint.requests()[0].0.get("authorization").is_none());
}

#[tokio::test]
async fn a_refusal_is_unavailable_and_says_nothing_of_the_key() {
    let echoes_key = json!({ "error": { "message": KEY, "code": "invalid_api_key" } });
    for (status, body, message) in [
        (
            401,
            echoes_key.to_string(),
            "the model's endpoint answered with status 401 (`invalid_api_key`)",
        ),
        (
            500,
            format!("broken {KEY}"),
            "the model's endpoint answered with status 500",
        ),
        (
            302,
            String::new(),
            "the model's endpoint answered with status 302",
        ),
    ] {
        let (endpoint, _) = Endpoint::start(Act::Refuse(status, body)).await;
        let world = world(endpoint.config()).await;

        let Err(err) = world.agents.stream(ask("Hi")).await else {
            panic!("must fail before the first piece")
        };

        assert_eq!(err.kind(), ErrorKind::Unavailable);
        assert_eq!(err.message(), message);
        no_key_in(&err);
        assert_eq!(world.store.texts("thread"), ["Hi"]);
        assert_eq!(endpoint.requests().len(), 1);
    }
}

#[tokio::test]
async fn a_question_that_failed_is_kept_once_when_it_is_asked_again() {
    let (endpoint, _) = Endpoint::start(Act::Refuse(503, String::new())).await;
    let world = world(endpoint.config()).await;

    for _ in 0..4 {
        failure(&world).await;
    }

    assert_eq!(world.store.texts("thread"), ["Hi"]);
}

#[tokio::test]
async fn garbage_is_an_error() {
    for (pieces, message) in [
        (vec!["<html>no</html>"], "the model's answer broke off"),
        (vec![""], "the model's answer broke off"),
        (vec!["{\"choices\":[]}"], "the model's answer broke off"),
        (
            vec!["data: {nonsense\n\n"],
            "the model's answer cannot be read",
        ),
        (
            vec!["data: {\"error\":{\"type\":\"server_error\"}}\n\n"],
            "the model's endpoint reported an error (`server_error`)",
        ),
    ] {
        let pieces = pieces.into_iter().map(str::to_owned).collect();
        let (endpoint, _) = Endpoint::start(Act::Body(pieces)).await;
        let world = world(endpoint.config()).await;

        let err = failure(&world).await;

        assert_eq!(
            (err.kind(), err.message()),
            (ErrorKind::Unavailable, message)
        );
        assert_eq!(world.store.texts("thread"), ["Hi"]);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_and_its_beginning_is_kept() {
    let (endpoint, _) = Endpoint::start(Act::Body(vec![delta("Half of")])).await;
    let world = world(endpoint.config()).await;

    let err = failure(&world).await;

    assert_eq!(err.message(), "the model's answer broke off");
    assert_eq!(world.store.texts("thread"), ["Hi", "Half of"]);
}

#[tokio::test]
async fn a_model_that_hangs_is_given_up() {
    for act in [
        Act::Silent,
        Act::Hang(vec![]),
        Act::Hang(vec![delta("One")]),
    ] {
        let (endpoint, mut gone) = Endpoint::start(act).await;
        let mut config = endpoint.config();
        config.idle_timeout_ms = 50;
        let world = world(config).await;

        let err = failure(&world).await;

        assert_eq!(err.kind(), ErrorKind::Unavailable);
        assert_eq!(err.message(), "the model did not answer in time");
        gone.recv().await.unwrap();
    }
}

#[tokio::test]
async fn an_endpoint_that_is_not_there_is_unavailable() {
    let mut config = ModelsConfig::default();
    config.openai_base_url = Some("http://127.0.0.1:9/v1?token=hidden".to_owned());
    config.models = vec!["a/b".to_owned()];
    let world = world(config).await;

    let err = failure(&world).await;

    assert_eq!(err.kind(), ErrorKind::Unavailable);
    assert_eq!(err.message(), "the model's endpoint cannot be reached");
    assert!(!format!("{err:?}").contains("hidden"), "{err:?}");
}

#[tokio::test]
async fn dropping_the_answer_ends_the_connection_and_keeps_what_was_said() {
    let (endpoint, mut gone) = Endpoint::start(Act::Hang(vec![delta("One "), delta("two")])).await;
    let world = world(endpoint.config()).await;
    let mut chunks = world.agents.stream(ask("Hi")).await.unwrap();
    for _ in 0..3 {
        chunks.next().await.unwrap().unwrap();
    }

    drop(chunks);

    gone.recv().await.unwrap();
    world.background.tasks().close();
    world.background.tasks().wait().await;
    assert_eq!(world.store.texts("thread"), ["Hi", "One two"]);
}

#[tokio::test]
async fn giving_up_before_the_first_piece_ends_the_connection() {
    let (endpoint, mut gone) = Endpoint::start(Act::Silent).await;
    let world = world(endpoint.config()).await;
    {
        let mut waiting = Box::pin(world.agents.stream(ask("Hi")));
        while endpoint.requests().is_empty() {
            assert!(futures_util::poll!(&mut waiting).is_pending());
            tokio::task::yield_now().await;
        }
    }

    gone.recv().await.unwrap();

    assert_eq!(world.store.texts("thread"), ["Hi"]);
}

#[tokio::test]
async fn a_shutdown_ends_the_answer_and_keeps_what_was_said() {
    let (endpoint, _gone) = Endpoint::start(Act::Hang(vec![delta("One")])).await;
    let world = world(endpoint.config()).await;
    let mut chunks = world.agents.stream(ask("Hi")).await.unwrap();
    chunks.next().await.unwrap().unwrap();
    chunks.next().await.unwrap().unwrap();

    world.background.shutdown().cancel();
    let err = chunks.next().await.unwrap().unwrap_err();

    assert_eq!(err.message(), "the server is stopping");
    world.background.stop().await;
    assert_eq!(world.store.texts("thread"), ["Hi", "One"]);
}

#[tokio::test]
async fn nothing_that_the_endpoint_says_is_logged() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::DEBUG)
        .with_writer(move || writer.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    tracing::info!("heard");
    let body = format!("you sent {KEY}");
    let (endpoint, _) = Endpoint::start(Act::Refuse(401, body)).await;
    let world = world(endpoint.config()).await;

    failure(&world).await;

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("heard"));
    assert!(!text.contains(KEY), "{text}");
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
