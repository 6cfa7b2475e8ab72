//! Threads that work off one bounded queue.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc::RecvTimeoutError},
    thread::{Builder, JoinHandle},
    time::Duration,
};

use tokio::sync::{
    mpsc::{self, error::TrySendError},
    watch,
};

use crate::Error;

enum Message<J> {
    /// Take nothing more, finish what is queued and end.
    Close,
    Job(J),
}

/// The sending end: owns the threads, and ends them when it is dropped.
pub(crate) struct Queue<J> {
    /// Ends when the last thread has.
    done: watch::Receiver<()>,
    /// `None` while it is dropped.
    sender: Option<mpsc::Sender<Message<J>>>,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> Queue<J> {
    /// Starts one thread for each worker. All take their jobs from one inbox.
    pub(crate) fn start<W>(
        name: &str,
        capacity: usize,
        workers: impl IntoIterator<Item = W>,
    ) -> io::Result<Self>
    where
        W: FnOnce(&Inbox<J>) + Send + 'static,
    {
        let (sender, receiver) = mpsc::channel(capacity.max(1));
        let (alive, done) = watch::channel(());
        let inbox = Inbox(Arc::new(Mutex::new(receiver)));
        let mut queue = Self {
            done,
            sender: Some(sender),
            threads: Vec::new(),
        };
        for worker in workers {
            let (inbox, alive) = (inbox.clone(), alive.clone());
            let thread = Builder::new().name(name.into()).spawn(move || {
                worker(&inbox);
                drop(alive);
            })?;
            queue.threads.push(thread);
        }
        Ok(queue)
    }

    /// Queues a job again and again, as long as the ticker lives and the queue is open. A full queue is left alone.
    pub(crate) fn tick(
        &self,
        name: &str,
        every: Duration,
        job: impl Fn() -> J + Send + 'static,
    ) -> io::Result<Ticker> {
        let sender = self.sender.clone();
        let (stop, stopped) = std::sync::mpsc::channel::<()>();
        Builder::new().name(name.into()).spawn(move || {
            let Some(sender) = sender else { return };
            while stopped.recv_timeout(every) == Err(RecvTimeoutError::Timeout) {
                if let Err(TrySendError::Closed(_)) = sender.try_send(Message::Job(job())) {
                    return;
                }
            }
        })?;
        Ok(Ticker { _stop: stop })
    }

    /// Queues a job. Fails when the queue is full: what waits behind a full queue would wait long,
    /// and in memory that nothing bounds.
    pub(crate) fn push(&self, job: J) -> Result<(), Error> {
        let sender = self.sender.as_ref().ok_or(Error::Closed)?;
        sender
            .try_send(Message::Job(job))
            .map_err(|refused| match refused {
                TrySendError::Closed(_) => Error::Closed,
                TrySendError::Full(_) => Error::Full,
            })
    }

    /// Lets the threads finish what is queued, and waits until they have ended.
    pub(crate) async fn close(&self) {
        if let Some(sender) = &self.sender {
            // Whom an earlier call has closed already only needs to be waited for.
            let _ = sender.send(Message::Close).await;
        }
        let mut done = self.done.clone();
        while done.changed().await.is_ok() {}
    }
}

/// Stops its thread when it is dropped. It has to go before its queue, which waits for everybody who can send.
pub(crate) struct Ticker {
    _stop: std::sync::mpsc::Sender<()>,
}

impl<J> Drop for Queue<J> {
    fn drop(&mut self) {
        self.sender = None;
        for thread in self.threads.drain(..) {
            // A worker that panicked has nothing left that could be done for it.
            let _ = thread.join();
        }
    }
}

/// The receiving end, shared by the threads.
pub(crate) struct Inbox<J>(Arc<Mutex<mpsc::Receiver<Message<J>>>>);

impl<J> Inbox<J> {
    /// Waits for a job. `None` when the queue is closed and empty.
    pub(crate) fn wait(&self) -> Option<J> {
        let mut receiver = self.lock();
        loop {
            match receiver.blocking_recv()? {
                Message::Close => receiver.close(),
                Message::Job(job) => return Some(job),
            }
        }
    }

    /// Takes a job if one is queued.
    pub(crate) fn take(&self) -> Option<J> {
        let mut receiver = self.lock();
        loop {
            match receiver.try_recv().ok()? {
                Message::Close => receiver.close(),
                Message::Job(job) => return Some(job),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, mpsc::Receiver<Message<J>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<J> Clone for Inbox<J> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn counting(threads: usize) -> (Queue<usize>, Arc<AtomicUsize>) {
        let sum = Arc::new(AtomicUsize::new(0));
        let workers = (0..threads).map(|_| {
            let sum = Arc::clone(&sum);
            move |inbox: &Inbox<usize>| {
                while let Some(job) = inbox.wait() {
                    sum.fetch_add(job, Ordering::Relaxed);
                }
            }
        });
        let queue = Queue::start("test", 100, workers).unwrap();
        (queue, sum)
    }

    #[tokio::test]
    async fn closing_finishes_what_is_queued_and_refuses_more() {
        let (queue, sum) = counting(3);
        for number in 1..=100 {
            queue.push(number).unwrap();
        }

        queue.close().await;
        queue.close().await;

        assert_eq!(sum.load(Ordering::Relaxed), 5_050);
        assert!(matches!(queue.push(1), Err(Error::Closed)));
    }

    #[tokio::test]
    async fn dropping_finishes_what_is_queued() {
        let (queue, sum) = counting(2);
        for number in 1..=100 {
            queue.push(number).unwrap();
        }

        drop(queue);

        assert_eq!(sum.load(Ordering::Relaxed), 5_050);
    }

    #[tokio::test]
    async fn a_full_queue_refuses_and_closes_all_the_same() {
        let (hold, held) = std::sync::mpsc::channel::<()>();
        let worker = move |inbox: &Inbox<usize>| {
            while inbox.wait().is_some() {
                let _ = held.recv();
            }
        };
        let queue = Queue::start("test", 2, [worker]).unwrap();

        // One is at work at most, two are queued.
        let refused = (0..4).find_map(|number| queue.push(number).err());

        assert!(matches!(refused, Some(Error::Full)));
        drop(hold);
        queue.close().await;
    }
}
