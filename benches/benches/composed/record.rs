//! The record of the server, and requests that come into it in different ways.

use std::{future::pending, path::Path, sync::Arc};

use anyhow::Result;
use axum::routing::get;
use ee::{
    AuditAction, AuditLogger, Clock,
    audit::{
        delivery::{OnFull, Recorder, RecorderParts},
        policy::{Mode, Policy},
        redact::{RedactionConfig, Redactor},
        spool::{Spool, SpoolConfig},
    },
    axum::{Corridor, Protected},
    server::{Access, Route},
    sql::{Database, SqlStore},
};
use http::Method;

/// What is recorded of the requests below `/bench/`, by the rest of their paths.
const REQUESTS: [(&str, Option<(&str, Mode)>); 3] = [
    ("unrecorded", None),
    ("spooled", Some(("bench.spooled", Mode::Spooled))),
    ("strict", Some(("bench.strict", Mode::Strict))),
];

/// Begins a record with its spool in a directory.
pub(crate) fn begin<D: Database>(
    store: &Arc<SqlStore<D>>,
    spool: &Path,
    clock: Arc<dyn Clock>,
) -> Result<Arc<dyn AuditLogger>> {
    let (spool, _) = Spool::open(SpoolConfig::new(spool))?;
    let mut policy = Policy::default();
    for (action, mode) in REQUESTS.iter().filter_map(|(_, recorded)| *recorded) {
        policy = policy.rule(action, mode)?;
    }
    let (recorder, writer) = Recorder::new(RecorderParts {
        clock,
        console: None,
        instance: None,
        on_full: OnFull::Reject,
        partition: "default".to_owned(),
        policy,
        redactor: Redactor::new(RedactionConfig::default(), None)?,
        spool: Some(Arc::new(spool)),
        store: Arc::clone(store) as _,
    });
    tokio::spawn(writer.run(pending()));
    Ok(Arc::new(recorder))
}

/// Returns requests that need a permission and do nothing.
pub(crate) fn requests(corridor: &Corridor) -> Result<Protected> {
    let mut routes = Vec::new();
    for (name, recorded) in REQUESTS {
        let access = Access::permission("agents:execute".parse()?);
        let mut route = Route::new(Method::GET, format!("/bench/{name}"), access);
        if let Some((action, _)) = recorded {
            route = route.audited(AuditAction::new(action)?);
        }
        let answer = async || ([("content-type", "application/json")], r#"{"done":true}"#);
        routes.push((route, get(answer)));
    }
    Ok(corridor.mount(routes, ()))
}
