use std::time::Duration;

/// How a sink is delivered to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SinkOptions {
    /// About how many bytes a batch has at most; one event is always sent. 1 MiB.
    pub batch_bytes: usize,
    /// How many events a batch has at most. 100.
    pub batch_events: u32,
    /// How often the log is looked at when nobody says that there is something new. One second.
    pub poll: Duration,
    /// The longest time between two tries. One minute.
    pub retry_max: Duration,
    /// About how long after the first failure the second try comes. 500 milliseconds.
    pub retry_min: Duration,
    /// How long a delivery may take. Five seconds.
    pub timeout: Duration,
}

impl Default for SinkOptions {
    fn default() -> Self {
        Self {
            batch_bytes: 1_024 * 1_024,
            batch_events: 100,
            poll: Duration::from_secs(1),
            retry_max: Duration::from_mins(1),
            retry_min: Duration::from_millis(500),
            timeout: Duration::from_secs(5),
        }
    }
}
