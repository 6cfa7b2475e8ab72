//! The verification of the logs of a store.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use ee::{
    audit::integrity::{
        Evidence, FileAnchor, LogName, Pins, Progress, Report, VerifierKeys, verify_store,
    },
    storage::AuditProofStore,
};

use super::{
    findings::Findings,
    trust::{self, Said},
};
use crate::{
    admin::check_store,
    args::VerifyArgs,
    audit::open,
    bar::Bar,
    config::{Loaded, SessionKind},
    stores::{AuditStores, Stores},
};

/// So many checkpoints are read at once.
const BATCH: u32 = 256;

/// Verifies one log or all of them.
pub(super) async fn verify(loaded: &Loaded, args: &VerifyArgs) -> Result<Findings> {
    check_store(loaded, false).await?;
    let keys = trust::keys(loaded, &args.keys)?;
    let given = trust::anchors(&args.anchors)?;
    let configured = configured_anchors(loaded)?;
    let stores = Stores::open(&loaded.store, SessionKind::Store).await?;
    let work = Work {
        anchors: given.iter().chain(&configured).cloned().collect(),
        deployment: open::deployment(loaded),
        given: &given,
        keys,
        pins: Pins::new(open::pins_dir(loaded)),
        stores: &stores.audit,
    };
    let done = work.verify(args).await;
    stores.close().await;
    done
}

/// Reads the files to which this deployment publishes its checkpoints.
fn configured_anchors(loaded: &Loaded) -> Result<Vec<String>> {
    let anchors = &loaded.config.audit.integrity.anchors;
    let files = anchors.iter().filter_map(|it| it.strip_prefix("file:"));
    let mut notes = Vec::new();
    for file in files {
        notes.extend(FileAnchor::read(file.as_ref())?);
    }
    Ok(notes)
}

/// What the logs of a store are compared with.
struct Work<'a> {
    anchors: Vec<String>,
    deployment: &'a str,
    /// Those of the anchors that were named on the command line.
    given: &'a [String],
    keys: VerifierKeys,
    pins: Pins,
    stores: &'a AuditStores,
}

impl Work<'_> {
    async fn verify(&self, args: &VerifyArgs) -> Result<Findings> {
        let partitions = self.partitions(args.partition.as_deref()).await?;
        self.refuse_foreign(&partitions)?;
        let mut findings = Findings::default();
        for partition in &partitions {
            let report = self.verify_log(partition, args.from).await?;
            findings.reports.push(report);
        }
        Ok(findings)
    }

    /// Returns the logs to look at. One that is gone is looked for where it was seen before.
    async fn partitions(&self, wanted: Option<&str>) -> Result<BTreeSet<String>> {
        let mut known: BTreeSet<String> =
            self.stores.logs.partitions().await?.into_iter().collect();
        known.insert(open::PARTITION.to_owned());
        let ours = format!("{}/audit/", self.deployment);
        let published = self.anchors.iter().filter_map(|note| Said::by(note));
        let published = published.filter_map(|said| said.origin.strip_prefix(&ours));
        known.extend(published.map(str::to_owned));
        let Some(wanted) = wanted else {
            return Ok(known);
        };
        if !known.contains(wanted) && self.pins.find(wanted)?.is_none() {
            let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            bail!(
                "there is no log `{wanted}`; there are: {}",
                names.join(", ")
            );
        }
        Ok(BTreeSet::from([wanted.to_owned()]))
    }

    /// Refuses checkpoints that say nothing of what is looked at: whoever names them thinks that they do.
    fn refuse_foreign(&self, partitions: &BTreeSet<String>) -> Result<()> {
        let mut origins = BTreeSet::new();
        for partition in partitions {
            let deployment = self.deployment;
            origins.insert(
                LogName {
                    deployment,
                    partition,
                }
                .origin()?,
            );
        }
        let said: BTreeSet<&str> = self
            .given
            .iter()
            .filter_map(|note| Some(Said::by(note)?.origin))
            .collect();
        ensure!(
            said.is_empty() || said.iter().any(|origin| origins.contains(*origin)),
            "`--anchor`: all checkpoints are of other logs ({}), none is of {}: `audit.integrity.deployment` says what these are called",
            quoted(said),
            quoted(origins.iter().map(String::as_str))
        );
        Ok(())
    }

    async fn verify_log(&self, partition: &str, from: Option<u64>) -> Result<Report> {
        let mut evidence = Evidence::new(self.deployment, self.keys.clone());
        evidence.anchors.clone_from(&self.anchors);
        evidence.pins = self.pins.find(partition)?.into_iter().collect();
        let proofs = &*self.stores.proofs;
        let after = match from {
            Some(seq) => checkpoint_before(proofs, partition, seq).await?,
            None => 0,
        };
        let mut bar = Bar::new();
        let mut tell = |progress: Progress| {
            let total = progress.total.unwrap_or(progress.done);
            bar.show("verifying", progress.done, total, partition);
        };
        let logs = &*self.stores.logs;
        Ok(verify_store(logs, proofs, partition, &evidence, after, &mut tell).await?)
    }
}

/// Returns over how many events the last checkpoint is that is not over this one; 0 when there is none.
async fn checkpoint_before(proofs: &dyn AuditProofStore, partition: &str, seq: u64) -> Result<u64> {
    let mut before = 0;
    loop {
        let found = proofs.checkpoints(partition, before + 1, BATCH).await?;
        let Some(last) = found
            .iter()
            .map(|(size, _)| *size)
            .rfind(|size| *size < seq)
        else {
            return Ok(before);
        };
        before = last;
    }
}

fn quoted<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
