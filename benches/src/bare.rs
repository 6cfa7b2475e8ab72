//! What the product is compared with: axum and a body that is there already.

use anyhow::{Context as _, Result};
use axum::{Router, routing::get};
use bytes::Bytes;
use tokio::{net::TcpListener, runtime};

use crate::args::Bare;

/// Serves until it is killed, with one worker thread.
pub(crate) fn serve(bare: &Bare) -> Result<()> {
    let mut router = Router::new();
    for file in &bare.files {
        let body =
            std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let body = Bytes::from(body);
        let answer = async move || ([("content-type", "application/json")], body);
        router = router.route(&format!("/{name}"), get(answer));
    }
    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        println!("{}", serde_json::json!({ "address": address }));
        Ok(axum::serve(listener, router).await?)
    })
}
