//! PostgreSQL servers for tests.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicU32, Ordering},
};

mod database;
mod programs;
mod run;
mod server;

use run::Run;
use server::Server;

pub use database::PgTestDatabase;

/// A PostgreSQL server from the installed programs, on a Unix socket in a temporary directory.
///
/// It belongs to whoever runs the tests: when that process (`cargo`, `cargo-nextest`, or the test program itself if
/// started by hand) has ended, the server is stopped and its files are removed, however the tests have ended. Nothing
/// is written through to the disk. A system without the programs fails the test and says what to install.
///
/// The user `postgres` needs no password; every other one does.
#[derive(Debug)]
pub struct PgCluster {
    is_private: bool,
    server: Arc<Server>,
}

impl PgCluster {
    /// Returns the server that all tests of this run share, and starts it if this is the first. Blocks until it answers.
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<PgCluster> = OnceLock::new();
        SHARED.get_or_init(|| Self {
            is_private: false,
            server: Arc::new(Run::current().shared_server()),
        })
    }

    /// Starts a server of the test's own, which it may stop. Dropping it ends the server.
    pub fn private() -> Self {
        let server = new_server();
        server.configure(&[("listen_addresses", String::new())]);
        Self::start_private(server)
    }

    /// Starts a server of the test's own that also listens on `127.0.0.1`, with a certificate and its key in PEM.
    pub fn private_with_tls(certificate: &str, key: &str) -> Self {
        let server = new_server().with_free_port();
        server.write("server.crt", certificate);
        server.write("server.key", key);
        server.configure(&[
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("ssl", "on".to_owned()),
        ]);
        Self::start_private(server)
    }

    fn start_private(server: Server) -> Self {
        server.start();
        Self {
            is_private: true,
            server: Arc::new(server),
        }
    }

    /// Returns the URL of a database over the socket, for the user `postgres`.
    pub fn url(&self, database: &str) -> String {
        self.server.url("postgres", database)
    }

    /// Returns the port on `127.0.0.1` of a server with TLS.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Stops the server; connections end with an error. Blocks until it has ended.
    pub fn stop(&self) {
        self.server.stop("fast");
    }

    /// Starts the server again after [`stop`](Self::stop). Blocks until it answers.
    pub fn start(&self) {
        self.server.start();
    }

    /// Lets all processes of the server stand still: it takes connections and answers nothing.
    pub fn pause(&self) {
        assert!(self.server.signal("STOP"), "the server runs");
    }

    /// Lets the server go on after [`pause`](Self::pause).
    pub fn resume(&self) {
        assert!(self.server.signal("CONT"), "the server runs");
    }

    /// Creates an empty database.
    pub async fn database(&self) -> PgTestDatabase {
        PgTestDatabase::create(Arc::clone(&self.server), "template0").await
    }

    /// Creates a database as a copy of one that `fill` has filled, given its URL. Of all tests of a run that name one
    /// template, one fills it.
    pub async fn database_from<F>(
        &self,
        template: &str,
        fill: impl FnOnce(String) -> F,
    ) -> PgTestDatabase
    where
        F: Future<Output = ()>,
    {
        database::fill_template(&self.server, template, fill).await;
        PgTestDatabase::create(Arc::clone(&self.server), template).await
    }

    /// Runs SQL as the user `postgres` and returns the first column of the last row.
    pub async fn query(&self, database: &str, sql: &str) -> Option<String> {
        database::query(&self.url(database), sql).await
    }
}

impl Drop for PgCluster {
    fn drop(&mut self) {
        if self.is_private {
            self.server.remove();
        }
    }
}

fn new_server() -> Server {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    Run::current().new_server(&format!("private-{}-{number}", std::process::id()))
}

#[cfg(test)]
mod tests {
    use tokio::runtime::Runtime;

    use super::*;

    async fn with_table(cluster: &PgCluster) -> PgTestDatabase {
        let fill = |url: String| async move {
            database::query(&url, "CREATE TABLE kept (id INT)").await;
        };
        cluster.database_from("with_table", fill).await
    }

    #[test]
    fn databases_of_one_template_are_apart_and_go_when_they_are_dropped() {
        Runtime::new().unwrap().block_on(async {
            let cluster = PgCluster::shared();
            let (one, two) = (with_table(cluster).await, with_table(cluster).await);

            one.query("INSERT INTO kept VALUES (1)").await;

            let count = "SELECT count(*) FROM kept";
            assert_eq!(one.query(count).await.as_deref(), Some("1"));
            assert_eq!(two.query(count).await.as_deref(), Some("0"));
            let name = one.name().to_owned();
            drop(one);
            let left = format!("SELECT count(*) FROM pg_database WHERE datname = '{name}'");
            assert_eq!(cluster.query("postgres", &left).await.as_deref(), Some("0"));
        });
    }

    #[test]
    fn a_private_server_keeps_what_it_has_while_it_is_stopped() {
        Runtime::new().unwrap().block_on(async {
            let cluster = PgCluster::private();
            let database = with_table(&cluster).await;
            database.query("INSERT INTO kept VALUES (1)").await;

            cluster.stop();
            let refused = tokio_postgres::connect(&database.url(), tokio_postgres::NoTls).await;
            assert!(refused.is_err());
            cluster.start();
            cluster.pause();
            cluster.resume();

            let count = "SELECT count(*) FROM kept";
            assert_eq!(database.query(count).await.as_deref(), Some("1"));
        });
    }

    #[test]
    fn everybody_but_postgres_needs_a_password() {
        Runtime::new().unwrap().block_on(async {
            let database = PgCluster::shared().database().await;
            let user = format!("user_of_{}", database.name());
            database
                .query(&format!("CREATE ROLE {user} LOGIN PASSWORD 'right'"))
                .await;

            for (password, is_let_in) in [("right", true), ("wrong", false)] {
                let url = database.url_of(&format!("{user}:{password}"));
                let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
                assert_eq!(connected.is_ok(), is_let_in);
            }
            database.query(&format!("DROP ROLE {user}")).await;
        });
    }
}
