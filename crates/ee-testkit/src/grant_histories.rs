//! Random histories of a [`GrantStore`], each step of which is compared with a model that looks at every grant.

use std::{collections::BTreeMap, sync::Arc};

use ee_core::{
    AclSubject, ResourceRef,
    storage::{Cursor, Effect, GrantRecord, GrantStore},
};
use jiff::Timestamp;

use crate::{dice::Dice, listing::in_parts};

/// Makes the test of a [`GrantStore`] by random histories. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! grant_histories_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(grant_histories, $setup =>
            random_histories_are_what_a_naive_model_says,
        );
    };
}

/// How many histories a store goes through.
const HISTORIES: u64 = 250;

/// Where a grant is kept: one for each subject, thing, action and effect.
type Key = (String, String, String, Effect, String);

/// All grants, of which every question looks at each.
#[derive(Default)]
struct Model(BTreeMap<Key, GrantRecord>);

fn key(grant: &GrantRecord) -> Key {
    let ResourceRef { kind, id } = grant.resource.clone();
    let (subject, action) = (grant.subject.to_string(), grant.action.clone());
    (kind, id, subject, grant.effect, action)
}

impl Model {
    fn put(&mut self, grants: &[GrantRecord]) {
        let keyed = grants.iter().map(|grant| (key(grant), grant.clone()));
        self.0.extend(keyed);
    }

    fn remove(&mut self, over: impl Fn(&GrantRecord) -> bool) -> u64 {
        let before = self.0.len();
        self.0.retain(|_, grant| !over(grant));
        (before - self.0.len()) as u64
    }

    fn filter(&self, wanted: impl Fn(&GrantRecord) -> bool) -> Vec<GrantRecord> {
        let grants = self.0.values();
        grants.filter(|grant| wanted(grant)).cloned().collect()
    }

    fn accessible(
        &self,
        subjects: &[AclSubject],
        kind: &str,
        action: &str,
        now: Timestamp,
    ) -> Vec<String> {
        let counts = self.filter(|grant| {
            grant.resource.kind == kind
                && subjects.contains(&grant.subject)
                && grant.is_live(now)
                && grant.covers(action)
        });
        let ids = |effect| {
            let of_effect = counts.iter().filter(move |grant| grant.effect == effect);
            of_effect.map(|grant| &grant.resource.id)
        };
        let mut allowed: Vec<_> = ids(Effect::Allow)
            .filter(|id| ids(Effect::Deny).all(|denied| denied != *id))
            .cloned()
            .collect();
        allowed.sort();
        allowed.dedup();
        allowed
    }
}

/// One history: everything in it is drawn from a few, so that it meets itself often.
struct History<'a> {
    actions: [&'a str; 4],
    dice: Dice,
    ids: [&'a str; 7],
    kinds: [String; 2],
    subjects: Vec<AclSubject>,
}

impl History<'_> {
    fn new(number: u64) -> Self {
        let subjects = [
            "user:a",
            "user:a:b",
            "group:a",
            "group:it's \"",
            "role:a",
            "role:ä",
        ];
        Self {
            actions: ["read", "write", "Read", "*"],
            dice: Dice(number),
            ids: ["1", "2", "10", "a", "A", "x'\"y", "ä"],
            kinds: [format!("agents {number}"), format!("threads {number}")],
            subjects: subjects.map(|text| text.parse().unwrap()).into(),
        }
    }

    fn resource(&mut self) -> ResourceRef {
        let kind = self.dice.pick(&self.kinds).clone();
        let id = (*self.dice.pick(&self.ids)).to_owned();
        ResourceRef { kind, id }
    }

    fn grant(&mut self) -> GrantRecord {
        let subject = self.dice.pick(&self.subjects).clone();
        let action = (*self.dice.pick(&self.actions)).to_owned();
        let granted_at = self.dice.moment();
        let mut grant = GrantRecord::new(subject, self.resource(), action, granted_at);
        if self.dice.roll(4) == 0 {
            grant.effect = Effect::Deny;
        }
        if self.dice.roll(3) == 0 {
            grant.expires_at = Some(self.dice.moment());
        }
        grant
    }

    /// Changes store and model alike.
    async fn step(&mut self, store: &impl GrantStore, model: &mut Model) {
        match self.dice.roll(8) {
            0..=4 => {
                let count = 1 + self.dice.roll(8);
                let grants: Vec<_> = (0..count).map(|_| self.grant()).collect();
                model.put(&grants);
                store.put(grants).await.unwrap();
            }
            5 => {
                let GrantRecord {
                    subject,
                    resource,
                    effect,
                    ..
                } = self.grant();
                let actions = self.dice.some(&self.actions.map(str::to_owned), 2);
                let expected = model.remove(|grant| {
                    grant.subject == subject
                        && grant.resource == resource
                        && grant.effect == effect
                        && (actions.is_empty() || actions.contains(&grant.action))
                });
                let removed = store.remove(&subject, &resource, effect, &actions).await;
                assert_eq!(removed.unwrap(), expected);
            }
            6 => {
                let resource = self.resource();
                let expected = model.remove(|grant| grant.resource == resource);
                let removed = store.remove_resource(&resource).await.unwrap();
                assert_eq!(removed, expected);
            }
            _ => {
                let now = self.dice.moment();
                let expected = model.remove(|grant| !grant.is_live(now));
                assert_eq!(store.purge_grants(now).await.unwrap(), expected);
            }
        }
    }

    /// Asks store and model the same.
    async fn compare(&mut self, store: &impl GrantStore, model: &Model) {
        let limit = u32::try_from(1 + self.dice.roll(4)).unwrap();
        let subjects = self.dice.some(&self.subjects, 4);
        let kind = self.dice.pick(&self.kinds).clone();
        let (action, now) = (*self.dice.pick(&self.actions), self.dice.moment());
        let list = async |cursor: &Cursor| {
            store
                .accessible(&subjects, &kind, action, now, cursor)
                .await
        };
        let expected = model.accessible(&subjects, &kind, action, now);
        let ids = in_parts(limit, list).await;
        assert_eq!(ids, expected, "{subjects:?} {action} {now}");

        let resource = self.resource();
        let expected =
            model.filter(|grant| grant.resource == resource && subjects.contains(&grant.subject));
        let mut found = store.matching(&subjects, &resource).await.unwrap();
        found.sort_by_key(key);
        assert_eq!(found, expected);

        let expected = model.filter(|grant| grant.resource == resource);
        let list = async |cursor: &Cursor| store.on_resource(&resource, cursor).await;
        assert_eq!(in_parts(limit, list).await, expected);
    }
}

/// Whatever was granted, taken back and purged in whatever order: what may be used, what matches and what is listed is
/// what a look at every single grant says.
pub async fn random_histories_are_what_a_naive_model_says(store: Arc<impl GrantStore>) {
    let mut model = Model::default();
    for number in 0..HISTORIES {
        let mut history = History::new(number);
        for _ in 0..6 {
            history.step(&*store, &mut model).await;
            history.compare(&*store, &model).await;
        }
    }

    for subject in History::new(0).subjects {
        let expected = model.filter(|grant| grant.subject == subject);
        let list = async |cursor: &Cursor| store.of_subject(&subject, cursor).await;
        assert_eq!(in_parts(50, list).await, expected);
        let all = store
            .all_of_subject(&subject, u32::MAX)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(all.len(), expected.len());
    }
}
