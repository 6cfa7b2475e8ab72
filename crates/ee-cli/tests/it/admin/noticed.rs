//! A server that runs obeys what commands change, within a second.

use std::time::{Duration, Instant};

use ee_testkit::PgCluster;
use reqwest::{Method, RequestBuilder};
use serde_json::json;

use super::deployment::{Deployment, PASSWORD, PASSWORDS};
use crate::running::Running;

/// How soon it must be.
const SOON: Duration = Duration::from_secs(1);
const WRITER: &str = "/api/agents/writer";
const BEA: &str = "bea@example.com";

/// A server, and commands beside it.
struct World {
    bea: String,
    deployment: Deployment,
    running: Running,
}

/// What somebody shows to be let in.
enum Shown {
    Cookie(String),
    Key(String),
}

impl World {
    async fn new(config: &str) -> Self {
        let deployment = Deployment::with_owner(config);
        let bea = deployment.person(BEA, &["viewer"]);
        let running = deployment.serve().await;
        Self {
            bea,
            deployment,
            running,
        }
    }

    async fn sign_in(&self) -> Shown {
        let body = json!({ "email": BEA, "password": PASSWORD });
        let path = "/api/auth/credentials/sign-in";
        let answer = self.running.ask(Method::POST, path, "", Some(body)).await;
        assert_eq!(answer.status(), 200);
        let cookies = answer.headers().get_all("set-cookie").iter();
        let mut pairs = cookies.filter_map(|it| it.to_str().ok()?.split(';').next());
        let session = pairs.find(|pair| pair.contains("session"));
        Shown::Cookie(session.unwrap().to_owned())
    }

    fn key(&self) -> (String, Shown) {
        let args = [
            "keys",
            "create",
            "--user",
            BEA,
            "--name",
            "ci",
            "--scope",
            "agents:read",
        ];
        let created = self.deployment.json(&args);
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (
            text(&created["key"]["id"]),
            Shown::Key(text(&created["secret"])),
        )
    }

    fn request(&self, shown: &Shown) -> RequestBuilder {
        let url = format!("{}{WRITER}", self.running.url);
        let request = self.running.client.get(url);
        match shown {
            Shown::Cookie(cookie) => request.header("cookie", cookie),
            Shown::Key(key) => request.bearer_auth(key),
        }
    }

    async fn status(&self, shown: &Shown) -> u16 {
        self.request(shown).send().await.unwrap().status().as_u16()
    }

    /// Runs a command; whoever was answered with `before` must be answered with `after` within a second.
    async fn turns(&self, shown: &Shown, before: u16, command: &[&str], after: u16) {
        assert_eq!(self.status(shown).await, before, "before {command:?}");
        self.deployment.ok(command);

        let done = Instant::now();
        loop {
            let status = self.status(shown).await;
            if status == after {
                return;
            }
            assert_eq!(status, before, "{command:?}");
            assert!(done.elapsed() < SOON, "{command:?} is not noticed");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Every change that takes something from somebody, and what gives it back.
    async fn obeys(&self) {
        let bea = &self.bea;
        let (it, other) = (self.sign_in().await, self.sign_in().await);
        let listed = self.deployment.json(&["sessions", "list", "--user", BEA]);
        let newest = listed["items"][0]["id"].as_str().unwrap();
        assert_eq!(listed["items"].as_array().unwrap().len(), 2);
        self.deployment.ok(&["sessions", "end", newest]);
        let (ended, left) = if self.status(&it).await == 401 {
            (it, other)
        } else {
            (other, it)
        };
        let user_end = ["sessions", "end", "--user", BEA];
        self.turns(&left, 200, &user_end, 401).await;
        assert_eq!(self.status(&ended).await, 401);

        let bea_in = self.sign_in().await;
        self.turns(&bea_in, 200, &["roles", "unassign", bea, "viewer"], 403)
            .await;
        self.turns(&bea_in, 403, &["roles", "assign", bea, "viewer"], 200)
            .await;
        let deny = [
            "grants",
            "add",
            "role:viewer",
            "agents:writer",
            "read",
            "--deny",
        ];
        self.turns(&bea_in, 200, &deny, 403).await;
        let allow = ["grants", "remove", "role:viewer", "agents:writer", "--deny"];
        self.turns(&bea_in, 403, &allow, 200).await;

        self.deployment
            .ok(&["roles", "put", "own", "--permission", "agents:read"]);
        self.deployment.ok(&["roles", "assign", bea, "own"]);
        self.deployment.ok(&["roles", "unassign", bea, "viewer"]);
        let narrower = ["roles", "put", "own", "--permission", "agents:execute"];
        self.turns(&bea_in, 200, &narrower, 403).await;
        self.deployment.ok(&["groups", "create", "ops"]);
        self.deployment
            .ok(&["grants", "add", "group:ops", "agents:writer", "read"]);
        self.turns(&bea_in, 403, &["groups", "add", "ops", BEA], 200)
            .await;
        self.turns(&bea_in, 200, &["groups", "remove", "ops", BEA], 403)
            .await;
        self.turns(&bea_in, 403, &["roles", "assign", bea, "viewer"], 200)
            .await;

        let (id, key) = self.key();
        self.turns(&key, 200, &["keys", "rotate", &id], 401).await;
        let (id, key) = self.key();
        self.turns(&key, 200, &["keys", "delete", &id], 401).await;

        self.turns(&bea_in, 200, &["users", "recover", BEA], 401)
            .await;
        let (_, key) = self.key();
        self.turns(&key, 200, &["users", "disable", BEA], 401).await;
        self.deployment.ok(&["users", "enable", BEA]);
        let bea_in = self.sign_in().await;
        self.turns(&bea_in, 200, &["users", "delete", BEA, "--yes"], 401)
            .await;
        assert_eq!(self.status(&key).await, 401);
    }
}

#[tokio::test]
async fn a_server_on_a_file_obeys_commands_within_a_second() {
    World::new(PASSWORDS).await.obeys().await;
}

#[tokio::test]
async fn a_server_on_postgresql_obeys_commands_within_a_second() {
    let database = PgCluster::shared().database().await;
    let config = format!(
        "{PASSWORDS}store = {:?}\n[password]\nsecrets = [\"{}\"]\n",
        database.url(),
        "0123456789abcdef".repeat(2)
    );

    World::new(&config).await.obeys().await;
}
