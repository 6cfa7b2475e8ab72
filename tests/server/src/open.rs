use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt as _;
use tokio::time::timeout;

/// Longest time that a test waits for a piece.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer whose body still comes.
#[derive(Debug)]
pub struct Open {
    body: Body,
    text: String,
}

impl Open {
    pub(crate) const fn new(body: Body) -> Self {
        Self {
            body,
            text: String::new(),
        }
    }

    /// Reads on until the text that has come so far holds this.
    pub async fn until(&mut self, what: &str) -> &mut Self {
        while !self.text.contains(what) {
            let came = timeout(PATIENCE, self.piece()).await;
            assert!(came.unwrap(), "ended without `{what}`: {}", self.text);
        }
        self
    }

    /// Reads to the end, which has to come within this time, and returns all that has come.
    pub async fn to_end_within(mut self, time: Duration) -> String {
        let read = timeout(time, async { while self.piece().await {} });
        assert!(read.await.is_ok(), "still open: {}", self.text);
        self.text
    }

    /// Reads for this time and returns whether it is still open then.
    pub async fn is_open_after(&mut self, time: Duration) -> bool {
        timeout(time, async { while self.piece().await {} })
            .await
            .is_err()
    }

    /// Reads on, and returns whether it breaks off instead of coming to its end.
    pub async fn breaks_off(mut self) -> bool {
        let read = timeout(PATIENCE, async {
            loop {
                match self.body.frame().await {
                    Some(Ok(_)) => {}
                    Some(Err(_)) => break true,
                    None => break false,
                }
            }
        });
        read.await.unwrap()
    }

    /// Returns what has come so far.
    pub fn text(&self) -> &str {
        &self.text
    }

    async fn piece(&mut self) -> bool {
        let Some(frame) = self.body.frame().await else {
            return false;
        };
        let data = frame.unwrap().into_data().unwrap_or_default();
        self.text.push_str(&String::from_utf8_lossy(&data));
        true
    }
}
