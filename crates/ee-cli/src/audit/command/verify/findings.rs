//! What a verification has found, in words.

use std::{collections::BTreeSet, fmt};

use ee::audit::integrity::{Outcome, Report, VerdictKind};
use serde::{Serialize, Serializer, ser::SerializeMap as _};
use serde_json::Value;

use crate::admin::output::plain;

/// What was found of everything that was looked at.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Of each log.
    pub(super) reports: Vec<Report>,
    /// Of what is no log.
    remarks: Vec<Remark>,
    /// Of a spool.
    pub(super) spool: Option<Value>,
}

/// Something that was found of what is no log.
#[derive(Debug, Serialize)]
struct Remark {
    outcome: Outcome,
    text: String,
}

impl Findings {
    pub(super) fn remark(&mut self, outcome: Outcome, text: impl Into<String>) {
        let text = text.into();
        self.remarks.push(Remark { outcome, text });
    }

    /// Returns the worst of all.
    pub(super) fn outcome(&self) -> Outcome {
        let reports = self.reports.iter().map(|report| report.outcome);
        let all = reports.chain(self.remarks.iter().map(|remark| remark.outcome));
        all.max_by_key(|outcome| match outcome {
            Outcome::Ok => 0,
            Outcome::Incomplete => 1,
            Outcome::Tampered => 2,
        })
        .unwrap_or(Outcome::Incomplete)
    }

    fn kinds(&self) -> BTreeSet<VerdictKind> {
        let kinds = self.reports.iter().flat_map(|report| report.counts.keys());
        kinds.copied().collect()
    }
}

impl Serialize for Findings {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("outcome", &self.outcome())?;
        map.serialize_entry("logs", &self.reports)?;
        map.serialize_entry("remarks", &self.remarks)?;
        if let Some(spool) = &self.spool {
            map.serialize_entry("spool", spool)?;
        }
        map.end()
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for report in &self.reports {
            for line in report.to_string().lines() {
                writeln!(f, "{}", plain(line))?;
            }
        }
        for Remark { outcome, text } in &self.remarks {
            let word = match outcome {
                Outcome::Incomplete => "cannot tell",
                Outcome::Ok => "ok",
                Outcome::Tampered => "TAMPERED",
            };
            writeln!(f, "{word}: {}", plain(text))?;
        }
        let kinds = self.kinds();
        let meanings = kinds
            .iter()
            .filter_map(|kind| Some((kind, meaning(*kind)?)));
        for (at, (kind, meaning)) in meanings.enumerate() {
            if at == 0 {
                writeln!(f, "\nWhat it means:")?;
            }
            writeln!(f, "  {:<28}  {meaning}", kind.as_str())?;
        }
        Ok(())
    }
}

/// Returns what a verdict means, and what can be done. `None` where there is nothing to say.
const fn meaning(kind: VerdictKind) -> Option<&'static str> {
    Some(match kind {
        VerdictKind::BadSignature => "a checkpoint is not what its key has signed",
        VerdictKind::ColumnDiffers => "what is shown of the event is not what was written",
        VerdictKind::ConsistencyFailed => {
            "the log is not the one that was signed: it was written anew"
        }
        VerdictKind::Duplicate => "the same event stands there once more",
        VerdictKind::HashMismatch => "what is kept is not what was written",
        VerdictKind::Inserted => "it was not there when its neighbours were written",
        VerdictKind::MissingSeq => "it was taken away, and the record does not say why",
        VerdictKind::NotYetCovered => {
            "nothing is signed over it yet: a server that runs does that within a minute"
        }
        VerdictKind::PayloadErased => "what it said of a person was erased, as the record says",
        VerdictKind::PayloadPruned => "it was removed after its time, as the record says",
        VerdictKind::Rollback => {
            "more was there before: the end was cut off, or an old backup put in its place"
        }
        VerdictKind::Swapped => "two events have changed their places",
        VerdictKind::UnknownKey => {
            "signed by a key that is not trusted here: `--key FILE` names the ones that are"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_and_nothing_looked_at_is_nothing_told() {
        let mut findings = Findings::default();
        assert_eq!(findings.outcome(), Outcome::Incomplete);
        findings.remark(Outcome::Ok, "a");
        assert_eq!(findings.outcome(), Outcome::Ok);
        findings.remark(Outcome::Tampered, "b\u{1b}");
        findings.remark(Outcome::Incomplete, "c");
        assert_eq!(findings.outcome(), Outcome::Tampered);
        let text = findings.to_string();
        assert_eq!(text, "ok: a\nTAMPERED: b\\u{1b}\ncannot tell: c\n");
        let json = serde_json::to_value(&findings).unwrap();
        assert_eq!(json["outcome"], "tampered");
        assert_eq!(json["remarks"][2]["text"], "c");
    }

    #[test]
    fn everything_that_is_wrong_is_explained() {
        for kind in [
            VerdictKind::Rollback,
            VerdictKind::UnknownKey,
            VerdictKind::HashMismatch,
        ] {
            assert!(meaning(kind).is_some_and(|text| text.len() < 90));
        }
        assert!(meaning(VerdictKind::Ok).is_none());
    }
}
