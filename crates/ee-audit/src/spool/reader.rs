//! The thread that hands events out, and forgets them when they are acknowledged.

use std::{
    collections::{BTreeSet, VecDeque},
    mem,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use ee_core::storage::AuditRecord;
use tokio::sync::oneshot;

use super::{
    SpoolDamage, SpoolDamageKind, SpoolError, SpoolPosition,
    directory::Directory,
    frame,
    room::Room,
    segment::{HEADER_BYTES, SegmentReader, Step},
    state::{Segment, Shared},
};

/// How often the cursor is kept at most. After a crash, what was acknowledged since is handed out again.
const SAVE_EVERY: Duration = Duration::from_secs(1);

/// Events of a spool, in order.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct SpoolBatch {
    /// Damaged bytes that were passed by, told once. Those that were found when the spool was opened are not among
    /// them.
    pub damaged: Vec<SpoolDamage>,
    /// The events, each with the place behind it.
    pub records: Vec<(SpoolPosition, AuditRecord)>,
}

/// What the reader is asked to do.
#[derive(Debug)]
pub(super) enum Ask {
    Acknowledge {
        position: SpoolPosition,
        reply: oneshot::Sender<Result<(), SpoolError>>,
    },
    Batch {
        max_bytes: usize,
        max_records: usize,
        reply: oneshot::Sender<Result<SpoolBatch, SpoolError>>,
    },
}

/// What stands at a place of a segment.
#[derive(Debug)]
struct Place {
    end: u64,
    /// `None` for damaged bytes.
    record: Option<AuditRecord>,
}

#[derive(Debug)]
pub(super) struct Reader {
    directory: Arc<Directory>,
    /// Damaged bytes that nobody was told of yet.
    found: Vec<SpoolDamage>,
    /// Places that were handed out and not acknowledged, in order.
    handed: VecDeque<SpoolPosition>,
    is_saved: bool,
    /// Where damaged bytes begin that were told of.
    known: BTreeSet<SpoolPosition>,
    open: Option<SegmentReader>,
    room: Room,
    saved_at: Instant,
    shared: Arc<Shared>,
}

impl Reader {
    pub(super) fn new(
        directory: &Arc<Directory>,
        room: Room,
        shared: &Arc<Shared>,
        damaged: &[SpoolDamage],
    ) -> Self {
        let known = damaged
            .iter()
            .map(|it| SpoolPosition::new(it.segment, it.start));
        Self {
            directory: Arc::clone(directory),
            found: Vec::new(),
            handed: VecDeque::new(),
            is_saved: true,
            known: known.collect(),
            open: None,
            room,
            saved_at: Instant::now(),
            shared: Arc::clone(shared),
        }
    }

    /// Works until nobody can ask any more.
    pub(super) fn run(mut self, asks: &Receiver<Ask>) {
        loop {
            let ask = if self.is_saved {
                asks.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                asks.recv_timeout(SAVE_EVERY)
            };
            // Whoever has asked may have gone.
            match ask {
                Ok(Ask::Acknowledge { position, reply }) => {
                    let _ = reply.send(self.acknowledge(position));
                    self.look_ahead();
                    self.room.restore_reserve();
                }
                Ok(Ask::Batch {
                    max_bytes,
                    max_records,
                    reply,
                }) => {
                    let _ = reply.send(self.batch(max_records, max_bytes));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if !self.is_saved && self.saved_at.elapsed() >= SAVE_EVERY {
                self.save();
            }
        }
        if !self.is_saved {
            self.save();
        }
    }

    fn batch(&mut self, max_records: usize, max_bytes: usize) -> Result<SpoolBatch, SpoolError> {
        let records = self.walk(max_records, max_bytes)?;
        // Both begin at the cursor.
        if records.len() > self.handed.len() {
            self.handed = records.iter().map(|(position, _)| *position).collect();
        }
        Ok(SpoolBatch {
            damaged: mem::take(&mut self.found),
            records,
        })
    }

    fn acknowledge(&mut self, position: SpoolPosition) -> Result<(), SpoolError> {
        let records = self.handed.partition_point(|it| *it <= position);
        let last = records.checked_sub(1).and_then(|at| self.handed.get(at));
        if last != Some(&position) {
            let is_done = position <= self.shared.lock().cursor;
            return if is_done {
                Ok(())
            } else {
                Err(SpoolError::UnknownPosition)
            };
        }
        self.handed.drain(..records);
        self.advance(position, records as u64);
        Ok(())
    }

    /// Finds out when the oldest event happened that is left.
    pub(super) fn look_ahead(&mut self) {
        if let Ok(records) = self.walk(1, 1)
            && let Some((_, record)) = records.first()
        {
            self.shared.lock().oldest = Some(record.event.timestamp);
        }
    }

    /// Reads from the cursor on, and passes by what is damaged right behind it.
    fn walk(
        &mut self,
        max_records: usize,
        max_bytes: usize,
    ) -> Result<Vec<(SpoolPosition, AuditRecord)>, SpoolError> {
        let (cursor, segments) = {
            let state = self.shared.lock();
            (state.cursor, state.segments.clone())
        };
        let mut bytes = 0;
        let mut records = Vec::new();
        for segment in segments {
            let mut at = if segment.number == cursor.segment {
                cursor.offset
            } else {
                HEADER_BYTES
            };
            // One that is read to its end may be gone by now.
            while at < segment.end
                && let Some(Place { end, record }) = self.read(segment, at)?
            {
                let position = SpoolPosition::new(segment.number, end);
                if let Some(record) = record {
                    bytes += usize::try_from(end - at).unwrap_or(usize::MAX);
                    records.push((position, record));
                } else if records.is_empty() {
                    self.advance(position, 0);
                }
                at = end;
                if !records.is_empty() && (records.len() >= max_records || bytes >= max_bytes) {
                    return Ok(records);
                }
            }
        }
        Ok(records)
    }

    /// Reads what stands at a place. `None` at the end.
    fn read(&mut self, segment: Segment, at: u64) -> Result<Option<Place>, SpoolError> {
        let failed = |err| SpoolError::io("read", err);
        let reader = match self.open.take() {
            Some(reader) if reader.number() == segment.number => self.open.insert(reader),
            _ => {
                let path = self.directory.segment(segment.number);
                let reader = SegmentReader::open(&path, segment.number).map_err(failed)?;
                self.open.insert(reader)
            }
        };
        reader.set_end(segment.end);
        let (end, kind) = match reader.step(at).map_err(failed)? {
            None => return Ok(None),
            Some(Step::Damage { end, .. }) => (end, SpoolDamageKind::Checksum),
            Some(Step::Record { end }) => {
                let bytes = reader.record(at, end).map_err(failed)?;
                let record = frame::decode(bytes);
                if record.is_some() {
                    return Ok(Some(Place { end, record }));
                }
                (end, SpoolDamageKind::Unreadable)
            }
        };
        if self.known.insert(SpoolPosition::new(segment.number, at)) {
            self.shared.lock().mark_damaged(segment.number);
            self.found.push(SpoolDamage {
                kind,
                segment: segment.number,
                start: at,
                end,
            });
        }
        Ok(Some(Place { end, record: None }))
    }

    fn advance(&mut self, cursor: SpoolPosition, records: u64) {
        let mut state = self.shared.lock();
        let done = state.advance(cursor, records);
        if state.is_drained() {
            // A file that is held open keeps its room on the disk.
            self.open = None;
        }
        drop(state);
        self.directory.retire(&done);
        self.is_saved = false;
    }

    fn save(&mut self) {
        let cursor = self.shared.lock().cursor;
        // Tried again later: an older place costs that some events are handed out once more.
        self.is_saved = self.directory.save_cursor(cursor).is_ok();
        self.saved_at = Instant::now();
    }
}
