//! Objects of the schema.

use std::net::IpAddr;

use ee_core::{ActorKind, ActorType, AuditActor, AuditResource};
use serde_json::{Map, Value, json};

use super::{Class, OTHER, Written};

/// Where a change of rights names them, in the metadata.
const PRIVILEGES: [&str; 4] = ["actions", "permissions", "role", "roles"];

/// Makes an object of what there is.
fn object<const N: usize>(members: [(&str, Option<Value>); N]) -> Value {
    let there = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect())
}

fn text(text: Option<&String>) -> Option<Value> {
    text.map(|text| Value::from(text.as_str()))
}

impl Written<'_> {
    /// Who acted, from where, by which request.
    pub(super) fn put_actor(&mut self, class: Class) {
        let actor = &self.event.actor;
        let session = actor.session_id.as_deref();
        let actor_object = object([
            ("session", session.map(|uid| json!({"uid": uid}))),
            ("user", Some(user(actor))),
        ]);
        if class == Class::ApplicationLifecycle {
            self.profiles.push("host");
        }
        self.put("actor", actor_object);
        self.written(&[
            "/actor/credentialId",
            "/actor/email",
            "/actor/id",
            "/actor/name",
            "/actor/organizationId",
            "/actor/sessionId",
        ]);
        if class != Class::ApplicationLifecycle {
            let endpoint = match actor.ip {
                Some(ip) => endpoint(ip),
                None => json!({"svc_name": self.product.name}),
            };
            self.put("src_endpoint", endpoint);
            self.written(&["/actor/ip"]);
        }
        if !matches!(class, Class::ApplicationLifecycle | Class::EventLogActivity) {
            self.put_http();
        }
    }

    fn put_http(&mut self) {
        let user_agent = text(self.event.actor.user_agent.as_ref());
        let Some(context) = &self.event.context else {
            return;
        };
        let request = object([
            ("http_method", Some(context.method.as_str().into())),
            ("uid", Some(context.request_id.as_str().into())),
            ("url", Some(json!({"path": context.route}))),
            ("user_agent", user_agent),
        ]);
        let status = context.status;
        self.put("http_request", request);
        self.written(&["/actor/userAgent", "/context/method", "/context/route"]);
        if status != 0 {
            self.put("http_response", json!({"code": status}));
            self.written(&["/context/status"]);
        }
    }

    pub(super) fn put_account(&mut self) {
        let account = self.event.resource.as_ref().filter(|it| it.kind == "user");
        let account = account.map_or_else(|| user(&self.event.actor), thing);
        self.put("user", account);
    }

    pub(super) fn put_authentication(&mut self) {
        let actor = &self.event.actor;
        self.put("user", user(actor));
        self.put("service", json!({"name": self.product.name}));
        if let Some(uid) = &actor.session_id {
            self.put("session", json!({"uid": uid}));
        }
        if self.event.action.as_str() == "auth.mfa.verify" {
            self.put("is_mfa", true);
        }
    }

    pub(super) fn put_api(&mut self) {
        let event = self.event;
        let context = event.context.as_ref();
        let api = object([
            ("operation", Some(event.action.as_str().into())),
            ("request", context.map(|it| json!({"uid": it.request_id}))),
            (
                "response",
                context
                    .filter(|it| it.status != 0)
                    .map(|it| json!({"code": it.status})),
            ),
            ("service", Some(json!({"name": self.product.name}))),
        ]);
        self.put("api", api);
        let affected = event.resource.iter().map(|it| (it, 1, "Target"));
        let resources = affected.chain(event.targets.iter().map(|it| (it, 4, "Related")));
        let resources: Vec<Value> = resources
            .map(|(it, id, role)| with_role(resource(it), id, role))
            .collect();
        if !resources.is_empty() {
            self.put("resources", resources);
            self.written(&["/resource", "/targets"]);
        }
        if let Some(uid) = context.and_then(|it| it.trace_id.as_ref()) {
            self.profiles.push("trace");
            self.put("trace", json!({"uid": uid}));
            self.written(&["/context/traceId"]);
        }
        self.put_model();
    }

    /// The profile has a place for the model and for tokens; everything else of a call stays unmapped.
    fn put_model(&mut self) {
        let Some(ai) = &self.event.ai else { return };
        let (Some(model), Some(provider)) = (&ai.model, &ai.provider) else {
            return;
        };
        let count = |tokens: Option<u64>| tokens.map(Value::from);
        let total = ai.prompt_tokens.zip(ai.completion_tokens);
        let message = object([
            ("completion_tokens", count(ai.completion_tokens)),
            ("prompt_tokens", count(ai.prompt_tokens)),
            ("service", Some(json!({"name": self.product.name}))),
            (
                "total_tokens",
                total.map(|(one, other)| one.saturating_add(other).into()),
            ),
            ("uid", text(ai.thread_id.as_ref())),
        ]);
        self.profiles.push("ai_operation");
        self.put("ai_model", json!({"ai_provider": provider, "name": model}));
        self.put("message_context", message);
        self.written(&[
            "/ai/completionTokens",
            "/ai/model",
            "/ai/promptTokens",
            "/ai/provider",
            "/ai/threadId",
        ]);
    }

    pub(super) fn put_entity(&mut self) {
        let entity = match &self.event.resource {
            Some(entity) => {
                let type_id = match &*entity.kind {
                    "user" => 2,
                    "group" => 3,
                    _ => OTHER,
                };
                let mut object = resource(entity);
                if let Value::Object(map) = &mut object {
                    map.insert("type_id".to_owned(), type_id.into());
                }
                object
            }
            None => json!({"name": self.event.action.category(), "type_id": 0}),
        };
        self.put("entity", entity);
        self.written(&["/resource"]);
    }

    pub(super) fn put_group(&mut self) {
        let group = self.event.resource.as_ref();
        self.put(
            "group",
            group.map_or_else(|| json!({"name": "unknown"}), thing),
        );
        if let Some(member) = self.event.metadata.get("userId").and_then(Value::as_str) {
            self.put("user", json!({"uid": member}));
        }
    }

    pub(super) fn put_access(&mut self) {
        let event = self.event;
        let (subject, thing_of) = match &event.resource {
            Some(user) if user.kind == "user" => (thing(user), None),
            other => {
                let subject = event.metadata.get("subject").and_then(Value::as_str);
                (json!({"uid": subject.unwrap_or("unknown")}), other.as_ref())
            }
        };
        self.put("user", subject);
        if let Some(granted) = thing_of {
            self.put("resources", vec![with_role(resource(granted), 1, "Target")]);
            self.written(&["/resource"]);
        }
        let named = PRIVILEGES
            .iter()
            .filter_map(|name| event.metadata.get(*name));
        let mut privileges = Vec::new();
        for value in named {
            match value {
                Value::Array(values) => {
                    privileges.extend(values.iter().filter(|it| it.is_string()).cloned());
                }
                Value::String(_) => privileges.push(value.clone()),
                _ => {}
            }
        }
        if privileges.is_empty() {
            privileges.push("unknown".into());
        }
        self.put("privileges", privileges);
    }

    pub(super) fn put_application(&mut self) {
        self.put(
            "app",
            json!({"name": self.product.name, "version": self.product.version}),
        );
    }

    pub(super) fn put_log(&mut self) {
        self.put("log_name", "audit");
        self.put("log_provider", self.product.name.as_str());
        self.put("log_type", "Application");
        self.put("log_type_id", 2);
    }
}

fn user(actor: &AuditActor) -> Value {
    let (type_id, kind) = match (actor.actor_type, actor.kind) {
        (
            _,
            Some(ActorKind::Agent | ActorKind::ApiKey | ActorKind::Scheduler | ActorKind::Service),
        )
        | (ActorType::Apikey, _) => (4, "Service"),
        (ActorType::System, _) => (3, "System"),
        _ => (1, "User"),
    };
    let name = actor.name.as_ref().or(actor.email.as_ref());
    object([
        ("credential_uid", text(actor.credential_id.as_ref())),
        ("email_addr", text(actor.email.as_ref())),
        ("name", Some(name.unwrap_or(&actor.id).as_str().into())),
        (
            "org",
            actor
                .organization_id
                .as_ref()
                .map(|uid| json!({"uid": uid})),
        ),
        ("type", Some(kind.into())),
        ("type_id", Some(type_id.into())),
        ("uid", Some(actor.id.as_str().into())),
    ])
}

fn endpoint(ip: IpAddr) -> Value {
    json!({"ip": ip.to_canonical().to_string()})
}

/// A user or a group that was acted upon.
fn thing(thing: &AuditResource) -> Value {
    object([
        ("name", text(thing.name.as_ref())),
        ("uid", Some(thing.id.as_str().into())),
    ])
}

fn resource(thing: &AuditResource) -> Value {
    object([
        ("name", text(thing.name.as_ref())),
        ("type", Some((&*thing.kind).into())),
        ("uid", Some(thing.id.as_str().into())),
    ])
}

fn with_role(mut resource: Value, id: u8, role: &str) -> Value {
    let members: Map<String, Value> = [("role", role.into()), ("role_id", id.into())]
        .map(|(name, value)| (name.to_owned(), value))
        .into_iter()
        .collect();
    if let Value::Object(map) = &mut resource {
        map.extend(members);
    }
    resource
}
