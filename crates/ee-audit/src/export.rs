//! Copies of a part of the record, written event by event in flat memory.

mod columns;
mod content;
mod csv;
mod line;
mod manifest;
mod mastra;

use std::{borrow::Cow, collections::BTreeMap, fmt};

use ee_core::{AuditFilter, AuditTable, AuditTableFormat, Error, ErrorKind, storage::AuditEntry};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

pub use content::hide_content;
pub use line::ExportLine;
pub use manifest::{Manifest, ManifestPartition};
pub use mastra::MastraEvent;

use crate::{
    format::{Product, cef, ocsf},
    query::to_text,
};

/// How many bytes are handed out at once, at least.
const CHUNK: usize = 64 * 1_024;

/// What a copy looks like.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// One event per line in the Common Event Format.
    Cef,
    /// A table (RFC 4180) with everything that an event has, in columns such as `actor.id`.
    Csv,
    /// The table of Mastra: ten columns.
    MastraCsv,
    /// The array of Mastra: the eight fields of the specification.
    MastraJson,
    /// One event per line, with everything that it has.
    Ndjson,
    /// One event per line as OCSF 1.8.
    Ocsf,
    /// A table of Apache Parquet with everything that an event has. [`Exporter::table`] says what writes it.
    Parquet,
}

impl ExportFormat {
    /// Returns the media type of the bytes.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Cef => "text/plain; charset=utf-8",
            Self::Csv | Self::MastraCsv => "text/csv; charset=utf-8; header=present",
            Self::MastraJson => "application/json",
            Self::Ndjson | Self::Ocsf => "application/x-ndjson",
            Self::Parquet => "application/vnd.apache.parquet",
        }
    }

    /// Returns the end of the name of a file.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Cef => "cef",
            Self::Csv | Self::MastraCsv => "csv",
            Self::MastraJson => "json",
            Self::Ndjson | Self::Ocsf => "ndjson",
            Self::Parquet => "parquet",
        }
    }
}

/// What a copy holds.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ExportOptions {
    /// What it looks like.
    pub format: ExportFormat,
    /// Whether a table begins with a byte order mark, which spreadsheets want.
    pub byte_order_mark: bool,
    /// Whether it holds what was said to models, and what they said. That needs a permission of its own.
    pub content: bool,
    /// Whether lines hold what the record is verified by: canonical bytes, commitments' values and leaf.
    pub evidence: bool,
}

impl ExportOptions {
    /// A copy without content and evidence.
    pub const fn new(format: ExportFormat) -> Self {
        Self {
            format,
            byte_order_mark: false,
            content: false,
            evidence: false,
        }
    }
}

/// Writes a copy. It takes the events one by one and hands out bytes; what it keeps does not grow with their number.
pub struct Exporter {
    options: ExportOptions,
    /// What was not handed out yet.
    buffer: Vec<u8>,
    /// Bytes that were handed out.
    bytes: u64,
    count: u64,
    hasher: Sha256,
    partitions: BTreeMap<String, ManifestPartition>,
    product: Product,
    table: Option<Box<dyn AuditTable>>,
}

impl Exporter {
    /// Begins a copy.
    pub fn new(options: ExportOptions) -> Self {
        let mut buffer = Vec::with_capacity(CHUNK);
        let is_table = matches!(options.format, ExportFormat::Csv | ExportFormat::MastraCsv);
        if is_table && options.byte_order_mark {
            buffer.extend("\u{feff}".as_bytes());
        }
        match options.format {
            ExportFormat::Csv => csv::head(&mut buffer, columns::FULL),
            ExportFormat::MastraCsv => csv::head(&mut buffer, columns::MASTRA),
            ExportFormat::MastraJson => buffer.push(b'['),
            ExportFormat::Cef
            | ExportFormat::Ndjson
            | ExportFormat::Ocsf
            | ExportFormat::Parquet => {}
        }
        Self {
            options,
            buffer,
            bytes: 0,
            count: 0,
            hasher: Sha256::new(),
            partitions: BTreeMap::new(),
            product: Product::default(),
            table: None,
        }
    }

    /// Says what writes tables that are not text. Fails when it cannot write this one.
    pub fn table(mut self, format: &dyn AuditTableFormat) -> Result<Self, Error> {
        self.table = Some(format.begin(&columns::described())?);
        Ok(self)
    }

    /// Says what writes the events, for formats which tell that.
    #[must_use]
    pub fn product(mut self, product: Product) -> Self {
        self.product = product;
        self
    }

    /// Returns how many events are in the copy so far.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Adds an event, and returns bytes when there are enough of them.
    ///
    /// Fails with [`ErrorKind::Internal`] for an event that cannot be written; nothing of it is in the copy then, and a
    /// table that is not text cannot go on. Fails with [`ErrorKind::Unsupported`] when nothing was said to write such
    /// tables.
    pub fn push(&mut self, entry: &AuditEntry) -> Result<Option<Vec<u8>>, Error> {
        let before = self.buffer.len();
        let shown = self.shown(entry)?;
        if let Err(err) = self.write(&shown) {
            self.buffer.truncate(before);
            return Err(err);
        }
        self.count += 1;
        if let Some(partition) = self.partitions.get_mut(&entry.partition) {
            partition.add(entry.seq);
        } else {
            let partition = ManifestPartition::new(&entry.partition, entry.seq);
            self.partitions.insert(entry.partition.clone(), partition);
        }
        Ok((self.buffer.len() >= CHUNK).then(|| self.take(Vec::with_capacity(CHUNK))))
    }

    /// Ends the copy, and returns the last bytes and what is to be signed.
    ///
    /// Fails like [`push`](Self::push); without rows, too.
    pub fn finish(
        mut self,
        filter: &AuditFilter,
        now: Timestamp,
    ) -> Result<(Vec<u8>, Manifest), Error> {
        match self.options.format {
            ExportFormat::MastraJson => self.buffer.push(b']'),
            ExportFormat::Parquet => writer(&mut self.table)?.finish(&mut self.buffer)?,
            _ => {}
        }
        let last = self.take(Vec::new());
        let manifest = Manifest {
            bytes: self.bytes,
            count: self.count,
            created_at: now,
            filter: to_text(filter),
            format: self.options.format,
            partitions: self.partitions.into_values().collect(),
            sha256: manifest::hex(self.hasher),
            version: Manifest::VERSION,
        };
        Ok((last, manifest))
    }

    /// Returns what the copy may hold of an event.
    fn shown<'a>(&self, entry: &'a AuditEntry) -> Result<Cow<'a, AuditEntry>, Error> {
        if self.options.content || !content::is_in(entry) {
            return Ok(Cow::Borrowed(entry));
        }
        let mut entry = entry.clone();
        if !self.options.evidence {
            entry.record.personal = None;
        }
        hide_content(&mut entry)?;
        Ok(Cow::Owned(entry))
    }

    fn take(&mut self, next: Vec<u8>) -> Vec<u8> {
        let chunk = std::mem::replace(&mut self.buffer, next);
        self.hasher.update(&chunk);
        self.bytes += chunk.len() as u64;
        chunk
    }

    fn write(&mut self, entry: &AuditEntry) -> Result<(), Error> {
        let out = &mut self.buffer;
        match self.options.format {
            ExportFormat::Cef => {
                // A line break would begin another event.
                let line = cef(entry, &self.product).replace(['\n', '\r'], " ");
                out.extend(line.as_bytes());
                out.push(b'\n');
            }
            ExportFormat::Csv => csv::row(out, columns::FULL, entry),
            ExportFormat::MastraCsv => csv::row(out, columns::MASTRA, entry),
            ExportFormat::MastraJson => {
                if self.count > 0 {
                    out.push(b',');
                }
                json(out, &MastraEvent::new(&entry.record.event))?;
            }
            ExportFormat::Ndjson => {
                line::write(out, entry, self.options.evidence)?;
                out.push(b'\n');
            }
            ExportFormat::Ocsf => {
                json(out, &ocsf(entry, &self.product))?;
                out.push(b'\n');
            }
            ExportFormat::Parquet => {
                let cells: Vec<_> = columns::FULL.iter().map(|(_, cell)| cell(entry)).collect();
                writer(&mut self.table)?.push(&cells, out)?;
            }
        }
        Ok(())
    }
}

fn writer(table: &mut Option<Box<dyn AuditTable>>) -> Result<&mut Box<dyn AuditTable>, Error> {
    table.as_mut().ok_or_else(|| {
        let message = "copies in this format were not compiled in";
        Error::new(ErrorKind::Unsupported, message)
    })
}

fn json(out: &mut Vec<u8>, value: &impl Serialize) -> Result<(), Error> {
    serde_json::to_writer(out, value).map_err(|err| {
        Error::new(ErrorKind::Internal, "an event cannot be written as JSON").with_source(err)
    })
}

impl fmt::Debug for Exporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("options", &self.options)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
