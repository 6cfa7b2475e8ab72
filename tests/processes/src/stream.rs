use std::time::Instant;

use reqwest::Response;
use tokio::task::JoinHandle;

use crate::{PATIENCE, patiently};

/// An answer that goes on and on. It is read in a task of its own.
#[derive(Debug)]
pub struct OpenStream {
    reading: JoinHandle<(Instant, String)>,
}

impl OpenStream {
    /// Waits for the first word.
    pub(crate) async fn new(mut response: Response) -> Self {
        let mut text = String::new();
        patiently("the first word of an answer", async {
            while !text.contains("text-delta") {
                let piece = response.chunk().await.expect("the answer goes on");
                let piece = piece.unwrap_or_else(|| panic!("the answer has no word: {text}"));
                text.push_str(&String::from_utf8_lossy(&piece));
            }
        })
        .await;
        let reading = tokio::spawn(async move {
            // An answer that is cut off has ended as well.
            while let Ok(Some(piece)) = response.chunk().await {
                text.push_str(&String::from_utf8_lossy(&piece));
            }
            (Instant::now(), text)
        });
        Self { reading }
    }

    /// Tells whether it still goes on.
    pub fn is_open(&self) -> bool {
        !self.reading.is_finished()
    }

    /// Waits for its end, for a while, and returns when that was and what it said.
    pub async fn end(self) -> Option<(Instant, String)> {
        let mut reading = self.reading;
        let end = tokio::time::timeout(PATIENCE / 10, &mut reading).await;
        reading.abort();
        end.ok().map(|read| read.expect("reading does not panic"))
    }
}
