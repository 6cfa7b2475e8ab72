use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;
use ee_core::{
    AgentId, Error,
    storage::{AgentRecord, AgentStore, Change},
};

use super::{MemoryStore, read, taken, write};

pub(super) type Agents = HashMap<AgentId, AgentRecord>;

#[async_trait]
impl AgentStore for MemoryStore {
    async fn create(&self, agent: AgentRecord) -> Result<(), Error> {
        match write(&self.agents).entry(agent.id.clone()) {
            Entry::Occupied(_) => return Err(taken("an agent with this id exists already")),
            Entry::Vacant(entry) => drop(entry.insert(agent)),
        }
        self.hub.tell(&Change::Agents);
        Ok(())
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        Ok(read(&self.agents).get(id).cloned())
    }

    async fn list(&self) -> Result<Vec<AgentRecord>, Error> {
        let mut list: Vec<_> = read(&self.agents).values().cloned().collect();
        list.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        Ok(list)
    }

    async fn update(&self, agent: AgentRecord) -> Result<bool, Error> {
        let found = {
            let mut agents = write(&self.agents);
            let kept = agents.get_mut(&agent.id);
            kept.map(|kept| *kept = agent).is_some()
        };
        self.hub.tell(&Change::Agents);
        Ok(found)
    }

    async fn delete(&self, id: &AgentId) -> Result<bool, Error> {
        let found = write(&self.agents).remove(id).is_some();
        self.hub.tell(&Change::Agents);
        Ok(found)
    }
}
