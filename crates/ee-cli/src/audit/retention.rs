//! What archives events whose time is over, and removes them.

use std::sync::Arc;

use anyhow::Result;
use ee::{
    Clock,
    audit::{
        integrity::Sealer,
        retention::{Archiver, ArchiverParts, PruneGate, RequiredSinks},
        sink::FileSinkStore,
    },
};

use super::open;
use crate::{config::Loaded, stores::AuditStores};

/// Puts it together. Nothing goes that a configured sink does not have.
pub(crate) fn archiver(
    loaded: &Loaded,
    stores: &AuditStores,
    clock: &Arc<dyn Clock>,
    sealer: Arc<Sealer>,
) -> Result<Archiver> {
    let names = open::sinks(loaded).iter().map(|it| it.name.clone());
    let names: Vec<_> = names.collect();
    let gate = (!names.is_empty()).then(|| {
        let store = Arc::new(FileSinkStore::new(open::sink_state_dir(loaded)));
        Arc::new(RequiredSinks::new(store, names)) as Arc<dyn PruneGate>
    });
    Ok(Archiver::new(ArchiverParts {
        archives: Some(open::archive_dir(loaded)),
        clock: Arc::clone(clock),
        config: open::retention(loaded).clone(),
        gate,
        proofs: Arc::clone(&stores.proofs),
        retention: Arc::clone(&stores.retention),
        sealer,
        store: Arc::clone(&stores.logs),
    })?)
}
