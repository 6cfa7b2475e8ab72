//! Changes after which somebody must be refused who was let in before.

use processes::{Api, Ask, Credential, Installation};
use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

/// What everybody here asks for.
pub(crate) const WANTED: &str = "/api/agents/writer";

/// Something that takes somebody's right to be here.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    AccountDeleted,
    AccountDisabled,
    AllSessionsEnded,
    GrantForbids,
    GrantTakenBack,
    GroupLeft,
    KeyDeleted,
    KeyRotated,
    KeyScopesTaken,
    OtherSessionsEnded,
    RoleDeleted,
    RoleNarrowed,
    RoleTaken,
    SessionEnded,
    SignedOut,
}

/// A change that is ready to be made.
pub(crate) struct Ready {
    /// Who will be refused.
    pub(crate) credential: Credential,
    /// Makes the change.
    pub(crate) ask: Ask,
    /// The status that he will get.
    pub(crate) refused: u16,
    /// What brings back the state before.
    pub(crate) undo: Option<Ask>,
}

impl Ready {
    pub(crate) fn new(credential: Credential, ask: Ask, refused: u16) -> Self {
        Self {
            credential,
            ask,
            refused,
            undo: None,
        }
    }
}

impl Change {
    pub(crate) const ALL: [Self; 15] = [
        Self::AccountDeleted,
        Self::AccountDisabled,
        Self::AllSessionsEnded,
        Self::GrantForbids,
        Self::GrantTakenBack,
        Self::GroupLeft,
        Self::KeyDeleted,
        Self::KeyRotated,
        Self::KeyScopesTaken,
        Self::OtherSessionsEnded,
        Self::RoleDeleted,
        Self::RoleNarrowed,
        Self::RoleTaken,
        Self::SessionEnded,
        Self::SignedOut,
    ];

    /// Gives somebody the right that the change takes, on the server where it will be made.
    pub(crate) async fn prepare(self, installation: &Installation, api: &Api) -> Ready {
        let owner = Owner {
            api,
            credential: installation.owner(),
        };
        match self {
            Self::AccountDeleted | Self::AccountDisabled => owner.account(self).await,
            Self::AllSessionsEnded
            | Self::OtherSessionsEnded
            | Self::SessionEnded
            | Self::SignedOut => owner.session(self, installation.token("ada")).await,
            Self::GrantForbids => owner.grant_forbids(installation.token("ada")),
            Self::GrantTakenBack => owner.grant_taken_back(installation.token("bob")).await,
            Self::GroupLeft => owner.group_left(installation.token("bob")).await,
            Self::KeyDeleted | Self::KeyRotated | Self::KeyScopesTaken => owner.key(self).await,
            Self::RoleDeleted | Self::RoleNarrowed | Self::RoleTaken => {
                owner.role(self, installation.token("bob")).await
            }
        }
    }
}

/// Somebody who may do everything, at one server.
struct Owner<'a> {
    api: &'a Api,
    credential: Credential,
}

impl Owner<'_> {
    fn ask(&self, method: Method, path: &str) -> Ask {
        self.api.ask(method, path).by(&self.credential)
    }

    async fn make(&self, path: &str, body: Value) -> Value {
        self.ask(Method::POST, path).json(&body).done().await
    }

    /// Makes a service with a key, and returns its id, the key and the key's id and version.
    async fn service(&self) -> (String, Credential, String, u64) {
        let body = json!({ "kind": "service", "name": "Robot", "roles": ["developer"] });
        let service = self.make("/api/access/users", body).await;
        let id = text(&service["id"]);
        let body =
            json!({ "userId": id, "name": "Key", "scopes": ["agents:read", "agents:execute"] });
        let made = self.make("/api/access/keys", body).await;
        let version = made["key"]["version"].as_u64().unwrap();
        let key = Credential::Token(text(&made["secret"]));
        (id, key, text(&made["key"]["id"]), version)
    }

    async fn account(&self, change: Change) -> Ready {
        let (id, key, ..) = self.service().await;
        let path = format!("/api/access/users/{id}");
        let account = self.ask(Method::GET, &path).done().await;
        let version = account["version"].as_u64().unwrap();
        let ask = match change {
            Change::AccountDeleted => self.ask(Method::DELETE, &path),
            _ => self
                .ask(Method::PATCH, &path)
                .json(&json!({ "status": "disabled" })),
        };
        Ready::new(key, ask.if_match(version), 401)
    }

    async fn key(&self, change: Change) -> Ready {
        let (_, key, id, version) = self.service().await;
        let path = format!("/api/access/keys/{id}");
        let (ask, refused) = match change {
            Change::KeyDeleted => (self.ask(Method::DELETE, &path), 401),
            Change::KeyRotated => {
                let ask = self.ask(Method::POST, &format!("{path}/rotate"));
                (ask.json(&json!({})).if_match(version), 401)
            }
            _ => {
                let ask = self.ask(Method::PATCH, &path).if_match(version);
                (ask.json(&json!({ "scopes": ["memory:read"] })), 403)
            }
        };
        Ready::new(key, ask, refused)
    }

    async fn session(&self, change: Change, token: &str) -> Ready {
        let session = self.api.sign_in(token).await;
        let ask = match change {
            Change::AllSessionsEnded => self
                .ask(Method::DELETE, "/api/access/sessions")
                .query(&[("userId", "ada")]),
            Change::OtherSessionsEnded => {
                let another = self.api.sign_in(token).await;
                self.api.delete("/api/auth/sessions").by(&another)
            }
            Change::SessionEnded => {
                let list = self.api.get("/api/auth/sessions").by(&session).done().await;
                let items = list["items"].as_array().unwrap();
                let current = items.iter().find(|item| item["isCurrent"] == true).unwrap();
                let path = format!("/api/access/sessions/{}", text(&current["id"]));
                self.ask(Method::DELETE, &path)
            }
            _ => self.api.post("/api/auth/logout").by(&session),
        };
        Ready::new(session, ask, 401)
    }

    async fn role(&self, change: Change, token: &str) -> Ready {
        let name = format!("role-{}", Uuid::new_v4().simple());
        let path = format!("/api/access/roles/{name}");
        let body = |permissions: Value| json!({ "name": "Role", "permissions": permissions });
        let permissions = json!(["agents:read", "agents:execute"]);
        let revision = self.revision().await;
        let put = self.ask(Method::PUT, &path).if_match(revision);
        put.json(&body(permissions)).done().await;
        let assignment = json!({ "userId": "bob", "role": name });
        self.make("/api/access/assignments", assignment).await;
        let revision = self.revision().await;
        let ask = match change {
            Change::RoleDeleted => self.ask(Method::DELETE, &path).if_match(revision),
            Change::RoleNarrowed => {
                let put = self.ask(Method::PUT, &path).if_match(revision);
                put.json(&body(json!(["memory:read"])))
            }
            _ => {
                let ask = self.ask(Method::DELETE, "/api/access/assignments");
                ask.query(&[("userId", "bob"), ("role", &name)])
            }
        };
        Ready::new(Credential::Token(token.to_owned()), ask, 403)
    }

    async fn revision(&self) -> u64 {
        let roles = self.ask(Method::GET, "/api/access/roles").done().await;
        roles["revision"].as_u64().unwrap()
    }

    fn grant_forbids(&self, token: &str) -> Ready {
        let ask = self.ask(Method::POST, "/api/access/grants").json(&json!({
            "subject": { "type": "user", "id": "ada" },
            "resource": { "type": "agents", "id": "writer" },
            "actions": ["read", "execute"],
            "effect": "deny",
        }));
        let undo = self.ask(Method::DELETE, "/api/access/grants").query(&[
            ("subject", "user:ada"),
            ("resourceType", "agents"),
            ("resourceId", "writer"),
            ("effect", "deny"),
        ]);
        let ready = Ready::new(Credential::Token(token.to_owned()), ask, 403);
        Ready {
            undo: Some(undo),
            ..ready
        }
    }

    async fn grant_taken_back(&self, token: &str) -> Ready {
        self.grant("user", "bob").await;
        let ask = self.ask(Method::DELETE, "/api/access/grants").query(&[
            ("subject", "user:bob"),
            ("resourceType", "agents"),
            ("resourceId", "writer"),
        ]);
        Ready::new(Credential::Token(token.to_owned()), ask, 403)
    }

    async fn group_left(&self, token: &str) -> Ready {
        let group = self
            .make("/api/access/groups", json!({ "name": "Group" }))
            .await;
        let group = text(&group["id"]);
        self.grant("group", &group).await;
        let path = format!("/api/access/groups/{group}/members");
        self.make(&path, json!({ "userId": "bob" })).await;
        let ask = self.ask(Method::DELETE, &path).query(&[("userId", "bob")]);
        Ready::new(Credential::Token(token.to_owned()), ask, 403)
    }

    async fn grant(&self, kind: &str, id: &str) {
        let body = json!({
            "subject": { "type": kind, "id": id },
            "resource": { "type": "agents", "id": "writer" },
            "actions": ["read", "execute"],
        });
        self.make("/api/access/grants", body).await;
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}
