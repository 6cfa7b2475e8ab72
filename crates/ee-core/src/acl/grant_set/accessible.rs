//! Which things grants permit, in parts.

use std::sync::Arc;

use jiff::Timestamp;

use super::{GrantSet, Question, things::Ids};
use crate::storage::{Cursor, Effect, Listed};

impl GrantSet {
    /// Returns one part, in the order of their ids, of the things that the grants of all the sets together permit.
    pub fn accessible(
        sets: &[Arc<Self>],
        kind: &str,
        action: &str,
        now: Timestamp,
        cursor: &Cursor,
    ) -> Listed<String> {
        let question = Question::new(kind, action);
        let kinds = sets.iter().filter_map(|set| set.kind(question.kind));
        let after = cursor.after.as_deref();
        let mut rests: Vec<Ids<'_>> = kinds.map(|kind| kind.things.after(after)).collect();
        let one_more = (cursor.limit as usize).saturating_add(1);
        let mut rows = Vec::new();
        while rows.len() < one_more {
            let Some(id) = rests.iter().filter_map(Ids::first).min() else {
                break;
            };
            // `Deny` is the greater of the two.
            let effects = sets.iter().filter_map(|it| it.decides(&question, id, now));
            if effects.max() == Some(Effect::Allow) {
                rows.push(id.to_owned());
            }
            for rest in &mut rests {
                rest.skip(id);
            }
        }
        Listed::cut(rows, cursor.limit, String::clone)
    }
}
