//! Figures of the server in the format of `OpenMetrics` 1.0, which Prometheus reads.
//!
//! Labels are from closed sets: actions of the catalogue, outcomes, names of logs and of configured sinks.

use std::fmt;

use ee_audit::{
    delivery::HealthReport,
    sink::{SinkHealth, SinkStatus},
    spool::SpoolStatus,
};
use ee_core::{Error, ErrorKind};
use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric, text},
    metrics::{counter::ConstCounter, gauge::ConstGauge},
    registry::{Registry, Unit},
};

use crate::{
    Cx,
    audit::{LogView, logs},
};

/// What the answer is.
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `GET /metrics`. What the store would have to say is left out as long as it does not answer.
///
/// Fails with [`ErrorKind::Internal`] when the figures cannot be written.
pub async fn metrics(cx: &Cx) -> Result<String, Error> {
    let mut registry = Registry::with_prefix("ee");
    if let Some(parts) = &cx.server().record {
        let mut sinks = Vec::new();
        for sink in &parts.sinks {
            sinks.extend(sink.status().await.ok());
        }
        registry.register_collector(Box::new(Record {
            health: parts.health.report(),
            logs: logs(cx).await.ok(),
            sinks,
            spool: parts.spool.as_ref().map(|it| it.status()),
        }));
    }
    let mut text = String::new();
    text::encode(&mut text, &registry).map_err(|err| {
        Error::new(ErrorKind::Internal, "the figures cannot be written").with_source(err)
    })?;
    Ok(text)
}

/// Figures of the record at one moment.
#[derive(Debug)]
struct Record {
    health: HealthReport,
    logs: Option<Vec<LogView>>,
    sinks: Vec<SinkStatus>,
    spool: Option<SpoolStatus>,
}

impl Collector for Record {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut page = Page(encoder);
        self.events(&mut page)?;
        self.spool(&mut page)?;
        self.logs(&mut page)?;
        self.sinks(&mut page)
    }
}

impl Record {
    fn events(&self, page: &mut Page<'_>) -> fmt::Result {
        let health = &self.health;
        let by_action = health.by_action.iter().map(|((action, outcome), count)| {
            let labels = [
                ("action", action.clone()),
                ("outcome", (*outcome).to_owned()),
            ];
            (labels.to_vec(), *count)
        });
        page.counters("audit_events", "Events since the start", by_action)?;
        let help = "Events that were not kept, as the policy permits";
        page.counter("audit_lost", help, health.lost)?;
        let help = "Acts that were not done because they could not be recorded";
        page.counter("audit_refused", help, health.refused)?;
        let help = "Events that went through the spool";
        page.counter("audit_spooled", help, health.spooled)?;
        let help = "Events that the store has taken";
        page.counter("audit_stored", help, health.stored)?;
        let help = "Whether the store takes events";
        page.gauge("audit_well", help, one_if(health.is_well))?;
        let Some(verification) = health.verification else {
            return Ok(());
        };
        let help = "Whether the last verification found everything as it was written";
        page.gauge("audit_verification_ok", help, one_if(verification.is_ok))?;
        let help = "When the last verification ended";
        page.time("audit_verification_timestamp", help, verification.at)
    }

    fn spool(&self, page: &mut Page<'_>) -> fmt::Result {
        let Some(spool) = &self.spool else {
            return Ok(());
        };
        let is_full = spool.is_full || spool.is_failing;
        let help = "Whether the spool takes no events";
        page.gauge("audit_spool_full", help, one_if(is_full))?;
        let help = "Events that wait for the store";
        page.gauge("audit_spool_events", help, float(spool.records))?;
        let (help, unit) = ("What the spool takes of the disk", Some(&Unit::Bytes));
        page.one(
            "audit_spool",
            help,
            unit,
            &ConstGauge::new(float(spool.bytes)),
        )?;
        let Some(oldest) = spool.oldest else {
            return Ok(());
        };
        let help = "When the oldest event that waits happened";
        page.time("audit_spool_oldest_timestamp", help, oldest)
    }

    fn logs(&self, page: &mut Page<'_>) -> fmt::Result {
        let help = "Whether the store says how far the logs are";
        page.gauge("audit_store_readable", help, one_if(self.logs.is_some()))?;
        let Some(logs) = &self.logs else {
            return Ok(());
        };
        let named = |log: &LogView| vec![("log", log.partition.clone())];
        let sizes = logs.iter().map(|log| (named(log), float(log.size)));
        page.gauges("audit_log_events", "Events of a log", None, sizes)?;
        let signed = logs
            .iter()
            .filter_map(|log| Some((log, log.checkpoint.as_ref()?)));
        let sizes = signed.clone().map(|(log, it)| (named(log), float(it.size)));
        page.gauges(
            "audit_checkpoint_events",
            "Events that the last checkpoint covers",
            None,
            sizes,
        )?;
        let times = signed.filter_map(|(log, it)| Some((named(log), it.signed_at?)));
        page.times(
            "audit_checkpoint_timestamp",
            "When the last checkpoint was signed",
            times,
        )
    }

    fn sinks(&self, page: &mut Page<'_>) -> fmt::Result {
        let named = |sink: &SinkStatus| vec![("sink", sink.name.to_string())];
        let sinks = || self.sinks.iter();
        let taken = sinks().map(|it| (named(it), it.accepted));
        page.counters("audit_sink_accepted", "Events that a sink has taken", taken)?;
        let up = sinks().map(|it| (named(it), one_if(it.health == SinkHealth::Working)));
        page.gauges("audit_sink_up", "Whether a sink takes events", None, up)?;
        let lag = sinks().map(|it| (named(it), float(it.lag)));
        page.gauges(
            "audit_sink_lag_events",
            "Events that a sink has yet to take",
            None,
            lag,
        )?;
        let dead = sinks().map(|it| (named(it), float(it.dead_letters)));
        page.gauges(
            "audit_sink_dead_letters",
            "Events that a sink does not want",
            None,
            dead,
        )
    }
}

type Labels = Vec<(&'static str, String)>;

/// Where figures are written.
struct Page<'a>(DescriptorEncoder<'a>);

impl Page<'_> {
    fn gauge(&mut self, name: &str, help: &str, value: f64) -> fmt::Result {
        self.one(name, help, None, &ConstGauge::new(value))
    }

    fn counter(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.one(name, help, None, &ConstCounter::new(value))
    }

    fn time(&mut self, name: &str, help: &str, at: Timestamp) -> fmt::Result {
        let seconds = ConstGauge::new(at.as_duration().as_secs_f64());
        self.one(name, help, Some(&Unit::Seconds), &seconds)
    }

    fn one<M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        figure: &M,
    ) -> fmt::Result {
        let encoder = self
            .0
            .encode_descriptor(name, help, unit, figure.metric_type())?;
        figure.encode(encoder)
    }

    fn times(
        &mut self,
        name: &str,
        help: &str,
        times: impl IntoIterator<Item = (Labels, Timestamp)>,
    ) -> fmt::Result {
        let seconds = times.into_iter();
        let seconds = seconds.map(|(labels, at)| (labels, at.as_duration().as_secs_f64()));
        self.gauges(name, help, Some(&Unit::Seconds), seconds)
    }

    fn gauges(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        values: impl IntoIterator<Item = (Labels, f64)>,
    ) -> fmt::Result {
        let values = values.into_iter();
        let values = values.map(|(labels, value)| (labels, ConstGauge::new(value)));
        self.family(name, help, unit, values)
    }

    fn counters(
        &mut self,
        name: &str,
        help: &str,
        values: impl IntoIterator<Item = (Labels, u64)>,
    ) -> fmt::Result {
        let values = values.into_iter();
        let values = values.map(|(labels, value)| (labels, ConstCounter::new(value)));
        self.family(name, help, None, values)
    }

    /// Writes figures of one name. Nothing is written where there are none.
    fn family<M: EncodeMetric>(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        figures: impl Iterator<Item = (Labels, M)>,
    ) -> fmt::Result {
        let mut figures = figures.peekable();
        let Some((_, first)) = figures.peek() else {
            return Ok(());
        };
        let kind = first.metric_type();
        let mut family = self.0.encode_descriptor(name, help, unit, kind)?;
        for (labels, figure) in figures {
            figure.encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}

fn one_if(condition: bool) -> f64 {
    f64::from(u8::from(condition))
}

/// Figures above 2^53 lose their last digits, as every reader of the format takes them.
#[expect(
    clippy::cast_precision_loss,
    reason = "the format has no other numbers"
)]
const fn float(count: u64) -> f64 {
    count as f64
}
