use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ee_core::{
    Clock as _, ErrorKind, NewSession, ServerCookie, Session, SessionId, SessionProvider as _,
    UserId,
};
use ee_defaults::{CookieSessions, SessionConfigError, SessionLifetimes};
use ee_testkit::TestClock;
use jiff::SignedDuration;
use secrecy::SecretString;
use serde_json::{Map, Value};

use crate::doubles::{Shelf, run};

const DAY: SignedDuration = SignedDuration::from_hours(24);
const FIRST: &str = "first secret, thirty-two bytes!!";
const SECOND: &str = "second secret of more than thirty-two bytes";

struct Setup {
    clock: TestClock,
    shelf: Arc<Shelf>,
}

impl Setup {
    fn new() -> Self {
        Self {
            clock: TestClock::default(),
            shelf: Arc::new(Shelf::default()),
        }
    }

    fn try_sessions(&self, secrets: &[&str]) -> Result<CookieSessions, SessionConfigError> {
        self.named(secrets, ServerCookie::secure_session())
    }

    fn named(
        &self,
        secrets: &[&str],
        cookie: ServerCookie,
    ) -> Result<CookieSessions, SessionConfigError> {
        let secrets: Vec<SecretString> = secrets.iter().map(|text| (*text).into()).collect();
        CookieSessions::new(
            &secrets,
            self.shelf.clone(),
            Arc::new(self.clock.clone()),
            cookie,
        )
    }

    fn sessions(&self, secrets: &[&str]) -> CookieSessions {
        self.try_sessions(secrets).unwrap()
    }
}

fn ada() -> UserId {
    UserId::new("ada").unwrap()
}

fn create(sessions: &CookieSessions) -> Session {
    run(sessions.create(NewSession::new(ada()))).unwrap()
}

fn validate(sessions: &CookieSessions, id: &SessionId) -> Option<Session> {
    run(sessions.validate(id)).unwrap()
}

fn is_live(sessions: &CookieSessions, text: &str) -> bool {
    SessionId::from_cookie(text).is_some_and(|id| validate(sessions, &id).is_some())
}

fn metadata(chars: usize) -> Map<String, Value> {
    Map::from_iter([("note".to_owned(), "x".repeat(chars).into())])
}

/// A generator that gives the same numbers in each run (Marsaglia's xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(end).unwrap()).unwrap()
    }
}

/// Phase 3: the cookie session works out of the box.
fn with(user: UserId, metadata: Map<String, Value>) -> NewSession {
    let mut new = NewSession::new(user);
    new.metadata = metadata;
    new
}

#[test]
fn p3_a_cookie_session_comes_back_as_it_was() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);

    let created = run(sessions.create(with(ada(), metadata(20)))).unwrap();
    let found = validate(&sessions, &created.id).unwrap();

    assert_eq!((found.user_id, found.metadata), (ada(), metadata(20)));
    assert_eq!(found.created_at, created.created_at);
    assert_eq!(found.expires_at, created.expires_at);
    assert_eq!(found.expires_at, setup.clock.now() + 7 * DAY);
    assert_eq!(found.id.expose(), created.id.expose());
}

#[test]
fn too_few_too_many_and_short_secrets_are_refused() {
    let setup = Setup::new();
    let refused = |secrets: &[&str]| setup.try_sessions(secrets).unwrap_err();

    assert_eq!(refused(&[]), SessionConfigError::NoSecret);
    assert_eq!(
        refused(&[FIRST, &"ü".repeat(15)]),
        SessionConfigError::ShortSecret {
            position: 2,
            bytes: 30
        }
    );
    assert_eq!(
        refused(&[FIRST; 17]),
        SessionConfigError::TooManySecrets { count: 17 }
    );
    let error = ee_core::Error::from(refused(&["short"]));
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert!(error.message().contains("32") && !error.message().contains("short"));
    assert!(!format!("{:?}", setup.sessions(&[FIRST])).contains("secret,"));
}

#[test]
fn the_cookie_does_not_show_what_it_says() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);
    let user = UserId::new("a-rather-long-and-telling-user-id").unwrap();
    let note = Map::from_iter([("department".to_owned(), "mergers".into())]);

    let text = run(sessions.create(with(user.clone(), note))).unwrap().id;
    let bytes = URL_SAFE_NO_PAD.decode(text.expose()).unwrap();

    for plain in ["telling-user", "department", "mergers"] {
        assert!(!text.expose().contains(plain));
        assert!(!bytes.windows(plain.len()).any(|at| at == plain.as_bytes()));
    }
    let again = run(sessions.create(NewSession::new(user.clone())))
        .unwrap()
        .id;
    assert_ne!(text.expose().get(4..20), again.expose().get(4..20));
}

#[test]
fn ten_thousand_mutations_are_no_session() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[SECOND, FIRST]);
    let good = run(setup.sessions(&[FIRST]).create(with(ada(), metadata(40))))
        .unwrap()
        .id;
    let good = good.expose();
    let bytes = URL_SAFE_NO_PAD.decode(good).unwrap();
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    assert!(is_live(&sessions, good));

    for round in 0..10_000 {
        let mut bad = bytes.clone();
        let at = dice.below(bad.len());
        let text = match round % 6 {
            0 => {
                bad[at] ^= 1 << dice.below(8);
                URL_SAFE_NO_PAD.encode(bad)
            }
            1 => {
                bad.truncate(at);
                URL_SAFE_NO_PAD.encode(bad)
            }
            2 => {
                bad.insert(at, u8::try_from(dice.below(256)).unwrap());
                URL_SAFE_NO_PAD.encode(bad)
            }
            3 => {
                bad.remove(at);
                URL_SAFE_NO_PAD.encode(bad)
            }
            4 => {
                let mut text = good.to_owned();
                let at = dice.below(text.len());
                let letter = URL_SAFE_NO_PAD.encode([u8::try_from(dice.below(256)).unwrap()]);
                text.replace_range(at..=at, &letter[..1]);
                text
            }
            _ => good[..dice.below(good.len())].to_owned(),
        };

        assert!(
            text == good || !is_live(&sessions, &text),
            "{round}: {text}"
        );
    }
}

#[test]
fn random_text_is_no_session() {
    let sessions = Setup::new().sessions(&[FIRST]);
    let mut dice = Dice(42);

    for length in (0..400).chain([2_850]) {
        let bytes: Vec<u8> = (0..length)
            .map(|_| u8::try_from(dice.below(256)).unwrap())
            .collect();
        assert!(!is_live(&sessions, &URL_SAFE_NO_PAD.encode(bytes)));
    }
    for text in ["A", "AQ", "AQA", "AQAA", "-", "____"] {
        assert!(!is_live(&sessions, text), "{text}");
    }
}

#[test]
fn a_cookie_of_another_key_or_another_name_is_no_session() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);
    let id = create(&sessions).id;
    let other_name = setup
        .named(&[FIRST], ServerCookie::loopback_session())
        .unwrap();

    assert!(validate(&setup.sessions(&[SECOND]), &id).is_none());
    assert!(validate(&other_name, &id).is_none());
    assert!(validate(&setup.sessions(&[FIRST]), &id).is_some());
}

#[test]
fn an_older_secret_opens_and_the_newest_seals() {
    let setup = Setup::new();
    let (before, during, after) = (
        setup.sessions(&[FIRST]),
        setup.sessions(&[SECOND, FIRST]),
        setup.sessions(&[SECOND]),
    );
    let old = create(&before);

    assert!(validate(&during, &old.id).is_some());
    assert!(validate(&after, &old.id).is_none());

    let new = run(during.refresh(&old.id)).unwrap().unwrap();
    assert!(validate(&after, &new.id).is_some());
    assert!(validate(&before, &new.id).is_none());
    assert_eq!(new.created_at, old.created_at);
}

/// Weakness 24 of the original: signing out ended nothing.
#[test]
fn a_replayed_cookie_is_refused_after_signing_out() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);
    let id = create(&sessions).id;
    let other = create(&sessions).id;

    run(sessions.destroy(&id)).unwrap();
    run(sessions.destroy(&SessionId::random().unwrap())).unwrap();

    assert!(validate(&sessions, &id).is_none());
    assert!(run(sessions.refresh(&id)).unwrap().is_none());
    assert!(validate(&sessions, &other).is_some());
    let ended = setup.shelf.ended.lock().unwrap();
    assert_eq!(
        ended.values().copied().collect::<Vec<_>>(),
        [setup.clock.now() + 7 * DAY]
    );
}

#[test]
fn a_refresh_ends_the_cookie_that_it_replaces() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);
    let old = create(&sessions);
    setup.clock.advance(3 * DAY);

    let new = run(sessions.refresh(&old.id)).unwrap().unwrap();

    assert!(validate(&sessions, &old.id).is_none());
    assert!(run(sessions.refresh(&old.id)).unwrap().is_none());
    assert_eq!(new.expires_at, old.expires_at + 3 * DAY);
    assert!(validate(&sessions, &new.id).is_some());
}

#[test]
fn a_session_expires_and_refreshing_has_an_end() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);
    let mut session = create(&sessions);
    let first = session.created_at;

    setup.clock.advance(7 * DAY - SignedDuration::from_secs(1));
    assert!(validate(&sessions, &session.id).is_some());
    while let Some(next) = run(sessions.refresh(&session.id)).unwrap() {
        session = next;
        setup.clock.advance(6 * DAY);
    }

    assert_eq!(session.expires_at, first + 30 * DAY);
    assert!(validate(&sessions, &session.id).is_none());
    setup.clock.advance(-2 * DAY);
    let shorter =
        SessionLifetimes::new(Duration::from_hours(24), Duration::from_hours(48)).unwrap();
    assert!(validate(&sessions.lifetimes(shorter), &session.id).is_none());
}

#[test]
fn a_cookie_never_outgrows_what_browsers_keep() {
    let sessions = Setup::new().sessions(&[FIRST]);
    let mut largest = 0;

    for chars in (2_000..4_000).step_by(50) {
        match run(sessions.create(with(ada(), metadata(chars)))) {
            Ok(session) => largest = largest.max(sessions.headers(&session)[0].len()),
            Err(err) => {
                assert_eq!(err.kind(), ErrorKind::Invalid);
                assert_eq!(err.issues()[0].field, "metadata");
            }
        }
    }

    assert!((3_700..=4_096).contains(&largest), "{largest}");
    let longest_user = UserId::new("ü".repeat(127)).unwrap();
    assert!(run(sessions.create(NewSession::new(longest_user.clone()))).is_ok());
}

#[test]
fn the_cookie_expires_with_the_session() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);
    let session = create(&sessions);
    setup.clock.advance(DAY);

    let set = sessions.headers(&session);

    let id = session.id.expose();
    let rest = "HttpOnly; SameSite=Lax; Path=/; Max-Age=518400; Secure";
    assert_eq!(set, [&format!("__Host-ee_session={id}; {rest}")]);
    setup.clock.advance(7 * DAY);
    assert!(
        sessions.headers(&session)[0]
            .to_str()
            .unwrap()
            .contains("Max-Age=0;")
    );
}

#[test]
fn without_the_list_of_ended_sessions_nobody_is_let_in() {
    let setup = Setup::new();
    let sessions = setup.sessions(&[FIRST]);
    let id = create(&sessions).id;
    setup.shelf.broken.store(true, Ordering::Relaxed);

    for kind in [
        run(sessions.validate(&id)).unwrap_err().kind(),
        run(sessions.refresh(&id)).unwrap_err().kind(),
        run(sessions.destroy(&id)).unwrap_err().kind(),
    ] {
        assert_eq!(kind, ErrorKind::Unavailable);
    }
}
