use std::sync::{Arc, atomic::Ordering};

use ee_core::{
    Clock as _, ErrorKind, NewSession, RequestHead, ServerCookie, Session, SessionId,
    SessionProvider as _, UserId,
};
use ee_defaults::{SessionLifetimes, StoreSessions};
use ee_testkit::TestClock;
use http::{HeaderMap, header};
use jiff::SignedDuration;
use serde_json::{Map, Value};

use crate::doubles::{Shelf, run};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);
const HOUR: SignedDuration = SignedDuration::from_hours(1);

struct Setup {
    clock: TestClock,
    sessions: StoreSessions,
    shelf: Arc<Shelf>,
}

impl Setup {
    fn new() -> Self {
        let (clock, shelf) = (TestClock::default(), Arc::new(Shelf::default()));
        let cookie = ServerCookie::secure_session();
        Self {
            sessions: StoreSessions::new(shelf.clone(), Arc::new(clock.clone()), cookie),
            clock,
            shelf,
        }
    }

    fn create(&self) -> Session {
        let user = UserId::new("ada").unwrap();
        run(self.sessions.create(NewSession::new(user.clone()))).unwrap()
    }

    fn validate(&self, id: &SessionId) -> Option<Session> {
        run(self.sessions.validate(id)).unwrap()
    }

    fn refresh(&self, id: &SessionId) -> Option<Session> {
        run(self.sessions.refresh(id)).unwrap()
    }
}

fn with(user: UserId, metadata: Map<String, Value>) -> NewSession {
    let mut new = NewSession::new(user);
    new.metadata = metadata;
    new
}

#[test]

fn a_session_is_found_by_its_id_and_stored_by_its_hash() {
    let setup = Setup::new();
    let user = UserId::new("ada").unwrap();
    let metadata = Map::from_iter([("device".to_owned(), "laptop".into())]);

    let created = run(setup.sessions.create(with(user.clone(), metadata.clone()))).unwrap();
    let found = setup.validate(&created.id).unwrap();
    let stored = setup.shelf.only_record();

    assert_eq!(created.id.expose().len(), 43);
    assert_eq!((&found.user_id, &found.metadata), (&user, &metadata));
    assert_eq!(found.expires_at, setup.clock.now() + HOUR);
    assert_eq!(found.id.expose(), created.id.expose());
    assert_eq!(stored.hash, created.id.hash());
    assert!(!format!("{stored:?} {created:?}").contains(created.id.expose()));
    assert!(setup.validate(&SessionId::random().unwrap()).is_none());
}

#[test]
fn to_look_at_a_session_is_no_use_of_it() {
    let setup = Setup::new();
    let id = setup.create().id;
    let peek = || run(setup.sessions.peek(&id)).unwrap();

    for _ in 0..59 {
        setup.clock.advance(MINUTE);
        assert!(peek().is_some());
    }

    setup.clock.advance(MINUTE);
    assert!(peek().is_none() && setup.validate(&id).is_none());
}

#[test]
fn use_prolongs_a_session_up_to_its_absolute_end() {
    let setup = Setup::new();
    let id = setup.create().id;

    for _ in 0..14 {
        setup.clock.advance(50 * MINUTE);
        assert!(setup.validate(&id).is_some());
    }
    let last = setup.validate(&id).unwrap();
    assert_eq!(last.expires_at, last.created_at + 12 * HOUR);

    setup.clock.advance(20 * MINUTE);
    assert!(setup.validate(&id).is_none());
    assert!(setup.shelf.records.lock().unwrap().is_empty());
}

#[test]
fn an_unused_session_is_over_after_an_hour_and_forgotten() {
    let setup = Setup::new();
    let id = setup.create().id;

    setup.clock.advance(HOUR - SignedDuration::from_millis(1));
    assert!(setup.validate(&id).is_some());
    setup.clock.advance(HOUR);
    assert!(setup.validate(&id).is_none());
    assert!(setup.shelf.records.lock().unwrap().is_empty());
}

#[test]
fn use_is_written_down_once_a_minute() {
    let setup = Setup::new();
    let id = setup.create().id;
    let touches = || setup.shelf.touches.load(Ordering::Relaxed);

    for _ in 0..59 {
        setup.clock.advance(SignedDuration::from_secs(1));
        setup.validate(&id).unwrap();
    }
    assert_eq!(touches(), 0);

    setup.clock.advance(SignedDuration::from_secs(1));
    for _ in 0..3 {
        setup.validate(&id).unwrap();
    }
    assert_eq!(touches(), 1);
    assert_eq!(setup.shelf.only_record().last_seen_at, setup.clock.now());
}

#[test]
fn a_clock_set_back_lengthens_nothing_and_writes_nothing() {
    let setup = Setup::new();
    let created = setup.create();
    setup.clock.advance(30 * MINUTE);
    let before = setup.validate(&created.id).unwrap();

    setup.clock.advance(-10 * HOUR);
    let after = setup.validate(&created.id).unwrap();
    let refreshed = setup.refresh(&created.id).unwrap();

    assert_eq!(after.expires_at, before.expires_at);
    assert_eq!(setup.shelf.touches.load(Ordering::Relaxed), 1);
    let absolute = setup.shelf.only_record().absolute_until;
    assert_eq!(absolute, created.created_at + 12 * HOUR);
    assert!(refreshed.expires_at <= absolute);

    setup.clock.advance(22 * HOUR);
    assert!(setup.validate(&refreshed.id).is_none());
}

#[test]
fn signing_out_is_final() {
    let setup = Setup::new();
    let id = setup.create().id;

    run(setup.sessions.destroy(&id)).unwrap();
    run(setup.sessions.destroy(&id)).unwrap();

    assert!(setup.validate(&id).is_none());
    assert!(setup.refresh(&id).is_none());
}

#[test]
fn a_refresh_changes_the_id_and_ends_the_old_one_at_once() {
    let setup = Setup::new();
    let old = setup.create();
    setup.clock.advance(30 * MINUTE);

    let new = setup.refresh(&old.id).unwrap();

    assert_ne!(new.id.expose(), old.id.expose());
    assert!(setup.validate(&old.id).is_none());
    assert!(setup.refresh(&old.id).is_none());
    let found = setup.validate(&new.id).unwrap();
    assert_eq!(found.created_at, old.created_at);
    assert_eq!(found.expires_at, old.expires_at + 30 * MINUTE);
    assert_eq!(setup.shelf.only_record().hash, new.id.hash());
}

#[test]
fn refreshing_does_not_move_the_absolute_end() {
    let setup = Setup::new();
    let mut session = setup.create();
    let end = session.created_at + 12 * HOUR;

    while let Some(next) = setup.refresh(&session.id) {
        assert!(next.expires_at <= end);
        session = next;
        setup.clock.advance(50 * MINUTE);
    }
    assert!(setup.clock.now().duration_since(end) < 50 * MINUTE);
}

#[test]
fn a_broken_store_is_an_error_and_never_a_session() {
    let setup = Setup::new();
    let id = setup.create().id;
    setup.shelf.broken.store(true, Ordering::Relaxed);

    for kind in [
        run(setup.sessions.validate(&id)).unwrap_err().kind(),
        run(setup.sessions.refresh(&id)).unwrap_err().kind(),
        run(setup.sessions.destroy(&id)).unwrap_err().kind(),
    ] {
        assert_eq!(kind, ErrorKind::Unavailable);
    }
}

#[test]
fn the_cookie_lives_as_long_as_the_session_can() {
    let setup = Setup::new();
    let session = setup.create();
    setup.clock.advance(HOUR / 2);
    let session = setup.refresh(&session.id).unwrap();

    let set = setup.sessions.headers(&session);
    let clear = setup.sessions.clear_headers();

    let id = session.id.expose();
    assert_eq!(
        set,
        [&format!(
            "__Host-ee_session={id}; HttpOnly; SameSite=Lax; Path=/; Max-Age=41400; Secure"
        )]
    );
    assert_eq!(
        clear,
        ["__Host-ee_session=; HttpOnly; SameSite=Lax; Path=/; Max-Age=0; Secure"]
    );
}

#[test]
fn the_id_is_read_from_the_cookie_alone() {
    let setup = Setup::new();
    let read = |cookie: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(header::COOKIE, cookie.parse().unwrap());
        let head = RequestHead::new(&headers, None);
        setup
            .sessions
            .id_from_request(&head)
            .map(|id| id.map(|id| id.expose().to_owned()))
    };

    assert_eq!(
        read("a=b; __Host-ee_session=abc").unwrap().as_deref(),
        Some("abc")
    );
    assert_eq!(read("ee_session=abc").unwrap(), None);
    assert_eq!(
        read("__Host-ee_session=a%20b").unwrap_err().kind(),
        ErrorKind::Unauthenticated
    );
}

#[test]
fn lifetimes_can_be_chosen() {
    let setup = Setup::new();
    let cookie = ServerCookie::loopback_session();
    let sessions = StoreSessions::new(setup.shelf.clone(), Arc::new(setup.clock.clone()), cookie)
        .lifetimes(SessionLifetimes::REMEMBERED);

    let session = run(sessions.create(NewSession::new(UserId::new("ada").unwrap()))).unwrap();

    assert_eq!(session.expires_at, session.created_at + 24 * HOUR);
}
