//! The end of a verification.

use ee_core::AuditHead;

use super::{
    super::{
        labels::Label,
        report::{List, Report, Subject, Verdict, VerdictKind},
        walk::Step,
    },
    LARGEST, LogVerifier, numbers,
};
use crate::integrity::CHECKPOINT_EVENTS;

/// A tail of the log that is longer should have got a checkpoint.
const LONGEST_TAIL: u64 = 2 * CHECKPOINT_EVENTS;

impl LogVerifier {
    /// Ends the log, where the store says that it ends, if it says so.
    pub fn finish(mut self, head: Option<&AuditHead>) -> Report {
        self.ask();
        let finding = self.walk.end(head.map(AuditHead::chain));
        self.take(Step {
            findings: finding.into_iter().collect(),
            ..Step::default()
        });
        if let Some(head) = head {
            self.end_at(head);
        }
        let end = head.map_or(0, AuditHead::size).min(LARGEST);
        let size = self.walk.size().max(end);
        let (covered, verdicts) = self.witnesses.judge(self.start, size);
        self.verdicts.extend(verdicts);
        for node in std::mem::take(&mut self.wrong_nodes) {
            let detail = "a subtree is not what it is over";
            let kind = VerdictKind::HashMismatch;
            self.add(kind, Subject::Node, numbers(&node), detail);
        }
        self.explain();
        if self.sample.is_none() {
            self.settle_claims();
            if covered < size {
                let detail = match self.walk.lost() {
                    Some(_) => "the tree cannot be computed past what is wrong",
                    None => "",
                };
                let range = (covered + 1, size);
                self.add(
                    VerdictKind::NotYetCovered,
                    Subject::Checkpoint,
                    range,
                    detail,
                );
            }
        }
        self.into_report(covered)
    }

    /// Compares with where the store says that the log ends.
    fn end_at(&mut self, head: &AuditHead) {
        let size = self.walk.size();
        if head.size() > size && head.size() <= LARGEST {
            // Rows that were moved have numbers of their own.
            let to = self.next + (head.size() - size) - 1;
            return self.skip(to);
        }
        let range = (head.size(), head.size());
        if head.size() < size {
            let range = (head.size() + 1, size);
            let detail = "the store says that the log ends before it";
            self.add(VerdictKind::Inserted, Subject::Event, range, detail);
        } else if head.size() > LARGEST {
            self.add(
                VerdictKind::HashMismatch,
                Subject::Head,
                range,
                "no log is so long",
            );
        } else if head.chain() != self.walk.chain() {
            let detail = "the hash of everything is another one";
            self.add(VerdictKind::HashMismatch, Subject::Head, range, detail);
        } else if self.walk.tree().is_some_and(|tree| tree != head) {
            let detail = "the tree is another one";
            self.add(VerdictKind::HashMismatch, Subject::Head, range, detail);
        }
    }

    /// Finds better words for what is wrong.
    fn explain(&mut self) {
        for (copy, of) in self.suspects.copies().to_vec() {
            if self
                .labels
                .of(copy)
                .is_some_and(|it| it.kind.is_tampering())
            {
                let detail = format!("it is {of} again");
                let label = Label::new(VerdictKind::Duplicate, Subject::Event, detail);
                self.labels.set(copy, copy, label);
            }
        }
        for (first, second) in self.suspects.swapped(&self.partition) {
            self.label_swapped(first, second);
        }
    }

    /// What is missing without a recorded reason was taken away.
    fn settle_claims(&mut self) {
        self.claims.settle();
        let ranges = self.labels.ranges();
        let erased = ranges.filter(|range| range.2.kind == VerdictKind::PayloadErased);
        let gone = erased.map(|(from, to, _)| to - from + 1).sum();
        let mut wrong = Vec::new();
        for (from, to, label) in self.labels.ranges() {
            match label.kind {
                VerdictKind::PayloadPruned => {
                    let open = self.claims.not_pruned(from, to).into_iter();
                    let detail = "the event is gone, and the log does not say why";
                    let label = Label::new(VerdictKind::MissingSeq, Subject::Event, detail);
                    wrong.extend(open.map(|(from, to)| (from, to, label.clone())));
                }
                VerdictKind::PayloadErased => {
                    let detail = "values are gone, and the log does not say why";
                    let label = Label::new(VerdictKind::ColumnDiffers, Subject::Event, detail);
                    let open = self.claims.not_erased(from, to, gone);
                    wrong.extend(open.map(|(from, to)| (from, to, label)));
                }
                _ => {}
            }
        }
        for (from, to, label) in wrong {
            self.labels.set(from, to, label);
        }
    }

    fn into_report(self, covered: u64) -> Report {
        let mut list = List::default();
        let mut next = self.start + 1;
        let last = self.next - 1;
        let mut flagged = 0;
        for (from, to, label) in self.labels.ranges() {
            if next < from && self.sample.is_none() {
                list.add(Verdict::new(
                    VerdictKind::Ok,
                    Subject::Event,
                    (next, from - 1),
                    "",
                ));
            }
            let detail = label.detail.clone();
            list.add(Verdict::new(label.kind, label.subject, (from, to), detail));
            flagged += to - from + 1;
            next = to + 1;
        }
        if next <= last && self.sample.is_none() {
            list.add(Verdict::new(
                VerdictKind::Ok,
                Subject::Event,
                (next, last),
                "",
            ));
        }
        if let Some(sample) = self.sample {
            list.count(VerdictKind::Ok, sample.count.saturating_sub(flagged));
        }
        for verdict in self.verdicts {
            list.add(verdict);
        }
        let first = self
            .sample
            .map_or(self.start + 1, |it| it.first.min(self.next));
        let tail = last.saturating_sub(covered);
        let is_covered = tail == 0 || (covered > 0 && tail <= LONGEST_TAIL);
        let is_complete = is_covered || self.sample.is_some();
        list.into_report(self.partition, (first, last), covered, is_complete)
    }
}
