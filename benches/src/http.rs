//! The server beside a bare axum server.
//!
//! Each request is sent to the product and, with the same bytes, to a bare server that answers with a
//! body of the same size; one after the other, in rounds, so that both see the machine in the same mood.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    args::Pace,
    load::Counted,
    machine::Machine,
    product::{Server, pinned, this_program},
    progress::Progress,
    table::{Aim, Beside, Row, Unit, median},
};

/// A request and what came of it, round by round.
struct Case<'a> {
    id: &'static str,
    name: &'static str,
    path: &'static str,
    header: Option<String>,
    server: &'a Server,
    rounds: Vec<Round>,
}

struct Round {
    bare: Counted,
    product: Counted,
}

/// Measures all requests.
pub(crate) fn measure(
    binary: &Path,
    machine: &Machine,
    pace: Pace,
    progress: &mut Progress,
) -> Result<Vec<Row>> {
    let (stored_home, sealed_home, bodies) = (home("")?, home(SEALED)?, home("")?);
    let stored = Server::product_pinned(binary, stored_home.path(), machine)?;
    let sealed = Server::product_pinned(binary, sealed_home.path(), machine)?;
    let mut cases = cases(
        &stored,
        &SignedIn::to(&stored, stored_home.path())?,
        &sealed,
        &SignedIn::to(&sealed, sealed_home.path())?,
    );
    let files = bodies_of(&cases, bodies.path())?;
    let bare = Server::bare(&files, machine)?;

    let count = cases.len();
    for round in 1..=pace.rounds {
        for (at, case) in cases.iter_mut().enumerate() {
            let detail = format!("request {}/{count}: {}", at + 1, case.name);
            progress.show("HTTP round", round, pace.rounds, &detail);
            let path = format!("/{}", case.id);
            let load =
                |server, path: &str| load(server, path, case.header.as_deref(), machine, pace);
            let round = Round {
                bare: load(&bare, &path)?,
                product: load(case.server, case.path)?,
            };
            case.rounds.push(round);
        }
    }
    let rows = cases.iter().flat_map(rows).collect();
    stored.stop()?;
    sealed.stop()?;
    Ok(rows)
}

const SEALED: &str = r#"
[sessions]
kind = "cookie"
cookie_secrets = ["not a secret but of thirty-two bytes at least"]
"#;

/// Makes a directory for the data of a server with this configuration.
fn home(config: &str) -> Result<TempDir> {
    let home = tempfile::tempdir().context("cannot make a directory")?;
    fs::write(home.path().join("mastra-ee.toml"), config)?;
    Ok(home)
}

/// The owner's credentials as lines of a request.
struct SignedIn {
    bearer: String,
    cookie: String,
}

impl SignedIn {
    fn to(server: &Server, home: &Path) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FirstStart {
            owner_token: String,
        }
        let text = fs::read(home.join("first-start.json"))?;
        let FirstStart { owner_token: token } = serde_json::from_slice(&text)?;
        let body = serde_json::json!({ "email": "owner@localhost", "password": token }).to_string();
        let (head, _) = server.ask("POST /api/auth/credentials/sign-in HTTP/1.1", &body)?;
        let cookie = head
            .lines()
            .find_map(|line| line.strip_prefix("set-cookie: ")?.split(';').next())
            .with_context(|| format!("no session: {head}"))?;
        Ok(Self {
            bearer: format!("Authorization: Bearer {token}"),
            cookie: format!("Cookie: {cookie}"),
        })
    }
}

fn cases<'a>(
    stored: &'a Server,
    owner: &SignedIn,
    sealed: &'a Server,
    sealed_owner: &SignedIn,
) -> Vec<Case<'a>> {
    let case = |id, name, path, header: Option<&String>, server| Case {
        id,
        name,
        path,
        header: header.cloned(),
        server,
        rounds: Vec::new(),
    };
    let (capabilities, agents) = ("/api/auth/capabilities", "/api/agents");
    let bearer = Some(&owner.bearer);
    vec![
        case(
            "capabilities",
            "`GET /api/auth/capabilities`, nobody",
            capabilities,
            None,
            stored,
        ),
        case(
            "capabilities-bearer",
            "`GET /api/auth/capabilities`, bearer",
            capabilities,
            bearer,
            stored,
        ),
        case(
            "agents-bearer",
            "`GET /api/agents`, bearer",
            agents,
            bearer,
            stored,
        ),
        case(
            "agents-session",
            "`GET /api/agents`, session in SQLite",
            agents,
            Some(&owner.cookie),
            stored,
        ),
        case(
            "agents-sealed",
            "`GET /api/agents`, sealed cookie",
            agents,
            Some(&sealed_owner.cookie),
            sealed,
        ),
    ]
}

/// Writes down what the product answers, for the bare server to answer the same.
fn bodies_of(cases: &[Case<'_>], directory: &Path) -> Result<Vec<PathBuf>> {
    cases
        .iter()
        .map(|case| {
            let mut head = format!("GET {} HTTP/1.1", case.path);
            if let Some(header) = &case.header {
                head.push_str("\r\n");
                head.push_str(header);
            }
            let (answer, body) = case.server.ask(&head, "")?;
            ensure!(answer.starts_with("HTTP/1.1 200"), "{}: {answer}", case.id);
            let file = directory.join(case.id);
            fs::write(&file, body)?;
            Ok(file)
        })
        .collect()
}

/// Keeps a server busy from a process on the other core.
fn load(
    server: &Server,
    path: &str,
    header: Option<&str>,
    machine: &Machine,
    pace: Pace,
) -> Result<Counted> {
    let mut command = pinned(&this_program(), 1, machine);
    command
        .args(["load", &server.address.to_string(), path])
        .args(["--millis", &pace.load.as_millis().to_string()])
        .args(["--server", &server.id().to_string()]);
    if let Some(header) = header {
        command.args(["--header", header]);
    }
    counted(&mut command)
}

fn counted(command: &mut Command) -> Result<Counted> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start the load")?;
    ensure!(output.status.success(), "the load failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The rows of one request: medians over the rounds, compared within each round.
fn rows(case: &Case<'_>) -> Vec<Row> {
    let of = |figure: fn(&Counted) -> f64| {
        let product = median(case.rounds.iter().map(|round| figure(&round.product)));
        let bare = median(case.rounds.iter().map(|round| figure(&round.bare)));
        (product, bare)
    };
    let ratio = |figure: fn(&Counted) -> f64| {
        let ratios = case.rounds.iter();
        Beside::Ratio(median(
            ratios.map(|round| figure(&round.product) / figure(&round.bare)),
        ))
    };
    let over = median(
        case.rounds
            .iter()
            .map(|round| round.product.cpu_micros - round.bare.cpu_micros),
    );
    let row = |what: &str, id: &str, unit, (value, bare), beside, aim| Row {
        id: format!("http/{}/{id}", case.id),
        name: format!("{}{what}", case.name),
        value,
        unit,
        bare: Some(bare),
        beside: Some(beside),
        aim,
    };
    vec![
        row(
            "",
            "rate",
            Unit::PerSecond,
            of(|counted| counted.per_second),
            ratio(|counted| counted.per_second),
            Some(Aim::AtLeast(0.83)),
        ),
        row(
            ": CPU",
            "cpu",
            Unit::Micros,
            of(|counted| counted.cpu_micros),
            Beside::Over(over),
            Some(Aim::AtMost(1.5)),
        ),
        row(
            ": p50",
            "p50",
            Unit::Micros,
            of(|counted| counted.p50_micros),
            ratio(|counted| counted.p50_micros),
            None,
        ),
        row(
            ": p99",
            "p99",
            Unit::Micros,
            of(|counted| counted.p99_micros),
            ratio(|counted| counted.p99_micros),
            None,
        ),
    ]
}
