//! Which schema the database has.

use ee_sql::SchemaStatus;
use refinery::{Migration, Runner};
use refinery_core::traits::r#async::{AsyncMigrate, AsyncQuery, AsyncTransaction};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::time::timeout;
use tokio_postgres::{Client, GenericClient, Row, Transaction};

use crate::{Error, OpenError, connection::LOCKS, server::Server};

mod embedded {
    #![allow(
        unreachable_pub,
        clippy::unwrap_used,
        reason = "generated; a migration file with a wrong name fails every test"
    )]

    refinery::embed_migrations!("migrations");
}

const HISTORY: &str = "ee_schema_history";

/// What is done here, for errors.
const OPERATION: &str = "look at the schema";

/// Tells which schema there is.
pub(crate) async fn status(server: &Server) -> Result<SchemaStatus, OpenError> {
    let client = connect(server).await?;
    look(&client, server, known(&runner())).await
}

/// Refuses a schema that is too new, brings any other up to date, and tells which one there was.
///
/// All of it is one transaction behind a lock: of several processes that start on a new database, one creates the
/// schema and the others find it; whatever is interrupted leaves the database as it was. Where nothing is to be done,
/// only the right to read is needed.
pub(crate) async fn migrate(server: &Server) -> Result<SchemaStatus, OpenError> {
    let runner = runner();
    let known = known(&runner);
    let mut client = connect(server).await?;
    if let done @ SchemaStatus { found, .. } = look(&client, server, known).await?
        && found >= known
    {
        return not_newer(done, server);
    }

    let failed = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Migrate {
        source,
        target: server.target.clone(),
    };
    let sql = |err| failed(Error::query("migrate", err).into());
    let transaction = client.transaction().await.map_err(sql)?;
    let no_limit = "SET LOCAL statement_timeout = 0";
    transaction.batch_execute(no_limit).await.map_err(sql)?;
    let lock = format!("SELECT pg_advisory_xact_lock({LOCKS}, hashtext('{HISTORY}'))");
    transaction.batch_execute(&lock).await.map_err(sql)?;
    let before = not_newer(look(&transaction, server, known).await?, server)?;
    let mut transaction = WithinTransaction(transaction);
    runner
        .run_async(&mut transaction)
        .await
        .map_err(|err| failed(err.into()))?;
    transaction.0.commit().await.map_err(sql)?;
    Ok(before)
}

fn runner() -> Runner {
    let mut runner = embedded::migrations::runner();
    runner.set_migration_table_name(HISTORY);
    runner
}

fn known(runner: &Runner) -> i32 {
    let versions = runner.get_migrations().iter().map(Migration::version);
    versions.max().unwrap_or_default()
}

async fn connect(server: &Server) -> Result<Client, OpenError> {
    let connected = server.connect(OPERATION, "schema").await;
    let (client, wire) = connected.map_err(|source| unreachable_at(server, source))?;
    // Ends with the client.
    tokio::spawn(wire);
    Ok(client)
}

async fn look(
    client: &impl GenericClient,
    server: &Server,
    known: i32,
) -> Result<SchemaStatus, OpenError> {
    let look = async {
        let exists = format!("SELECT to_regclass('{HISTORY}') IS NOT NULL");
        if !client.query_one(&exists, &[]).await?.try_get(0)? {
            return Ok(0);
        }
        let newest = format!("SELECT coalesce(max(version), 0) FROM {HISTORY}");
        client.query_one(&newest, &[]).await?.try_get(0)
    };
    let operation = OPERATION;
    match timeout(server.patience, look).await {
        Ok(Ok(found)) => Ok(SchemaStatus { found, known }),
        Ok(Err(err)) => Err(unreachable_at(server, Error::query(operation, err))),
        Err(_) => Err(unreachable_at(server, Error::Timeout { operation })),
    }
}

fn unreachable_at(server: &Server, source: Error) -> OpenError {
    OpenError::Connect {
        source,
        target: server.target.clone(),
    }
}

fn not_newer(status: SchemaStatus, server: &Server) -> Result<SchemaStatus, OpenError> {
    let SchemaStatus { found, known } = status;
    if found > known {
        return Err(OpenError::Newer {
            found,
            known,
            target: server.target.clone(),
        });
    }
    Ok(status)
}

/// Lets refinery work inside a transaction that is open already.
struct WithinTransaction<'a>(Transaction<'a>);

impl AsyncTransaction for WithinTransaction<'_> {
    type Error = Error;

    async fn execute<'a, T: Iterator<Item = &'a str> + Send + 'a>(
        &'a mut self,
        queries: T,
    ) -> Result<usize, Self::Error> {
        let mut count = 0;
        for query in queries {
            let done = self.0.batch_execute(query).await;
            done.map_err(|err| Error::query("migrate", err))?;
            count += 1;
        }
        Ok(count)
    }
}

impl AsyncQuery<Vec<Migration>> for WithinTransaction<'_> {
    async fn query<'a>(&'a mut self, query: &'a str) -> Result<Vec<Migration>, Self::Error> {
        let rows = self.0.query(query, &[]).await;
        let rows = rows.map_err(|err| Error::query("migrate", err))?;
        rows.iter().map(applied).collect()
    }
}

impl AsyncMigrate for WithinTransaction<'_> {}

fn applied(row: &Row) -> Result<Migration, Error> {
    let sql = |err| Error::query("migrate", err);
    let (version, name) = (row.try_get(0).map_err(sql)?, row.try_get(1).map_err(sql)?);
    let applied_on: &str = row.try_get(2).map_err(sql)?;
    let checksum: &str = row.try_get(3).map_err(sql)?;
    match (
        OffsetDateTime::parse(applied_on, &Rfc3339),
        checksum.parse(),
    ) {
        (Ok(applied_on), Ok(checksum)) => {
            Ok(Migration::applied(version, name, applied_on, checksum))
        }
        _ => Err(Error::Unreadable {
            operation: "migrate",
        }),
    }
}
