//! What legal holds keep.

use ee_core::{
    AuditEvent, AuditFilter, Error, ErrorKind,
    storage::{AuditHold, AuditRetention},
};

use crate::query::{Context, parse};

/// The holds of a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Held {
    filters: Vec<AuditFilter>,
    holds: Vec<AuditHold>,
}

impl Held {
    /// Reads the holds.
    ///
    /// Fails with what the store fails with, and with [`ErrorKind::Internal`] for one that cannot be read: nobody knows
    /// what it keeps.
    pub(super) async fn read(retention: &dyn AuditRetention) -> Result<Self, Error> {
        let holds = retention.holds().await?;
        let filters = holds.iter().map(filter).collect::<Result<_, _>>()?;
        Ok(Self { filters, holds })
    }

    /// Tells whether an event has to stay.
    pub(super) fn keeps(&self, event: &AuditEvent) -> bool {
        self.filters.iter().any(|filter| filter.matches(event))
    }
}

fn filter(hold: &AuditHold) -> Result<AuditFilter, Error> {
    // A hold on the last thirty days is on those before it began.
    parse(&hold.filter, &Context::new(hold.created_at)).map_err(|err| {
        let id = &hold.id;
        let message = format!("the hold `{id}` cannot be read, so nobody knows what it keeps");
        Error::new(ErrorKind::Internal, message).with_source(err)
    })
}
