use std::{
    io,
    sync::{Arc, Mutex},
};

use ee_core::{
    ActorType, AuditAction, AuditActor, AuditEvent, AuditField, AuditFilter, AuditLogger as _,
    AuditOutcome, AuditResource, ErrorKind,
};
use ee_defaults::ConsoleAuditLogger;

use crate::doubles::run;

/// A writer that the test keeps a hand on; it takes `room` more bytes.
#[derive(Clone, Debug)]
struct Paper {
    room: Arc<Mutex<usize>>,
    text: Arc<Mutex<Vec<u8>>>,
}

impl Paper {
    fn new() -> Self {
        Self {
            room: Arc::new(Mutex::new(usize::MAX)),
            text: Arc::default(),
        }
    }

    fn text(&self) -> String {
        String::from_utf8(self.text.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut room = self.room.lock().unwrap();
        let taken = bytes.len().min(*room);
        if taken == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::StorageFull.into());
        }
        *room -= taken;
        self.text.lock().unwrap().extend(&bytes[..taken]);
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn event(action: AuditAction, outcome: AuditOutcome) -> AuditEvent {
    let at = "2026-01-02T03:04:05.6Z".parse().unwrap();
    AuditEvent::new(at, AuditActor::new(ActorType::User, "u1"), action, outcome)
}

fn logged(logger: &ConsoleAuditLogger, paper: &Paper, event: AuditEvent) -> String {
    paper.text.lock().unwrap().clear();
    run(logger.log(event)).unwrap();
    paper.text()
}

#[test]
fn a_line_has_time_mark_actor_action_resource_and_duration() {
    let paper = Paper::new();
    let logger = ConsoleAuditLogger::new(paper.clone());
    let mut full = event(AuditAction::AGENT_CREATE, AuditOutcome::Success);
    full.actor.email = Some("ada@example.com".into());
    full.resource = Some(AuditResource::new("agent", "a:1"));
    full.duration = Some(12);
    let mut system = event(AuditAction::SERVER_START, AuditOutcome::Failure);
    system.actor = AuditActor::system();

    assert_eq!(
        logged(&logger, &paper, full),
        "[audit] 2026-01-02T03:04:05.600Z ✓ user:ada@example.com agents.create on agent:a:1 (12ms)\n"
    );
    assert_eq!(
        logged(&logger, &paper, system),
        "[audit] 2026-01-02T03:04:05.600Z ✗ system:system server.start\n"
    );
    assert_eq!(
        logged(
            &logger,
            &paper,
            event(AuditAction::ACCESS_DENIED, AuditOutcome::Denied)
        ),
        "[audit] 2026-01-02T03:04:05.600Z ⊘ user:u1 auth.access.denied\n"
    );
}

#[test]
fn the_prefix_can_be_chosen_and_left_out() {
    let paper = Paper::new();
    let denied = || event(AuditAction::LOGOUT, AuditOutcome::Denied);

    let other = ConsoleAuditLogger::new(paper.clone()).prefix("eu-1");
    let none = ConsoleAuditLogger::new(paper.clone()).prefix("");

    assert!(logged(&other, &paper, denied()).starts_with("eu-1 2026-"));
    assert!(logged(&none, &paper, denied()).starts_with("2026-"));
}

#[test]
fn user_supplied_names_cannot_break_a_line_or_steer_a_terminal() {
    let forged = "x\r\n[audit] 2026 ✓ user:root\u{1b}[2J\u{9b}1m\u{202e}\u{2028}\0\u{7f}";
    let mut event = event(AuditAction::AGENT_DELETE, AuditOutcome::Denied);
    event.actor.email = Some(forged.into());
    event.actor.user_agent = Some(forged.into());
    event.resource = Some(AuditResource::new(forged, forged));
    event.reason = Some(forged.into());
    let paper = Paper::new();

    let pretty = logged(
        &ConsoleAuditLogger::new(paper.clone()),
        &paper,
        event.clone(),
    );
    let json = logged(
        &ConsoleAuditLogger::new(paper.clone()).json(),
        &paper,
        event,
    );

    for line in [&pretty, &json] {
        let body = line.strip_suffix('\n').unwrap();
        assert!(!body.contains(char::is_control), "{body:?}");
        assert!(!body.contains(['\u{202e}', '\u{2028}']), "{body:?}");
    }
    assert!(pretty.contains(r"user:x\r\n[audit] 2026 ✓ user:root\u{1b}[2J\u{9b}1m"));
    let read: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(read["actor"]["email"], forged);
    assert_eq!(read["resource"]["id"], forged);
}

#[test]
fn json_is_the_whole_event_on_one_line() {
    let paper = Paper::new();
    let logger = ConsoleAuditLogger::new(paper.clone()).json();
    let event = event(AuditAction::RUN_START, AuditOutcome::Success);

    let line = logged(&logger, &paper, event.clone());

    assert_eq!(
        line,
        format!("{}\n", serde_json::to_string(&event).unwrap())
    );
}

#[test]
fn the_filter_chooses_outcomes_and_actions() {
    let paper = Paper::new();
    let outcome = |text| AuditFilter::is(AuditField::Outcome, text);
    let filter = AuditFilter::All(vec![
        AuditFilter::Any(vec![outcome("denied"), outcome("failure")]),
        AuditFilter::Any(vec![
            AuditFilter::is(AuditField::Category, "agents"),
            AuditFilter::is(AuditField::Action, "auth.logout"),
        ]),
    ]);
    let logger = ConsoleAuditLogger::new(paper.clone()).filter(filter);

    let lines = [
        (AuditAction::AGENT_CREATE, AuditOutcome::Denied),
        (AuditAction::AGENT_CREATE, AuditOutcome::Success),
        (AuditAction::LOGOUT, AuditOutcome::Failure),
        (AuditAction::RUN_START, AuditOutcome::Denied),
    ]
    .map(|(action, outcome)| logged(&logger, &paper, event(action, outcome)).len());

    assert!(lines[0] > 0 && lines[2] > 0);
    assert_eq!((lines[1], lines[3]), (0, 0));
}

#[test]
fn a_line_that_cannot_be_written_is_an_error_and_spoils_no_other() {
    let paper = Paper::new();
    let logger = ConsoleAuditLogger::new(paper.clone()).prefix("p");
    let event = || event(AuditAction::LOGOUT, AuditOutcome::Success);
    *paper.room.lock().unwrap() = 10;

    let full = run(logger.log(event())).unwrap_err();
    *paper.room.lock().unwrap() = usize::MAX;
    run(logger.log(event())).unwrap();

    assert_eq!(full.kind(), ErrorKind::Unavailable);
    let text = paper.text();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(
        lines,
        [
            "p 2026-01-",
            "p 2026-01-02T03:04:05.600Z ✓ user:u1 auth.logout"
        ]
    );
}

#[test]
fn lines_of_many_threads_stay_whole() {
    let paper = Paper::new();
    let logger = ConsoleAuditLogger::new(paper.clone());

    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    run(logger.log(event(AuditAction::LOGOUT, AuditOutcome::Success))).unwrap();
                }
            });
        }
    });

    let text = paper.text();
    assert_eq!(text.lines().count(), 400);
    assert!(
        text.lines()
            .all(|line| line.ends_with("✓ user:u1 auth.logout"))
    );
}
