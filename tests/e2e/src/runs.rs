use ee::{
    Error, RunId, async_trait,
    defaults::MemoryStore,
    storage::{Page, Paged, RunFilter, RunRecord, RunStore},
};
use jiff::Timestamp;

use crate::Fault;

/// A store of runs that can fail.
#[derive(Debug, Default)]
pub struct Runs {
    /// What lets it fail.
    pub fault: Fault,
    inner: MemoryStore,
}

macro_rules! through {
    ($(fn $name:ident($($arg:ident: $kind:ty),*) -> $out:ty;)*) => {
        #[async_trait]
        impl RunStore for Runs {
            $(async fn $name(&self, $($arg: $kind),*) -> Result<$out, Error> {
                self.fault.check()?;
                RunStore::$name(&self.inner, $($arg),*).await
            })*
        }
    };
}

through! {
    fn create(run: RunRecord) -> ();
    fn find(id: &RunId) -> Option<RunRecord>;
    fn list(filter: &RunFilter, page: Page) -> Paged<RunRecord>;
    fn update(run: RunRecord) -> bool;
    fn delete(id: &RunId) -> bool;
    fn interrupt_running(now: Timestamp) -> u64;
}
