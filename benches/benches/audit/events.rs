//! Events as a busy server makes them.

use ee::{
    ActorKind, ActorType, AuditAction, AuditActor, AuditContext, AuditEvent, AuditOutcome,
    AuditResource, storage::AuditRecord,
};
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

const ACTIONS: [AuditAction; 8] = [
    AuditAction::AGENT_STREAM,
    AuditAction::AGENT_STREAM,
    AuditAction::AGENT_STREAM,
    AuditAction::THREAD_CREATE,
    AuditAction::LOGIN_CREDENTIALS,
    AuditAction::ROLE_ASSIGN,
    AuditAction::AGENT_UPDATE,
    AuditAction::GRANT_CREATE,
];

/// Numbers that look random and are the same in every run (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % sides
    }
}

/// When the first one happens: so many seconds apart, they fill a year.
fn start() -> Timestamp {
    Timestamp::from_second(1_767_225_600).unwrap()
}

/// When all of them are over.
pub(crate) fn end(count: usize) -> Timestamp {
    start() + SignedDuration::from_millis(apart(count) * i64::try_from(count).unwrap())
}

/// Milliseconds between two events.
fn apart(count: usize) -> i64 {
    365 * 24 * 3_600 * 1_000 / i64::try_from(count).unwrap()
}

/// Makes the events of a year.
pub(crate) fn year(count: usize) -> impl Iterator<Item = AuditRecord> {
    let mut dice = Dice(7);
    (0..count).map(move |number| {
        let passed = apart(count) * i64::try_from(number).unwrap();
        let at = start() + SignedDuration::from_millis(passed);
        AuditRecord::new(event(&mut dice, at)).unwrap()
    })
}

fn event(dice: &mut Dice, at: Timestamp) -> AuditEvent {
    let user = dice.roll(2_000);
    let mut actor = AuditActor::new(ActorType::User, format!("user-{user}"));
    actor.email = Some(format!("user-{user}@example.com"));
    actor.ip = Some(
        std::net::Ipv4Addr::from(0x0a00_0000 + u32::try_from(dice.roll(65_536)).unwrap()).into(),
    );
    actor.kind = Some(ActorKind::Human);
    actor.name = Some(format!("User {user}"));
    actor.roles = vec!["developer".to_owned()];
    actor.session_id = Some(format!("session-{}", dice.roll(50_000)));
    actor.user_agent = Some("Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0".to_owned());
    let action = ACTIONS[usize::try_from(dice.roll(8)).unwrap()].clone();
    let outcome = match dice.roll(50) {
        0 => AuditOutcome::Denied,
        1 => AuditOutcome::Failure,
        _ => AuditOutcome::Success,
    };
    let mut event = AuditEvent::new(at, actor, action, outcome);
    event.id = Uuid::from_u64_pair(
        u64::try_from(at.as_millisecond()).unwrap() << 16 | 0x7000 | dice.roll(4_096),
        1 << 63 | dice.roll(1 << 62),
    );
    event.resource = Some(AuditResource::new(
        "agent",
        format!("agent-{}", dice.roll(500)),
    ));
    event.duration = Some(dice.roll(4_000));
    event.context = Some(Box::new(AuditContext::new(
        format!("{:016x}-{:x}", 77, dice.roll(u64::MAX)),
        "POST".to_owned(),
        "/api/agents/{agentId}/stream".into(),
        200,
    )));
    if outcome != AuditOutcome::Success {
        event.reason = Some("Rate limit reached for this agent".to_owned());
    }
    event
        .metadata
        .insert("step".to_owned(), dice.roll(100).into());
    event
}
