use ee::{
    AclManager as _, AclSubject, AgentId, Clock as _, GroupId, NewGrant, RbacManager as _,
    ResourceRef, Role, RoleId, UserId,
    host::{AgentHost as _, NewAgent},
    storage::{AccountKind, AccountRecord, AccountStore, Changed, Effect, GroupRecord, GroupStore},
};

use crate::TestServer;

/// People, groups, roles and grants that are there before the first request.
impl TestServer {
    /// Makes an account with these roles.
    pub async fn account(&self, id: &str, roles: &[&str]) -> UserId {
        let id: UserId = id.parse().unwrap();
        let account = AccountRecord::new(id.clone(), AccountKind::Person, self.clock.now());
        AccountStore::create(&*self.store, account).await.unwrap();
        for role in roles {
            self.assign(&id, role).await;
        }
        id
    }

    /// Gives somebody a role that he has not got.
    pub async fn assign(&self, user: &UserId, role: &str) {
        let role: RoleId = role.parse().unwrap();
        assert!(self.acl.assign(user, &role, None).await.unwrap());
    }

    /// Makes a role.
    pub async fn role(&self, id: &str, permissions: &[&str], inherits: &[&str]) {
        let permissions = permissions.iter().map(|text| text.parse().unwrap());
        let inherits = inherits.iter().map(|text| text.parse().unwrap());
        let role = Role::new(id.parse().unwrap(), id, permissions).inherits(inherits);
        let changed = self.acl.put(role, self.revision().await, None).await;
        assert_eq!(changed.unwrap(), Changed::Done);
    }

    /// Returns the revision of all roles.
    pub async fn revision(&self) -> u64 {
        self.access.rbac.book().await.unwrap().revision
    }

    /// Makes a group of these people.
    pub async fn group(&self, id: &str, members: &[&str]) -> GroupId {
        let id: GroupId = id.parse().unwrap();
        let group = GroupRecord::new(id.clone(), id.to_string(), self.clock.now());
        GroupStore::create(&*self.store, group).await.unwrap();
        for member in members {
            let member = member.parse().unwrap();
            assert!(self.store.add_member(&id, &member).await.unwrap());
        }
        id
    }

    /// Permits or forbids something to `user:ID`, `role:ID` or `group:ID`, with a thing as `agents/ID`.
    pub async fn grant(&self, subject: &str, thing: &str, actions: &[&str], effect: Effect) {
        let subject: AclSubject = subject.parse().unwrap();
        let (kind, id) = thing.split_once('/').unwrap();
        let resource = ResourceRef {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        let mut grant = NewGrant::new(subject, resource, actions.iter().map(ToString::to_string));
        grant.effect = effect;
        self.acl.grant(grant).await.unwrap();
    }

    /// Makes an agent.
    pub async fn agent(&self, id: &str) {
        let mut agent = NewAgent::default();
        agent.id = Some(AgentId::new(id).unwrap());
        agent.name = format!("Agent {id}");
        "Say little.".clone_into(&mut agent.instructions);
        self.agents.create(agent).await.unwrap();
    }
}
