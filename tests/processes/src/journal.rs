//! What servers have acknowledged.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use reqwest::Method;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::{Answer, Api, Credential};

/// How many look at once.
const EYES: usize = 8;

/// Something that a server has said it did.
#[derive(Clone)]
pub enum Write {
    /// An agent was created.
    Agent {
        /// Its id.
        id: String,
        /// Who may read it.
        by: Credential,
    },
    /// A grant on an agent was given to a user.
    Grant {
        /// Id of the agent.
        agent: String,
        /// Who may read grants.
        by: Credential,
        /// Id of the user.
        user: String,
    },
    /// A session was begun, and nobody has tried to end it.
    SignedIn(Credential),
    /// A session was ended.
    SignedOut(Credential),
    /// A conversation was created.
    Thread {
        /// Its id.
        id: String,
        /// Whose it is.
        by: Credential,
    },
}

impl Write {
    /// Asks whether it is there, and says what is wrong if it is not.
    async fn check(&self, api: &Api) -> Result<(), String> {
        let ask = |path: &str, by: &Credential| api.ask(Method::GET, path).by(by);
        let (answer, is_kept): (Answer, fn(&Answer, &Self) -> bool) = match self {
            Self::Agent { id, by } => {
                let path = format!("/api/stored/agents/{id}");
                (ask(&path, by).send().await, |answer, _| {
                    answer.status == 200
                })
            }
            Self::Grant { agent, by, .. } => {
                let path = format!("/api/access/grants?resourceType=agents&resourceId={agent}");
                (ask(&path, by).send().await, is_granted)
            }
            Self::SignedIn(session) => {
                let answer = ask("/api/auth/sessions", session).send().await;
                (answer, |answer, _| answer.status == 200)
            }
            Self::SignedOut(session) => {
                let answer = ask("/api/auth/sessions", session).send().await;
                (answer, |answer, _| answer.status == 401)
            }
            Self::Thread { id, by } => {
                let path = format!("/api/memory/threads/{id}");
                (ask(&path, by).send().await, |answer, _| {
                    answer.status == 200
                })
            }
        };
        if is_kept(&answer, self) {
            Ok(())
        } else {
            Err(format!("{self:?}: {} {}", answer.status, answer.text))
        }
    }
}

impl fmt::Debug for Write {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent { id, .. } => write!(f, "agent `{id}`"),
            Self::Grant { agent, user, .. } => write!(f, "grant to `{user}` on `{agent}`"),
            Self::SignedIn(session) => write!(f, "begun {session:?}"),
            Self::SignedOut(session) => write!(f, "ended {session:?}"),
            Self::Thread { id, .. } => write!(f, "conversation `{id}`"),
        }
    }
}

fn is_granted(answer: &Answer, write: &Write) -> bool {
    let Write::Grant { user, .. } = write else {
        return false;
    };
    let list = answer.json();
    let grants = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    grants
        .iter()
        .any(|grant: &Value| grant.to_string().contains(&format!("\"{user}\"")))
}

/// Everything that was acknowledged.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    writes: Vec<Write>,
}

impl Journal {
    pub(crate) fn note(&mut self, write: Write) {
        self.writes.push(write);
    }

    /// Adds what another journal holds.
    pub fn extend(&mut self, other: Self) {
        self.writes.extend(other.writes);
    }

    /// Drops what says that a session goes on: somebody may have ended it since.
    #[must_use]
    pub fn without_running_sessions(mut self) -> Self {
        self.writes
            .retain(|write| !matches!(write, Write::SignedIn(_)));
        self
    }

    /// Returns how many writes there are.
    pub fn count(&self) -> usize {
        self.writes.len()
    }

    /// Returns how many sessions were ended.
    pub fn ended_sessions(&self) -> usize {
        let ended = |write: &&Write| matches!(write, Write::SignedOut(_));
        self.writes.iter().filter(ended).count()
    }

    /// Fails the test unless a server has everything and no session is alive that was ended.
    pub async fn check(&self, api: &Api, when: &str) {
        let (writes, next) = (Arc::new(self.writes.clone()), Arc::new(AtomicUsize::new(0)));
        let mut eyes = JoinSet::new();
        for _ in 0..EYES {
            let (writes, next, api) = (Arc::clone(&writes), Arc::clone(&next), api.clone());
            eyes.spawn(async move {
                let mut wrong = Vec::new();
                while let Some(write) = writes.get(next.fetch_add(1, Ordering::Relaxed)) {
                    wrong.extend(write.check(&api).await.err());
                }
                wrong
            });
        }
        let wrong: Vec<String> = eyes.join_all().await.concat();
        assert!(
            wrong.is_empty(),
            "{when}: {} of {} acknowledged writes are not there, such as {:#?}",
            wrong.len(),
            self.count(),
            &wrong[..wrong.len().min(5)]
        );
    }
}
