//! Databases of one test each.

use std::{
    fs::File,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    thread,
};

use tokio::{runtime, task};
use tokio_postgres::{NoTls, SimpleQueryMessage};

use super::{run, server::Server};

/// A database of one test. Dropping it removes the database, whoever is still connected.
#[derive(Debug)]
pub struct PgTestDatabase {
    name: String,
    server: Arc<Server>,
}

impl PgTestDatabase {
    pub(super) async fn create(server: Arc<Server>, template: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{number}", std::process::id());
        let sql = format!("CREATE DATABASE {name} TEMPLATE {template}");
        query(&server.url("postgres", "postgres"), &sql).await;
        Self { name, server }
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its URL over the socket, for the user `postgres`.
    pub fn url(&self) -> String {
        self.url_of("postgres")
    }

    /// Returns its URL over the socket for `user`, who may stand with a password behind a colon.
    pub fn url_of(&self, user: &str) -> String {
        self.server.url(user, &self.name)
    }

    /// Runs SQL as the user `postgres` and returns the first column of the last row.
    pub async fn query(&self, sql: &str) -> Option<String> {
        query(&self.url(), sql).await
    }
}

impl Drop for PgTestDatabase {
    fn drop(&mut self) {
        let url = self.server.url("postgres", "postgres");
        let sql = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A thread of its own: this one may be in the middle of a runtime. A server that a test has stopped keeps it.
        let _ = thread::spawn(move || {
            let runtime = runtime::Builder::new_current_thread().enable_all().build();
            runtime
                .expect("a test has a runtime already")
                .block_on(try_query(&url, &sql))
        })
        .join();
    }
}

/// Makes a database for others to be copied of, if it is not there yet.
pub(super) async fn fill_template<F>(
    server: &Server,
    template: &str,
    fill: impl FnOnce(String) -> F,
) where
    F: Future<Output = ()>,
{
    let ready = server.directory().join(format!("{template}-is-ready"));
    if ready.exists() {
        return;
    }
    let path = server.directory().join(format!("{template}-lock"));
    let _one_at_a_time = task::spawn_blocking(move || run::lock(&path))
        .await
        .expect("the lock is taken or the test fails");
    if ready.exists() {
        return;
    }
    let postgres = server.url("postgres", "postgres");
    query(&postgres, &format!("DROP DATABASE IF EXISTS {template}")).await;
    query(&postgres, &format!("CREATE DATABASE {template}")).await;
    fill(server.url("postgres", template)).await;
    // Whoever is connected to it would be in the way of a copy.
    let close = format!("ALTER DATABASE {template} ALLOW_CONNECTIONS false");
    query(&postgres, &close).await;
    let leave = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{template}'"
    );
    query(&postgres, &leave).await;
    File::create(ready).expect("the directory is ours");
}

/// Runs SQL on a connection of its own and returns the first column of the last row.
pub(super) async fn query(url: &str, sql: &str) -> Option<String> {
    let answer = try_query(url, sql).await;
    assert!(answer.is_ok(), "`{sql}` failed: {answer:?}");
    answer.ok().flatten()
}

async fn try_query(url: &str, sql: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    let connection = task::spawn(connection);
    let messages = client.simple_query(sql).await;
    drop(client);
    let _ = connection.await;
    let rows = messages?.into_iter().filter_map(|message| match message {
        SimpleQueryMessage::Row(row) => Some(row),
        _ => None,
    });
    Ok(rows.last().and_then(|row| row.get(0).map(str::to_owned)))
}
