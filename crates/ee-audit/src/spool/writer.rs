//! The one thread that writes: what waits at the same time goes to the disk together.

use std::{fs::File, io, os::unix::fs::FileExt as _, sync::Arc};

use super::{
    SpoolConfig, SpoolError, SpoolFsync, SpoolPosition,
    directory::Directory,
    error::is_no_room,
    frame,
    queue::{GROUP_RECORDS, Queue, Request},
    room::{Room, Share},
    segment::HEADER_BYTES,
    state::Shared,
};

#[derive(Debug)]
struct Active {
    /// Behind the last event that is known to be kept.
    end: u64,
    file: File,
    number: u64,
}

#[derive(Debug)]
pub(super) struct Writer {
    /// The segment that is written to. `None` when the last one cannot be trusted any more and no other was begun.
    active: Option<Active>,
    buffer: Vec<u8>,
    config: SpoolConfig,
    directory: Arc<Directory>,
    /// Number of the next segment.
    next: u64,
    room: Room,
    shared: Arc<Shared>,
}

impl Writer {
    /// Begins a segment of its own: to what an earlier process has left, nothing is ever added. On a disk that is full it
    /// is begun as soon as there is room, so that what was left can be stored, which is what makes room.
    pub(super) fn start(
        config: SpoolConfig,
        directory: &Arc<Directory>,
        room: Room,
        shared: &Arc<Shared>,
        next: u64,
    ) -> io::Result<Self> {
        let mut writer = Self {
            active: None,
            buffer: Vec::new(),
            config,
            directory: Arc::clone(directory),
            next,
            room,
            shared: Arc::clone(shared),
        };
        match writer.begin() {
            Err(err) if !is_no_room(&err) => Err(err),
            Ok(()) | Err(_) => Ok(writer),
        }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Queue) {
        let most = match self.config.fsync {
            SpoolFsync::Each => 1,
            SpoolFsync::Group | SpoolFsync::None => GROUP_RECORDS,
        };
        let mut last = 0;
        while let Some(group) = queue.take(most, last) {
            last = group.iter().map(|it| it.records.len()).sum();
            self.commit(group);
        }
    }

    fn commit(&mut self, group: Vec<Request>) {
        self.tidy();
        let (reserved, plain) = group.into_iter().partition(|it| it.is_reserved);
        self.commit_alike(plain, Share::Plain);
        self.commit_alike(reserved, Share::Reserved);
    }

    /// Writes as many of the requests as there is room for, and answers all.
    fn commit_alike(&mut self, requests: Vec<Request>, share: Share) {
        if requests.is_empty() {
            return;
        }
        let wanted = requests.iter().map(|it| it.bytes).sum();
        let mut left = self.left(share);
        if left < wanted && self.reclaim() {
            left = self.left(share);
        }
        let (fitting, others): (Vec<_>, Vec<_>) = requests.into_iter().partition(|request| {
            let fits = request.bytes <= left;
            left -= if fits { request.bytes } else { 0 };
            fits
        });
        if !fitting.is_empty() {
            let mut outcome = self.append(&fitting);
            if is_full(&outcome) && self.reclaim() {
                outcome = self.append(&fitting);
            }
            if is_full(&outcome) && share == Share::Reserved && self.room.release_reserve() {
                outcome = self.append(&fitting);
            }
            self.answer(fitting, &outcome);
        }
        if !others.is_empty() {
            self.answer(others, &Err(SpoolError::Full));
        }
    }

    fn left(&self, share: Share) -> u64 {
        let held = self.shared.lock().bytes();
        self.room.left(held, share)
    }

    fn answer(&self, requests: Vec<Request>, outcome: &Result<(), SpoolError>) {
        let records = requests.iter().map(|it| it.records.len() as u64).sum();
        self.shared.report(outcome, records);
        for request in requests {
            request.answer(outcome.clone());
        }
    }

    /// Writes requests at once, and forces them onto the disk. All are kept, or none can be read.
    fn append(&mut self, requests: &[Request]) -> Result<(), SpoolError> {
        let bytes = requests.iter().map(|it| it.bytes).sum();
        self.make_place(bytes)?;
        let Some(active) = &mut self.active else {
            return Err(SpoolError::Closed);
        };
        self.buffer.clear();
        let mut records = 0;
        for record in requests.iter().flat_map(|it| &it.records) {
            frame::push(&mut self.buffer, active.number, record);
            records += 1;
        }
        if let Err(err) = active.file.write_all_at(&self.buffer, active.end) {
            return Err(self.take_back(err));
        }
        if self.config.fsync != SpoolFsync::None
            && let Err(err) = active.file.sync_data()
        {
            return Err(self.give_up(err));
        }
        active.end += bytes;
        let position = SpoolPosition::new(active.number, active.end);
        if let Some(first) = requests.first() {
            self.shared.publish(position, records, first.first_at);
        }
        Ok(())
    }

    /// A write failed. What of it has got into the file is cut off again, and the segment goes on when it only had no
    /// room.
    fn take_back(&mut self, err: io::Error) -> SpoolError {
        let is_full = is_no_room(&err);
        let is_cut = self
            .active
            .as_ref()
            .is_some_and(|it| it.file.set_len(it.end).is_ok());
        if !(is_full && is_cut) {
            self.active = None;
        }
        failure("write", err)
    }

    /// What was written could not be forced onto the disk. The system may have dropped it from its memory and take it
    /// for written from now on, so that another try would succeed without anything being kept: nothing is written to
    /// this segment any more. What was kept before in it, is.
    fn give_up(&mut self, err: io::Error) -> SpoolError {
        if let Some(active) = self.active.take() {
            // Whoever opens the spool after a crash finds nothing of the group then, or else a part of it.
            let _ = active.file.set_len(active.end);
        }
        failure("force to the disk", err)
    }

    /// Sees to it that there is a segment with a place for so many bytes.
    fn make_place(&mut self, bytes: u64) -> Result<(), SpoolError> {
        let fits = self.active.as_ref().is_some_and(|active| {
            active.end == HEADER_BYTES || active.end + bytes <= self.config.segment_limit()
        });
        if fits {
            return Ok(());
        }
        self.begin().map_err(|err| failure("begin a segment", err))
    }

    /// Gives the segment up for a new one when everything in it is acknowledged. Events are not kept on this disk for
    /// longer than they have to.
    fn tidy(&mut self) {
        let is_due = self.active.as_ref().is_some_and(|active| {
            active.end > HEADER_BYTES && active.end >= self.config.tidy_limit()
        });
        if is_due && self.shared.lock().is_drained() {
            // The old one does as well.
            let _ = self.begin();
        }
    }

    /// Gives up the segment when everything in it is acknowledged, so that a full disk has room for another. False when
    /// there is nothing to gain.
    fn reclaim(&mut self) -> bool {
        let mut state = self.shared.lock();
        if !state.is_drained() || state.bytes() <= HEADER_BYTES {
            return false;
        }
        let done: Vec<_> = state.segments.drain(..).collect();
        drop(state);
        self.active = None;
        self.directory.retire(&done);
        true
    }

    fn begin(&mut self) -> io::Result<()> {
        let number = self.next;
        let file = match self.directory.create_segment(number, self.config.fsync) {
            Ok(file) => file,
            Err(err) => {
                if err.kind() == io::ErrorKind::AlreadyExists {
                    self.next += 1;
                }
                return Err(err);
            }
        };
        self.next += 1;
        self.active = Some(Active {
            end: HEADER_BYTES,
            file,
            number,
        });
        let done = self.shared.lock().begin(number);
        self.directory.retire(&done);
        Ok(())
    }
}

fn is_full(outcome: &Result<(), SpoolError>) -> bool {
    matches!(outcome, Err(SpoolError::Full))
}

fn failure(action: &'static str, err: io::Error) -> SpoolError {
    if is_no_room(&err) {
        SpoolError::Full
    } else {
        SpoolError::io(action, err)
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, fs::OpenOptions};

    use jiff::Timestamp;
    use tempfile::TempDir;
    use tokio::sync::oneshot::Receiver;

    use super::*;
    use crate::spool::{
        directory::list,
        segment::{SegmentReader, Step},
        state::State,
    };

    fn writer() -> (TempDir, Writer) {
        let dir = tempfile::tempdir().unwrap();
        let mut config = SpoolConfig::new(dir.path());
        config.keep_free_percent = 0;
        let directory = Arc::new(Directory::open(dir.path()).unwrap());
        let shared = Arc::new(Shared::new(State {
            cursor: SpoolPosition::new(1, HEADER_BYTES),
            groups: 0,
            is_failing: false,
            oldest: None,
            records: 0,
            refused: 0,
            segments: VecDeque::new(),
        }));
        let room = Room::new(&config, &directory);
        let writer = Writer::start(config, &directory, room, &shared, 1).unwrap();
        (dir, writer)
    }

    fn request(text: &str, share: Share) -> (Request, Receiver<Result<(), SpoolError>>) {
        let records = vec![text.as_bytes().to_vec()];
        Request::new(records, Timestamp::UNIX_EPOCH, share == Share::Reserved)
    }

    fn write(writer: &mut Writer, texts: &[&str], share: Share) -> Vec<Result<(), SpoolError>> {
        let requests = texts.iter().map(|text| request(text, share));
        let (requests, answers): (Vec<_>, Vec<_>) = requests.unzip();
        writer.commit(requests);
        let answers = answers.into_iter().map(Receiver::blocking_recv);
        answers.map(Result::unwrap).collect()
    }

    /// Has the next write fail as on a full disk, or the next force to the disk as on a broken one.
    fn swap_file(writer: &mut Writer, path: &str) {
        writer.make_place(0).unwrap();
        let file = OpenOptions::new().write(true).open(path).unwrap();
        writer.active.as_mut().unwrap().file = file;
    }

    /// Returns what stands in all segments.
    fn written(dir: &TempDir) -> Vec<String> {
        let mut texts = Vec::new();
        for number in list(dir.path()).unwrap().segments {
            let path = super::super::directory::segment_path(dir.path(), number);
            let mut reader = SegmentReader::open(&path, number).unwrap();
            let mut at = HEADER_BYTES;
            while let Some(step) = reader.step(at).unwrap() {
                let Step::Record { end } = step else {
                    panic!("{step:?} at {number}:{at}");
                };
                let record = reader.record(at, end).unwrap().to_vec();
                texts.push(String::from_utf8(record).unwrap());
                at = end;
            }
        }
        texts
    }

    #[test]
    fn a_group_that_finds_no_room_is_answered_so_and_later_ones_are_kept() {
        let (dir, mut writer) = writer();
        assert!(write(&mut writer, &["first"], Share::Plain)[0].is_ok());

        swap_file(&mut writer, "/dev/full");
        let answers = write(&mut writer, &["second", "third"], Share::Plain);

        assert_eq!(answers.len(), 2);
        for answer in answers {
            assert!(matches!(answer, Err(SpoolError::Full)), "{answer:?}");
        }
        assert!(writer.shared.lock().is_failing);
        assert_eq!(writer.shared.lock().refused, 2);
        assert!(write(&mut writer, &["fourth"], Share::Plain)[0].is_ok());
        assert!(!writer.shared.lock().is_failing);
        assert_eq!(written(&dir), ["first", "fourth"]);
    }

    #[test]
    fn what_is_acknowledged_makes_room_on_a_full_disk() {
        let (dir, mut writer) = writer();
        assert!(write(&mut writer, &["first"], Share::Plain)[0].is_ok());
        let end = SpoolPosition::new(1, writer.active.as_ref().unwrap().end);
        writer.shared.lock().advance(end, 1);

        swap_file(&mut writer, "/dev/full");
        assert!(write(&mut writer, &["second"], Share::Plain)[0].is_ok());

        assert_eq!(written(&dir), ["second"]);
        assert_eq!(list(dir.path()).unwrap().segments, [2]);
        let end = SpoolPosition::new(2, writer.active.as_ref().unwrap().end);
        assert!(!writer.shared.lock().is_drained());
        writer.shared.lock().advance(end, 1);
        assert!(writer.shared.lock().is_drained());
    }

    #[test]
    fn the_reserve_is_released_for_the_event_that_may_have_it() {
        let (dir, mut writer) = writer();
        writer.room.restore_reserve();
        assert!(writer.room.has_reserve());

        swap_file(&mut writer, "/dev/full");
        assert!(write(&mut writer, &["plain"], Share::Plain)[0].is_err());
        assert!(writer.room.has_reserve());
        swap_file(&mut writer, "/dev/full");
        assert!(write(&mut writer, &["reserved"], Share::Reserved)[0].is_ok());

        assert!(!writer.room.has_reserve());
        assert_eq!(written(&dir), ["reserved"]);
    }

    #[test]
    fn after_a_group_that_was_not_forced_to_the_disk_another_segment_is_written() {
        let (dir, mut writer) = writer();
        assert!(write(&mut writer, &["first"], Share::Plain)[0].is_ok());
        let end = writer.active.as_ref().unwrap().end;

        // Takes every write and cannot be forced anywhere.
        swap_file(&mut writer, "/dev/null");
        let answer = &write(&mut writer, &["second"], Share::Plain)[0];

        assert!(matches!(answer, Err(SpoolError::Io { .. })), "{answer:?}");
        assert!(writer.active.is_none());
        assert_eq!(writer.shared.lock().segments[0].end, end);
        assert!(write(&mut writer, &["third"], Share::Plain)[0].is_ok());
        assert_eq!(writer.active.as_ref().unwrap().number, 2);
        assert_eq!(written(&dir), ["first", "third"]);
    }

    #[test]
    fn a_segment_that_cannot_be_begun_fails_its_events_alone() {
        let (dir, mut writer) = writer();
        writer.active = None;
        std::fs::create_dir(writer.directory.segment(2)).unwrap();

        let answer = &write(&mut writer, &["first"], Share::Plain)[0];
        assert!(matches!(answer, Err(SpoolError::Io { .. })), "{answer:?}");
        assert!(write(&mut writer, &["second"], Share::Plain)[0].is_ok());

        std::fs::remove_dir(writer.directory.segment(2)).unwrap();
        assert_eq!(written(&dir), ["second"]);
    }

    #[test]
    fn a_segment_that_is_drained_is_given_up() {
        let (_dir, mut writer) = writer();
        writer.config.max_bytes = 4_000;
        let text = "x".repeat(300);
        assert!(write(&mut writer, &[&text], Share::Plain)[0].is_ok());
        assert!(write(&mut writer, &[&text], Share::Plain)[0].is_ok());
        assert_eq!(list(writer.directory.path()).unwrap().segments, [1]);

        let end = SpoolPosition::new(1, writer.active.as_ref().unwrap().end);
        writer.shared.lock().advance(end, 2);
        assert!(write(&mut writer, &[&text], Share::Plain)[0].is_ok());

        assert_eq!(list(writer.directory.path()).unwrap().segments, [2]);
    }
}
