use ee::{
    AclSubject, AuditOutcome, Clock as _, GroupId, KeyId, ResourceRef, Role, RoleId, TokenHash,
    UserId,
    server::Op,
    storage::{
        AccountKind, AccountRecord, AccountStore, ApiKeyRecord, ApiKeyStore, AssignmentRecord,
        AssignmentStore, Changed, GrantRecord, GrantStore, GroupRecord, GroupStore, RoleRecord,
        RoleStore, SessionRecord, SessionStore,
    },
};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::{TestServer, Who};

/// A user, a role, a group, a key, a session and a grant that were made for one request.
pub(crate) struct Seeds {
    agent: String,
    event: Option<String>,
    group: String,
    key: String,
    role: String,
    session: TokenHash,
    user: UserId,
}

impl Seeds {
    /// Makes what the operation is about; the session is one of `who` where it has to be the caller's own.
    pub(crate) async fn prepare(server: &TestServer, op: Op, who: Who) -> Self {
        let number = server.number();
        let mut seeds = Self {
            agent: format!("agent-{number}"),
            event: None,
            group: format!("group-{number}"),
            key: format!("key-{number}"),
            role: format!("role-{number}"),
            session: TokenHash::of(&format!("session {number}")),
            user: format!("user-{number}").parse().unwrap(),
        };
        let path = op.route().path;
        if path.starts_with("/api/access") {
            seeds.make_user(server).await;
            seeds.make_role(server).await;
            seeds.make_group(server, op).await;
            seeds.make_key(server).await;
            seeds.make_grant(server).await;
            seeds.make_session(server, seeds.user.clone()).await;
        }
        if path.starts_with("/api/audit") {
            let event = server.event("agents.create", AuditOutcome::Success);
            seeds.event = Some(server.keep(event).await);
            server.seal().await;
        }
        if path == "/api/auth/sessions/{sessionId}" {
            seeds.make_session(server, who.id().parse().unwrap()).await;
        }
        seeds
    }

    async fn make_user(&self, server: &TestServer) {
        let now = server.clock.now();
        let mut account = AccountRecord::new(self.user.clone(), AccountKind::Person, now);
        account.name = Some(format!("The {}", self.user));
        AccountStore::create(&*server.store, account).await.unwrap();
        let viewer: RoleId = "viewer".parse().unwrap();
        let assignment = AssignmentRecord::new(self.user.clone(), viewer, now);
        assert!(server.store.assign(assignment).await.unwrap());
    }

    async fn make_role(&self, server: &TestServer) {
        let grants = ["agents:read".parse().unwrap()];
        let role = Role::new(self.role.parse().unwrap(), "A role", grants);
        let record = RoleRecord::new(role, server.clock.now());
        let revision = server.store.book().await.unwrap().revision;
        let changed = RoleStore::put(&*server.store, record, revision).await;
        assert_eq!(changed.unwrap(), Changed::Done);
    }

    async fn make_group(&self, server: &TestServer, op: Op) {
        let id: GroupId = self.group.parse().unwrap();
        let group = GroupRecord::new(id.clone(), "A group".to_owned(), server.clock.now());
        GroupStore::create(&*server.store, group).await.unwrap();
        if op != Op::AddMember {
            assert!(server.store.add_member(&id, &self.user).await.unwrap());
        }
    }

    async fn make_key(&self, server: &TestServer) {
        let id: KeyId = self.key.parse().unwrap();
        let scopes = vec!["agents:read".parse().unwrap()];
        let hash = TokenHash::of(&self.key);
        let now = server.clock.now();
        let key = ApiKeyRecord::new(id, self.user.clone(), "A key".into(), hash, scopes, now);
        ApiKeyStore::create(&*server.store, key).await.unwrap();
    }

    async fn make_grant(&self, server: &TestServer) {
        let subject = AclSubject::User(self.user.clone());
        let resource = ResourceRef {
            kind: "agents".to_owned(),
            id: self.agent.clone(),
        };
        let grant = GrantRecord::new(subject, resource, "read".to_owned(), server.clock.now());
        GrantStore::put(&*server.store, vec![grant]).await.unwrap();
    }

    async fn make_session(&self, server: &TestServer, user: UserId) {
        let now = server.clock.now();
        let end = now + SignedDuration::from_hours(1);
        let record = SessionRecord::new(self.session, user, now, end, end);
        SessionStore::create(&*server.store, record).await.unwrap();
    }

    /// Fills in what the path names of them.
    pub(crate) fn path(&self, template: &str) -> String {
        let role = if template.starts_with("/api/access") {
            &self.role
        } else {
            "viewer"
        };
        template
            .replace("{eventId}", self.event.as_deref().unwrap_or("none"))
            .replace("{groupId}", &self.group)
            .replace("{invitationId}", "none")
            .replace("{keyId}", &self.key)
            .replace("{roleId}", role)
            .replace("{sessionId}", &self.session.to_text())
            .replace("{sinkName}", "siem")
            .replace("{userId}", self.user.as_str())
    }

    pub(crate) fn query(&self, op: Op) -> Option<String> {
        let (user, agent) = (&self.user, &self.agent);
        Some(match op {
            Op::AuditFacets | Op::AuditHistogram => "?from=-1d".to_owned(),
            Op::EndSessions | Op::RemoveMember => format!("?userId={user}"),
            Op::ListGrants => format!("?subject=user:{user}"),
            Op::Revoke => {
                format!("?subject=user:{user}&resourceType=agents&resourceId={agent}&actions=read")
            }
            // Without an end, it has none.
            Op::StreamAudit => "?after=0&limit=1".to_owned(),
            Op::Unassign => format!("?userId={user}&role=viewer"),
            _ => return None,
        })
    }

    pub(crate) fn body(&self, server: &TestServer, op: Op) -> Option<Value> {
        let name = format!("Made {}", server.number());
        Some(match op {
            Op::AddMember => json!({ "userId": self.user }),
            Op::Assign => json!({ "userId": self.user, "role": "member" }),
            Op::CreateGroup => json!({ "name": name, "description": "Some people" }),
            Op::CreateKey => json!({
                "userId": self.user,
                "name": name,
                "scopes": ["agents:read"],
                "addresses": ["203.0.113.0/24"],
                "mayActFor": [self.user],
                "expiresAt": "2026-06-01T00:00:00Z",
            }),
            Op::CreateUser => json!({
                "kind": "person",
                "email": format!("made-{}@example.com", server.number()),
                "name": name,
                "roles": ["viewer"],
            }),
            Op::Explain => json!({
                "userId": self.user,
                "permission": "agents:read",
                "resourceId": "writer",
            }),
            Op::Grant => json!({
                "subject": { "type": "user", "id": self.user },
                "resource": { "type": "agents", "id": "writer" },
                "actions": ["read"],
                "effect": "allow",
                "expiresAt": "2026-06-01T00:00:00Z",
            }),
            Op::HashAuditValue => json!({ "value": "ada@example.com" }),
            Op::PauseAuditSink => json!({ "reason": "under repair" }),
            Op::ReplayAuditSink => json!({ "from": 1, "to": 1 }),
            Op::PutRole => json!({
                "name": name,
                "description": "Looks at agents",
                "permissions": ["agents:read"],
                "inherits": ["viewer"],
            }),
            Op::RotateKey => json!({ "overlapSeconds": 60 }),
            Op::SetRoleMapping => json!({ "mapping": { "org:viewer": ["viewer"] } }),
            Op::UpdateGroup => json!({ "name": name, "description": "Other people" }),
            Op::UpdateKey => json!({
                "name": name,
                "scopes": ["agents:read:writer"],
                "addresses": [],
                "expiresAt": "2026-06-01T00:00:00Z",
            }),
            Op::UpdateUser => json!({
                "email": format!("{}@example.com", self.user),
                "name": name,
                "status": "active",
            }),
            _ => return None,
        })
    }

    pub(crate) async fn if_match(&self, server: &TestServer, op: Op) -> Option<u64> {
        match op {
            Op::DeleteGroup
            | Op::DeleteUser
            | Op::RotateKey
            | Op::UpdateGroup
            | Op::UpdateKey
            | Op::UpdateUser => Some(1),
            Op::DeleteRole | Op::PutRole | Op::SetRoleMapping => {
                Some(server.store.book().await.unwrap().revision)
            }
            _ => None,
        }
    }

    /// What the record says is acted upon, where that is known before.
    pub(crate) fn resource(&self, op: Op, who: Who) -> Option<String> {
        Some(match op {
            Op::Assign
            | Op::DeleteUser
            | Op::EndSession
            | Op::EndSessions
            | Op::Unassign
            | Op::UpdateUser => self.user.to_string(),
            Op::EndMyOtherSessions | Op::EndMySession => who.id().to_owned(),
            Op::DeleteRole | Op::PutRole => self.role.clone(),
            Op::AddMember | Op::DeleteGroup | Op::RemoveMember | Op::UpdateGroup => {
                self.group.clone()
            }
            Op::DeleteKey | Op::RotateKey | Op::UpdateKey => self.key.clone(),
            Op::Grant => "agents:writer".to_owned(),
            Op::PauseAuditSink | Op::ReplayAuditSink | Op::ResumeAuditSink | Op::TestAuditSink => {
                "siem".to_owned()
            }
            Op::Revoke => format!("agents:{}", self.agent),
            Op::SetRoleMapping => "roles".to_owned(),
            _ => return None,
        })
    }
}
