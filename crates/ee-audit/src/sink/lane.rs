//! Work that may hang, away from everybody else.

use std::{
    fmt, io,
    sync::{Arc, mpsc},
    thread,
};

use tokio::sync::{Semaphore, oneshot};

use super::DeliveryError;

type Job<T> = Box<dyn FnOnce(&mut T) + Send>;

/// A thread that owns what it works on, and does one thing after another.
///
/// When it hangs, nothing is queued behind it and no other thread is started: whoever wants something waits, and goes
/// away when he has waited long enough. A thread of its own does not keep the process from ending, as one of the runtime
/// would.
pub(super) struct Lane<T> {
    jobs: mpsc::Sender<Job<T>>,
    turn: Arc<Semaphore>,
}

impl<T: Send + 'static> Lane<T> {
    /// Starts the thread. It ends with the lane.
    pub(super) fn start(name: &str, mut owned: T) -> io::Result<Self> {
        let (jobs, todo) = mpsc::channel::<Job<T>>();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || {
                while let Ok(job) = todo.recv() {
                    job(&mut owned);
                }
            })?;
        Ok(Self {
            jobs,
            turn: Arc::new(Semaphore::new(1)),
        })
    }

    /// Has something done when everything before it is done.
    pub(super) async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&mut T) -> R + Send + 'static,
    ) -> Result<R, DeliveryError> {
        let gone = || DeliveryError::later("the thread of the sink has ended");
        let turn = Arc::clone(&self.turn);
        let turn = turn.acquire_owned().await.map_err(|_| gone())?;
        let (reply, answer) = oneshot::channel();
        let job: Job<T> = Box::new(move |owned| {
            let result = work(owned);
            // Whoever waited may have gone; the next one may come only now.
            let _ = reply.send(result);
            drop(turn);
        });
        self.jobs.send(job).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())
    }
}

impl<T> fmt::Debug for Lane<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn nothing_is_queued_behind_work_that_hangs() {
        let lane = Lane::start("test", 0_u32).unwrap();
        let (release, held) = mpsc::channel::<()>();
        let hanging = lane.run(move |count| {
            let _ = held.recv();
            *count += 1;
        });
        assert!(timeout(Duration::from_millis(20), hanging).await.is_err());

        for _ in 0..3 {
            let refused = lane.run(|count| *count += 100);
            assert!(timeout(Duration::from_millis(5), refused).await.is_err());
        }

        release.send(()).unwrap();
        assert_eq!(lane.run(|count| *count).await.unwrap(), 1);
    }
}
