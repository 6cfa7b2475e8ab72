//! Commands that remove events, or keep them from being removed: `mastra-ee audit archive|erase|hold|pins|prune`.

mod erase;
mod hold;
mod pins;
mod prune;

use std::sync::Arc;

use anyhow::Result;
use ee::audit::{
    integrity::{Pins, Sealer},
    retention::{RetentionProgress, RetentionStep},
};

pub(super) use {
    erase::erase,
    hold::hold,
    pins::pins,
    prune::{archive, prune},
};

use super::keeper::Keeper;
use crate::{
    audit::{open, service},
    bar::Bar,
    serve::create_private_dir,
};

impl Keeper {
    /// Returns what signs checkpoints and manifests, as the server does.
    fn sealer(&self) -> Result<Arc<Sealer>> {
        let dir = open::pins_dir(&self.loaded);
        create_private_dir(&dir)?;
        let pins = Some(Pins::new(dir));
        let sealer = service::sealer(&self.loaded, &self.stores.audit, &self.clock, pins)?;
        Ok(Arc::new(sealer))
    }
}

/// Draws how far a run is.
fn draw(bar: &mut Bar, progress: RetentionProgress, what: &str) {
    let verb = match progress.step {
        RetentionStep::Archive => "archiving",
        RetentionStep::Erase => "erasing",
        RetentionStep::Prune => "removing",
        RetentionStep::Verify => "verifying",
        _ => "looking",
    };
    let total = progress.total.unwrap_or(progress.done);
    bar.show(verb, progress.done, total, what);
}
