//! Follows the chain and the tree of a log, and finds out what is wrong where they break.

mod recent;

use ee_core::{AuditHash, AuditHead, AuditNode};

use self::recent::{Recent, Row};

/// At least so many rows back an inserted one is found, and so many removed ones are told.
const WINDOW: usize = 32;
/// So often is looked for inserted and removed rows: a log where nothing fits is not searched for ever.
const SEARCHES: u32 = 4_096;

/// Something that the chain shows, beyond what each row shows by itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Finding {
    /// One of these rows is not what was written.
    Changed { from: u64, to: u64 },
    /// These rows were not there when their neighbours were written. The log was walked back to before them.
    Inserted { from: u64, to: u64 },
    /// These numbers are missing, though rows were moved up into their places.
    Removed { from: u64, to: u64 },
    /// Each of the two rows stands in the place of the other.
    Swapped { first: u64, second: u64 },
}

/// How a row fits to those before it.
#[derive(Debug, Default)]
pub(super) struct Step {
    pub(super) findings: Vec<Finding>,
    /// Which leaf fits. `None` while that cannot be told: the next rows show it.
    pub(super) fits: Option<AuditHash>,
    pub(super) nodes: Vec<AuditNode>,
}

/// A row that does not follow from the one before it. The next row shows whose fault it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Pending {
    /// Whether what comes before it is known to be wrong.
    is_after_break: bool,
    /// Whether its event and the hash of its event fit together.
    is_sound: bool,
    /// What its number was when it was written.
    number: u64,
    seq: u64,
}

/// A log, as far as it was followed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Walk {
    head: AuditHead,
    /// Whether what comes before the next row is not known at all.
    is_cut: bool,
    /// From which event on the tree is not known.
    lost: Option<u64>,
    pending: Option<Pending>,
    recent: Recent,
    searches: u32,
    /// What the last row says that the hash of everything is.
    stored: AuditHash,
}

impl Walk {
    /// Begins behind what is trusted.
    pub(super) fn new(head: AuditHead) -> Self {
        Self {
            is_cut: false,
            lost: None,
            pending: None,
            recent: Recent::new(&head),
            searches: SEARCHES,
            stored: head.chain(),
            head,
        }
    }

    /// Returns the log as it follows from the rows, when its tree is known.
    pub(super) fn tree(&self) -> Option<&AuditHead> {
        self.lost.is_none().then_some(&self.head)
    }

    /// Returns how many events there were when the last row was written.
    pub(super) fn size(&self) -> u64 {
        self.head.size()
    }

    /// Returns the hash of everything, as it follows from the rows.
    pub(super) fn chain(&self) -> AuditHash {
        self.head.chain()
    }

    /// Returns from which event on the tree is not known.
    pub(super) const fn lost(&self) -> Option<u64> {
        self.lost
    }

    /// Goes on by one row, which may have one of these leaves; the first one is taken when nothing can be told.
    pub(super) fn step(
        &mut self,
        seq: u64,
        leaves: &[AuditHash],
        chain: AuditHash,
        is_sound: bool,
    ) -> Step {
        if self.pending.is_none()
            && !self.is_cut
            && let Some(leaf) = leaves.first()
            && let Some(link) = self.head.push_fitting(*leaf, chain)
        {
            self.stored = chain;
            self.recent.add(Row { chain, leaf: *leaf }, &self.head);
            return Step {
                fits: Some(*leaf),
                nodes: link.nodes,
                findings: Vec::new(),
            };
        }
        self.search(seq, leaves, chain, is_sound)
    }

    /// Goes on by a row of which only the event is there.
    pub(super) fn step_unlinked(&mut self, leaf: AuditHash) -> Step {
        let findings = self.give_up().into_iter().collect();
        let link = self.head.push(leaf);
        self.stored = link.chain;
        let chain = link.chain;
        self.recent.add(Row { chain, leaf }, &self.head);
        Step {
            findings,
            fits: None,
            nodes: link.nodes,
        }
    }

    /// Goes on over so many numbers of which there is nothing.
    pub(super) fn skip(&mut self, count: u64) -> Option<Finding> {
        let finding = self.give_up();
        self.lost = self.lost.or(Some(self.head.size() + 1));
        let size = self.head.size() + count;
        self.restart(stand_in(self.head.partition(), size, self.stored));
        self.is_cut = true;
        finding
    }

    /// Ends the log, where a store says that the hash of everything is this one.
    pub(super) fn end(&mut self, chain: Option<AuditHash>) -> Option<Finding> {
        if self.pending.is_some() && chain == Some(self.stored) && self.stored != self.head.chain()
        {
            return self.trust_stored();
        }
        self.pending.take().map(|it| Finding::Changed {
            from: it.seq,
            to: it.seq,
        })
    }

    /// Looks for what would make the row fit.
    fn search(&mut self, seq: u64, leaves: &[AuditHash], chain: AuditHash, is_sound: bool) -> Step {
        let number = self.head.size() + 1;
        if !self.is_cut {
            if let Some(leaf) = self.fitting(number, self.head.chain(), leaves, chain) {
                // Only the hash that the row before keeps was wrong.
                let finding = self.pending.take().map(|it| Finding::Changed {
                    from: it.seq,
                    to: it.seq,
                });
                return self.accept(leaf, chain, finding);
            }
            if let Some(leaf) = self.fitting(number, self.stored, leaves, chain) {
                let finding = self.trust_stored();
                return self.accept(leaf, chain, finding);
            }
        }
        if let Some(left) = self.searches.checked_sub(1) {
            self.searches = left;
            if let Some(step) = self.find_inserted(seq, leaves, chain) {
                return step;
            }
            if let Some(step) = self.find_removed(leaves, chain) {
                return step;
            }
        }
        let is_after_break = self.pending.is_some() || self.is_cut;
        let findings = self.give_up().into_iter().collect();
        self.pending = Some(Pending {
            is_after_break,
            is_sound,
            number,
            seq,
        });
        self.is_cut = false;
        self.stored = chain;
        let mut nodes = Vec::new();
        if let Some(leaf) = leaves.first() {
            nodes = self.head.push(*leaf).nodes;
            self.recent.add(Row { chain, leaf: *leaf }, &self.head);
        }
        Step {
            findings,
            fits: None,
            nodes,
        }
    }

    /// Finds rows right before this one without which it fits, or one that stands in its place.
    fn find_inserted(&mut self, seq: u64, leaves: &[AuditHash], chain: AuditHash) -> Option<Step> {
        let (mut back, mut number) = (0, self.head.size() + 1);
        let leaf = self.recent.chains().find_map(|(before, there)| {
            (back, number) = (back + 1, number - 1);
            let leaf = self.fitting(number, before, leaves, chain)?;
            // A copy of that row fits there as well as the row itself does.
            (leaf != there.leaf).then_some(leaf)
        })?;
        let head = self.recent.head_before(back);
        let from = seq.saturating_sub(back);
        self.pending = None;
        self.is_cut = false;
        self.lost = self.lost.filter(|lost| *lost <= head.size());
        let later = self.recent.forget(back);
        self.head = head;
        if let Some(step) = self.swap_back(&later, leaf, (from, seq)) {
            return Some(step);
        }
        let finding = Finding::Inserted { from, to: seq - 1 };
        Some(self.accept(leaf, chain, Some(finding)))
    }

    /// Puts the row with this leaf in the place of the first of those that were behind it, if that leads to where that
    /// one says that it does.
    fn swap_back(&mut self, later: &[Row], leaf: AuditHash, seqs: (u64, u64)) -> Option<Step> {
        let (first, between) = later.split_first()?;
        let mut head = self.head.clone();
        let leaves = between.iter().map(|row| row.leaf);
        let leaves: Vec<AuditHash> = [leaf]
            .into_iter()
            .chain(leaves)
            .chain([first.leaf])
            .collect();
        let mut nodes = Vec::new();
        for leaf in &leaves {
            nodes.extend(head.push(*leaf).nodes);
        }
        if head.chain() != first.chain {
            return None;
        }
        self.stored = first.chain;
        self.restart(head);
        let (first, second) = seqs;
        Some(Step {
            findings: vec![Finding::Swapped { first, second }],
            fits: Some(leaf),
            nodes,
        })
    }

    /// Finds out that rows were removed before the last one and the later ones moved up.
    fn find_removed(&mut self, leaves: &[AuditHash], chain: AuditHash) -> Option<Step> {
        self.pending?;
        let from = self.head.size();
        let (count, leaf) = (1..=WINDOW as u64).find_map(|count| {
            let leaf = self.fitting(from + 1 + count, self.stored, leaves, chain)?;
            Some((count, leaf))
        })?;
        self.pending = None;
        self.lost = self.lost.or(Some(from));
        self.restart(stand_in(self.head.partition(), from + count, self.stored));
        let to = from + count - 1;
        Some(self.accept(leaf, chain, Some(Finding::Removed { from, to })))
    }

    /// Returns the leaf that leads from one hash to the other under this number.
    fn fitting(
        &self,
        number: u64,
        before: AuditHash,
        leaves: &[AuditHash],
        chain: AuditHash,
    ) -> Option<AuditHash> {
        let partition = self.head.partition();
        let fits = |leaf: &&AuditHash| chain_after(partition, number, before, **leaf) == chain;
        leaves.iter().find(fits).copied()
    }

    fn accept(&mut self, leaf: AuditHash, chain: AuditHash, finding: Option<Finding>) -> Step {
        let link = self.head.push(leaf);
        self.stored = chain;
        self.recent.add(Row { chain, leaf }, &self.head);
        Step {
            findings: finding.into_iter().collect(),
            fits: Some(leaf),
            nodes: link.nodes,
        }
    }

    /// The next row follows from what the pending one keeps: what is wrong was wrong before it.
    fn trust_stored(&mut self) -> Option<Finding> {
        let pending = self.pending.take()?;
        let (size, frontier) = (self.head.size(), self.head.frontier());
        let head = AuditHead::resume(self.head.partition(), size, self.stored, &frontier)?;
        self.restart(head);
        if pending.is_after_break {
            return None;
        }
        // Where it fits to its own event, the one before it may have been rewritten with all its hashes.
        let back = u64::from(pending.is_sound && pending.seq > 1);
        self.lost = self.lost.or(Some(pending.number - back));
        Some(Finding::Changed {
            from: pending.seq - back,
            to: pending.seq,
        })
    }

    /// Nothing shows what is wrong with the pending row: from there on the tree is not known.
    fn give_up(&mut self) -> Option<Finding> {
        let Pending { number, seq, .. } = self.pending.take()?;
        self.lost = self.lost.or(Some(number));
        Some(Finding::Changed { from: seq, to: seq })
    }

    fn restart(&mut self, head: AuditHead) {
        self.recent = Recent::new(&head);
        self.head = head;
    }
}

/// Returns the hash of everything after one more event.
pub(super) fn chain_after(
    partition: &str,
    number: u64,
    before: AuditHash,
    leaf: AuditHash,
) -> AuditHash {
    stand_in(partition, number.saturating_sub(1), before)
        .push(leaf)
        .chain
}

/// Makes a head of which only the chain counts.
fn stand_in(partition: &str, size: u64, chain: AuditHash) -> AuditHead {
    let frontier = vec![0; 32 * size.count_ones() as usize];
    let head = AuditHead::resume(partition, size, chain, &frontier);
    head.unwrap_or_else(|| AuditHead::genesis(partition))
}
