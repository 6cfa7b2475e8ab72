//! Notifications, and those of our own that come back.

use std::{
    collections::HashMap,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use ee_core::storage::Change;
use ee_sql::Statement;

/// Most changes of one transaction that are told one by one.
const SINGLE: usize = 16;

/// Bytes that the text of a change can have: a notification holds 7,999.
const BYTES: usize = 7_900;

/// Most transactions that are waited for. Beyond it somebody is told twice.
const WAITED_FOR: usize = 10_000;

/// Knows which notifications of our own are still to come back, so that nobody here is told twice.
#[derive(Debug)]
pub(crate) struct Echoes {
    /// Tells this store from all others.
    name: String,
    next: AtomicU64,
    /// How many notifications of a transaction will come.
    waited_for: Mutex<HashMap<u64, usize>>,
}

impl Echoes {
    /// Takes a name that no other store has.
    pub(crate) fn new(name: String) -> Self {
        Self {
            name,
            next: AtomicU64::new(0),
            waited_for: Mutex::default(),
        }
    }

    /// Returns what tells other processes when the transaction is committed, and the number of the transaction. Its
    /// changes have to be told here by whoever asks, unless it is certain that there are none.
    pub(crate) fn send(&self, changes: &[Change]) -> (u64, Vec<Statement>) {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let mut texts: Vec<String> = changes.iter().map(ToString::to_string).collect();
        if texts.len() > SINGLE || texts.iter().any(|text| text.len() > BYTES) {
            texts = vec![Change::Everything.to_string()];
        }
        if !texts.is_empty() {
            let mut waited_for = self.lock();
            if waited_for.len() >= WAITED_FOR {
                waited_for.clear();
            }
            waited_for.insert(number, texts.len());
        }
        let notify = |text| {
            let payload = format!("@{}.{number} {text}", self.name);
            Statement::new("SELECT pg_notify('ee_changes', ?1)").bind(payload)
        };
        (number, texts.into_iter().map(notify).collect())
    }

    /// Returns what a notification tells, but nothing for one that is told by its sender here.
    pub(crate) fn receive(&self, payload: &str) -> Option<Change> {
        let text = match payload.strip_prefix('@').and_then(|it| it.split_once(' ')) {
            Some((from, text)) => {
                let own = from.strip_prefix(&self.name);
                let number = own.and_then(|it| it.strip_prefix('.')?.parse().ok());
                if number.is_some_and(|number| self.has_come_back(number)) {
                    return None;
                }
                text
            }
            // Sent by hand.
            None => payload,
        };
        // A newer version may tell what this one does not know.
        Some(text.parse().unwrap_or(Change::Everything))
    }

    /// Waits no longer for the notifications of a transaction: one that comes after all is told.
    pub(crate) fn forget(&self, number: u64) {
        self.lock().remove(&number);
    }

    /// Waits for none.
    pub(crate) fn forget_all(&self) {
        self.lock().clear();
    }

    fn has_come_back(&self, number: u64) -> bool {
        let mut waited_for = self.lock();
        let Some(left) = waited_for.get_mut(&number) else {
            return false;
        };
        *left -= 1;
        if *left == 0 {
            waited_for.remove(&number);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, usize>> {
        self.waited_for
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ee_sql::Value;

    use super::*;

    fn payloads(notifications: &[Statement]) -> Vec<String> {
        let payload = |statement: &Statement| match &statement.params[..] {
            [Value::Text(payload)] => payload.clone(),
            other => panic!("{other:?}"),
        };
        notifications.iter().map(payload).collect()
    }

    #[test]
    fn others_hear_what_we_send_and_we_do_not() {
        let (ours, theirs) = (Echoes::new("a".into()), Echoes::new("ab".into()));
        let changes = [Change::Roles, Change::User("x y".parse().unwrap())];

        let (_, notifications) = ours.send(&changes);

        for (payload, change) in payloads(&notifications).iter().zip(changes) {
            assert_eq!(theirs.receive(payload), Some(change));
            assert_eq!(ours.receive(payload), None);
        }
        assert!(ours.lock().is_empty());
    }

    #[test]
    fn what_is_not_waited_for_is_told() {
        let echoes = Echoes::new("a".into());
        let (number, notifications) = echoes.send(&[Change::Agents]);

        echoes.forget(number);

        let payload = &payloads(&notifications)[0];
        assert_eq!(echoes.receive(payload), Some(Change::Agents));
    }

    #[test]
    fn a_text_by_hand_and_one_that_is_not_known_are_told() {
        let echoes = Echoes::new("a".into());

        for (payload, change) in [
            ("roles", Change::Roles),
            ("@other.7 roles", Change::Roles),
            ("@other.7 something new", Change::Everything),
            ("", Change::Everything),
        ] {
            assert_eq!(echoes.receive(payload), Some(change), "{payload:?}");
        }
    }

    #[test]
    fn few_changes_are_told_one_by_one_and_many_as_everything() {
        let echoes = Echoes::new("a".into());

        assert_eq!(echoes.send(&[]).1.len(), 0);
        assert_eq!(echoes.send(&vec![Change::Roles; SINGLE]).1.len(), SINGLE);
        let (_, many) = echoes.send(&vec![Change::Roles; SINGLE + 1]);
        assert_eq!(payloads(&many), ["@a.2 everything"]);
    }

    #[test]
    fn no_more_are_waited_for_than_have_room() {
        let echoes = Echoes::new("a".into());
        for _ in 0..=WAITED_FOR {
            echoes.send(&[Change::Roles]);
        }

        assert_eq!(echoes.lock().len(), 1);
    }
}
