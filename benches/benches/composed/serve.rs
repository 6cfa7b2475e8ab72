//! The server.

use std::{fs::File, future::pending, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use ee::{
    AuditLogger, ServerCookie,
    access::{AccessStores, ApiKeys, StoreAccess},
    auth_password::{LogMailer, PasswordAuth, PasswordConfig, PasswordStores},
    axum::{Corridor, serve},
    defaults::{ConsoleAuditLogger, StoreSessions, default_roles},
    server::{AuthMode, Origins, Server},
    sql::{Database, SqlStore},
    store_libsql::{SqliteConfig, SqliteFile},
    store_pg::{PgConfig, PgDatabase},
    with_ee_shared,
};
use tokio::net::TcpListener;

use crate::{clock::MovableClock, people, reads::Reads, record};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Least time of a refused sign-in in milliseconds, in place of the product's
    #[arg(long)]
    floor: Option<u64>,
    /// Accounts that are locked: locked-0@bench.example and so on
    #[arg(long, default_value_t = 0)]
    locked: usize,
    /// More accounts: person-0@bench.example and so on
    #[arg(long, default_value_t = 0)]
    people: usize,
    #[arg(long, value_enum, default_value_t = Reads::Cached)]
    reads: Reads,
    /// Keeps a record in the store, with its spool here, in place of a console that goes nowhere
    #[arg(long)]
    spool: Option<PathBuf>,
    /// `sqlite:PATH` or `postgres://…`
    #[arg(long)]
    store: String,
    /// Whoever asks tells from where in X-Forwarded-For
    #[arg(long)]
    trusts_forwarding: bool,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    // As many worker threads as TOKIO_WORKER_THREADS says.
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        if let Some(path) = args.store.strip_prefix("sqlite:") {
            on(SqliteFile::open(SqliteConfig::new(path))?, args).await
        } else {
            let config = PgConfig::new(args.store.as_str());
            on(PgDatabase::connect(config).await?, args).await
        }
    })
}

async fn on<D: Database>(store: SqlStore<D>, args: &Args) -> Result<()> {
    let (store, clock) = (Arc::new(store), Arc::new(MovableClock::default()));
    let epochs = StoreAccess::epochs_of(store.hub());
    let (sessions, users) = args.reads.of(&store, &epochs, &clock);

    let mut config = PasswordConfig::new(
        "http://127.0.0.1",
        vec!["not a secret but of thirty-two bytes at least".into()],
    );
    config.answer_floor_for_tests = args.floor.map(Duration::from_millis);
    let stores = PasswordStores::all_in(Arc::clone(&store));
    let password = PasswordAuth::new(config, stores, clock.clone(), Arc::new(LogMailer))?;
    people::come_in(&*store, &password, args.people).await?;
    people::get_locked(&*store, &password, &clock, args.locked).await?;

    let kept = AccessStores {
        assignments: store.clone(),
        grants: store.clone(),
        groups: store.clone(),
        roles: store.clone(),
    };
    let access = StoreAccess::new(default_roles(), kept, clock.clone(), Arc::clone(&epochs));
    let access = Arc::new(access);
    let keys = ApiKeys::new(
        store.clone(),
        Arc::clone(&users),
        clock.clone(),
        Arc::clone(&epochs),
        "bench",
    )?;
    let sessions = StoreSessions::new(sessions, clock.clone(), ServerCookie::loopback_session());
    let sessions = Arc::new(sessions);
    let cookie = people::sign_in(&*store, &*sessions).await?;
    let auth = with_ee_shared(args.reads.provider(password, &epochs))
        .users(users)
        .sessions(sessions)
        .rbac(access.clone())
        .acl(access)
        .keys(Arc::new(keys))
        .exempt_local_development()
        .build();

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let audit: Arc<dyn AuditLogger> = match &args.spool {
        Some(spool) => record::begin(&store, spool, clock.clone())?,
        None => Arc::new(ConsoleAuditLogger::new(File::create("/dev/null")?).json()),
    };
    let server = Server::new(
        AuthMode::On(Arc::new(auth)),
        audit,
        clock,
        Origins::new(format!("http://{address}")),
    );
    let proxies = if args.trusts_forwarding {
        vec!["127.0.0.0/8".parse().context("a network")?]
    } else {
        Vec::new()
    };
    let corridor = Corridor::build(Arc::new(server), None, proxies)?;
    greet(address, &cookie);
    let routes = corridor.api().merge(record::requests(&corridor)?);
    serve(listener, corridor.wrap(routes), pending()).await;
    Ok(())
}

fn greet(address: SocketAddr, cookie: &str) {
    println!(
        "{}",
        serde_json::json!({ "address": address, "cookie": cookie })
    );
}
