//! `mastra-ee audit sinks`.

mod replay;

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result, bail};
use ee::{
    SystemClock,
    audit::sink::{
        AuditSink, FileSinkStore, SinkContext, SinkName, SinkPause, SinkSettings, SinkStore as _,
        test_sink,
    },
};
use serde::Serialize;
use serde_json::json;

use super::keeper::Keeper;
use crate::{
    admin::output::{Table, or_dash},
    args::{SinksArgs, SinksOf},
    audit::{open, service},
};

pub(super) async fn run(keeper: &Keeper, args: &SinksArgs) -> Result<()> {
    match &args.command {
        None => list(keeper).await,
        Some(SinksOf::Replay(args)) => replay::run(keeper, args).await,
        Some(SinksOf::Test(args)) => test(keeper, &args.name).await,
    }
}

/// What is known of a sink while no server is asked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SinkView {
    name: SinkName,
    /// `None` when it cannot be opened.
    kind: Option<&'static str>,
    /// Why it cannot be opened.
    problem: Option<String>,
    filter: Option<String>,
    paused: Option<SinkPause>,
    dead_letters: u64,
    /// How many events of the logs stand behind its cursors.
    lag: u64,
    /// The numbers of the last events that are done, by log.
    positions: BTreeMap<String, u64>,
    /// How many replays wait.
    replays: usize,
}

async fn list(keeper: &Keeper) -> Result<()> {
    let store = state(keeper);
    let mut views = Vec::new();
    for settings in open::sinks(&keeper.loaded) {
        let state = store.load(&settings.name).await?;
        let positions = state.cursors.into_iter();
        let positions: BTreeMap<String, u64> =
            positions.map(|(name, cursor)| (name, cursor.seq)).collect();
        let mut lag = 0;
        for partition in keeper.logs().partitions().await? {
            let end = keeper.logs().head(&partition).await?.size();
            lag += end.saturating_sub(positions.get(&partition).copied().unwrap_or(0));
        }
        let opened = open_sink(settings);
        views.push(SinkView {
            kind: opened.as_ref().ok().map(|sink| sink.kind()),
            problem: opened.err().map(|err| err.to_string()),
            name: settings.name.clone(),
            filter: settings.filter.clone(),
            paused: state.paused,
            dead_letters: store.count_dead_letters(&settings.name).await?,
            lag,
            positions,
            replays: state.replays.len(),
        });
    }
    if keeper.is_json {
        return keeper.show(&json!({ "sinks": views }), |_| String::new());
    }
    keeper.show(&views, |views| text(views))
}

fn text(views: &[SinkView]) -> String {
    if views.is_empty() {
        return "there are no sinks: `[[audit.sinks]]` in the configuration adds one".to_owned();
    }
    let head = ["NAME", "KIND", "STATE", "BEHIND", "DEAD LETTERS", "AT"];
    let rows = views.iter().map(|view| {
        let state = match (&view.problem, &view.paused) {
            (Some(problem), _) => format!("cannot be opened: {problem}"),
            (None, Some(pause)) => format!("paused: {}", pause.reason),
            (None, None) => "works".to_owned(),
        };
        let positions = view.positions.iter();
        let positions: Vec<String> = positions.map(|(log, seq)| format!("{log} {seq}")).collect();
        [
            view.name.to_string(),
            or_dash(view.kind),
            state,
            view.lag.to_string(),
            view.dead_letters.to_string(),
            or_dash((!positions.is_empty()).then(|| positions.join(", "))),
        ]
    });
    Table::new(head, rows).to_string()
}

/// Sends one event that is in no log.
async fn test(keeper: &Keeper, name: &SinkName) -> Result<()> {
    let settings = settings(keeper, name)?;
    let sink = open_sink(settings)?;
    let longest = settings.options()?.timeout;
    let taken = test_sink(&*sink, &*keeper.clock, longest).await;
    taken.with_context(|| format!("the sink `{name}` has not taken the event of the test"))?;
    let answer = json!({ "name": name, "success": true });
    keeper.show(&answer, |_| {
        format!("the sink `{name}` has taken the event of the test")
    })
}

/// Returns where the server keeps what is known of sinks.
fn state(keeper: &Keeper) -> FileSinkStore {
    FileSinkStore::new(open::sink_state_dir(&keeper.loaded))
}

fn settings<'a>(keeper: &'a Keeper, name: &SinkName) -> Result<&'a SinkSettings> {
    let all = open::sinks(&keeper.loaded);
    let Some(found) = all.iter().find(|settings| settings.name == *name) else {
        let names: Vec<String> = all.iter().map(|it| format!("`{}`", it.name)).collect();
        if names.is_empty() {
            bail!("there is no sink `{name}`: none is configured");
        }
        bail!("there is no sink `{name}`; there are: {}", names.join(", "));
    };
    Ok(found)
}

/// Gets a sink ready. Nothing is sent yet.
fn open_sink(settings: &SinkSettings) -> Result<Arc<dyn AuditSink>> {
    let context = SinkContext {
        clock: Arc::new(SystemClock),
        product: service::product(),
    };
    let name = &settings.name;
    let opened = settings.to.open(&context);
    opened.with_context(|| format!("cannot open the sink `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_told_with_its_reason() {
        let view = SinkView {
            name: SinkName::new("siem").unwrap(),
            kind: Some("http"),
            problem: None,
            filter: None,
            paused: Some(SinkPause {
                reason: "401\u{1b}".to_owned(),
                since: "2026-01-01T00:00:00Z".parse().unwrap(),
            }),
            dead_letters: 2,
            lag: 5,
            positions: BTreeMap::from([("default".to_owned(), 7)]),
            replays: 0,
        };

        let table = text(std::slice::from_ref(&view));

        let row = table.lines().nth(1).unwrap();
        assert_eq!(
            row,
            "siem  http  paused: 401\\u{1b}  5       2             default 7"
        );
        let json = serde_json::to_value(&view).unwrap();
        assert_eq!(json["positions"]["default"], 7);
        assert_eq!(json["deadLetters"], 2);
        assert!(text(&[]).contains("no sinks"));
    }
}
