//! An endpoint of models that repeats the key that it was shown, as careless ones do.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use super::secret;

/// Refuses every request.
pub(crate) struct Endpoint {
    asked: Arc<AtomicUsize>,
    pub(crate) key: String,
    pub(crate) url: String,
}

impl Endpoint {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let key = secret("sk-key-of-the-endpoint");
        let asked = Arc::<AtomicUsize>::default();
        let (shown, counted) = (key.clone(), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::Relaxed);
                tokio::spawn(refuse(stream, shown.clone()));
            }
        });
        Self { asked, key, url }
    }

    /// Fails the test unless the server has asked.
    pub(crate) fn check_asked(&self) {
        assert!(self.asked.load(Ordering::Relaxed) > 1);
    }
}

async fn refuse(mut stream: TcpStream, key: String) {
    let mut head = [0; 16 * 1_024];
    let _ = stream.read(&mut head).await;
    let body = format!(r#"{{"error":{{"message":"Incorrect API key provided: {key}"}}}}"#);
    let answer = format!(
        "HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    );
    let _ = stream.write_all(answer.as_bytes()).await;
}
