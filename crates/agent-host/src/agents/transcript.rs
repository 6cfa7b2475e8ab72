use std::sync::Arc;

use ee_core::{
    Clock, Error, ErrorKind, MessageId, ThreadId,
    storage::{MessageRecord, MessageRole, ThreadStore},
};
use tokio::runtime::Handle;
use tracing::{debug, error};

use crate::Background;

/// What an agent has said so far. It is kept when the answer ends, however it ends: a transcript
/// that is dropped keeps itself.
#[derive(Debug)]
pub(super) struct Transcript {
    pub(super) background: Background,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) message: MessageId,
    pub(super) runtime: Handle,
    pub(super) text: String,
    /// Nowhere to keep it when absent.
    pub(super) thread: Option<(ThreadId, Arc<dyn ThreadStore>)>,
}

impl Transcript {
    /// Keeps what was said and returns it. Done even when the caller stops waiting.
    pub(super) async fn keep(mut self) -> Result<String, Error> {
        let text = std::mem::take(&mut self.text);
        let Some(keeping) = self.keeping(text.clone()) else {
            return Ok(text);
        };
        let task = self.background.tasks().spawn_on(keeping, &self.runtime);
        task.await
            .map_err(|err| {
                Error::new(ErrorKind::Internal, "keeping an answer failed").with_source(err)
            })?
            .map(|()| text)
    }

    fn keeping(
        &mut self,
        text: String,
    ) -> Option<impl Future<Output = Result<(), Error>> + Send + 'static> {
        let (thread, threads) = self.thread.take().filter(|_| !text.is_empty())?;
        let message = MessageRecord::new(
            self.message.clone(),
            MessageRole::Assistant,
            text,
            self.clock.now(),
        );
        Some(async move {
            match threads.append(&thread, vec![message]).await {
                Err(err) if err.kind() == ErrorKind::NotFound => {
                    debug!(thread.id = %thread, "conversation was deleted during an answer");
                    Ok(())
                }
                done => done,
            }
        })
    }
}

impl Drop for Transcript {
    fn drop(&mut self) {
        let text = std::mem::take(&mut self.text);
        let Some(keeping) = self.keeping(text) else {
            return;
        };
        let keeping = async {
            if let Err(err) = keeping.await {
                error!(
                    error = &err as &dyn std::error::Error,
                    "could not keep a part of an answer"
                );
            }
        };
        self.background.tasks().spawn_on(keeping, &self.runtime);
    }
}
