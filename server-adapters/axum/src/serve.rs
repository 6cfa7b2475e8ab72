//! Accepts connections, with limits that the peer cannot stretch, and ends gracefully.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{body::Body, extract::ConnectInfo};
use http::Request;
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    time::{sleep, timeout},
};
use tracing::{debug, warn};

use crate::Gate;

const HEADER_READ_TIME: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 10_000;
const MAX_HEADER_BYTES: usize = 64 * 1_024;
const MAX_HTTP2_STREAMS: u32 = 100;
/// How long running requests may take to end after the signal.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// Serves until `shutdown` is done, then lets running requests end for at most ten seconds.
pub async fn serve(listener: TcpListener, gate: Gate, shutdown: impl Future<Output = ()>) {
    let builder = Arc::new(builder());
    let graceful = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let accepted = tokio::select! {
            // Looked at first, so that whoever has had an answer can also end the server: some futures listen to the
            // signal from their first look on.
            biased;
            () = &mut shutdown => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, peer, place)) = accepted else {
            continue;
        };
        let service = hyper::service::service_fn({
            let gate = gate.clone();
            move |request: Request<Incoming>| {
                let mut request = request.map(Body::new);
                request.extensions_mut().insert(ConnectInfo(peer));
                gate.answer(request)
            }
        });
        let connection = builder.serve_connection_with_upgrades(TokioIo::new(stream), service);
        let connection = graceful.watch(connection.into_owned());
        tokio::spawn(async move {
            if let Err(err) = connection.await {
                debug!(error = %err, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    if timeout(DRAIN_TIME, graceful.shutdown()).await.is_err() {
        warn!(
            "some requests were still running {} s after the signal and are cut",
            DRAIN_TIME.as_secs()
        );
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            if let Err(err) = stream.set_nodelay(true) {
                debug!(error = %err, "cannot switch off Nagle's algorithm");
            }
            Some((stream, peer, place))
        }
        Err(err) => {
            // Out of file descriptors, most likely: try again when some are back.
            warn!(error = %err, "cannot accept a connection");
            sleep(Duration::from_millis(100)).await;
            None
        }
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIME)
        .max_buf_size(MAX_HEADER_BYTES);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_HTTP2_STREAMS)
        .max_header_list_size(32 * 1_024);
    builder
}
