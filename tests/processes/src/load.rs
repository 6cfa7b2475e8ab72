//! People who write without a pause.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    Answer, Api, Ask, Credential, Dice, Installation, Journal, Write, harness::worker, patiently,
};

/// Most sessions that one person has at a time.
const MOST_SESSIONS: usize = 4;

/// Several people who create agents, conversations and grants, sign in and sign out, until they are stopped or their
/// server is gone.
#[derive(Debug)]
pub struct Load {
    acknowledged: Arc<AtomicUsize>,
    is_over: Arc<AtomicBool>,
    people: JoinSet<(Journal, End)>,
}

/// Why somebody has stopped writing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    ServerGone,
    Stopped,
}

impl Load {
    /// Lets people write to a server. No two loads may have a person in common.
    pub fn start(
        installation: &Installation,
        api: &Api,
        people: Range<usize>,
        dice: &mut Dice,
    ) -> Self {
        let (acknowledged, is_over) = <(Arc<AtomicUsize>, Arc<AtomicBool>)>::default();
        let mut set = JoinSet::new();
        for number in people {
            let writer = Writer {
                acknowledged: Arc::clone(&acknowledged),
                api: api.clone(),
                dice: Dice::new(dice.roll(u64::MAX)),
                journal: Journal::default(),
                me: Credential::Token(installation.token(&worker(number)).to_owned()),
                owner: installation.owner(),
                sessions: Vec::new(),
            };
            set.spawn(writer.write(Arc::clone(&is_over)));
        }
        Self {
            acknowledged,
            is_over,
            people: set,
        }
    }

    /// Waits until so many writes are acknowledged.
    pub async fn reaches(&self, writes: usize) {
        patiently("writing", async {
            while self.acknowledged.load(Ordering::Relaxed) < writes {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    /// Lets everybody finish what he does. The server must still be there.
    pub async fn stop(self) -> Journal {
        self.is_over.store(true, Ordering::Relaxed);
        self.collect(End::Stopped).await
    }

    /// Collects what was acknowledged by a server that is gone.
    pub async fn end(self) -> Journal {
        self.collect(End::ServerGone).await
    }

    async fn collect(self, expected: End) -> Journal {
        let mut journal = Journal::default();
        for (theirs, end) in patiently("the end of writing", self.people.join_all()).await {
            assert_eq!(end, expected);
            journal.extend(theirs);
        }
        journal
    }
}

/// One person who writes.
struct Writer {
    acknowledged: Arc<AtomicUsize>,
    api: Api,
    dice: Dice,
    journal: Journal,
    me: Credential,
    owner: Credential,
    /// Those that nobody has tried to end.
    sessions: Vec<Credential>,
}

/// The server did not answer to the end.
struct Gone;

impl Writer {
    async fn write(mut self, is_over: Arc<AtomicBool>) -> (Journal, End) {
        let mut end = End::Stopped;
        while !is_over.load(Ordering::Relaxed) {
            if self.write_once().await.is_err() {
                end = End::ServerGone;
                break;
            }
            self.acknowledged.fetch_add(1, Ordering::Relaxed);
        }
        for session in self.sessions {
            self.journal.note(Write::SignedIn(session));
        }
        (self.journal, end)
    }

    async fn write_once(&mut self) -> Result<(), Gone> {
        match self.dice.roll(8) {
            0 | 1 => self.create_agent().await,
            2 | 3 => self.create_thread().await,
            4 | 5 => self.grant().await,
            6 if self.sessions.len() > 1 => self.end_other_sessions().await,
            _ if self.sessions.len() < MOST_SESSIONS => self.sign_in().await,
            _ => self.sign_out().await,
        }
    }

    async fn create_agent(&mut self) -> Result<(), Gone> {
        let id = format!("agent-{}", Uuid::new_v4().simple());
        let body = json!({ "id": id, "name": "Agent", "instructions": "Be brief." });
        let ask = self.api.post("/api/stored/agents").by(&self.me).json(&body);
        send(ask).await?;
        let by = self.me.clone();
        self.journal.note(Write::Agent { id, by });
        Ok(())
    }

    async fn create_thread(&mut self) -> Result<(), Gone> {
        let id = Uuid::new_v4().to_string();
        let body = json!({ "threadId": id, "title": "Conversation" });
        let ask = self.api.post("/api/memory/threads").by(&self.me);
        send(ask.json(&body)).await?;
        let by = self.me.clone();
        self.journal.note(Write::Thread { id, by });
        Ok(())
    }

    async fn grant(&mut self) -> Result<(), Gone> {
        let agent = format!("agent-{}", Uuid::new_v4().simple());
        let body = json!({
            "subject": { "type": "user", "id": "bob" },
            "resource": { "type": "agents", "id": agent },
            "actions": ["read"],
        });
        let ask = self.api.post("/api/access/grants").by(&self.owner);
        send(ask.json(&body)).await?;
        self.journal.note(Write::Grant {
            agent,
            by: self.owner.clone(),
            user: "bob".to_owned(),
        });
        Ok(())
    }

    async fn sign_in(&mut self) -> Result<(), Gone> {
        let Credential::Token(token) = &self.me else {
            unreachable!("people have tokens");
        };
        let answer = send(self.api.signing_in("somebody@example.com", token)).await?;
        let session = answer.cookie();
        self.sessions
            .push(session.expect("whoever signs in gets a session"));
        Ok(())
    }

    async fn sign_out(&mut self) -> Result<(), Gone> {
        // Whether it has ended is not known until the server says so.
        let session = self.sessions.swap_remove(0);
        send(self.api.post("/api/auth/logout").by(&session)).await?;
        self.journal.note(Write::SignedOut(session));
        Ok(())
    }

    async fn end_other_sessions(&mut self) -> Result<(), Gone> {
        let kept = self.sessions.pop().expect("it was counted before");
        let ended = std::mem::replace(&mut self.sessions, vec![kept.clone()]);
        send(self.api.delete("/api/auth/sessions").by(&kept)).await?;
        for session in ended {
            self.journal.note(Write::SignedOut(session));
        }
        Ok(())
    }
}

/// A server that answers must do what it is asked.
async fn send(ask: Ask) -> Result<Answer, Gone> {
    let answer = ask.try_send().await.map_err(|_| Gone)?;
    assert!(
        answer.is_success(),
        "a write is refused: {} {}",
        answer.status,
        answer.text
    );
    Ok(answer)
}
