use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Work that outlives the call that began it, and the signal that ends it.
///
/// Clones share the same tasks and the same signal. Whoever composes the program holds one and
/// calls [`Background::stop`] last.
#[derive(Clone, Debug, Default)]
pub struct Background {
    shutdown: CancellationToken,
    tasks: TaskTracker,
}

impl Background {
    /// Takes the tracker that the program waits for and the signal that it gives.
    pub const fn new(tasks: TaskTracker, shutdown: CancellationToken) -> Self {
        Self { shutdown, tasks }
    }

    /// Returns the signal that everything must end.
    pub const fn shutdown(&self) -> &CancellationToken {
        &self.shutdown
    }

    /// Returns the tracker of all tasks.
    pub const fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }

    /// Gives the signal and waits until what was begun is in order.
    pub async fn stop(&self) {
        self.shutdown.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}
