use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ee_core::{
    AgentId, Error, ErrorKind, MessageId, RunId, ThreadId, Visible,
    host::{
        AgentHost, AgentPatch, ChatChunk, ChatRequest, ChatUsage, FinishReason, ModelCard, NewAgent,
    },
    storage::{
        AgentFilter, AgentRecord, MessageRecord, MessageRole, Page, Paged, ThreadFilter,
        ThreadRecord, ThreadStore,
    },
};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

/// Two agents, `support` and `other`, that answer `**Hello** you <b>there</b>` in three pieces.
///
/// A message that holds `fail early` gets no answer, one that holds `fail late` a piece and an error.
#[derive(Debug)]
pub(crate) struct Agents {
    pub(crate) agents: Mutex<Vec<AgentRecord>>,
    pub(crate) threads: Threads,
}

impl Default for Agents {
    fn default() -> Self {
        let agent = |id: &str, name: &str| {
            let id = AgentId::new(id).unwrap();
            let instructions = "Be brief.\nBe kind.".to_owned();
            AgentRecord::new(
                id,
                name.to_owned(),
                instructions,
                "echo/dev".to_owned(),
                NOW,
            )
        };
        Self {
            agents: Mutex::new(vec![agent("other", "Other"), agent("support", "Support")]),
            threads: Threads::default(),
        }
    }
}

fn not_found() -> Error {
    Error::new(ErrorKind::NotFound, "there is no such agent")
}

#[async_trait]
impl AgentHost for Agents {
    async fn list(&self, visible: &Visible) -> Result<Arc<[AgentRecord]>, Error> {
        let agents = self.agents.lock().unwrap();
        let shown = agents.iter().filter(|it| visible.contains(it.id.as_str()));
        Ok(shown.cloned().collect())
    }

    async fn page(&self, filter: &AgentFilter, page: Page) -> Result<Paged<AgentRecord>, Error> {
        let mut rows = self.list(&filter.visible).await?.to_vec();
        let part = filter.search.as_deref().unwrap_or_default().to_lowercase();
        rows.retain(|agent| agent.name.to_lowercase().contains(&part));
        let total = rows.len() as u64;
        let offset = usize::try_from(page.offset()).unwrap();
        let rows = rows.into_iter().skip(offset).take(page.size as usize);
        Ok(Paged {
            rows: rows.collect(),
            total,
        })
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        let agents = self.agents.lock().unwrap();
        Ok(agents.iter().find(|agent| agent.id == *id).cloned())
    }

    async fn create(&self, new: NewAgent) -> Result<AgentRecord, Error> {
        if new.name.is_empty() {
            return Err(Error::invalid_field("name", "must not be empty"));
        }
        let id = match new.id {
            Some(id) => id,
            None => AgentId::new(new.name.to_lowercase())?,
        };
        if self.find(&id).await?.is_some() {
            return Err(Error::new(ErrorKind::Conflict, "the id is taken"));
        }
        let mut agent = AgentRecord::new(id, new.name, new.instructions, new.model, NOW);
        agent.created_by = new.created_by;
        agent.description = new.description;
        self.agents.lock().unwrap().push(agent.clone());
        Ok(agent)
    }

    async fn update(&self, id: &AgentId, patch: AgentPatch) -> Result<AgentRecord, Error> {
        if patch.model.as_deref() == Some("unknown/x") {
            return Err(Error::invalid_field("model", "names no known provider"));
        }
        let mut agents = self.agents.lock().unwrap();
        let agent = agents.iter_mut().find(|agent| agent.id == *id);
        let agent = agent.ok_or_else(not_found)?;
        if let Some(name) = patch.name {
            agent.name = name;
        }
        if let Some(instructions) = patch.instructions {
            agent.instructions = instructions;
        }
        Ok(agent.clone())
    }

    async fn delete(&self, id: &AgentId) -> Result<(), Error> {
        let mut agents = self.agents.lock().unwrap();
        let before = agents.len();
        agents.retain(|agent| agent.id != *id);
        (agents.len() < before).then_some(()).ok_or_else(not_found)
    }

    async fn stream(
        &self,
        request: ChatRequest,
    ) -> Result<BoxStream<'static, Result<ChatChunk, Error>>, Error> {
        let question = request.messages[0].text.clone();
        if question.contains("fail early") {
            let message = "the model provider does not answer";
            return Err(Error::new(ErrorKind::Unavailable, message));
        }
        let message = MessageId::new("answer-1").unwrap();
        let text = "**Hello** you <b>there</b>".to_owned();
        if let Some(thread) = request.thread {
            let mut record =
                ThreadRecord::new(thread.id.clone(), thread.owner, thread.resource_id, NOW);
            record.agent_id = Some(request.agent);
            record.title = Some(question.clone());
            if self.threads.find(&thread.id).await?.is_none() {
                self.threads.create(record).await?;
            }
            let asked = MessageId::random();
            let said = vec![
                MessageRecord::new(asked, MessageRole::User, question.clone(), NOW),
                MessageRecord::new(message.clone(), MessageRole::Assistant, text.clone(), NOW),
            ];
            self.threads.append(&thread.id, said).await?;
        }
        let start = ChatChunk::Start {
            run_id: RunId::random(),
            message,
            model: "echo/dev".to_owned(),
        };
        let delta = |text: &str| Ok(ChatChunk::Delta(text.to_owned()));
        let end = if question.contains("fail late") {
            Err(Error::new(ErrorKind::Internal, "a secret detail"))
        } else {
            Ok(ChatChunk::Finish {
                reason: FinishReason::Stop,
                text,
                usage: ChatUsage::default(),
            })
        };
        let chunks = [
            Ok(start),
            delta("**Hello**"),
            delta(" you"),
            delta(" <b>there</b>"),
            end,
        ];
        Ok(stream::iter(chunks).boxed())
    }

    fn models(&self) -> Vec<ModelCard> {
        vec![ModelCard {
            id: "echo/dev".to_owned(),
            description: "Repeats.".to_owned(),
        }]
    }

    fn threads(&self) -> &dyn ThreadStore {
        &self.threads
    }
}

#[derive(Debug, Default)]
pub(crate) struct Threads(Mutex<Vec<(ThreadRecord, Vec<MessageRecord>)>>);

#[async_trait]
impl ThreadStore for Threads {
    async fn create(&self, thread: ThreadRecord) -> Result<(), Error> {
        self.0.lock().unwrap().push((thread, Vec::new()));
        Ok(())
    }

    async fn find(&self, id: &ThreadId) -> Result<Option<ThreadRecord>, Error> {
        let all = self.0.lock().unwrap();
        let found = all.iter().find(|(thread, _)| thread.id == *id);
        Ok(found.map(|(thread, _)| thread.clone()))
    }

    async fn list(&self, filter: &ThreadFilter, _page: Page) -> Result<Paged<ThreadRecord>, Error> {
        let all = self.0.lock().unwrap();
        let rows: Vec<_> = all
            .iter()
            .map(|(thread, _)| thread.clone())
            .filter(|thread| thread.owner == filter.owner && thread.agent_id == filter.agent_id)
            .collect();
        let total = rows.len() as u64;
        Ok(Paged { rows, total })
    }

    async fn update(&self, _thread: ThreadRecord) -> Result<bool, Error> {
        Ok(true)
    }

    async fn delete(&self, _id: &ThreadId) -> Result<bool, Error> {
        Ok(false)
    }

    async fn append(&self, id: &ThreadId, messages: Vec<MessageRecord>) -> Result<(), Error> {
        let mut all = self.0.lock().unwrap();
        let (_, kept) = all.iter_mut().find(|(thread, _)| thread.id == *id).unwrap();
        kept.extend(messages);
        Ok(())
    }

    async fn messages(&self, id: &ThreadId, _page: Page) -> Result<Paged<MessageRecord>, Error> {
        let rows = self.last_messages(id, 1_000).await?;
        let total = rows.len() as u64;
        Ok(Paged { rows, total })
    }

    async fn last_messages(&self, id: &ThreadId, _limit: u32) -> Result<Vec<MessageRecord>, Error> {
        let all = self.0.lock().unwrap();
        let found = all.iter().find(|(thread, _)| thread.id == *id);
        Ok(found.map(|(_, kept)| kept.clone()).unwrap_or_default())
    }
}
