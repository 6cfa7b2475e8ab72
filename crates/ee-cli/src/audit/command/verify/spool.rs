//! The verification of events that wait on the disk.

use std::path::Path;

use anyhow::{Result, ensure};
use ee::audit::{
    integrity::Outcome,
    spool::{Spool, SpoolDamageKind, SpoolReport},
};
use serde_json::{Value, json};

use super::findings::Findings;
use crate::{audit::open, config::Loaded};

/// Looks through a spool, also while a server uses it.
pub(super) fn verify(loaded: &Loaded, dir: Option<&Path>) -> Result<Findings> {
    let configured = open::spool_dir(loaded);
    let dir = dir.unwrap_or(&configured);
    ensure!(
        dir.is_dir(),
        "there is no spool `{}`: `--spool DIR` names another",
        dir.display()
    );
    let report = Spool::verify(dir)?;
    let mut findings = Findings::default();
    judge(&report, dir, &mut findings);
    findings.spool = Some(shown(&report, dir));
    Ok(findings)
}

fn judge(report: &SpoolReport, dir: &Path, findings: &mut Findings) {
    for damage in &report.damaged {
        let (from, to) = (damage.start, damage.end);
        let what = words(damage.kind);
        let place = format!("segment {}, bytes {from}-{to}: {what}", damage.segment);
        findings.remark(Outcome::Tampered, place);
    }
    if report.quarantined > 0 {
        let text = format!(
            "{} segments were put aside because of damaged bytes: `*.quarantine`",
            report.quarantined
        );
        findings.remark(Outcome::Tampered, text);
    }
    let (records, waiting) = (report.records, report.unacknowledged);
    let mut text = format!(
        "spool {}: {records} whole events in {} segments, {waiting} of them not in the store yet",
        dir.display(),
        report.segments
    );
    if report.torn_bytes > 0 {
        text.push_str(", and the beginning of a write that has not ended");
    }
    findings.remark(Outcome::Ok, text);
}

fn shown(report: &SpoolReport, dir: &Path) -> Value {
    let damaged = report.damaged.iter().map(|damage| {
        json!({
            "segment": damage.segment,
            "start": damage.start,
            "end": damage.end,
            "what": words(damage.kind),
        })
    });
    json!({
        "dir": dir.display().to_string(),
        "bytes": report.bytes,
        "damaged": damaged.collect::<Vec<_>>(),
        "quarantined": report.quarantined,
        "records": report.records,
        "segments": report.segments,
        "tornBytes": report.torn_bytes,
        "unacknowledged": report.unacknowledged,
    })
}

const fn words(kind: SpoolDamageKind) -> &'static str {
    match kind {
        SpoolDamageKind::Checksum => "not what was written there",
        SpoolDamageKind::Commitment => "a value is not the one that was committed to",
        SpoolDamageKind::Missing => "segments are gone from here on",
        SpoolDamageKind::Unreadable => "no event that this version can read",
        _ => "damaged",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_tampering_and_a_torn_write_is_not() {
        let dir = Path::new("/spool");
        let mut report = SpoolReport::default();
        report.torn_bytes = 7;
        let mut findings = Findings::default();
        judge(&report, dir, &mut findings);
        assert_eq!(findings.outcome(), Outcome::Ok);

        report.quarantined = 1;
        judge(&report, dir, &mut findings);

        assert_eq!(findings.outcome(), Outcome::Tampered);
        assert!(findings.to_string().contains("put aside"), "{findings}");
    }
}
