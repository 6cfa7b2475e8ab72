//! A receiver of HTTP on this machine.

use std::{
    future::pending,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, Response, StatusCode, Uri},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

/// One request.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) body: Vec<u8>,
    pub(crate) headers: HeaderMap,
    pub(crate) path: String,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The numbers of the events, one a line.
    pub(crate) fn seqs(&self) -> Vec<u64> {
        let text = std::str::from_utf8(&self.body).unwrap();
        let events = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap());
        events.map(|event| event["seq"].as_u64().unwrap()).collect()
    }
}

/// What is answered.
pub(crate) enum Answer {
    /// Nothing, for ever.
    Hang,
    Is(Response<Body>),
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::text(status, "")
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        let mut response = Response::new(Body::from(text.to_owned()));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        Self::Is(response)
    }

    pub(crate) fn with(status: u16, name: &'static str, value: &str) -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        response.headers_mut().insert(name, value.parse().unwrap());
        Self::Is(response)
    }
}

type Script = dyn Fn(&Received, usize) -> Answer + Send + Sync;

struct Shared {
    received: Mutex<Vec<Received>>,
    script: Box<Script>,
}

/// Answers as it is told, and remembers what it was asked.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl Receiver {
    /// Answers by what was asked, and how often before.
    pub(crate) async fn start(
        script: impl Fn(&Received, usize) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared {
            received: Mutex::default(),
            script: Box::new(script),
        });
        let router = Router::new()
            .fallback(answer)
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self {
            address,
            shared,
            task,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/in", self.address)
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.shared.received.lock().unwrap().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(
    State(shared): State<Arc<Shared>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let received = Received {
        body: body.to_vec(),
        headers,
        path: uri.to_string(),
    };
    let before = {
        let mut all = shared.received.lock().unwrap();
        all.push(received.clone());
        all.len() - 1
    };
    match (shared.script)(&received, before) {
        Answer::Hang => pending().await,
        Answer::Is(response) => response,
    }
}
