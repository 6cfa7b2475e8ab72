//! One verdict for each number of a log, kept as ranges.

use std::borrow::Cow;

use super::report::{Subject, VerdictKind};

/// More different labels than these lose their words.
const MOST_LABELS: usize = 1_000;

/// What is said of a number.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Label {
    pub(super) kind: VerdictKind,
    pub(super) subject: Subject,
    pub(super) detail: Cow<'static, str>,
}

impl Label {
    pub(super) fn new(
        kind: VerdictKind,
        subject: Subject,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            subject,
            detail: detail.into(),
        }
    }

    /// There is no event. The end shows whether the log says why.
    pub(super) fn absent() -> Self {
        Self::new(VerdictKind::PayloadPruned, Subject::Event, "")
    }

    /// Values are gone. The end shows whether the log says why.
    pub(super) fn erased() -> Self {
        Self::new(VerdictKind::PayloadErased, Subject::Event, "")
    }
}

/// A range of numbers with one label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Run {
    from: u64,
    to: u64,
    label: u32,
}

/// Labels by number. What has none is well.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Labels {
    /// In order, without overlaps.
    runs: Vec<Run>,
    table: Vec<Label>,
}

impl Labels {
    /// Says something of a range, in place of what was said before.
    pub(super) fn set(&mut self, from: u64, to: u64, label: Label) {
        let label = self.id(label);
        if let Some(last) = self.runs.last_mut()
            && last.label == label
            && last.to.checked_add(1) == Some(from)
        {
            last.to = to;
            return;
        }
        self.splice(from, to, Some(Run { from, to, label }));
    }

    /// Takes back what was said of a range.
    pub(super) fn clear(&mut self, from: u64, to: u64) {
        self.splice(from, to, None);
    }

    fn splice(&mut self, from: u64, to: u64, new: Option<Run>) {
        let begin = self.runs.partition_point(|run| run.to < from);
        let end = self.runs.partition_point(|run| run.from <= to);
        let overlapped = self.runs.get(begin..end).unwrap_or_default();
        let head = overlapped.first().filter(|run| run.from < from);
        let head = head.map(|run| Run {
            to: from - 1,
            ..*run
        });
        let tail = overlapped.last().filter(|run| run.to > to);
        let tail = tail.map(|run| Run {
            from: to + 1,
            ..*run
        });
        let new = [head, new, tail];
        self.runs.splice(begin..end, new.into_iter().flatten());
    }

    /// Returns what is said of a number. `None`: all is well.
    pub(super) fn of(&self, seq: u64) -> Option<&Label> {
        let at = self.runs.partition_point(|run| run.to < seq);
        let run = self.runs.get(at).filter(|run| run.from <= seq)?;
        self.label(run.label)
    }

    /// Returns the ranges in order.
    pub(super) fn ranges(&self) -> impl Iterator<Item = (u64, u64, &Label)> {
        self.runs
            .iter()
            .filter_map(|run| Some((run.from, run.to, self.label(run.label)?)))
    }

    /// Looks up a label, or begins to use it.
    fn id(&mut self, label: Label) -> u32 {
        let at = self.table.iter().position(|known| *known == label);
        let at = at.unwrap_or_else(|| {
            if self.table.len() >= MOST_LABELS && !label.detail.is_empty() {
                let plain = Label::new(label.kind, label.subject, "");
                return self.id(plain) as usize;
            }
            self.table.push(label);
            self.table.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn label(&self, id: u32) -> Option<&Label> {
        self.table.get(usize::try_from(id).ok()?)
    }
}
