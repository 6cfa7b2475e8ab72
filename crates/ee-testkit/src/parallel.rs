use std::sync::Arc;

use tokio::{sync::Barrier, task::JoinSet};

/// Starts `count` tasks, lets them all begin at once and returns what they yield.
pub async fn in_parallel<T, F>(count: usize, mut task: impl FnMut(usize) -> F) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let start = Arc::new(Barrier::new(count));
    let mut tasks = JoinSet::new();
    for number in 0..count {
        let start = Arc::clone(&start);
        let task = task(number);
        tasks.spawn(async move {
            start.wait().await;
            task.await
        });
    }
    tasks.join_all().await
}
