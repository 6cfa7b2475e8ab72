//! What waits to be written.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::sync::oneshot;

use super::{SpoolError, frame::PREFIX_BYTES};

/// Most events that are written at once.
pub(super) const GROUP_RECORDS: usize = 256;
/// Most requests and bytes that wait. On a disk that hangs, more would only take memory.
const MAX_REQUESTS: usize = 8_192;
const MAX_BYTES: u64 = 64 * 1_024 * 1_024;
/// How long a group waits at most for others to come.
const MAX_LINGER: Duration = Duration::from_millis(2);
/// When nobody has come for so long, nobody is waited for.
const QUIET: Duration = Duration::from_micros(100);
/// A group that was smaller than this was not made by many callers, who would come back together.
const MANY: usize = 8;

/// Events that are written together, and who waits for that.
pub(super) struct Request {
    /// What they take in a segment.
    pub(super) bytes: u64,
    pub(super) first_at: Timestamp,
    pub(super) is_reserved: bool,
    pub(super) records: Vec<Vec<u8>>,
    reply: oneshot::Sender<Result<(), SpoolError>>,
}

impl Request {
    pub(super) fn new(
        records: Vec<Vec<u8>>,
        first_at: Timestamp,
        is_reserved: bool,
    ) -> (Self, oneshot::Receiver<Result<(), SpoolError>>) {
        let (reply, answer) = oneshot::channel();
        let bytes = records.iter().map(|it| (it.len() + PREFIX_BYTES) as u64);
        let request = Self {
            bytes: bytes.sum(),
            first_at,
            is_reserved,
            records,
            reply,
        };
        (request, answer)
    }

    pub(super) fn answer(self, outcome: Result<(), SpoolError>) {
        // Nobody waits when the caller has gone.
        let _ = self.reply.send(outcome);
    }
}

impl fmt::Debug for Request {
    /// Without the events.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("bytes", &self.bytes)
            .field("records", &self.records.len())
            .finish_non_exhaustive()
    }
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: u64,
    is_closed: bool,
    records: usize,
    requests: VecDeque<Request>,
    /// From so many events on the writer wants to be woken; `None` while it is at work.
    wakes_at: Option<usize>,
}

/// Hands requests to the writer.
#[derive(Debug, Default)]
pub(super) struct Queue {
    ready: Condvar,
    waiting: Mutex<Waiting>,
}

impl Queue {
    pub(super) fn push(&self, request: Request) -> Result<(), SpoolError> {
        let mut waiting = self.lock();
        if waiting.is_closed {
            return Err(SpoolError::Closed);
        }
        let bytes = waiting.bytes + request.bytes;
        if waiting.requests.len() == MAX_REQUESTS || (bytes > MAX_BYTES && waiting.bytes > 0) {
            return Err(SpoolError::Overloaded);
        }
        waiting.bytes = bytes;
        waiting.records += request.records.len();
        waiting.requests.push_back(request);
        let wakes = waiting.wakes_at.is_some_and(|at| waiting.records >= at);
        drop(waiting);
        if wakes {
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Takes nothing more. What waits is still written.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.ready.notify_one();
    }

    /// Ends: nobody will write any more. Whoever waits is told so.
    pub(super) fn abandon(&self) {
        let mut waiting = self.lock();
        waiting.is_closed = true;
        waiting.requests.clear();
    }

    /// Waits for requests and takes up to so many events of them, but one request at least. `None` when the queue is
    /// closed and empty.
    ///
    /// A request that comes alone is taken at once. When the last group was large, whoever was in it may be about to
    /// come again, and is waited for as long as others keep coming: two milliseconds at most.
    pub(super) fn take(&self, most: usize, last: usize) -> Option<Vec<Request>> {
        let mut waiting = self.lock();
        while waiting.requests.is_empty() {
            if waiting.is_closed {
                return None;
            }
            waiting.wakes_at = Some(1);
            waiting = self
                .ready
                .wait(waiting)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if last >= MANY {
            waiting = self.linger(waiting, last.min(most));
        }
        waiting.wakes_at = None;
        Some(waiting.take(most))
    }

    fn linger<'a>(
        &self,
        mut waiting: MutexGuard<'a, Waiting>,
        wanted: usize,
    ) -> MutexGuard<'a, Waiting> {
        let start = Instant::now();
        let mut seen = 0;
        waiting.wakes_at = Some(wanted);
        while waiting.records < wanted
            && waiting.records > seen
            && !waiting.is_closed
            && start.elapsed() < MAX_LINGER
        {
            seen = waiting.records;
            let woken = self.ready.wait_timeout(waiting, QUIET);
            waiting = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        waiting
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn take(&mut self, most: usize) -> Vec<Request> {
        let mut group = Vec::new();
        let mut records = 0;
        while let Some(request) = self.requests.pop_front_if(|it| {
            records += it.records.len();
            group.is_empty() || records <= most
        }) {
            self.bytes -= request.bytes;
            self.records -= request.records.len();
            group.push(request);
        }
        group
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(records: usize, bytes: usize) -> Request {
        Request::new(vec![vec![0; bytes]; records], Timestamp::UNIX_EPOCH, false).0
    }

    fn sizes(group: &[Request]) -> Vec<usize> {
        group.iter().map(|it| it.records.len()).collect()
    }

    #[test]
    fn a_group_holds_what_waits_up_to_its_limit_and_one_request_at_least() {
        let queue = Queue::default();
        for records in [100, 100, 56, 1, 300, 2] {
            queue.push(request(records, 1)).unwrap();
        }
        queue.close();

        assert_eq!(sizes(&queue.take(256, 0).unwrap()), [100, 100, 56]);
        assert_eq!(sizes(&queue.take(256, 256).unwrap()), [1]);
        assert_eq!(sizes(&queue.take(256, 1).unwrap()), [300]);
        assert_eq!(sizes(&queue.take(1, 1).unwrap()), [2]);
        assert!(queue.take(256, 2).is_none());
        assert!(matches!(queue.push(request(1, 1)), Err(SpoolError::Closed)));
        assert_eq!(queue.lock().bytes, 0);
        assert_eq!(queue.lock().records, 0);
    }

    #[test]
    fn more_than_memory_has_room_for_is_refused() {
        let is_overloaded = |outcome| matches!(outcome, Err(SpoolError::Overloaded));

        let queue = Queue::default();
        for _ in 0..MAX_REQUESTS {
            queue.push(request(1, 1)).unwrap();
        }
        assert!(is_overloaded(queue.push(request(1, 1))));

        let queue = Queue::default();
        let half = request(32, 1_024 * 1_024);
        queue.push(half).unwrap();
        queue.push(request(31, 1_024 * 1_024)).unwrap();
        assert!(is_overloaded(queue.push(request(1, 1_024 * 1_024))));
        queue.push(request(1, 1)).unwrap();
    }

    #[test]
    fn whoever_waits_is_told_when_nobody_writes_any_more() {
        let queue = Queue::default();
        let (request, answer) = Request::new(vec![vec![0]], Timestamp::UNIX_EPOCH, false);
        queue.push(request).unwrap();

        queue.abandon();

        assert!(answer.blocking_recv().is_err());
        assert!(matches!(
            queue.push(self::request(1, 1)),
            Err(SpoolError::Closed)
        ));
    }
}
