//! Who must have events before they are removed.

use std::{fmt, sync::Arc};

use async_trait::async_trait;
use ee_core::Error;

use crate::sink::{SinkName, SinkStore};

/// Says how far the logs may be pruned.
#[async_trait]
pub trait PruneGate: fmt::Debug + Send + Sync + 'static {
    /// Tells whether everything of a log up to this number may be removed. When it may not, nothing behind it may. An
    /// error means no.
    async fn may_prune(&self, partition: &str, seq: u64) -> Result<bool, Error>;
}

/// Lets nothing go that one of these sinks does not have. One that was never sent anything has nothing.
#[derive(Clone, Debug)]
pub struct RequiredSinks {
    sinks: Vec<SinkName>,
    store: Arc<dyn SinkStore>,
}

impl RequiredSinks {
    /// Names the sinks, and what keeps their cursors.
    pub fn new(store: Arc<dyn SinkStore>, sinks: impl IntoIterator<Item = SinkName>) -> Self {
        Self {
            sinks: sinks.into_iter().collect(),
            store,
        }
    }
}

#[async_trait]
impl PruneGate for RequiredSinks {
    async fn may_prune(&self, partition: &str, seq: u64) -> Result<bool, Error> {
        for sink in &self.sinks {
            let state = self.store.load(sink).await?;
            let done = state.cursors.get(partition).map_or(0, |cursor| cursor.seq);
            if done < seq {
                return Ok(false);
            }
        }
        Ok(true)
    }
}
