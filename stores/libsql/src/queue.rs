//! Threads that work off one bounded queue.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{Builder, JoinHandle},
};

use tokio::sync::{mpsc, watch};

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

    /// Queues a job, and waits while the queue is full.
    pub(crate) async fn push(&self, job: J) -> Result<(), Error> {
        self.send(Message::Job(job)).await
    }

    /// Lets the threads finish what is queued, and waits until they have ended.
    pub(crate) async fn close(&self) {
        // Whom an earlier call has closed already only needs to be waited for.
        let _ = self.send(Message::Close).await;
        let mut done = self.done.clone();
        while done.changed().await.is_ok() {}
    }

    async fn send(&self, message: Message<J>) -> Result<(), Error> {
        let sender = self.sender.as_ref().ok_or(Error::Closed)?;
        sender.send(message).await.map_err(|_| Error::Closed)
    }
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
        let queue = Queue::start("test", 4, workers).unwrap();
        (queue, sum)
    }

    #[tokio::test]
    async fn closing_finishes_what_is_queued_and_refuses_more() {
        let (queue, sum) = counting(3);
        for number in 1..=100 {
            queue.push(number).await.unwrap();
        }

        queue.close().await;
        queue.close().await;

        assert_eq!(sum.load(Ordering::Relaxed), 5_050);
        assert!(matches!(queue.push(1).await, Err(Error::Closed)));
    }

    #[tokio::test]
    async fn dropping_finishes_what_is_queued() {
        let (queue, sum) = counting(2);
        for number in 1..=100 {
            queue.push(number).await.unwrap();
        }

        drop(queue);

        assert_eq!(sum.load(Ordering::Relaxed), 5_050);
    }
}
