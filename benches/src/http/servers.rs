//! The servers, all on one core: whoever is not asked waits.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;
use tempfile::TempDir;

use crate::{
    client,
    composed::{Composed, Postgres, sqlite_in},
    machine::Machine,
    processes::pinned,
    programs,
    server::Server,
};

/// The product with its sessions in the browser.
const SEALED: &str = r#"
[sessions]
kind = "cookie"
cookie_secrets = ["not a secret but of thirty-two bytes at least"]
"#;

/// What the composed server remembers of its store.
pub(super) const READS: [&str; 3] = ["cached", "plain", "anew"];

/// Everything that is asked.
pub(super) struct Servers {
    /// axum-login with its sessions in SQLite.
    pub(super) axum_login: Server,
    /// Composed servers over PostgreSQL, one for each of [`READS`].
    pub(super) over_postgres: Vec<Server>,
    /// Composed servers over SQLite, one for each of [`READS`].
    pub(super) over_sqlite: Vec<Server>,
    pub(super) sealed: Product,
    pub(super) stored: Product,
    /// Goes after the servers over it.
    _postgres: Postgres,
    _homes: Vec<TempDir>,
}

/// The product and the owner's credentials as lines of a request.
pub(super) struct Product {
    pub(super) bearer: String,
    pub(super) cookie: String,
    pub(super) server: Server,
}

impl Servers {
    pub(super) fn start(binary: &Path, composed: &Composed, machine: &Machine) -> Result<Self> {
        let mut homes = Vec::new();
        let mut home = || -> Result<_> {
            let home = tempfile::tempdir().context("cannot make a directory")?;
            let path = home.path().to_owned();
            homes.push(home);
            Ok(path)
        };
        let stored = Product::start(binary, &home()?, "", machine)?;
        let sealed = Product::start(binary, &home()?, SEALED, machine)?;
        let over_sqlite = READS
            .iter()
            .map(|reads| composed.pinned(&sqlite_in(&home()?), reads, machine))
            .collect::<Result<Vec<_>>>()?;
        let postgres = Postgres::start(composed, READS.len())?;
        let over_postgres = READS
            .iter()
            .zip(&postgres.urls)
            .map(|(reads, url)| composed.pinned(url, reads, machine))
            .collect::<Result<Vec<_>>>()?;
        let like = over_sqlite.first().context("there is no server")?;
        let axum_login = axum_login(&home()?, like, machine)?;
        Ok(Self {
            axum_login,
            over_postgres,
            over_sqlite,
            sealed,
            stored,
            _postgres: postgres,
            _homes: homes,
        })
    }

    pub(super) fn stop(self) -> Result<()> {
        self.stored.server.stop()?;
        self.sealed.server.stop()
    }
}

impl Product {
    fn start(binary: &Path, home: &Path, config: &str, machine: &Machine) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct FirstStart {
            owner_token: String,
        }
        fs::write(home.join("mastra-ee.toml"), config)?;
        let server = Server::product_pinned(binary, home, machine)?;
        let text = fs::read(home.join("first-start.json"))?;
        let FirstStart { owner_token: token } = serde_json::from_slice(&text)?;
        let body = serde_json::json!({ "email": "owner@localhost", "password": token }).to_string();
        let (head, _) = server.ask("POST /api/auth/credentials/sign-in HTTP/1.1", &body)?;
        let cookie = client::cookie(&head).with_context(|| format!("no session: {head}"))?;
        Ok(Self {
            bearer: format!("Authorization: Bearer {token}"),
            cookie,
            server,
        })
    }
}

/// Starts axum-login with the answer of another server.
fn axum_login(home: &Path, like: &Server, machine: &Machine) -> Result<Server> {
    let cookie = like.cookie.as_deref().context("nobody is signed in")?;
    let (_, body) = like.ask(&format!("GET /api/auth/me HTTP/1.1\r\n{cookie}"), "")?;
    let (database, file) = (home.join("sessions.db"), home.join("me.json"));
    fs::write(&file, body)?;
    let mut command = pinned(&programs::axum_login()?, 0, machine);
    command
        .env("TOKIO_WORKER_THREADS", "1")
        .arg(database)
        .arg(file);
    let mut server = Server::that_greets(command)?;
    let (head, _) = server.ask("GET /sign-in HTTP/1.1", "")?;
    ensure!(head.starts_with("HTTP/1.1 200"), "no session: {head}");
    server.cookie = client::cookie(&head);
    Ok(server)
}
