//! Erases what archives say of a person.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::Path,
    sync::Arc,
};

use ee_core::{
    Error, ErrorKind,
    storage::{AuditEntry, AuditRecord},
};
use flate2::bufread::GzDecoder;

use super::{
    super::{
        archive::{Directory, files, verify_archive},
        archiver::blocking,
    },
    Eraser, ErasureReport, Held, Person, judge,
};
use crate::{
    export::{ExportLine, Manifest},
    integrity::Sealer,
};

impl Eraser {
    /// Counts what archives of a log say of a person.
    pub(super) async fn count_archived(
        &self,
        partition: &str,
        person: &Person,
        held: &Held,
        report: &mut ErasureReport,
    ) -> Result<(), Error> {
        let Some(dir) = self.archives_of(partition) else {
            return Ok(());
        };
        let (sealer, person, held) = (self.sealer(), person.clone(), held.clone());
        let count = move || {
            let mut count = 0;
            for path in files(&dir)? {
                let (_, entries) = read(&path, &sealer)?;
                let found = entries.iter().filter_map(|it| judge(it, &person, &held));
                count += found.filter(|is_held| !is_held).count() as u64;
            }
            Ok(count)
        };
        report.archived += blocking(count).await?;
        Ok(())
    }

    /// Erases what archives of a log say of a person. Those that say something are written anew.
    pub(super) async fn erase_archived(
        &self,
        partition: &str,
        person: &Person,
        held: &Held,
        report: &mut ErasureReport,
    ) -> Result<(), Error> {
        let (Some(_), Some(archives)) = (self.archives_of(partition), &self.parts.archives) else {
            return Ok(());
        };
        let (archives, partition) = (archives.clone(), partition.to_owned());
        let (sealer, person, held) = (self.sealer(), person.clone(), held.clone());
        let now = self.parts.clock.now();
        let erase = move || {
            let directory = Directory::open(&archives, &partition)?;
            let (mut count, mut written) = (0, Vec::new());
            for path in files(directory.path())? {
                let (manifest, mut entries) = read(&path, &sealer)?;
                let found = erase(&mut entries, &person, &held)?;
                if found > 0 {
                    count += found;
                    written.push(directory.rewrite(&path, &entries, &manifest, &sealer, now)?);
                }
            }
            Ok((count, written))
        };
        let (count, written) = blocking(erase).await?;
        report.archived += count;
        report.archives.extend(written);
        Ok(())
    }

    /// Returns where the archives of a log are, if there are any.
    fn archives_of(&self, partition: &str) -> Option<std::path::PathBuf> {
        let archives = self.parts.archives.as_deref()?;
        Directory::find(archives, partition)
    }

    fn sealer(&self) -> Arc<Sealer> {
        Arc::clone(&self.parts.sealer)
    }
}

/// Takes out of events what they say of a person, and returns of how many.
fn erase(entries: &mut [AuditEntry], person: &Person, held: &Held) -> Result<u64, Error> {
    let mut count = 0;
    for entry in entries {
        if judge(entry, person, held) == Some(false) {
            let canonical = std::mem::take(&mut entry.record.canonical);
            entry.record = AuditRecord::restore(canonical, None)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Reads an archive that is what was signed.
fn read(path: &Path, sealer: &Sealer) -> Result<(Manifest, Vec<AuditEntry>), Error> {
    let verified = verify_archive(path, &sealer.evidence(), |_| ())?;
    let unreadable =
        |err| Error::new(ErrorKind::Unavailable, "an archive cannot be read").with_source(err);
    let file = File::open(path).map_err(unreadable)?;
    let lines = GzDecoder::new(BufReader::new(file));
    let lines = BufReader::new(lines.take(verified.manifest.bytes));
    let mut entries = Vec::new();
    for line in lines.lines() {
        let line = line.map_err(unreadable)?;
        let line = serde_json::from_str::<ExportLine>(&line);
        let entry = line.ok().map(|line| line.entry()).transpose()?.flatten();
        entries.push(entry.ok_or_else(|| {
            Error::new(ErrorKind::Invalid, "an archive has a line that is no event")
        })?);
    }
    Ok((verified.manifest, entries))
}
