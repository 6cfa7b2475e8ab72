//! What a server remembers of a session that has two ids, while others end it.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use ee::{
    Error, RolesMark, TokenHash, UserId,
    access::{CachedSessions, StoreAccess},
    storage::{Cursor, Listed, SessionRecord, SessionRenewal, SessionStore},
};
use ee_testkit::TestClock;
use jiff::{SignedDuration, Timestamp};
use server_tests::TestStore;

/// A store where somebody ends a session as soon as it was read, before the reader gets it.
#[derive(Debug, Default)]
struct EndedMeanwhile {
    by: Mutex<Option<TokenHash>>,
    store: TestStore,
}

macro_rules! through {
    ($(fn $name:ident($($arg:ident: $kind:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl SessionStore for EndedMeanwhile {
            async fn find(&self, hash: &TokenHash) -> Result<Option<SessionRecord>, Error> {
                let found = SessionStore::find(&self.store, hash).await;
                let by = self.by.lock().unwrap().take();
                if let Some(by) = by {
                    assert!(SessionStore::delete(&self.store, &by).await.unwrap());
                }
                found
            }

            $(async fn $name(&self, $($arg: $kind),*) -> Result<$out, Error> {
                SessionStore::$name(&self.store, $($arg),*).await
            })*
        }
    };
}

through! {
    fn create(record: SessionRecord) -> ();
    fn touch(hash: &TokenHash, last_seen_at: Timestamp, idle_until: Timestamp) -> bool;
    fn renew(old: &TokenHash, renewal: &SessionRenewal) -> bool;
    fn replace(old: &TokenHash, record: SessionRecord) -> bool;
    fn list(user: Option<&UserId>, cursor: &Cursor) -> Listed<SessionRecord>;
    fn delete(hash: &TokenHash) -> bool;
    fn delete_for_user(user: &UserId, keep: Option<&TokenHash>) -> u64;
    fn trim(user: &UserId, most: u32) -> u64;
    fn purge_expired(now: Timestamp) -> u64;
}

#[tokio::test]
async fn nothing_of_a_session_is_remembered_that_was_ended_by_its_other_id() {
    let clock = TestClock::default();
    let now = ee::Clock::now(&clock);
    let (old, new) = (TokenHash::of("old"), TokenHash::of("new"));
    for round in 0..16 {
        let pick = |bit: u32| if round >> bit & 1 == 0 { old } else { new };
        let (asked, by) = (pick(0), pick(1));
        let (is_warm, is_late) = (round & 4 == 0, round & 8 == 0);
        let store = Arc::new(EndedMeanwhile::default());
        let epochs = StoreAccess::epochs_of(store.store.hub());
        let sessions =
            CachedSessions::new(Arc::clone(&store) as _, epochs, Arc::new(clock.clone()));
        let end = now + SignedDuration::from_hours(1);
        let record = SessionRecord::new(old, "ada".parse().unwrap(), now, end, end);
        sessions.create(record).await.unwrap();
        if is_warm {
            assert!(sessions.find(&old).await.unwrap().is_some());
        }
        let renewal = SessionRenewal {
            at: now,
            hash: new,
            // Also when the grace is over and the row still names both.
            previous_until: if is_late { now } else { end },
            roles_mark: RolesMark::of(&[]),
        };
        assert!(sessions.renew(&old, &renewal).await.unwrap());
        if is_warm {
            for hash in [&old, &new] {
                assert_eq!(sessions.find(hash).await.unwrap().unwrap().hash, new);
            }
            assert!(sessions.delete(&by).await.unwrap());
        } else {
            *store.by.lock().unwrap() = Some(by);
            assert!(sessions.find(&asked).await.unwrap().is_some());
        }

        for hash in [&asked, &old, &new] {
            let found = sessions.find(hash).await.unwrap();
            assert!(found.is_none(), "round {round}");
        }
    }
}
