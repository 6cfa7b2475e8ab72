//! What a log is compared with at its sizes.

use ee_core::AuditHash;

use super::report::{Subject, Verdict, VerdictKind};
use crate::integrity::{Checkpoint, IntegrityError, VerifierKeys};

/// Somebody who says what the log was like with so many events.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Witness {
    /// Hash of everything, where he knows it.
    pub(super) chain: Option<AuditHash>,
    /// Whether a known key has signed it: then it covers the events.
    pub(super) is_signed: bool,
    pub(super) root: AuditHash,
    pub(super) size: u64,
    pub(super) subject: Subject,
}

/// What a note says, or what is wrong with it.
pub(super) fn of_note(
    note: &str,
    kept_for: Option<u64>,
    subject: Subject,
    origin: &str,
    keys: &VerifierKeys,
) -> (Option<Witness>, Option<Verdict>) {
    let checkpoint = Checkpoint::verify(note, origin, keys);
    let said = checkpoint
        .as_ref()
        .map_or_else(|_| Checkpoint::unverified(note).ok(), |it| Some(it.clone()));
    let size = kept_for.or(said.as_ref().map(|it| it.size)).unwrap_or(0);
    let verdict = |kind, detail: String| Some(Verdict::new(kind, subject, (size, size), detail));
    let witness = |said: Option<Checkpoint>, is_signed| {
        let said = said.filter(|it| it.origin == origin && it.size == size)?;
        Some(Witness {
            chain: None,
            is_signed,
            root: said.root,
            size,
            subject,
        })
    };
    match checkpoint {
        Ok(said) if said.size != size => {
            let detail = format!("it is signed for {} events", said.size);
            (None, verdict(VerdictKind::BadSignature, detail))
        }
        Ok(said) => (witness(Some(said), true), None),
        Err(err @ IntegrityError::UnknownKey) => {
            let verdict = verdict(VerdictKind::UnknownKey, err.to_string());
            (witness(said, false), verdict)
        }
        Err(err) => (None, verdict(VerdictKind::BadSignature, err.to_string())),
    }
}

/// All witnesses, and what the log answered to those that were reached.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(super) struct Witnesses {
    /// By size.
    all: Vec<Witness>,
    /// Whether the log was as each of the first of them says. `None` where the log is not known.
    answers: Vec<Option<bool>>,
}

impl Witnesses {
    pub(super) fn add(&mut self, witness: Witness) {
        let at = self.all.partition_point(|it| it.size <= witness.size);
        self.all.insert(at, witness);
    }

    /// Asks those who know the log with so many events. `None`: it cannot be known what it was like.
    pub(super) fn ask(&mut self, size: u64, now: Option<(AuditHash, AuditHash)>) {
        while let Some(witness) = self.all.get(self.answers.len())
            && witness.size <= size
        {
            let answer = now.filter(|_| witness.size == size).map(|(root, chain)| {
                witness.root == root && witness.chain.is_none_or(|it| it == chain)
            });
            self.answers.push(answer);
        }
    }

    /// Tells whether somebody knows the log with so many events, without costs when nobody does.
    pub(super) fn is_asked(&self, size: u64) -> bool {
        let next = self.all.get(self.answers.len());
        next.is_some_and(|witness| witness.size <= size)
    }

    /// Forgets the answers for a log of this size and longer.
    pub(super) fn take_back(&mut self, size: u64) {
        let known = self.all.partition_point(|witness| witness.size < size);
        self.answers.truncate(known);
    }

    /// Returns up to where signed witnesses agree, and what is to be said of all of them.
    pub(super) fn judge(&self, start: u64, size: u64) -> (u64, Vec<Verdict>) {
        let mut covered = start;
        let mut verdicts: Vec<Verdict> = Vec::new();
        let answers = self.answers.iter().copied().map(Some);
        let answers = answers.chain(std::iter::repeat(None));
        for (witness, answer) in self.all.iter().zip(answers) {
            match answer {
                Some(Some(true)) if witness.is_signed => covered = covered.max(witness.size),
                Some(Some(true) | None) => {}
                Some(Some(false)) => join(&mut verdicts, refusal(witness, covered)),
                None if witness.size <= size => {}
                None => join(&mut verdicts, rollback(witness, size)),
            }
        }
        (covered, verdicts)
    }
}

fn refusal(witness: &Witness, covered: u64) -> Verdict {
    let range = ((covered + 1).min(witness.size), witness.size);
    let (kind, detail) = if witness.subject == Subject::Pin {
        let detail = "another log was seen here before";
        (VerdictKind::Rollback, detail)
    } else {
        let detail = "the root of the tree is another one";
        (VerdictKind::ConsistencyFailed, detail)
    };
    Verdict::new(kind, witness.subject, range, detail)
}

fn rollback(witness: &Witness, size: u64) -> Verdict {
    let detail = "the log was longer";
    let range = (size + 1, witness.size);
    Verdict::new(VerdictKind::Rollback, witness.subject, range, detail)
}

/// Says the same of many in a row only once.
fn join(verdicts: &mut Vec<Verdict>, verdict: Verdict) {
    let same = |it: &&mut Verdict| {
        it.kind == verdict.kind && it.subject == verdict.subject && it.from == verdict.from
    };
    match verdicts.iter_mut().find(same) {
        Some(known) => known.to = known.to.max(verdict.to),
        None => verdicts.push(verdict),
    }
}
