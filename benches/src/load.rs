//! Keeps a server busy and counts.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde::{Deserialize, Serialize};
use tokio::{runtime, task::JoinSet, time::sleep_until};

use crate::{args::Load, client::Client, processes};

/// Connections at once: enough that the server never waits for a request.
pub(crate) const CONNECTIONS: usize = 32;
const WARM_UP: Duration = Duration::from_millis(200);

/// What came of it.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Counted {
    pub(crate) per_second: f64,
    /// CPU time of the server for each request.
    pub(crate) cpu_micros: f64,
    /// How much of the time the server worked. Well below 1 the load was too weak.
    pub(crate) busy: f64,
    pub(crate) p50_micros: f64,
    pub(crate) p99_micros: f64,
}

/// Prints [`Counted`] as JSON.
pub(crate) fn run(load: &Load) -> Result<()> {
    // One thread: it has one core, and the server the other.
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let counted = runtime.block_on(count(load))?;
    println!("{}", serde_json::to_string(&counted)?);
    Ok(())
}

async fn count(load: &Load) -> Result<Counted> {
    let start = Instant::now() + WARM_UP;
    let end = start + Duration::from_millis(load.millis);
    let done = Arc::new(AtomicU64::new(0));
    let mut crowd = JoinSet::new();
    for _ in 0..CONNECTIONS {
        let client = Client::connect(load.address).await?;
        let (request, body) = (request(load), load.body);
        crowd.spawn(ask(client, request, body, start..end, Arc::clone(&done)));
    }

    let before = Look::take(start, &done, load.server).await?;
    let after = Look::take(end, &done, load.server).await?;

    let mut times: Vec<u32> = Vec::new();
    while let Some(asked) = crowd.join_next().await {
        times.extend(asked??);
    }
    times.sort_unstable();
    let at = |share: usize| {
        let nanos = times.get(times.len() * share / 100);
        nanos.map_or(f64::NAN, |nanos| f64::from(*nanos) / 1e3)
    };
    let elapsed = after.at.duration_since(before.at);
    let cpu = after.cpu.saturating_sub(before.cpu);
    let requests = as_float(after.done - before.done);
    Ok(Counted {
        per_second: requests / elapsed.as_secs_f64(),
        cpu_micros: cpu.as_secs_f64() * 1e6 / requests,
        busy: cpu.as_secs_f64() / elapsed.as_secs_f64(),
        p50_micros: at(50),
        p99_micros: at(99),
    })
}

/// The state of things at one moment.
struct Look {
    at: Instant,
    cpu: Duration,
    done: u64,
}

impl Look {
    async fn take(at: Instant, done: &AtomicU64, server: u32) -> Result<Self> {
        sleep_until(at.into()).await;
        Ok(Self {
            cpu: processes::cpu_time(server)?,
            at: Instant::now(),
            done: done.load(Ordering::Relaxed),
        })
    }
}

fn request(load: &Load) -> String {
    let Load { address, path, .. } = load;
    let header = match &load.header {
        Some(line) => format!("{line}\r\n"),
        None => String::new(),
    };
    format!("GET {path} HTTP/1.1\r\nHost: {address}\r\n{header}\r\n")
}

/// Asks until the end and returns how many nanoseconds each answer took, without the warm-up.
async fn ask(
    mut client: Client,
    request: String,
    body: usize,
    time: std::ops::Range<Instant>,
    done: Arc<AtomicU64>,
) -> Result<Vec<u32>> {
    let mut times = Vec::with_capacity(64 * 1_024);
    let mut asked = Instant::now();
    while asked < time.end {
        let answer = client.ask(request.as_bytes(), 200).await?;
        ensure!(
            answer.body == body,
            "the server answered with {} bytes in place of {body}",
            answer.body
        );
        done.fetch_add(1, Ordering::Relaxed);
        let now = Instant::now();
        if asked >= time.start {
            let nanos = now.duration_since(asked).as_nanos();
            times.push(u32::try_from(nanos).unwrap_or(u32::MAX));
        }
        asked = now;
    }
    Ok(times)
}

#[expect(clippy::cast_precision_loss, reason = "nobody counts so many requests")]
fn as_float(count: u64) -> f64 {
    count as f64
}
