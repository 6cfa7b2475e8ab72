//! Which things grants permit, in parts.

use std::sync::Arc;

use jiff::Timestamp;

use super::{GrantSet, Kind, Question};
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
        let mut rests: Vec<&[Arc<str>]> = kinds.map(|kind| kind.after(after)).collect();
        let one_more = (cursor.limit as usize).saturating_add(1);
        let mut rows = Vec::new();
        while rows.len() < one_more {
            let Some(id) = rests.iter().filter_map(|rest| rest.first()).min() else {
                break;
            };
            // `Deny` is the greater of the two.
            let effects = sets.iter().filter_map(|it| it.decides(&question, id, now));
            if effects.max() == Some(Effect::Allow) {
                rows.push(id.to_string());
            }
            let id = Arc::clone(id);
            for rest in &mut rests {
                if let Some((first, others)) = rest.split_first()
                    && *first == id
                {
                    *rest = others;
                }
            }
        }
        Listed::cut(rows, cursor.limit, String::clone)
    }
}

impl Kind {
    /// Returns the ids behind this one, in order.
    fn after(&self, after: Option<&str>) -> &[Arc<str>] {
        let sorted = self.sorted.get_or_init(|| {
            let mut ids: Vec<Arc<str>> = self.things.keys().cloned().collect();
            ids.sort_unstable();
            ids.into()
        });
        let from = after.map_or(0, |after| sorted.partition_point(|id| **id <= *after));
        sorted.get(from..).unwrap_or_default()
    }
}
