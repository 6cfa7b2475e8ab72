//! Copies of a part of the record, streamed in flat memory.

use bytes::Bytes;
use ee_audit::{
    export::{ExportFormat, ExportOptions, Exporter, Manifest},
    integrity::sign_note,
    query::{Context, MastraSearch, Search, to_text},
};
use ee_core::{AuditFilter, AuditQuery, Error, ErrorKind};
use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use jiff::SignedDuration;
use serde_json::Value;

use super::{
    Asked,
    multipart::Boundary,
    reader::{Reading, Turn},
    scan::{self, Look},
    search::{in_time, place},
};
use crate::{AuditNote, Cx};

/// Events that are read at once.
const BATCH: u32 = 500;
/// What only lists have.
const OF_LISTS: [&str; 6] = ["count", "cursor", "limit", "offset", "page", "perPage"];
/// What clients of Mastra may say of a copy.
const OF_MASTRA: [&str; 10] = [
    "action",
    "actionPrefix",
    "actorId",
    "actorType",
    "endDate",
    "format",
    "outcome",
    "resourceId",
    "resourceType",
    "startDate",
];

/// A copy on its way.
pub struct AuditCopy {
    /// How the file is called.
    pub file_name: String,
    /// What it is.
    pub media_type: String,
    /// Its bytes. An error is the last piece: then it is not whole.
    pub pieces: BoxStream<'static, Result<Bytes, Error>>,
}

impl std::fmt::Debug for AuditCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuditCopy")
            .field("file_name", &self.file_name)
            .field("media_type", &self.media_type)
            .finish_non_exhaustive()
    }
}

/// What is to be copied, and how.
struct Wanted {
    options: ExportOptions,
    search: Search,
    with_manifest: bool,
}

/// `GET /audit/export`: a copy of everything that fits. With `manifest=true` a signed manifest comes behind it, as the
/// second part of a `multipart/mixed`.
///
/// A request that says only what clients of Mastra say gets their shapes: an array of events with eight fields, or a
/// table of ten columns.
pub async fn export(cx: &Cx, asked: Asked) -> Result<AuditCopy, Error> {
    let parts = cx.record()?;
    let wanted = Wanted::read(cx, asked)?;
    cx.check_content(wanted.options.content)?;
    if wanted.with_manifest && parts.signers.is_empty() {
        let message = "this server has no key to sign a manifest with";
        return Err(Error::new(ErrorKind::Unsupported, message));
    }
    let mut exporter = Exporter::new(wanted.options).product(parts.product.clone());
    if wanted.options.format == ExportFormat::Parquet {
        let table = parts.table.ok_or_else(|| {
            let message = "this server was built without copies in Parquet";
            Error::new(ErrorKind::Unsupported, message)
        })?;
        exporter = exporter.table(table)?;
    }
    let turn = cx.begin_reading(Reading::Search)?;
    let format = wanted.options.format;
    let content = wanted.options.content;
    let filter = wanted.search.filter;
    let note = AuditNote::default()
        .with("content", content)
        .with("count", 0)
        .with("filter", to_text(&filter))
        .with("format", name(format));
    cx.note(note.clone());
    let boundary = if wanted.with_manifest {
        Some(Boundary::new()?)
    } else {
        None
    };
    let file_name = format!("audit.{}", format.extension());
    let (media_type, head) = match &boundary {
        Some(boundary) => {
            let head = boundary.begin(format.media_type(), &file_name);
            (boundary.media_type(), Bytes::from(head))
        }
        None => (format.media_type().to_owned(), Bytes::new()),
    };
    let copying = Copying {
        _turn: turn,
        boundary,
        cx: cx.clone(),
        exporter: Some(exporter),
        head,
        note,
        query: AuditQuery {
            after: None,
            filter,
            is_ascending: wanted.search.order == ee_audit::query::Order::Ascending,
            limit: BATCH,
        },
    };
    let pieces = stream::try_unfold(copying, Copying::next).boxed();
    let pieces = cx.until_revoked(pieces).map(Result::flatten);
    Ok(AuditCopy {
        file_name,
        media_type,
        pieces: pieces.boxed(),
    })
}

const fn name(format: ExportFormat) -> &'static str {
    match format {
        ExportFormat::Cef => "cef",
        ExportFormat::Csv => "csv",
        ExportFormat::MastraCsv => "mastra-csv",
        ExportFormat::MastraJson => "mastra-json",
        ExportFormat::Ndjson => "ndjson",
        ExportFormat::Ocsf => "ocsf",
        ExportFormat::Parquet => "parquet",
    }
}

impl Wanted {
    fn read(cx: &Cx, mut asked: Asked) -> Result<Self, Error> {
        asked.refuse(&OF_LISTS)?;
        let is_of_mastra = |(name, _): &(String, String)| OF_MASTRA.contains(&&**name);
        let is_mastra = asked.pairs().iter().all(is_of_mastra);
        let format = asked.take("format")?;
        let format = match (format.as_deref(), is_mastra) {
            (None, true) | (Some("json"), _) => ExportFormat::MastraJson,
            (Some("csv"), true) => ExportFormat::MastraCsv,
            (Some("csv"), false) => ExportFormat::Csv,
            (None, false) | (Some("ndjson"), _) => ExportFormat::Ndjson,
            (Some("cef"), _) => ExportFormat::Cef,
            (Some("ocsf"), _) => ExportFormat::Ocsf,
            (Some("parquet"), _) => ExportFormat::Parquet,
            (Some(_), _) => {
                let message = "must be `ndjson`, `csv`, `json`, `ocsf`, `cef` or `parquet`";
                return Err(Error::invalid_field("format", message));
            }
        };
        let mut options = ExportOptions::new(format);
        if is_mastra && matches!(format, ExportFormat::MastraCsv | ExportFormat::MastraJson) {
            let search = MastraSearch::read(asked.pairs(), &Context::new(cx.now()))?.search;
            return Ok(Self {
                options,
                search: bounded(cx, search),
                with_manifest: false,
            });
        }
        match asked.take("columns")?.as_deref() {
            None => {}
            Some("all") if format == ExportFormat::Csv => {}
            Some("mastra") if format == ExportFormat::Csv => {
                options.format = ExportFormat::MastraCsv;
            }
            Some(_) => {
                let message = "must be `all` or `mastra`, and goes with `format=csv`";
                return Err(Error::invalid_field("columns", message));
            }
        }
        options.byte_order_mark = asked.take_flag("bom")?;
        options.content = asked.take_flag("content")?;
        options.evidence = asked.take_flag("evidence")?;
        if options.evidence && format != ExportFormat::Ndjson {
            let message = "goes with `format=ndjson`";
            return Err(Error::invalid_field("evidence", message));
        }
        let with_manifest = asked.take_flag("manifest")?;
        let allow_scan = asked.take_flag(scan::ALLOW)?;
        let search = asked.search(cx)?;
        if !allow_scan {
            scan::check(&search.filter, Look::InOrder, cx.now())?;
        }
        Ok(Self {
            options,
            search: bounded(cx, search),
            with_manifest,
        })
    }
}

/// A copy ends where it was begun, however much is written meanwhile.
fn bounded(cx: &Cx, mut search: Search) -> Search {
    let end = cx.now().saturating_add(SignedDuration::from_micros(1));
    search.restrict(AuditFilter::Before(end.unwrap_or(cx.now())));
    search
}

/// A copy, as far as it was made.
struct Copying {
    _turn: Turn,
    boundary: Option<Boundary>,
    cx: Cx,
    /// `None` when it is finished.
    exporter: Option<Exporter>,
    head: Bytes,
    /// What the record says of it so far.
    note: AuditNote,
    query: AuditQuery,
}

impl Copying {
    async fn next(mut self) -> Result<Option<(Bytes, Self)>, Error> {
        if !self.head.is_empty() {
            let head = std::mem::take(&mut self.head);
            return Ok(Some((head, self)));
        }
        while let Some(exporter) = self.exporter.take() {
            let bytes = self.copy_batch(exporter).await?;
            if !bytes.is_empty() {
                return Ok(Some((bytes.into(), self)));
            }
        }
        Ok(None)
    }

    /// Copies the next events. Behind the last ones it finishes the copy.
    async fn copy_batch(&mut self, mut exporter: Exporter) -> Result<Vec<u8>, Error> {
        let parts = self.cx.record()?;
        let entries = in_time(parts.search.search(&self.query)).await?;
        let mut bytes = Vec::new();
        for entry in &entries {
            if let Some(chunk) = exporter.push(entry)? {
                bytes.extend(chunk);
            }
        }
        let count = exporter.count();
        self.tell([("count", count.into())]);
        if entries.len() >= BATCH as usize {
            self.query.after = entries.last().map(place);
            self.exporter = Some(exporter);
            return Ok(bytes);
        }
        let (last, manifest) = exporter.finish(&self.query.filter, self.cx.now())?;
        bytes.extend(last);
        if let Some(boundary) = &self.boundary {
            let begin = boundary.begin("text/plain; charset=utf-8", "audit.manifest");
            let note = self.sign(manifest.clone()).await?;
            bytes.extend(begin.into_bytes());
            bytes.extend(note.into_bytes());
            bytes.extend(boundary.end().into_bytes());
        }
        self.tell([
            ("bytes", manifest.bytes.into()),
            ("sha256", manifest.sha256.into()),
        ]);
        Ok(bytes)
    }

    /// Adds to what the record says of it.
    fn tell(&mut self, facts: impl IntoIterator<Item = (&'static str, Value)>) {
        for (name, fact) in facts {
            self.note.metadata.insert(name.to_owned(), fact);
        }
        self.cx.note(self.note.clone());
    }

    /// Signs what the copy holds, with the last checkpoint of each log in it.
    async fn sign(&self, mut manifest: Manifest) -> Result<String, Error> {
        let parts = self.cx.record()?;
        let names = manifest.partitions.iter().map(|it| it.name.clone());
        for name in names.collect::<Vec<_>>() {
            let last = in_time(parts.proofs.last_checkpoint(&name)).await?;
            if let Some((_, note)) = last {
                manifest = manifest.with_checkpoint(&name, note);
            }
        }
        Ok(sign_note(&manifest.to_text()?, &parts.signers)?)
    }
}
