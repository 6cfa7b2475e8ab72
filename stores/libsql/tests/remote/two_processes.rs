//! Two stores on one server, as two processes have them.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use ee_core::{
    TokenHash,
    storage::{Change, ChangeListener, SessionStore},
};

use crate::scratch::{Scratch, session};

#[derive(Debug, Default)]
struct Heard(Mutex<Vec<Change>>);

impl ChangeListener for Heard {
    fn changed(&self, change: &Change) {
        self.0.lock().unwrap().push(change.clone());
    }
}

impl Heard {
    async fn within_a_second(&self, wanted: &Change) -> bool {
        let start = Instant::now();
        while start.elapsed() < Duration::from_secs(1) {
            if self.0.lock().unwrap().contains(wanted) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        false
    }

    fn forget(&self) {
        self.0.lock().unwrap().clear();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_changes_the_other_is_told_within_a_second() {
    let scratch = Scratch::new().await;
    let (here, there) = (scratch.open().await, scratch.open().await);
    let (heard_here, heard_there) = (Arc::new(Heard::default()), Arc::new(Heard::default()));
    here.hub().listen(Arc::clone(&heard_here) as _);
    there.hub().listen(Arc::clone(&heard_there) as _);
    SessionStore::create(&*here, session("a")).await.unwrap();

    for _ in 0..5 {
        heard_here.forget();
        heard_there.forget();
        here.delete(&TokenHash::of("a")).await.unwrap();
        // Before the answer.
        let own = Change::Session(TokenHash::of("a"));
        assert_eq!(*heard_here.0.lock().unwrap(), [own]);
        assert!(heard_there.within_a_second(&Change::Everything).await);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_nobody_can_look_everything_may_have_changed() {
    let mut scratch = Scratch::new().await;
    let store = scratch.open().await;
    let heard = Arc::new(Heard::default());
    store.hub().listen(Arc::clone(&heard) as _);

    scratch.server.stop().await;
    for _ in 0..3 {
        heard.forget();
        assert!(heard.within_a_second(&Change::Everything).await);
    }
    scratch.server.start_again().await;
    tokio::time::sleep(Duration::from_secs(1)).await;

    heard.forget();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(heard.0.lock().unwrap().is_empty());
}
