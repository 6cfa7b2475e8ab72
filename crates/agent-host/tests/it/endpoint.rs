use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Body,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::Response,
    routing::post,
};
use ee_agent_host::ModelsConfig;
use futures_util::{Stream, StreamExt as _, stream};
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc, oneshot};

/// The key that must not be seen anywhere.
pub(crate) const KEY: &str = "sk-very-secret-7531";

/// What the endpoint does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    /// Sends these pieces as they are, one after each permit, and then ends.
    Body(Vec<String>),
    /// Sends these pieces at once and then nothing, until the client goes.
    Hang(Vec<String>),
    /// Answers with a status and this text.
    Refuse(u16, String),
    /// Never sends headers.
    Silent,
}

/// An OpenAI-compatible endpoint on a socket of this machine.
#[derive(Debug)]
pub(crate) struct Endpoint {
    address: String,
    state: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    act: Act,
    gone: mpsc::UnboundedSender<()>,
    pub(crate) next: Notify,
    paced: bool,
    requests: Mutex<Vec<(HeaderMap, Value)>>,
}

impl Endpoint {
    /// Sends as fast as the client takes it. The receiver hears of every answer that was given up.
    pub(crate) async fn start(act: Act) -> (Self, mpsc::UnboundedReceiver<()>) {
        Self::serve(act, false).await
    }

    /// Sends a piece each time [`Endpoint::proceed`] is called.
    pub(crate) async fn paced(act: Act) -> Self {
        Self::serve(act, true).await.0
    }

    async fn serve(act: Act, paced: bool) -> (Self, mpsc::UnboundedReceiver<()>) {
        let (gone, has_gone) = mpsc::unbounded_channel();
        let state = Arc::new(Shared {
            act,
            gone,
            next: Notify::new(),
            paced,
            requests: Mutex::default(),
        });
        let app = Router::new()
            .route("/v1/chat/completions", post(answer))
            .with_state(state.clone());
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/v1", socket.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(socket, app).await });
        (Self { address, state }, has_gone)
    }

    pub(crate) fn proceed(&self) {
        self.state.next.notify_one();
    }

    pub(crate) fn config(&self) -> ModelsConfig {
        serde_json::from_value(json!({
            "models": ["test/model-max"],
            "openai_api_key": KEY,
            "openai_base_url": self.address,
        }))
        .unwrap()
    }

    pub(crate) fn requests(&self) -> Vec<(HeaderMap, Value)> {
        self.state.requests.lock().unwrap().clone()
    }
}

/// A piece of an answer in the endpoint's format.
pub(crate) fn delta(text: &str) -> String {
    let data = json!({ "choices": [{ "delta": { "content": text }, "index": 0 }] });
    format!("data: {data}\n\n")
}

/// The end of an answer.
pub(crate) fn end(reason: &str) -> String {
    let stop = json!({ "choices": [{ "delta": {}, "finish_reason": reason, "index": 0 }] });
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 7, "completion_tokens": 3 } });
    format!("data: {stop}\n\ndata: {usage}\n\ndata: [DONE]\n\n")
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: axum::Json<Value>,
) -> Response {
    shared.requests.lock().unwrap().push((headers, body.0));
    let response = Response::builder().header(header::CONTENT_TYPE, "text/event-stream");
    let body = match shared.act.clone() {
        Act::Body(pieces) => Body::from_stream(pieces_of(shared, pieces)),
        Act::Hang(pieces) => {
            let guard = Gone(Some(shared.gone.clone()));
            let rest = stream::pending().map(move |item: Result<String, Infallible>| {
                let _ = &guard;
                item
            });
            Body::from_stream(stream::iter(pieces.into_iter().map(Ok)).chain(rest))
        }
        Act::Refuse(status, text) => {
            let status = StatusCode::from_u16(status).unwrap();
            return Response::builder()
                .status(status)
                .header(header::LOCATION, "/elsewhere")
                .body(Body::from(text))
                .unwrap();
        }
        Act::Silent => {
            let _guard = Gone(Some(shared.gone.clone()));
            let (_keep, never) = oneshot::channel::<()>();
            let _ = never.await;
            Body::empty()
        }
    };
    response.body(body).unwrap()
}

fn pieces_of(
    shared: Arc<Shared>,
    pieces: Vec<String>,
) -> impl Stream<Item = Result<String, Infallible>> {
    stream::unfold(pieces.into_iter(), move |mut pieces| {
        let shared = shared.clone();
        async move {
            let piece = pieces.next()?;
            if shared.paced {
                shared.next.notified().await;
            }
            Some((Ok(piece), pieces))
        }
    })
}

struct Gone(Option<mpsc::UnboundedSender<()>>);

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(gone) = self.0.take() {
            let _ = gone.send(());
        }
    }
}
