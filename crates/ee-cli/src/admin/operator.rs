//! Whoever runs the commands: the store, opened, with the use cases of a server.

use std::sync::Arc;

use anyhow::{Result, bail, ensure};
use ee::{
    AuditLogger, AuthProvider, Clock, Error, ErrorKind, RequestHead, SystemClock, User,
    UserProvider,
    access::{AccountUsers, EitherUsers},
    async_trait,
    auth_password::PasswordAuth,
    auth_simple::SimpleAuth,
    server::{
        AuthMode, Cx, Server,
        access::{AccessParts, Listing},
    },
    storage::{Change, ChangeListener as _},
    with_ee,
};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::record;
use crate::{
    accounts,
    args::AdminArgs,
    config::{AuthKind, Loaded, SessionKind, load},
    first_start, parts, serve,
    stores::{self, Stores},
};

/// How often a change is tried when somebody else changes the same at the same moment.
const MOST_TRIES: usize = 20;

/// Whoever runs the commands, with everything that they work on.
pub(super) struct Operator {
    pub(super) audit: Arc<dyn AuditLogger>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) cx: Cx,
    pub(super) is_json: bool,
    pub(super) loaded: Loaded,
    /// Ends the writer of the record.
    shutdown: CancellationToken,
    pub(super) stores: Stores,
    writer: JoinHandle<()>,
}

impl Operator {
    /// Opens the configured store. It must be there, unless a deployment may begin with this command.
    pub(super) async fn open(args: &AdminArgs, may_begin: bool) -> Result<Self> {
        let mut loaded = load(&args.settings)?;
        let Some(roles) = loaded.roles()? else {
            bail!(
                "`rbac.mapping` stands in place of roles: this deployment keeps no roles, grants and keys of its own"
            );
        };
        check_store(&loaded, may_begin).await?;
        let stores = Stores::open(&loaded.store, SessionKind::Store).await?;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let (audit, writer) = record::recorder(&loaded, &stores.audit, &clock)?;
        let audit: Arc<dyn AuditLogger> = Arc::new(audit);
        let shutdown = CancellationToken::new();
        let stopped = shutdown.clone().cancelled_owned();
        let writer = tokio::spawn(writer.run(stopped));
        let users = users(&mut loaded, &stores)?;
        let access = parts::access(&loaded, roles, &stores, &clock, Arc::clone(&users))?;
        let auth = with_ee(NoSignIn)
            .users(users)
            .rbac(Arc::clone(&access.roles))
            .acl(Arc::clone(&access.store) as _)
            .build();
        let server = Server::new(
            AuthMode::On(Arc::new(auth)),
            Arc::clone(&audit),
            Arc::clone(&clock),
            parts::origins(&loaded, loaded.listen),
        );
        let server = Arc::new(server.access(access.parts));
        Ok(Self {
            audit,
            clock,
            cx: Cx::operator(server),
            is_json: args.json,
            loaded,
            shutdown,
            stores,
            writer,
        })
    }

    /// Finishes what is queued.
    pub(super) async fn close(self) {
        self.shutdown.cancel();
        if let Err(err) = self.writer.await {
            tracing::error!(error = %err, "the record was not finished");
        }
        self.stores.close().await;
    }

    pub(super) fn access(&self) -> Result<&AccessParts> {
        Ok(self.cx.access()?)
    }

    /// Returns what changes passwords and makes links. Fails where nobody signs in with a password.
    pub(super) fn password(&self) -> Result<PasswordAuth> {
        ensure!(
            self.loaded.config.auth == AuthKind::Password,
            "nobody signs in with a password here: that takes `auth = \"password\"`"
        );
        let url = parts::origins(&self.loaded, self.loaded.listen).public;
        accounts::direct(&self.loaded, &self.stores, &self.clock, &url)
    }

    /// Returns the moment that lies so far ahead.
    pub(super) fn after(&self, time: SignedDuration) -> Result<Timestamp> {
        Ok(self.clock.now().checked_add(time)?)
    }

    /// Reads all parts of a list.
    pub(super) async fn all<T>(
        &self,
        part: impl AsyncFn(Option<String>) -> Result<Listing<T>, Error>,
    ) -> Result<Listing<T>> {
        let mut all = part(None).await?;
        while let Some(cursor) = all.next_cursor.take() {
            let next = part(Some(cursor)).await?;
            all.items.extend(next.items);
            all.next_cursor = next.next_cursor;
        }
        Ok(all)
    }

    /// Acts on what is there at this moment, and again when somebody else was faster.
    pub(super) async fn again_if_stale<T>(
        &self,
        act: impl AsyncFn() -> Result<T, Error>,
    ) -> Result<T, Error> {
        for _ in 1..MOST_TRIES {
            match act().await {
                Err(err) if err.kind() == ErrorKind::Stale => {
                    // Who was faster may be another process, and its news still on the way.
                    self.stores.epochs.changed(&Change::Everything);
                }
                done => return done,
            }
        }
        act().await
    }
}

/// Refuses a store that is not there, or not of this version: a running server of the old one works on it.
pub(crate) async fn check_store(loaded: &Loaded, may_begin: bool) -> Result<()> {
    let store = &loaded.store;
    let Some(schema) = stores::schema(store).await? else {
        bail!("{store} keeps nothing outside of the server: there is nothing to manage");
    };
    match schema.found {
        0 if may_begin => serve::create_private_dir(&loaded.data),
        0 => bail!(
            "there is nothing at {store} yet: `mastra-ee serve` and `mastra-ee migrate up` begin with it"
        ),
        found if found < schema.known => bail!(
            "{store} has schema {found} of {}: `mastra-ee migrate up` renews it",
            schema.known
        ),
        // What is newer is refused by whoever opens it.
        _ => Ok(()),
    }
}

/// Returns the users that a server with this configuration knows.
fn users(loaded: &mut Loaded, stores: &Stores) -> Result<Arc<dyn UserProvider>> {
    let accounts = Arc::new(AccountUsers::new(Arc::clone(&stores.accounts)));
    if loaded.config.auth != AuthKind::Simple {
        return Ok(accounts);
    }
    let config = match loaded.config.simple.take() {
        Some(config) => config,
        None => first_start::users()?,
    };
    Ok(Arc::new(EitherUsers {
        first: Arc::new(SimpleAuth::new(config)?),
        second: accounts,
    }))
}

/// Lets nobody in and asks for no licence: here nobody signs in, and the roles are read for explanations.
#[derive(Debug)]
struct NoSignIn;

#[async_trait]
impl AuthProvider for NoSignIn {
    fn name(&self) -> &'static str {
        "operator"
    }

    async fn authenticate(&self, _head: &RequestHead<'_>) -> Result<Option<Arc<User>>, Error> {
        Ok(None)
    }

    fn license_exempt(&self) -> bool {
        true
    }
}
