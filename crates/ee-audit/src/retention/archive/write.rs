//! Writes archives.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufWriter, Write as _},
    path::Path,
};

use ee_core::{AuditFilter, Error, ErrorKind, storage::AuditEntry};
use flate2::{Compression, write::GzEncoder};
use jiff::Timestamp;

use super::{
    ArchiveFile, Directory,
    directory::{new, private},
    unwritable, verify_archive,
};
use crate::{
    export::{ExportFormat, ExportOptions, Exporter, Manifest},
    integrity::Sealer,
};

/// So many files may have the same first and last event.
const MOST_ALIKE: u32 = 1_000;

/// What was written.
#[derive(Debug)]
pub(in crate::retention) struct Written {
    pub(in crate::retention) file: ArchiveFile,
    /// Whether it was there already.
    pub(in crate::retention) is_known: bool,
}

impl Directory {
    /// Writes events of one log in order, with a checkpoint over them, and reads again what is on the disk then. Where
    /// the same archive is there already, that is taken; another one is never replaced.
    ///
    /// Fails with [`ErrorKind::Unavailable`] when the disk does, and with [`ErrorKind::Internal`] when what is read is
    /// not what was written, or an event is not what was hashed.
    pub(in crate::retention) fn write(
        &self,
        entries: &[AuditEntry],
        checkpoint: &str,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<Written, Error> {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Err(Error::new(ErrorKind::Internal, "an archive has events"));
        };
        let range = format!("{}-{}", first.seq, last.seq);
        let temporary = new(&self.names(&range).0);
        let manifest = write_events(&temporary, entries, now)?;
        let manifest = manifest.with_checkpoint(&first.partition, checkpoint);
        for alike in 0..MOST_ALIKE {
            let base = match alike {
                0 => range.clone(),
                _ => format!("{range}-{}", alike + 1),
            };
            let (events, manifest_path) = self.names(&base);
            if manifest_path.exists() {
                let known = verify_archive(&events, &sealer.evidence(), |_| ());
                let is_same = |it: &super::VerifiedArchive| it.manifest.sha256 == manifest.sha256;
                if known.is_ok_and(|known| known.is_ok() && is_same(&known)) {
                    fs::remove_file(&temporary).map_err(unwritable)?;
                    return Ok(written(&events, &manifest, true));
                }
                continue;
            }
            if alike > 0 {
                fs::rename(&temporary, new(&events)).map_err(unwritable)?;
            }
            put_manifest(&manifest_path, &manifest, sealer)?;
            self.publish(&base).map_err(unwritable)?;
            check(&events, &manifest, sealer)?;
            return Ok(written(&events, &manifest, false));
        }
        let message = "there are too many other archives of the same range";
        Err(Error::new(ErrorKind::Conflict, message))
    }

    /// Puts other events in the place of those of an archive, which have the same numbers. Its manifest is signed anew,
    /// with the checkpoint that it has.
    pub(in crate::retention) fn rewrite(
        &self,
        path: &Path,
        entries: &[AuditEntry],
        old: &Manifest,
        sealer: &Sealer,
        now: Timestamp,
    ) -> Result<ArchiveFile, Error> {
        let name = path.file_name().and_then(|name| name.to_str());
        let Some(base) = name.and_then(|name| name.strip_suffix(super::EVENTS)) else {
            return Err(Error::new(
                ErrorKind::Internal,
                "an archive has another name",
            ));
        };
        let mut manifest = write_events(&new(path), entries, now)?;
        for told in &old.partitions {
            if let Some(note) = &told.checkpoint {
                manifest = manifest.with_checkpoint(&told.name, note);
            }
        }
        let (events, manifest_path) = self.names(base);
        put_manifest(&manifest_path, &manifest, sealer)?;
        self.publish(base).map_err(unwritable)?;
        check(&events, &manifest, sealer)?;
        Ok(written(&events, &manifest, false).file)
    }
}

/// Writes and signs what is in a file, and returns when it is on the disk.
fn put_manifest(path: &Path, manifest: &Manifest, sealer: &Sealer) -> Result<(), Error> {
    let note = sealer.sign(&manifest.to_text()?)?;
    let write = || -> io::Result<()> {
        let mut options = OpenOptions::new();
        let mut file = private(options.create(true).truncate(true)).open(new(path))?;
        file.write_all(note.as_bytes())?;
        file.sync_all()
    };
    write().map_err(unwritable)
}

/// Writes events into a file, and returns when they are on the disk.
fn write_events(path: &Path, entries: &[AuditEntry], now: Timestamp) -> Result<Manifest, Error> {
    let mut options = ExportOptions::new(ExportFormat::Ndjson);
    options.content = true;
    options.evidence = true;
    let mut exporter = Exporter::new(options);
    let mut options = OpenOptions::new();
    let file = private(options.create(true).truncate(true)).open(path);
    let file = BufWriter::new(file.map_err(unwritable)?);
    let mut lines = GzEncoder::new(file, Compression::default());
    for entry in entries {
        if let Some(chunk) = exporter.push(entry)? {
            lines.write_all(&chunk).map_err(unwritable)?;
        }
    }
    let (chunk, manifest) = exporter.finish(&AuditFilter::EVERYTHING, now)?;
    let end = || -> io::Result<()> {
        lines.write_all(&chunk)?;
        let file = lines.finish()?.into_inner().map_err(io::Error::from)?;
        file.sync_all()
    };
    end().map_err(unwritable)?;
    Ok(manifest)
}

/// Reads again what was written, and compares.
fn check(path: &Path, manifest: &Manifest, sealer: &Sealer) -> Result<(), Error> {
    let found = verify_archive(path, &sealer.evidence(), |_| ()).map_err(|err| {
        let message = "an archive cannot be read again as it was written";
        Error::new(ErrorKind::Internal, message).with_source(err)
    })?;
    if found.manifest == *manifest && found.is_ok() {
        return Ok(());
    }
    let message = "events are not what was hashed, or an archive is not what was written";
    Err(Error::new(ErrorKind::Internal, message))
}

fn written(path: &Path, manifest: &Manifest, is_known: bool) -> Written {
    let ends = manifest.partitions.first();
    Written {
        file: ArchiveFile {
            path: path.to_owned(),
            count: manifest.count,
            first: ends.map_or(0, |it| it.first),
            last: ends.map_or(0, |it| it.last),
            sha256: manifest.sha256.clone(),
        },
        is_known,
    }
}
