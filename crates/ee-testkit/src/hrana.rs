//! A libSQL server for tests: Hrana over HTTP, version 2, over a SQLite file.
//!
//! Written after the public protocol texts (`HTTP_V2_SPEC.md` and `HRANA_2_SPEC.md` of libSQL), with their failure
//! answers. It can be told to fail, to forget its streams and to stop.

mod protocol;
mod streams;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
    },
    time::Duration,
};

use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use tokio::{net::TcpListener, sync::oneshot};

use self::{
    protocol::{PipelineAnswer, PipelineRequest},
    streams::Streams,
};

/// A server on a loopback port, for as long as it lives.
#[derive(Debug)]
pub struct HranaServer {
    address: SocketAddr,
    faults: Arc<Faults>,
    path: PathBuf,
    stop: Option<oneshot::Sender<()>>,
    streams: Arc<Streams>,
    token: Option<String>,
}

/// How the server misbehaves.
#[derive(Debug, Default)]
struct Faults {
    delay_millis: AtomicU64,
    /// Requests that are executed and then answered with an error.
    fail_after: AtomicU32,
    /// Requests that are answered with an error and not executed.
    fail_before: AtomicU32,
    is_counting: AtomicBool,
    requests: AtomicU64,
    status: Mutex<Option<StatusCode>>,
}

#[derive(Clone)]
struct Shared {
    faults: Arc<Faults>,
    streams: Arc<Streams>,
    token: Option<String>,
}

impl HranaServer {
    /// Serves the file at `path`, which is created, without a token.
    pub async fn start(path: impl Into<PathBuf>) -> Self {
        Self::start_with(path.into(), None, SocketAddr::from(([127, 0, 0, 1], 0))).await
    }

    /// The same, for those alone who send the token.
    pub async fn start_guarded(path: impl Into<PathBuf>, token: &str) -> Self {
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        Self::start_with(path.into(), Some(token.to_owned()), address).await
    }

    async fn start_with(path: PathBuf, token: Option<String>, address: SocketAddr) -> Self {
        let streams = Arc::new(Streams::new(path.clone()));
        let mut server = Self {
            address,
            faults: Arc::default(),
            path,
            stop: None,
            streams,
            token,
        };
        server.serve().await;
        server
    }

    /// Returns the address for a store.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Counts the requests from now on.
    pub fn count(&self) {
        self.faults.requests.store(0, Ordering::SeqCst);
        self.faults.is_counting.store(true, Ordering::SeqCst);
    }

    /// Returns how many requests were counted.
    pub fn requests(&self) -> u64 {
        self.faults.requests.load(Ordering::SeqCst)
    }

    /// Answers the next requests with this status and executes nothing of them.
    pub fn fail_next(&self, requests: u32, status: u16) {
        self.set_status(status);
        self.faults.fail_before.store(requests, Ordering::SeqCst);
    }

    /// Executes the next requests and answers with this status all the same.
    pub fn fail_after_next(&self, requests: u32, status: u16) {
        self.set_status(status);
        self.faults.fail_after.store(requests, Ordering::SeqCst);
    }

    /// Takes this long for each answer.
    pub fn delay(&self, delay: Duration) {
        let millis = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX);
        self.faults.delay_millis.store(millis, Ordering::SeqCst);
    }

    /// Forgets all open streams, as a server does that restarts: their transactions are undone.
    pub fn forget_streams(&self) {
        self.streams.forget();
    }

    /// Counts the streams that are open.
    pub fn open_streams(&self) -> usize {
        self.streams.len()
    }

    /// Stops; the port refuses connections.
    pub async fn stop(&mut self) {
        self.streams.forget();
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        // Until the port is free again.
        for _ in 0..200 {
            if TcpListener::bind(self.address).await.is_ok() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Serves on the same port again.
    pub async fn start_again(&mut self) {
        self.serve().await;
    }

    /// Returns the file.
    pub const fn path(&self) -> &PathBuf {
        &self.path
    }

    fn set_status(&self, status: u16) {
        let status = StatusCode::from_u16(status).ok();
        *self
            .faults
            .status
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = status;
    }

    async fn serve(&mut self) {
        let listener = TcpListener::bind(self.address)
            .await
            .expect("a loopback port is free");
        self.address = listener.local_addr().expect("a listener has an address");
        let shared = Shared {
            faults: Arc::clone(&self.faults),
            streams: Arc::clone(&self.streams),
            token: self.token.clone(),
        };
        let router = Router::new()
            .route("/v2", get(|| async { "" }))
            .route("/v2/pipeline", post(pipeline))
            .layer(DefaultBodyLimit::disable())
            .with_state(shared);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(async move {
            tokio::select! {
                _ = axum::serve(listener, router) => {}
                _ = stopped => {}
            }
        });
        self.stop = Some(stop);
    }
}

impl Faults {
    /// Takes one of the failures that are left.
    fn takes(left: &AtomicU32) -> bool {
        left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
            left.checked_sub(1)
        })
        .is_ok()
    }

    fn answer(&self) -> Response {
        let status = *self.status.lock().unwrap_or_else(PoisonError::into_inner);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, "failed for a test").into_response()
    }
}

async fn pipeline(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Json(request): Json<PipelineRequest>,
) -> Response {
    let faults = &shared.faults;
    if faults.is_counting.load(Ordering::SeqCst) {
        faults.requests.fetch_add(1, Ordering::SeqCst);
    }
    let delay = faults.delay_millis.load(Ordering::SeqCst);
    tokio::time::sleep(Duration::from_millis(delay)).await;
    let shown = headers.get(header::AUTHORIZATION);
    let expected = shared.token.as_ref().map(|token| format!("Bearer {token}"));
    if expected
        .is_some_and(|expected| shown.is_none_or(|shown| shown.as_bytes() != expected.as_bytes()))
    {
        return (
            StatusCode::UNAUTHORIZED,
            Json(serde_json::json!({ "error": "Unauthorized" })),
        )
            .into_response();
    }
    if Faults::takes(&faults.fail_before) {
        return faults.answer();
    }
    let streams = Arc::clone(&shared.streams);
    let done = tokio::task::spawn_blocking(move || streams.run(request)).await;
    if Faults::takes(&faults.fail_after) {
        return faults.answer();
    }
    match done {
        Ok(Some(answer)) => Json::<PipelineAnswer>(answer).into_response(),
        // The stream is unknown, or was closed after a while without requests.
        Ok(None) => {
            let error =
                serde_json::json!({ "message": "the stream is gone", "code": "STREAM_EXPIRED" });
            (StatusCode::BAD_REQUEST, Json(error)).into_response()
        }
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
