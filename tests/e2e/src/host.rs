use std::sync::Arc;

use anyhow::Result;
use ee::{
    Clock,
    agent_host::{Agents, Background, Models, ModelsConfig, RunLimits, Workflows},
    defaults::MemoryStore,
    storage::RunStore,
};

/// Makes agents and workflows over a store, with the samples of the first start.
pub(crate) async fn host(
    store: &Arc<MemoryStore>,
    runs: Arc<dyn RunStore>,
    clock: &Arc<dyn Clock>,
) -> Result<(Arc<Agents>, Arc<Workflows>)> {
    let agents = Arc::new(Agents::new(
        store.clone(),
        store.clone(),
        Arc::new(Models::new(ModelsConfig::default())?),
        Arc::clone(clock),
        Background::default(),
    ));
    let workflows = Arc::new(Workflows::new(
        store.clone(),
        runs,
        Arc::clone(&agents) as _,
        Arc::clone(clock),
        RunLimits::default(),
        Background::default(),
    ));
    workflows.seed().await?;
    Ok((agents, workflows))
}
