use std::collections::{HashMap, hash_map::Entry};

use async_trait::async_trait;
use ee_core::{
    AgentId, Error, Resource, UserId, Visible,
    storage::{AgentFilter, AgentRecord, AgentStore, Change, GrantRecord, Page, Paged},
};

use super::{MemoryStore, page_of, read, taken, thing, write};

pub(super) type Agents = HashMap<AgentId, AgentRecord>;

#[async_trait]
impl AgentStore for MemoryStore {
    async fn create(&self, agent: AgentRecord, owner: Option<&UserId>) -> Result<(), Error> {
        let (kind, now) = (Resource::Agents, agent.created_at);
        let grant = owner.map(|it| GrantRecord::of_owner(it, kind, agent.id.as_str(), now));
        let made;
        {
            let mut agents = write(&self.agents);
            let Entry::Vacant(entry) = agents.entry(agent.id.clone()) else {
                return Err(taken("an agent with this id exists already"));
            };
            self.own(grant);
            made = thing("agent", agent.id.as_str(), &agent.name);
            entry.insert(agent);
        }
        self.carry(Some(&made));
        self.hub.tell(&Change::Agents);
        self.tell_owner(owner);
        Ok(())
    }

    async fn find(&self, id: &AgentId) -> Result<Option<AgentRecord>, Error> {
        Ok(read(&self.agents).get(id).cloned())
    }

    async fn list(&self, visible: &Visible) -> Result<Vec<AgentRecord>, Error> {
        let agents = read(&self.agents);
        Ok(by_name(&agents, visible).into_iter().cloned().collect())
    }

    async fn page(&self, filter: &AgentFilter, page: Page) -> Result<Paged<AgentRecord>, Error> {
        let agents = read(&self.agents);
        let mut rows = by_name(&agents, &filter.visible);
        if let Some(part) = &filter.search {
            let part = part.to_ascii_lowercase();
            rows.retain(|agent| holds(agent, &filter.default_model, &part));
        }
        Ok(page_of(&rows, page))
    }

    async fn update(&self, agent: AgentRecord) -> Result<bool, Error> {
        let changed = thing("agent", agent.id.as_str(), &agent.name);
        let found = {
            let mut agents = write(&self.agents);
            let kept = agents.get_mut(&agent.id);
            kept.map(|kept| *kept = agent).is_some()
        };
        if found {
            self.carry(Some(&changed));
        }
        self.hub.tell(&Change::Agents);
        Ok(found)
    }

    async fn delete(&self, id: &AgentId) -> Result<bool, Error> {
        let found = {
            let mut agents = write(&self.agents);
            let found = agents.remove(id).is_some();
            if found {
                self.disown(Resource::Agents, id.as_str());
            }
            found
        };
        if found {
            self.carry(None);
            self.hub.tell(&Change::Agents);
            // Whose the grants were is not told one by one.
            self.hub.tell(&Change::Everything);
        }
        Ok(found)
    }
}

fn by_name<'a>(agents: &'a Agents, visible: &Visible) -> Vec<&'a AgentRecord> {
    let may_be_shown = |agent: &&AgentRecord| visible.contains(agent.id.as_str());
    let mut list: Vec<_> = agents.values().filter(may_be_shown).collect();
    list.sort_unstable_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    list
}

fn holds(agent: &AgentRecord, default_model: &str, part: &str) -> bool {
    let description = agent.description.as_deref().unwrap_or_default();
    let model = match &*agent.model {
        "" => default_model,
        model => model,
    };
    let mut texts = [&agent.name, description, agent.id.as_str(), model].into_iter();
    texts.any(|text| text.to_ascii_lowercase().contains(part))
}
