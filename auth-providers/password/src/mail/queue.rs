//! Letters that leave after the answer.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use ee_core::{Error, ErrorKind};
use tokio::sync::mpsc::{self, Receiver, Sender};
use tracing::error;
use zeroize::Zeroizing;

use super::Mailer;

/// How many letters may wait.
const CAPACITY: usize = 1_000;

/// Takes letters at once and leaves the sending to a [`MailWorker`], so that the time of an answer does not tell
/// whether a letter was sent.
pub struct MailQueue(Sender<Waiting>);

/// Sends the letters of a [`MailQueue`], one after the other.
pub struct MailWorker {
    mailer: Arc<dyn Mailer>,
    waiting: Receiver<Waiting>,
}

struct Waiting {
    subject: String,
    text: Zeroizing<String>,
    to: String,
}

impl MailQueue {
    /// Puts a queue in front of a mailer. The caller runs the worker.
    pub fn new(mailer: Arc<dyn Mailer>) -> (Self, MailWorker) {
        let (sender, waiting) = mpsc::channel(CAPACITY);
        (Self(sender), MailWorker { mailer, waiting })
    }
}

#[async_trait]
impl Mailer for MailQueue {
    /// Fails with [`ErrorKind::Unavailable`] when a thousand letters wait, and when the worker has ended.
    async fn send(&self, to: &str, subject: &str, text: &str) -> Result<(), Error> {
        let letter = Waiting {
            subject: subject.to_owned(),
            text: Zeroizing::new(text.to_owned()),
            to: to.to_owned(),
        };
        let full = |_| Error::new(ErrorKind::Unavailable, "too many letters wait to be sent");
        self.0.try_send(letter).map_err(full)
    }
}

impl MailWorker {
    /// Sends letters until the queue is gone. A letter that cannot be sent is logged and dropped: the person can ask
    /// for another. Letters that still wait when the future is dropped are lost.
    pub async fn run(mut self) {
        while let Some(Waiting { subject, text, to }) = self.waiting.recv().await {
            if let Err(err) = self.mailer.send(&to, &subject, &text).await {
                error!(
                    error.kind = err.kind().code(),
                    "a letter was not sent: {err}"
                );
            }
        }
    }
}

impl fmt::Debug for MailQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.0.max_capacity() - self.0.capacity();
        f.debug_struct("MailQueue")
            .field("waiting", &waiting)
            .finish()
    }
}

impl fmt::Debug for MailWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailWorker")
            .field("mailer", &self.mailer)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, PoisonError};

    use super::*;

    /// Keeps what it is told to send; refuses letters to nobody.
    #[derive(Debug, Default)]
    struct Kept(Mutex<Vec<String>>);

    #[async_trait]
    impl Mailer for Kept {
        async fn send(&self, to: &str, subject: &str, _text: &str) -> Result<(), Error> {
            if to.is_empty() {
                return Err(Error::new(ErrorKind::Unavailable, "no room"));
            }
            let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            kept.push(format!("{to}: {subject}"));
            Ok(())
        }
    }

    #[tokio::test]
    async fn letters_leave_in_order_and_one_that_is_refused_stops_nothing() {
        let kept = Arc::new(Kept::default());
        let (queue, worker) = MailQueue::new(Arc::clone(&kept) as Arc<dyn Mailer>);
        for to in ["ada", "", "bob"] {
            queue.send(to, "hello", "a secret").await.unwrap();
        }
        assert!(!format!("{queue:?} {worker:?}").contains("secret"));
        drop(queue);

        worker.run().await;

        assert_eq!(*kept.0.lock().unwrap(), ["ada: hello", "bob: hello"]);
    }

    #[tokio::test]
    async fn a_full_queue_and_one_without_a_worker_refuse() {
        let (queue, worker) = MailQueue::new(Arc::<Kept>::default());
        for _ in 0..CAPACITY {
            queue.send("ada", "hello", "text").await.unwrap();
        }

        assert!(queue.send("ada", "hello", "text").await.is_err());
        drop(worker);
        let refused = queue.send("ada", "hello", "text").await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
    }
}
