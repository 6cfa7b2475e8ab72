//! What other processes change.

use std::{
    future::{pending, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use deadpool_postgres::Pool;
use ee_core::storage::{Change, ChangeHub};
use tokio::{
    sync::Mutex,
    task::JoinHandle,
    time::{interval, sleep, timeout},
};
use tokio_postgres::{AsyncMessage, Client};
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::{
    Error,
    echoes::Echoes,
    server::{Server, Wire},
};

const OPERATION: &str = "listen for changes";

/// How often it is asked whether the server is still there and, while it is not, everything is called changed.
const EVERY: Duration = Duration::from_millis(300);

/// How long the server has to say that it is. With [`EVERY`] it is known within a second that nothing is heard.
const ANSWER: Duration = Duration::from_millis(400);

/// The longest wait between two tries to connect.
const PAUSE: Duration = Duration::from_secs(1);

/// A task that hears what other processes tell, on a connection of its own.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) echoes: Arc<Echoes>,
    stop: CancellationToken,
    task: Mutex<Option<JoinHandle<()>>>,
}

impl Listener {
    /// Begins to listen before it returns.
    pub(crate) async fn start(
        server: Server,
        hub: Arc<ChangeHub>,
        pool: Pool,
    ) -> Result<Self, Error> {
        let ear = Ear::open(&server).await?;
        let echoes = Arc::new(Echoes::new(ear.name.clone()));
        let task = Task {
            echoes: Arc::clone(&echoes),
            hub,
            pool,
            server,
        };
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let task = tokio::spawn(async move {
            stopped.run_until_cancelled(task.listen(ear)).await;
        });
        Ok(Self {
            echoes,
            stop,
            task: Mutex::new(Some(task)),
        })
    }

    /// Ends the task and waits until it has.
    pub(crate) async fn stop(&self) {
        self.stop.cancel();
        if let Some(task) = self.task.lock().await.take() {
            // It has nothing to tell.
            let _ = task.await;
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// What the task works with.
struct Task {
    echoes: Arc<Echoes>,
    hub: Arc<ChangeHub>,
    pool: Pool,
    server: Server,
}

impl Task {
    async fn listen(&self, mut ear: Ear) {
        loop {
            self.hear(&mut ear).await;
            drop(ear);
            warn!("the database no longer tells of changes; everything is read anew until it does");
            // Whoever comes next need not find out that these are as dead.
            drop(self.pool.retain(|_, _| false));
            ear = self.reconnect().await;
            self.echoes.forget_all();
            self.tell(&Change::Everything);
            info!("the database tells of changes again");
        }
    }

    /// Tells what is heard, until the connection has ended or the server does not answer.
    async fn hear(&self, ear: &mut Ear) {
        let Ear { client, wire, .. } = ear;
        let is_there = async {
            loop {
                sleep(EVERY).await;
                if !matches!(timeout(ANSWER, client.batch_execute("")).await, Ok(Ok(()))) {
                    return;
                }
            }
        };
        let heard = async {
            while let Some(message) = next(wire).await {
                if let AsyncMessage::Notification(notification) = message
                    && let Some(change) = self.echoes.receive(notification.payload())
                {
                    self.tell(&change);
                }
            }
        };
        tokio::select! {
            () = is_there => {}
            () = heard => {}
        }
    }

    /// Tells of a change. A listener that panics must not keep the next ones from being heard.
    fn tell(&self, change: &Change) {
        if catch_unwind(AssertUnwindSafe(|| self.hub.tell(change))).is_err() {
            error!("whoever was told of a change of the store panicked");
        }
    }

    /// Calls everything changed, at once and again and again, until there is a connection.
    async fn reconnect(&self) -> Ear {
        let connected = async {
            let mut pause = EVERY;
            loop {
                if let Ok(ear) = Ear::open(&self.server).await {
                    return ear;
                }
                sleep(pause).await;
                pause = PAUSE.min(pause * 2);
            }
        };
        let unsure = async {
            let mut ticks = interval(EVERY);
            loop {
                ticks.tick().await;
                self.tell(&Change::Everything);
            }
        };
        tokio::select! {
            ear = connected => ear,
            () = unsure => pending().await,
        }
    }
}

/// A connection that listens.
struct Ear {
    client: Client,
    /// What nobody else is called.
    name: String,
    wire: Wire,
}

impl Ear {
    /// Connects and begins to listen. What is told before it returns is not heard: everybody has to be told that
    /// everything may have changed, or know nothing yet.
    async fn open(server: &Server) -> Result<Self, Error> {
        let operation = OPERATION;
        let (client, mut wire) = server.connect(operation, "changes").await?;
        let listening = timeout(server.patience, async {
            client.batch_execute("LISTEN ee_changes").await?;
            let name = "SELECT CAST(gen_random_uuid() AS TEXT)";
            client.query_one(name, &[]).await?.try_get(0)
        });
        let name = tokio::select! {
            name = listening => {
                name.map_err(|_| Error::Timeout { operation })?
                    .map_err(|err| Error::query(operation, err))?
            }
            () = async { while next(&mut wire).await.is_some() {} } => {
                return Err(Error::Lost { operation, source: None });
            }
        };
        Ok(Self { client, name, wire })
    }
}

/// Moves what is sent and received until the server says something unasked. `None` when the connection has ended.
async fn next(wire: &mut Wire) -> Option<AsyncMessage> {
    poll_fn(|context| wire.poll_message(context)).await?.ok()
}
