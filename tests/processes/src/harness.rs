//! Servers, and what they share.

use std::{fmt::Write as _, fs, path::PathBuf};

use serde_json::Value;
use tempfile::TempDir;
use uuid::Uuid;

use crate::{Api, Credential, Mailbox, Process, command};

/// What the servers of one installation share: configuration, people and a store.
///
/// Without [`on`](Self::on) each server has a file of its own, in its directory.
#[derive(Debug)]
pub struct Installation {
    config: String,
    data: Option<PathBuf>,
    dir: TempDir,
    people: Vec<Person>,
    store: Option<String>,
    variables: Vec<(String, String)>,
}

/// Somebody whom the configuration knows.
#[derive(Debug)]
struct Person {
    id: String,
    role: Option<&'static str>,
    token: String,
}

impl Installation {
    /// Knows `owner`; `ada`, a developer; `bob`, who may do nothing; and some developers for [`Load`](crate::Load).
    pub fn new() -> Self {
        let workers = (0..Self::WORKERS).map(|number| (worker(number), Some("developer")));
        let mut people = vec![
            ("owner".to_owned(), Some("owner")),
            ("ada".to_owned(), Some("developer")),
            ("bob".to_owned(), None),
        ];
        people.extend(workers);
        let person = |(id, role)| Person {
            token: format!("token-of-{id}-{}", Uuid::new_v4().simple()),
            id,
            role,
        };
        Self {
            people: people.into_iter().map(person).collect(),
            ..Self::empty()
        }
    }

    /// Lets people have accounts with passwords, and sends their letters to a mailbox.
    pub fn with_accounts(mailbox: &Mailbox) -> Self {
        let secret = format!("secret-of-accounts-{}", Uuid::new_v4().simple());
        let password = format!("[password]\nsecrets = [\"{secret}\"]");
        Self::empty().configured(&format!(
            "auth = \"password\"\n{password}\n{}",
            mailbox.config()
        ))
    }

    /// Configures nobody, so that the first start makes its two tokens.
    pub fn empty() -> Self {
        Self {
            config: String::new(),
            data: None,
            dir: TempDir::new().expect("a temporary directory can be made"),
            people: Vec::new(),
            store: None,
            variables: Vec::new(),
        }
    }

    /// How many people there are for [`Load`](crate::Load).
    pub const WORKERS: usize = 8;

    /// Puts all servers on one store.
    #[must_use]
    pub fn on(mut self, store: impl Into<String>) -> Self {
        self.store = Some(store.into());
        self
    }

    /// Keeps what servers keep in a directory that is somewhere else, in one of its own for each of them.
    #[must_use]
    pub fn keeping(mut self, data: impl Into<PathBuf>) -> Self {
        self.data = Some(data.into());
        self
    }

    /// Adds to the configuration file.
    #[must_use]
    pub fn configured(mut self, lines: &str) -> Self {
        self.config.push_str(lines);
        self.config.push('\n');
        self
    }

    /// Sets a variable of the servers.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Gives somebody another token.
    #[must_use]
    pub fn with_token(mut self, id: &str, token: &str) -> Self {
        let people = self.people.iter_mut();
        let mut found = people.filter(|person| person.id == id);
        token.clone_into(&mut found.next().expect("a known person").token);
        self
    }

    /// Returns the token of somebody.
    pub fn token(&self, id: &str) -> &str {
        let found = self.people.iter().find(|person| person.id == id);
        &found.expect("a known person").token
    }

    /// Returns the tokens of everybody.
    pub fn tokens(&self) -> impl Iterator<Item = &str> {
        self.people.iter().map(|person| person.token.as_str())
    }

    /// Returns the owner's token.
    pub fn owner(&self) -> Credential {
        Credential::Token(self.token("owner").to_owned())
    }

    /// Returns the directory that the servers' directories are in.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Starts a server and waits until it is ready. A name that was used before is the same server again.
    pub async fn start(&self, name: &str) -> Server {
        let mut process = self.launch(name);
        let api = Api::new(process.ready().await);
        Server {
            api,
            data: self.data(name),
            process,
        }
    }

    /// Starts a server and waits until it is ready. Returns the process alone when something else happens first.
    pub async fn start_unless(
        &self,
        name: &str,
        other: impl Future<Output = ()>,
    ) -> Result<Server, Process> {
        let mut process = self.launch(name);
        let url = tokio::select! {
            // It may be what ends the process.
            biased;
            () = other => return Err(process),
            url = process.ready() => url,
        };
        Ok(Server {
            api: Api::new(url),
            data: self.data(name),
            process,
        })
    }

    fn data(&self, name: &str) -> PathBuf {
        let elsewhere = self.data.as_ref().map(|data| data.join(name));
        elsewhere.unwrap_or_else(|| self.path(name).join("data"))
    }

    /// Starts a server and does not wait.
    pub fn launch(&self, name: &str) -> Process {
        let dir = self.path(name);
        fs::create_dir_all(&dir).expect("a temporary directory can be written");
        // Outside of the data directory, where no secret may be.
        let file = dir.join("mastra-ee.toml");
        fs::write(&file, self.file()).expect("a temporary directory can be written");
        let settings = self.settings(name);
        let mut args = vec!["serve", "--listen", "127.0.0.1:0"];
        args.extend(settings.iter().map(String::as_str));
        Process::start(&dir, &args, &self.variables)
    }

    /// Runs `mastra-ee audit verify` with the settings of a server and returns its code and what it has said.
    pub fn verify(&self, name: &str, args: &[&str]) -> (i32, String) {
        let settings = self.settings(name);
        let mut words = vec!["audit", "verify"];
        words.extend(args);
        words.extend(settings.iter().map(String::as_str));
        let output = command(&words).output();
        let output = output.expect("the binary can be run");
        let code = output.status.code().expect("it ends by itself");
        let text = [output.stdout, output.stderr].concat();
        (code, String::from_utf8_lossy(&text).into_owned())
    }

    /// Returns the arguments that say where the things of a server are.
    fn settings(&self, name: &str) -> Vec<String> {
        let dir = self.path(name);
        let mut settings = vec![
            "--config".to_owned(),
            dir.join("mastra-ee.toml").display().to_string(),
            "--data".to_owned(),
            self.data(name).display().to_string(),
        ];
        if let Some(store) = &self.store {
            settings.extend(["--store".to_owned(), store.clone()]);
        }
        settings
    }

    fn file(&self) -> String {
        let mut file = self.config.clone();
        for Person { id, role, token } in &self.people {
            // A text of JSON is one of TOML.
            let token = Value::from(token.as_str());
            let _ = writeln!(file, "[simple.tokens.{token}]\nid = \"{id}\"");
            if let Some(role) = role {
                let _ = writeln!(file, "role = \"{role}\"");
            }
        }
        file
    }
}

impl Default for Installation {
    fn default() -> Self {
        Self::new()
    }
}

/// Returns the id of a person for [`Load`](crate::Load).
pub(crate) fn worker(number: usize) -> String {
    format!("worker-{number}")
}

/// A server that runs.
#[derive(Debug)]
pub struct Server {
    /// How it is asked.
    pub api: Api,
    /// Its data directory.
    pub data: PathBuf,
    /// The process.
    pub process: Process,
}

impl Server {
    /// Returns the file of a server that has a store of its own.
    pub fn database(&self) -> PathBuf {
        self.data.join("mastra-ee.db")
    }
}
