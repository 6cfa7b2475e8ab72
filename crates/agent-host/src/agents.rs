mod chat;
mod fields;
mod transcript;

use std::sync::Arc;

use async_trait::async_trait;
use ee_core::{
    AgentId, Clock, Error, ErrorKind, UserId, Visible,
    host::{AgentHost, AgentPatch, ChatChunk, ChatRequest, ModelCard, NewAgent},
    storage::{AgentFilter, AgentRecord, AgentStore, Page, Paged, ThreadStore},
};
use futures_core::stream::BoxStream;

use crate::{Background, Models, list_cache::ListCache, slug};

/// Runs agents that are kept in a store.
///
/// An agent without a model of its own is kept with an empty one and given out with
/// [`Models::default_model`], so that it follows the configuration.
#[derive(Debug)]
pub struct Agents {
    background: Background,
    clock: Arc<dyn Clock>,
    listed: ListCache<AgentRecord>,
    models: Arc<Models>,
    store: Arc<dyn AgentStore>,
    threads: Arc<dyn ThreadStore>,
}

impl Agents {
    /// Assembles the host. Answers that are broken off are kept by tasks of `background`.
    pub fn new(
        store: Arc<dyn AgentStore>,
        threads: Arc<dyn ThreadStore>,
        models: Arc<Models>,
        clock: Arc<dyn Clock>,
        background: Background,
    ) -> Self {
        Self {
            background,
            clock,
            listed: ListCache::default(),
            models,
            store,
            threads,
        }
    }

    /// Returns an agent with the model that answers for it.
    async fn get(&self, id: &AgentId) -> Result<AgentRecord, Error> {
        self.find(id).await?.ok_or_else(|| not_found(id))
    }

    fn with_model(&self, mut agent: AgentRecord) -> AgentRecord {
        if agent.model.is_empty() {
            self.models.default_model().clone_into(&mut agent.model);
        }
        agent
    }

    /// Tries ids that are made from the name until one is free.
    async fn create_with_free_id(
        &self,
        mut agent: AgentRecord,
        owner: Option<&UserId>,
    ) -> Result<AgentRecord, Error> {
        for id in slug::candidates(&agent.name, "agent") {
            agent.id = AgentId::new(id)?;
            match self.store.create(agent.clone(), owner).await {
                Err(err) if err.kind() == ErrorKind::Conflict => {}
                done => return done.map(|()| agent),
            }
        }
        agent.id = AgentId::random();
        self.store.create(agent.clone(), owner).await?;
        Ok(agent)
    }
}

#[async_trait]
impl AgentHost for Agents {
    /// Gives out what was read less than a second ago, but for whoever may see some alone: those are read each time.
    async fn list(&self, visible: &Visible) -> Result<Arc<[AgentRecord]>, Error> {
        let read = async |visible: &Visible| {
            let agents = self.store.list(visible).await?;
            Ok(agents.into_iter().map(|a| self.with_model(a)).collect())
        };
        self.listed.shown(self.clock.now(), visible, read).await
    }

    async fn page(&self, filter: &AgentFilter, page: Page) -> Result<Paged<AgentRecord>, Error> {
        let mut filter = filter.clone();
        self.models
            .default_model()
            .clone_into(&mut filter.default_model);
        let Paged { rows, total } = self.store.page(&filter, page).await?;
        let rows = rows.into_iter().map(|a| self.with_model(a)).collect();
        Ok(Paged { rows, total })
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        let agent = self.store.find(id).await?;
        Ok(agent.map(|agent| self.with_model(agent)))
    }

    async fn create(&self, new: NewAgent) -> Result<AgentRecord, Error> {
        fields::check_new(&new, &self.models)?;
        let given = new.id.is_some();
        let id = new.id.unwrap_or_else(AgentId::random);
        let name = new.name.trim().to_owned();
        let mut agent = AgentRecord::new(id, name, new.instructions, new.model, self.clock.now());
        agent.created_by = new.created_by;
        agent.description = fields::tidy(new.description);

        let writing = self.listed.writing();
        let owner = new.owner.as_ref();
        let agent = if given {
            self.store.create(agent.clone(), owner).await?;
            agent
        } else {
            self.create_with_free_id(agent, owner).await?
        };
        drop(writing);
        Ok(self.with_model(agent))
    }

    async fn update(&self, id: &AgentId, patch: AgentPatch) -> Result<AgentRecord, Error> {
        let stored = self.store.find(id).await?;
        let mut agent = stored.ok_or_else(|| not_found(id))?;
        fields::check_patch(&patch, &agent.model, &self.models)?;
        if let Some(description) = patch.description {
            agent.description = fields::tidy(description);
        }
        if let Some(instructions) = patch.instructions {
            agent.instructions = instructions;
        }
        if let Some(model) = patch.model {
            agent.model = model;
        }
        if let Some(name) = patch.name {
            name.trim().clone_into(&mut agent.name);
        }
        agent.updated_at = self.clock.now();

        let writing = self.listed.writing();
        if !self.store.update(agent.clone()).await? {
            return Err(not_found(id));
        }
        drop(writing);
        Ok(self.with_model(agent))
    }

    async fn delete(&self, id: &AgentId) -> Result<(), Error> {
        let _writing = self.listed.writing();
        if self.store.delete(id).await? {
            Ok(())
        } else {
            Err(not_found(id))
        }
    }

    async fn stream(
        &self,
        request: ChatRequest,
    ) -> Result<BoxStream<'static, Result<ChatChunk, Error>>, Error> {
        self.chat(request).await
    }

    fn models(&self) -> Vec<ModelCard> {
        self.models.cards().to_vec()
    }

    fn threads(&self) -> &dyn ThreadStore {
        &*self.threads
    }
}

fn not_found(id: &AgentId) -> Error {
    Error::new(ErrorKind::NotFound, format!("there is no agent `{id}`"))
}
