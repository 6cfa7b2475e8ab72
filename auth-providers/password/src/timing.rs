//! Answers whose time tells nothing.

use std::time::Duration;

use ee_core::{Error, fill_random};
use tokio::time::{Instant, sleep_until};

/// How long an answer takes at least that could tell whether an account exists (ASVS 5.0 §6.3.8).
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerFloor {
    at_least: Duration,
    jitter: Duration,
}

impl AnswerFloor {
    /// A quarter of a second, and up to 50 ms more by chance.
    pub(crate) const DEFAULT: Self = Self {
        at_least: Duration::from_millis(250),
        jitter: Duration::from_millis(50),
    };

    /// Exactly as long.
    pub(crate) const fn exactly(at_least: Duration) -> Self {
        Self {
            at_least,
            jitter: Duration::ZERO,
        }
    }

    /// Waits until the time has passed since `start`.
    pub(crate) async fn wait(self, start: Instant) -> Result<(), Error> {
        let mut bytes = [0; 2];
        fill_random(&mut bytes)?;
        let chance = self.jitter * u32::from(u16::from_le_bytes(bytes)) / u32::from(u16::MAX);
        sleep_until(start + self.at_least + chance).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_takes_as_long_as_it_should_and_no_longer_than_its_work() {
        let start = Instant::now();
        AnswerFloor::DEFAULT.wait(start).await.unwrap();
        let took = start.elapsed();
        assert!((250..=301).contains(&took.as_millis()), "{took:?}");

        let late = Instant::now() - Duration::from_secs(1);
        let before = Instant::now();
        AnswerFloor::DEFAULT.wait(late).await.unwrap();
        assert_eq!(before.elapsed(), Duration::ZERO);
    }
}
