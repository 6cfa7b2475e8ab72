//! Rows of every domain, with values that a copy may mistake for something else.

use std::{collections::BTreeMap, fmt, time::Duration};

use ee::{
    AclSubject, PermissionPattern, ResourceRef, Role, RolesMark, TokenHash,
    sql::SqlStore,
    storage::{
        AccountKind, AccountRecord, AccountStore, AgentRecord, AgentStore, ApiKeyRecord,
        ApiKeyStore, AssignmentRecord, AssignmentStore, Changed, Effect, EndedSessionStore,
        ExternalIdentity, GrantRecord, GrantStore, GroupRecord, GroupStore, IdentityStore,
        MessageRecord, MessageRole, OneTimeToken, OneTimeTokenStore, PreviousHash, PreviousSecret,
        RoleRecord, RoleStore, RunRecord, RunStatus, RunStore, SessionRecord, SessionStore,
        SignInFlow, SignInFlowStore, StepRecord, ThreadRecord, ThreadStore, ThrottleStore,
        TokenPurpose, Totp, WorkflowRecord, WorkflowStep, WorkflowStore,
    },
};
use ee_testkit::{hard_metadata, hard_texts, hard_times};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{databases::Any, fill_record::record};

pub(crate) fn id<T: TryFrom<String>>(text: impl Into<String>) -> T
where
    T::Error: fmt::Debug,
{
    T::try_from(text.into()).unwrap()
}

pub(crate) fn now() -> Timestamp {
    "2026-01-01T12:00:00Z".parse().unwrap()
}

/// Values for the rows.
struct Samples {
    metadata: Map<String, Value>,
    texts: Vec<String>,
    times: Vec<Timestamp>,
}

impl Samples {
    /// Returns texts with the times, which begin anew where there are more texts.
    fn texts(&self) -> impl Iterator<Item = (usize, (String, Timestamp))> {
        let texts = self.texts.iter().cloned();
        texts.zip(self.times.iter().copied().cycle()).enumerate()
    }
}

/// Fills every table, also with texts of 100 KB.
pub(crate) async fn everything(store: &SqlStore<Any>) {
    let samples = Samples {
        metadata: hard_metadata(),
        texts: hard_texts(),
        times: hard_times(),
    };
    fill(store, &samples).await;
}

/// Fills every table with what is small.
pub(crate) async fn a_little_of_everything(store: &SqlStore<Any>) {
    let mut texts = hard_texts();
    texts.retain(|text| text.len() < 1_000);
    let samples = Samples {
        metadata: Map::from_iter([("ü".to_owned(), json!([null, 1.5]))]),
        texts,
        times: hard_times(),
    };
    fill(store, &samples).await;
}

async fn fill(store: &SqlStore<Any>, samples: &Samples) {
    accounts(store, samples).await;
    roles(store, samples).await;
    groups_and_grants(store, samples).await;
    keys(store, samples).await;
    sessions(store, samples).await;
    tokens_and_counts(store, samples).await;
    agents(store, samples).await;
    threads(store, samples).await;
    workflows_and_runs(store, samples).await;
    record(store, &samples.texts).await;
}

async fn accounts(store: &SqlStore<Any>, samples: &Samples) {
    let bare = AccountRecord::new(id("bare"), AccountKind::Service, now());
    AccountStore::create(store, bare).await.unwrap();
    for (number, (text, at)) in samples.texts() {
        let mut account = AccountRecord::new(id(format!("user-{number}")), AccountKind::Person, at);
        account.email = Some(format!("Übung+{number}@Example.com"));
        account.email_verified = number % 2 == 0;
        account.name = Some(text.clone());
        account.avatar_url = (number % 2 == 0).then(|| text.clone());
        account.password_hash = Some(format!("$argon2id$v=19${number}"));
        account.metadata = samples.metadata.clone();
        account.created_by = Some(id("bare"));
        account.last_sign_in_at = Some(at);
        account.credential_version = u64::try_from(i64::MAX).unwrap();
        account.version = u64::MAX;
        let mut totp = Totp::new(vec![0, 255, b'\'', 0]);
        totp.is_confirmed = number % 3 == 0;
        totp.last_step = 1 << 40;
        account.totp = (number % 2 == 1).then_some(totp);
        AccountStore::create(store, account).await.unwrap();
        let issuer = "https://idp.example.com/ä".to_owned();
        let user = id(format!("user-{number}"));
        // An index holds no subject of 100 KB.
        let subject = text.chars().take(200).collect();
        let identity = ExternalIdentity::new(issuer, subject, user, at);
        store.link(identity).await.unwrap();
    }
}

async fn roles(store: &SqlStore<Any>, samples: &Samples) {
    for (revision, text) in samples.texts.iter().cloned().enumerate() {
        let permissions = [
            "agents:read:a:b \"c\"".parse().unwrap(),
            PermissionPattern::EVERYTHING,
        ];
        let mut role = Role::new(id(format!("role-{revision}")), text.clone(), permissions);
        role.description = Some(text);
        let mut record = RoleRecord::new(role, now());
        record.updated_by = (revision % 2 == 0).then(|| id("anna"));
        let put = RoleStore::put(store, record, revision as u64).await;
        assert_eq!(put.unwrap(), Changed::Done);
    }
    let revision = store.book().await.unwrap().revision;
    let mapping = BTreeMap::from([(id("org:admin"), vec![id("role-1"), id("role-2")])]);
    let set = store.set_mapping(mapping, revision).await;
    assert_eq!(set.unwrap(), Changed::Done);
    for role in ["owner", "role-1"] {
        let mut assignment = AssignmentRecord::new(id("user-1"), id(role), now());
        assignment.assigned_by = (role == "owner").then(|| id("bare"));
        store.assign(assignment).await.unwrap();
    }
}

async fn groups_and_grants(store: &SqlStore<Any>, samples: &Samples) {
    let mut group = GroupRecord::new(id("ops"), "Bétrieb '\"".to_owned(), now());
    group.version = 1 << 62;
    GroupStore::create(store, group).await.unwrap();
    for user in ["user-1", "Ünïcode id", "a:b:c"] {
        store.add_member(&id("ops"), &id(user)).await.unwrap();
    }
    let subjects = [
        AclSubject::User(id("Ünïcode id")),
        AclSubject::Group(id("ops")),
        AclSubject::Role(id("role-1")),
    ];
    for (number, (subject, at)) in subjects
        .into_iter()
        .cycle()
        .zip(samples.times.iter().copied())
        .enumerate()
    {
        let resource = ResourceRef {
            kind: "agents".to_owned(),
            id: format!("agent '{number}' % _"),
        };
        let mut grant = GrantRecord::new(subject, resource, "*".to_owned(), at);
        grant.effect = [Effect::Allow, Effect::Deny][number % 2];
        grant.expires_at = (number % 2 == 0).then_some(at);
        grant.granted_by = (number % 3 == 0).then(|| id("anna"));
        GrantStore::put(store, vec![grant]).await.unwrap();
    }
}

async fn keys(store: &SqlStore<Any>, samples: &Samples) {
    for (number, text) in samples.texts.iter().cloned().enumerate() {
        let hash = TokenHash::of(&format!("key {number}"));
        let name = format!("key-{number}");
        let mut key = ApiKeyRecord::new(id(name), id("user-1"), text, hash, Vec::new(), now());
        if number % 2 == 0 {
            key.scopes = vec!["agents:read:ä".parse().unwrap()];
            key.addresses = vec!["2001:db8::/32".to_owned()];
            key.previous = Some(PreviousSecret {
                hash: TokenHash::of("before"),
                until: samples.times[3],
            });
            key.expires_at = Some(samples.times[6]);
        }
        ApiKeyStore::create(store, key).await.unwrap();
    }
}

async fn sessions(store: &SqlStore<Any>, samples: &Samples) {
    for (number, (text, at)) in samples.texts() {
        let mut session = session(&format!("session {number}"), at);
        session.metadata = samples.metadata.clone();
        session.device = Some(text);
        session.is_remembered = number % 2 == 0;
        session.credential_version = number as u64;
        session.previous = (number % 2 == 0).then(|| PreviousHash {
            hash: TokenHash::of(&format!("before session {number}")),
            until: at,
        });
        session.roles_mark = (number % 2 == 1).then(|| RolesMark::from_stored(u64::MAX));
        session.address = (number % 2 == 1).then(|| "2001:db8::ffff:1".parse().unwrap());
        SessionStore::create(store, session).await.unwrap();
    }
    store.end(&TokenHash::of("over"), now()).await.unwrap();
    let mut flow = SignInFlow::new(TokenHash::of("state"), TokenHash::of("browser"), now());
    "/studio?a='b'&ü".clone_into(&mut flow.return_to);
    SignInFlowStore::create(store, flow).await.unwrap();
}

pub(crate) fn session(secret: &str, at: Timestamp) -> SessionRecord {
    SessionRecord::new(TokenHash::of(secret), id("user-1"), at, at, at)
}

async fn tokens_and_counts(store: &SqlStore<Any>, samples: &Samples) {
    let tokens = samples
        .times
        .iter()
        .copied()
        .enumerate()
        .map(|(number, at)| {
            let hash = TokenHash::of(&format!("token {number}"));
            let mut token = OneTimeToken::new(TokenPurpose::Invitation, hash, at, at);
            token.data.clone_from(&samples.metadata);
            token.user_id = (number % 2 == 0).then(|| id("user-1"));
            token.created_by = (number % 2 == 1).then(|| id("anna"));
            token
        });
    OneTimeTokenStore::create(store, tokens.collect())
        .await
        .unwrap();
    for key in ["account user-1", "address 2001:db8::/64", ""] {
        store
            .count(key, now(), Duration::from_mins(1))
            .await
            .unwrap();
        store
            .count(key, now(), Duration::from_mins(1))
            .await
            .unwrap();
    }
}

async fn agents(store: &SqlStore<Any>, samples: &Samples) {
    for (number, (text, at)) in samples.texts() {
        let name = text.chars().take(100).collect();
        let model = "echo/dev".to_owned();
        let mut agent =
            AgentRecord::new(id(format!("agent-{number}")), name, text.clone(), model, at);
        agent.description = (number % 2 == 0).then_some(text);
        agent.created_by = (number % 3 == 0).then(|| id("anna"));
        AgentStore::create(store, agent, Some(&id("anna")))
            .await
            .unwrap();
    }
}

async fn threads(store: &SqlStore<Any>, samples: &Samples) {
    for thread in ["empty", "Ünïcode id", "last"] {
        let mut record = ThreadRecord::new(id(thread), id("anna"), String::new(), now());
        record.title = (thread == "last").then(|| "'; DROP TABLE ee_threads".to_owned());
        record.metadata = samples.metadata.clone();
        ThreadStore::create(store, record).await.unwrap();
    }
    for thread in ["Ünïcode id", "last", "Ünïcode id"] {
        let messages = samples.texts().map(|(number, (text, at))| {
            let role = [
                MessageRole::User,
                MessageRole::Assistant,
                MessageRole::System,
            ][number % 3];
            MessageRecord::new(id(format!("m{number}")), role, text, at)
        });
        store.append(&id(thread), messages.collect()).await.unwrap();
    }
    // Leaves a gap in the numbers.
    ThreadStore::delete(store, &id("last")).await.unwrap();
}

/// Adds a conversation of so many messages.
pub(crate) async fn messages(store: &SqlStore<Any>, count: u64, text: &str) {
    let name = format!("of {count}");
    let thread = ThreadRecord::new(id(name.clone()), id("anna"), String::new(), now());
    ThreadStore::create(store, thread).await.unwrap();
    let message = |number| {
        let text = format!("{number} {text}");
        MessageRecord::new(id(format!("m{number}")), MessageRole::User, text, now())
    };
    let messages = (0..count).map(message).collect();
    store.append(&id(name), messages).await.unwrap();
}

async fn workflows_and_runs(store: &SqlStore<Any>, samples: &Samples) {
    let steps = samples.texts.iter().cloned().map(|prompt| WorkflowStep {
        id: "step".to_owned(),
        agent_id: id("agent-1"),
        prompt,
    });
    let mut workflow = WorkflowRecord::new(
        id("briefing"),
        "Briefing".to_owned(),
        steps.collect(),
        now(),
    );
    workflow.input_schema = Some(json!({ "type": "object", "ü": samples.metadata.clone() }));
    WorkflowStore::create(store, workflow, None).await.unwrap();
    for (number, at) in samples.times.iter().copied().enumerate() {
        let mut step = StepRecord::pending("step".to_owned());
        step.output = Some(samples.texts.concat());
        step.started_at = Some(at);
        let name = format!("run-{number}");
        let mut run = RunRecord::new(id(name), id("briefing"), id("anna"), vec![step], at);
        run.status = [RunStatus::Success, RunStatus::Failed, RunStatus::Running][number % 3];
        run.input = samples.metadata.clone().into();
        run.output = (number % 2 == 0).then(|| json!(null));
        run.error = (number % 2 == 1).then(String::new);
        RunStore::create(store, run).await.unwrap();
    }
}
