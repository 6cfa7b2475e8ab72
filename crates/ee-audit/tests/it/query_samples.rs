//! Filters and events of every form.

use ee_audit::query::{Context, hostile_values};
use ee_core::{
    ActorKind, ActorType, AuditAction, AuditActor, AuditAi, AuditContext, AuditEvent, AuditField,
    AuditFilter, AuditOutcome, AuditResource, AuditStage, AuditTest, words_of,
};
use jiff::Timestamp;
use proptest::{collection::vec, option, prelude::*, sample::select};

pub(crate) fn context() -> Context {
    Context::new(now())
}

pub(crate) fn now() -> Timestamp {
    "2026-09-15T12:00:00Z".parse().unwrap()
}

/// What events have, or nearly.
const TEXTS: [&str; 34] = [
    "",
    "a",
    "ada",
    "Ada",
    "ada@example.com",
    "agent",
    "agents",
    "agents.create",
    "agents:create",
    "agents.",
    ".create",
    "apikey",
    "api-key",
    "user",
    "human",
    "h",
    "denied",
    "success",
    "result",
    "in",
    "10.0.0.1",
    "10.",
    "::1",
    "2001:DB8::1",
    "a,b",
    "a b",
    "*",
    "a*",
    "a\"b",
    "a\\b",
    "\\",
    "OR",
    "-a",
    "gpt-4",
];

const ADDRESSES: [&str; 6] = [
    "10.0.0.0",
    "10.0.0.1",
    "10.0.0.255",
    "10.255.255.255",
    "::1",
    "2001:db8::ffff",
];

fn text() -> impl Strategy<Value = String> {
    let hostile: Vec<String> = hostile_values()
        .into_iter()
        .filter(|text| text.len() <= 60 && !text.contains('\0'))
        .collect();
    prop_oneof![
        6 => select(TEXTS.as_slice()).prop_map(str::to_owned),
        1 => select(hostile),
        1 => "[^\0]{0,6}",
    ]
}

fn field_test() -> impl Strategy<Value = AuditFilter> {
    let how = select(vec![
        AuditTest::Is as fn(String) -> AuditTest,
        AuditTest::StartsWith,
        AuditTest::EndsWith,
    ]);
    (select(AuditField::ALL.as_slice()), text(), how).prop_map(|(field, text, how)| {
        // Addresses are compared without case, and filters hold them so.
        let text = if field == AuditField::Email {
            text.to_lowercase()
        } else {
            text
        };
        AuditFilter::Field(field, how(text))
    })
}

fn time() -> impl Strategy<Value = Timestamp> {
    let near = (-3_i64..3, 0..1_000_000_000_i32)
        .prop_map(|(seconds, nanos)| Timestamp::new(now().as_second() + seconds, nanos).unwrap());
    let far =
        (-62_167_219_200_i64..253_000_000_000).prop_map(|it| Timestamp::from_second(it).unwrap());
    prop_oneof![3 => near, 1 => far]
}

fn word() -> impl Strategy<Value = String> {
    let word = "[a-z0-9äß中]{1,4}";
    let known = select(vec!["ada", "create", "agent", "created", "or", ""]);
    prop_oneof![known.prop_map(str::to_owned), word].prop_filter("a word", |it| {
        it.is_empty() || words_of(it).eq([it.clone()])
    })
}

/// Makes filters of every form, also such as are not in normal form.
pub(crate) fn filter() -> impl Strategy<Value = AuditFilter> {
    // Both ends are of one family.
    let address = |family: std::ops::Range<usize>| {
        select(&ADDRESSES[family]).prop_map(|it| it.parse().unwrap())
    };
    let span = prop_oneof![
        (address(0..4), address(0..4)),
        (address(4..6), address(4..6)),
    ];
    let leaf = prop_oneof![
        6 => field_test(),
        1 => span.prop_map(|(first, last)| AuditFilter::Addresses { first, last }),
        1 => prop_oneof![0..3_u64, 0..=i64::MAX.unsigned_abs()].prop_map(AuditFilter::AtLeast),
        1 => time().prop_map(AuditFilter::Before),
        1 => time().prop_map(AuditFilter::Since),
        2 => vec(word(), 0..3).prop_map(AuditFilter::Words),
    ];
    leaf.prop_recursive(4, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(AuditFilter::All),
            vec(inner.clone(), 0..4).prop_map(AuditFilter::Any),
            inner.prop_map(|it| AuditFilter::Not(Box::new(it))),
        ]
    })
}

fn actor() -> impl Strategy<Value = AuditActor> {
    let actor_type = select(vec![ActorType::Apikey, ActorType::System, ActorType::User]);
    let ip = option::of(select(ADDRESSES.as_slice()));
    let kind = option::of(select(ActorKind::ALL.as_slice()));
    let texts = (
        text(),
        option::of(text()),
        option::of(text()),
        option::of(text()),
    );
    (actor_type, ip, kind, texts, vec(text(), 0..3)).prop_map(
        |(actor_type, ip, kind, (id, email, organization_id, session_id), roles)| {
            let mut actor = AuditActor::new(actor_type, id);
            actor.email = email;
            actor.ip = ip.map(|ip| ip.parse().unwrap());
            actor.kind = kind;
            actor.organization_id = organization_id;
            actor.roles = roles;
            actor.session_id = session_id;
            actor
        },
    )
}

/// Makes events that such filters fit, or nearly.
pub(crate) fn event() -> impl Strategy<Value = AuditEvent> {
    let action = select(vec!["agents.create", "agents.delete", "tools.execute", "a"]);
    let what = (action, select(AuditOutcome::ALL.as_slice()), any::<bool>());
    let resource = option::of((text(), text()));
    let more = (
        option::of((text(), option::of(text()))),
        vec(option::of(text()), 4),
    );
    (actor(), time(), what, resource, option::of(0..3_u64), more).prop_map(
        |(actor, at, (action, outcome, is_intent), resource, duration, (context, ai))| {
            let action = AuditAction::new(action).unwrap();
            let mut event = AuditEvent::new(at, actor, action, outcome);
            event.resource = resource.map(|(kind, id)| AuditResource::new(kind, id));
            event.duration = duration;
            if is_intent {
                event.stage = AuditStage::Intent;
            }
            event.context = context.map(|(request_id, trace_id)| {
                let method = "GET".to_owned();
                let mut context = AuditContext::new(request_id, method, "/".into(), 200);
                context.trace_id = trace_id;
                Box::new(context)
            });
            let mut of_model = AuditAi::default();
            let [agent_id, model, run_id, thread_id] = ai.try_into().unwrap();
            of_model.agent_id = agent_id;
            of_model.model = model;
            of_model.run_id = run_id;
            of_model.thread_id = thread_id;
            event.ai = Some(Box::new(of_model));
            event
        },
    )
}
