//! `mastra-ee audit export`.

use std::path::PathBuf;

use anyhow::Result;
use ee::{
    AuditAction, AuditFilter,
    audit::{
        export::{ExportFormat, ExportOptions, Exporter, Manifest},
        integrity::{SigningKey, sign_note},
        query::{Context, Search, to_text},
    },
};
use serde_json::json;

use super::{
    keeper::Keeper,
    new_file::{self, NewFile},
    search,
};
use crate::{
    args::{ExportArgs, ExportTo},
    audit::{open, service},
    bar::Bar,
};

/// So many events are read at once.
const BATCH: u32 = 500;

/// Ends the name of the manifest.
const MANIFEST: &str = ".manifest";

/// Returns where the manifest of a copy is.
pub(super) fn manifest_of(copy: &std::path::Path) -> PathBuf {
    new_file::suffixed(copy, MANIFEST)
}

pub(super) async fn run(keeper: &Keeper, args: &ExportArgs) -> Result<()> {
    let now = keeper.clock.now();
    // As it was said: a copy of everything has what was about to be done, too, and is verified as a whole.
    let pairs = search::pairs(&args.wanted, now)?;
    let search = Search::read(&staged(pairs), &Context::new(now))?;
    let keys = open::signing_keys(&keeper.loaded, false)?;
    let manifest = manifest_of(&args.out);
    new_file::refuse_existing(&manifest)?;
    let file = NewFile::begin(&args.out)?;
    let told = vec![
        ("content", args.content.into()),
        ("filter", to_text(&search.filter).into()),
        ("format", json!(format(args.format))),
    ];
    let intent = keeper.act(AuditAction::AUDIT_EXPORT, told.clone());
    keeper.record_intent(intent).await?;
    let export = Export {
        args,
        file,
        filter: &search.filter,
        keeper,
        keys: &keys,
    };
    let written = export.write().await;
    let mut end = keeper.act(AuditAction::AUDIT_EXPORT, told);
    if let Ok(manifest) = &written {
        let (count, sha256) = (manifest.count, manifest.sha256.clone());
        end.metadata.insert("count".to_owned(), count.into());
        end.metadata.insert("sha256".to_owned(), sha256.into());
    }
    keeper.record_end(end, &written).await?;
    let written = written?;
    let answer = json!({
        "file": args.out.display().to_string(),
        "manifest": manifest.display().to_string(),
        "count": written.count,
        "bytes": written.bytes,
        "sha256": written.sha256,
    });
    keeper.show(&answer, |_| {
        format!(
            "{} events, {} bytes in {}\nsigned manifest in {}",
            written.count,
            written.bytes,
            args.out.display(),
            manifest.display()
        )
    })
}

/// Asks for acts of every stage, which searches do not do by themselves.
fn staged(mut pairs: Vec<(String, String)>) -> Vec<(String, String)> {
    pairs.push(("stage".to_owned(), "all".to_owned()));
    pairs
}

/// A copy on its way.
struct Export<'a> {
    args: &'a ExportArgs,
    file: NewFile,
    filter: &'a AuditFilter,
    keeper: &'a Keeper,
    keys: &'a [SigningKey],
}

impl Export<'_> {
    /// Writes the copy and its manifest. Both are there afterwards, or none.
    async fn write(mut self) -> Result<Manifest> {
        let mut options = ExportOptions::new(format(self.args.format));
        options.content = self.args.content;
        options.evidence = options.format == ExportFormat::Ndjson;
        let mut exporter = Exporter::new(options).product(service::product());
        if options.format == ExportFormat::Parquet
            && let Some(table) = open::TABLE
        {
            exporter = exporter.table(table)?;
        }
        let mut checkpoints = Vec::new();
        for partition in self.keeper.logs().partitions().await? {
            // Before the end is looked at: what it covers is in a copy of everything.
            let checkpoint = self.keeper.proofs().last_checkpoint(&partition).await?;
            self.write_log(&partition, &mut exporter).await?;
            checkpoints.extend(checkpoint.map(|(_, note)| (partition, note)));
        }
        let (last, mut manifest) = exporter.finish(self.filter, self.keeper.clock.now())?;
        self.file.add(&last)?;
        for (partition, note) in checkpoints {
            manifest = manifest.with_checkpoint(&partition, note);
        }
        let signed = sign_note(&manifest.to_text()?, self.keys)?;
        let path = manifest_of(&self.args.out);
        let mut beside = NewFile::begin(&path)?;
        beside.add(signed.as_bytes())?;
        beside.finish()?;
        let named = self.file.finish();
        if named.is_err() {
            // A manifest of nothing would be in the way of the next try.
            drop(std::fs::remove_file(&path));
        }
        named.map(|()| manifest)
    }

    /// Writes what fits of a log, in the order of the numbers, up to where the log ends now.
    async fn write_log(&mut self, partition: &str, exporter: &mut Exporter) -> Result<()> {
        let logs = self.keeper.logs();
        let end = logs.head(partition).await?.size();
        let mut bar = Bar::new();
        let mut after = 0;
        while after < end {
            let entries = logs.feed(partition, after, BATCH).await?;
            let Some(last) = entries.last() else {
                break;
            };
            after = last.seq;
            for entry in entries.iter().filter(|it| it.seq <= end) {
                if self.filter.matches(&entry.record.event)
                    && let Some(bytes) = exporter.push(entry)?
                {
                    self.file.add(&bytes)?;
                }
            }
            bar.show("copying", after.min(end), end, partition);
        }
        Ok(())
    }
}

const fn format(to: ExportTo) -> ExportFormat {
    match to {
        ExportTo::Cef => ExportFormat::Cef,
        ExportTo::Csv => ExportFormat::Csv,
        ExportTo::Json => ExportFormat::MastraJson,
        ExportTo::Ndjson => ExportFormat::Ndjson,
        ExportTo::Ocsf => ExportFormat::Ocsf,
        #[cfg(feature = "parquet")]
        ExportTo::Parquet => ExportFormat::Parquet,
    }
}
