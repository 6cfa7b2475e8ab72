use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use async_trait::async_trait;
use ee_core::{
    AgentId, Error, ErrorKind, MessageId, RunId, Visible,
    host::{
        AgentHost, AgentPatch, ChatChunk, ChatRequest, ChatUsage, FinishReason, ModelCard, NewAgent,
    },
    storage::{AgentFilter, AgentRecord, Page, Paged, ThreadStore},
};
use futures_util::{StreamExt as _, stream::BoxStream};
use tokio::sync::Semaphore;

use crate::stores::TestStore;

/// Agents that do what their id says: `ok`, `fail`, `gate`, `hang`, `once`, `panic`.
#[derive(Debug)]
pub(crate) struct Script {
    /// Prompts in the order in which they came.
    pub(crate) asked: Mutex<Vec<String>>,
    /// One permit lets one call of `gate` through.
    pub(crate) gate: Arc<Semaphore>,
    /// Calls that are at work.
    pub(crate) open: Arc<AtomicUsize>,
    store: TestStore,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            asked: Mutex::default(),
            gate: Arc::new(Semaphore::new(0)),
            open: Arc::default(),
            store: TestStore::default(),
        }
    }
}

impl Script {
    pub(crate) fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl AgentHost for Script {
    async fn list(&self, _: &Visible) -> Result<Arc<[AgentRecord]>, Error> {
        Ok(Arc::new([]))
    }

    async fn page(&self, _: &AgentFilter, _: Page) -> Result<Paged<AgentRecord>, Error> {
        Err(Error::new(ErrorKind::Unsupported, "a script"))
    }

    async fn find(&self, _: &AgentId) -> Result<Option<AgentRecord>, Error> {
        Ok(None)
    }

    async fn create(&self, _: NewAgent) -> Result<AgentRecord, Error> {
        Err(Error::new(ErrorKind::Unsupported, "a script"))
    }

    async fn update(&self, _: &AgentId, _: AgentPatch) -> Result<AgentRecord, Error> {
        Err(Error::new(ErrorKind::Unsupported, "a script"))
    }

    async fn delete(&self, _: &AgentId) -> Result<(), Error> {
        Err(Error::new(ErrorKind::Unsupported, "a script"))
    }

    async fn stream(
        &self,
        request: ChatRequest,
    ) -> Result<BoxStream<'static, Result<ChatChunk, Error>>, Error> {
        let prompt = request.messages[0].text.clone();
        let calls = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(prompt.clone());
            asked.len()
        };
        self.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(self.open.clone());
        match request.agent.as_str() {
            "fail" => return Err(Error::new(ErrorKind::Unavailable, "the model is away")),
            "once" if calls == 1 => return Err(Error::new(ErrorKind::Internal, "secret details")),
            "panic" => panic!("on purpose"),
            "gate" => self.gate.acquire().await.unwrap().forget(),
            "hang" => std::future::pending().await,
            "ok" | "once" => {}
            other => {
                let message = format!("there is no agent `{other}`");
                return Err(Error::new(ErrorKind::NotFound, message));
            }
        }
        let text = format!("<{prompt}>");
        let chunks = [
            Ok(ChatChunk::Start {
                message: MessageId::random(),
                model: "script/model".to_owned(),
                run_id: RunId::random(),
            }),
            Ok(ChatChunk::Delta(text.clone())),
            Ok(ChatChunk::Finish {
                reason: FinishReason::Stop,
                text,
                usage: ChatUsage::default(),
            }),
        ];
        let chunks = futures_util::stream::iter(chunks);
        Ok(chunks
            .inspect(move |_| {
                let _ = &open;
            })
            .boxed())
    }

    fn models(&self) -> Vec<ModelCard> {
        Vec::new()
    }

    fn threads(&self) -> &dyn ThreadStore {
        &self.store
    }
}
