//! The verification of one log, row by row.

mod finish;

use ee_core::{AUDIT_NODE_WIDTH, AuditHash, AuditHead, AuditNode, storage::AuditStoredLink};

use super::{
    claims::{Claim, Claims},
    labels::{Label, Labels},
    report::{Subject, Verdict, VerdictKind},
    row::{Link, LogRow, Payload},
    suspects::{Suspect, Suspects},
    walk::{Finding, Step, Walk},
    witness::{self, Witness, Witnesses},
};
use crate::integrity::{Pin, VerifierKeys};

/// No log is longer.
const LARGEST: u64 = 1 << 62;

/// Verifies a log whose rows come in order, from wherever, in constant memory but for what is wrong or missing.
///
/// For each row it compares the event with its hash, the hash with the chain, what is kept beside the event with the
/// event; and for the whole log its tree with every checkpoint, pin and anchor.
#[derive(Clone, Debug, PartialEq)]
pub struct LogVerifier {
    claims: Claims,
    labels: Labels,
    /// From which event on the tree is not known.
    lost: Option<u64>,
    /// Number of the next row.
    next: u64,
    nodes: Vec<AuditNode>,
    partition: String,
    /// How many events were verified, or left out, before.
    start: u64,
    suspects: Suspects,
    /// About other things than events.
    verdicts: Vec<Verdict>,
    walk: Walk,
    witnesses: Witnesses,
    /// Subtrees of which the store keeps something else.
    wrong_nodes: Vec<AuditNode>,
    sample: Option<Sample>,
}

/// What is counted of a choice of events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Sample {
    count: u64,
    first: u64,
}

impl LogVerifier {
    /// Begins with the first event of a log.
    pub fn new(partition: &str) -> Self {
        Self::resume(AuditHead::genesis(partition))
    }

    /// Begins behind a part that is known to be well.
    pub fn resume(head: AuditHead) -> Self {
        Self {
            claims: Claims::default(),
            labels: Labels::default(),
            lost: None,
            next: head.size().saturating_add(1),
            nodes: Vec::new(),
            partition: head.partition().to_owned(),
            sample: None,
            start: head.size(),
            suspects: Suspects::default(),
            verdicts: Vec::new(),
            walk: Walk::new(head),
            witnesses: Witnesses::default(),
            wrong_nodes: Vec::new(),
        }
    }

    /// Begins with a choice of the events of a log, in whatever order, without what binds them together. No more is shown
    /// than that each is what it was: what was left out cannot be told.
    pub fn sample(partition: &str) -> Self {
        let mut verifier = Self::new(partition);
        verifier.sample = Some(Sample {
            count: 0,
            first: u64::MAX,
        });
        verifier
    }

    /// Compares the log with a signed note of this origin: one that the store keeps for so many events, or one from
    /// elsewhere.
    pub fn compare_note(
        &mut self,
        note: &str,
        kept_for: Option<u64>,
        origin: &str,
        keys: &VerifierKeys,
    ) {
        let subject = kept_for.map_or(Subject::Anchor, |_| Subject::Checkpoint);
        let (witness, verdict) = witness::of_note(note, kept_for, subject, origin, keys);
        self.verdicts.extend(verdict);
        if let Some(witness) = witness {
            self.compare(witness);
        }
    }

    /// Compares the log with what this machine has seen of it.
    pub fn compare_pin(&mut self, pin: &Pin) {
        self.compare(Witness {
            chain: Some(pin.chain),
            is_signed: false,
            root: pin.root,
            size: pin.size,
            subject: Subject::Pin,
        });
    }

    fn compare(&mut self, witness: Witness) {
        // What lies before the start was compared when that was verified.
        if witness.size >= self.start {
            self.witnesses.add(witness);
        }
    }

    /// Takes note of a reason for missing things that is recorded elsewhere.
    pub fn allow(&mut self, claim: &Claim) {
        self.claims.add(claim, u64::MAX);
    }

    /// Adds what else is wrong with the store.
    pub(super) fn report(&mut self, verdict: Verdict) {
        self.verdicts.push(verdict);
    }

    /// Says that a store keeps something else than a subtree that follows from its rows.
    pub(super) fn report_node(&mut self, node: AuditNode) {
        self.wrong_nodes.push(node);
    }

    /// Looks at the next row.
    pub fn push(&mut self, row: LogRow) {
        self.ask();
        let seq = row.seq;
        if seq == 0 || seq > LARGEST {
            self.add(
                VerdictKind::Inserted,
                Subject::Event,
                (seq, seq),
                "no event has this number",
            );
            return;
        }
        if let Some(sample) = &mut self.sample {
            sample.count += 1;
            sample.first = sample.first.min(seq);
        } else if seq < self.next {
            return self.push_again(seq);
        }
        if seq > self.next {
            self.skip(seq - 1);
        }
        let leaf = row.payload.leaf();
        let is_sound = match (&row.link, leaf) {
            (Link::Kept(link), _) => self.push_linked(link, leaf, &row.payload),
            (Link::Leaf(link), _) => self.push_leaf(seq, *link, leaf),
            (Link::Absent, Some(leaf)) => {
                let step = self.walk.step_unlinked(leaf);
                self.take(step);
                let detail = "its hashes are gone";
                self.label(seq, VerdictKind::MissingSeq, Subject::Link, detail);
                false
            }
            (Link::Absent, None) => return self.skip(seq),
        };
        if is_sound {
            self.inspect(row);
        }
        self.next = self.next.max(seq + 1);
    }

    /// Looks at a row of which only the hash of the event is known.
    fn push_leaf(&mut self, seq: u64, link: AuditHash, leaf: Option<AuditHash>) -> bool {
        if seq == self.next {
            let step = self.walk.step_unlinked(leaf.unwrap_or(link));
            self.take(step);
        }
        let is_sound = leaf == Some(link);
        if !is_sound {
            let detail = "the event is not the one that was hashed";
            self.label(seq, VerdictKind::HashMismatch, Subject::Event, detail);
        }
        is_sound
    }

    /// Looks at the link of a row. Returns whether its event is the right one.
    fn push_linked(
        &mut self,
        link: &AuditStoredLink,
        leaf: Option<AuditHash>,
        payload: &Payload,
    ) -> bool {
        let is_sound = leaf == Some(link.leaf);
        let other = leaf.filter(|leaf| *leaf != link.leaf);
        let (before, number) = (self.walk.chain(), self.walk.size() + 1);
        let step = match other {
            Some(other) => {
                let leaves = [link.leaf, other];
                self.walk.step(link.seq, &leaves, link.chain, false)
            }
            None => self.walk.step(link.seq, &[link.leaf], link.chain, is_sound),
        };
        let fits = step.fits;
        self.take(step);
        if fits.is_none() || other.is_some() {
            self.suspects.add(Suspect {
                before,
                chain: link.chain,
                leaf: link.leaf,
                number,
                payload: leaf,
                seq: link.seq,
            });
        }
        match payload {
            Payload::Absent => self.labels.set(link.seq, link.seq, Label::absent()),
            Payload::Unreadable => {
                let detail = "the event cannot be read";
                self.label(link.seq, VerdictKind::HashMismatch, Subject::Event, detail);
            }
            Payload::Kept { .. } | Payload::Plain { .. } if is_sound => {}
            Payload::Kept { .. } | Payload::Plain { .. } if fits.is_some() && fits == leaf => {
                let detail = "the kept hash is not that of the event";
                self.label(link.seq, VerdictKind::HashMismatch, Subject::Link, detail);
            }
            Payload::Kept { .. } | Payload::Plain { .. } => {
                let detail = "the event is not the one that was hashed";
                self.label(link.seq, VerdictKind::HashMismatch, Subject::Event, detail);
            }
        }
        is_sound
    }

    fn inspect(&mut self, row: LogRow) {
        let id = match &row.link {
            Link::Kept(link) => Some(link.id),
            Link::Absent | Link::Leaf(_) => None,
        };
        let inspected = row.payload.inspect(id);
        if let Some(label) = inspected.label {
            self.labels.set(row.seq, row.seq, label);
        }
        if let Some((log, claims)) = inspected.claims
            && log.is_none_or(|log| log == self.partition)
        {
            for claim in &claims {
                self.claims.add(claim, row.seq);
            }
        }
    }

    /// A number that was there already.
    fn push_again(&mut self, seq: u64) {
        let known = self.labels.of(seq).map(|label| label.kind);
        if known == Some(VerdictKind::MissingSeq) {
            let detail = "it does not stand in the order of the numbers";
            self.label(seq, VerdictKind::Swapped, Subject::Event, detail);
        } else if known != Some(VerdictKind::Swapped) {
            let detail = "the number is there more than once";
            self.label(seq, VerdictKind::Duplicate, Subject::Event, detail);
        }
    }

    /// Goes on over numbers up to this one, of which there is nothing.
    fn skip(&mut self, to: u64) {
        let from = self.next;
        let finding = self.walk.skip(to - from + 1);
        self.take(Step {
            findings: finding.into_iter().collect(),
            ..Step::default()
        });
        if self.sample.is_none() {
            let label = Label::new(VerdictKind::MissingSeq, Subject::Link, "");
            self.labels.set(from, to, label);
        }
        self.next = to + 1;
    }

    /// Takes over what the chain shows.
    fn take(&mut self, step: Step) {
        for finding in step.findings {
            match finding {
                Finding::Changed { from, to } => self.labels.set(from, to, broken_chain()),
                Finding::Inserted { from, to } => {
                    let detail = "the log goes on from before it";
                    let label = Label::new(VerdictKind::Inserted, Subject::Event, detail);
                    self.labels.set(from, to, label);
                    self.take_back(self.walk.size());
                }
                Finding::Removed { from, to } => {
                    let detail = "later ones were moved up";
                    self.add(VerdictKind::MissingSeq, Subject::Link, (from, to), detail);
                }
                Finding::Swapped { first, second } => {
                    self.take_back(self.walk.size() - (second - first));
                    let innocent = (first..=second).filter(|seq| {
                        let label = self.labels.of(*seq);
                        label.is_some_and(|label| *label == broken_chain())
                    });
                    for seq in innocent.collect::<Vec<_>>() {
                        self.labels.clear(seq, seq);
                    }
                    self.label_swapped(first, second);
                }
            }
        }
        let lost = self.walk.lost();
        if lost != std::mem::replace(&mut self.lost, lost) {
            self.take_back(lost.unwrap_or(u64::MAX));
        }
        if lost.is_none() {
            self.nodes.extend(step.nodes);
        }
    }

    /// Forgets what was concluded from the tree since it had so many events.
    fn take_back(&mut self, size: u64) {
        self.witnesses.take_back(size);
        self.nodes.retain(|node| numbers(node).1 < size);
        self.wrong_nodes.retain(|node| numbers(node).1 < size);
    }

    fn label_swapped(&mut self, first: u64, second: u64) {
        for (seq, other) in [(first, second), (second, first)] {
            let detail = format!("{other} stands there");
            let label = Label::new(VerdictKind::Swapped, Subject::Event, detail);
            self.labels.set(seq, seq, label);
        }
    }

    fn ask(&mut self) {
        let size = self.walk.size();
        if self.witnesses.is_asked(size) {
            let now = self.walk.tree().map(|head| (head.root(), head.chain()));
            self.witnesses.ask(size, now);
        }
    }

    fn label(&mut self, seq: u64, kind: VerdictKind, subject: Subject, detail: &'static str) {
        self.labels.set(seq, seq, Label::new(kind, subject, detail));
    }

    fn add(
        &mut self,
        kind: VerdictKind,
        subject: Subject,
        range: (u64, u64),
        detail: &'static str,
    ) {
        self.report(Verdict::new(kind, subject, range, detail));
    }

    /// Returns the subtrees that have become full since the last call: a store keeps the same.
    pub fn take_nodes(&mut self) -> Vec<AuditNode> {
        std::mem::take(&mut self.nodes)
    }

    /// Tells whether it is worth while to show all links once more to [`recognise`](Self::recognise).
    pub fn is_suspicious(&self) -> bool {
        !self.suspects.is_empty()
    }

    /// Finds out whether something that is wrong is a copy of this.
    pub fn recognise(&mut self, link: &AuditStoredLink) {
        self.suspects.recognise(link);
    }
}

fn broken_chain() -> Label {
    let detail = "the chain of hashes breaks";
    Label::new(VerdictKind::HashMismatch, Subject::Link, detail)
}

/// Returns the numbers of the events below a node.
fn numbers(node: &AuditNode) -> (u64, u64) {
    let width = AUDIT_NODE_WIDTH.saturating_pow(u32::from(node.level));
    let before = node.index.saturating_mul(width);
    (before.saturating_add(1), before.saturating_add(width))
}
