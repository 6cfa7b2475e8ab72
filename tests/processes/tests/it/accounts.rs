//! People with passwords, at two servers on one PostgreSQL.

use ee_testkit::{PgCluster, PgTestDatabase};
use processes::{Ask, Credential, Installation, Mailbox, secret_of_link};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{changes::Ready, effects::Pair};

/// Few, since few sign-ins a minute are taken from one address.
const ROUNDS: usize = 2;

const OWNER: &str = "grace@example.com";
const PERSON: &str = "ada@example.com";

/// Two servers, and an owner who has just made her account.
struct World {
    mailbox: Mailbox,
    owner: Credential,
    pair: Pair,
    password: String,
    _database: PgTestDatabase,
}

impl World {
    async fn start() -> Self {
        let database = PgCluster::shared().database().await;
        let mailbox = Mailbox::start().await;
        let installation = Installation::with_accounts(&mailbox).on(database.url());
        let nobody_yet = Credential::Token(String::new());
        let mut pair = Pair::start_with(installation, nobody_yet).await;
        let link = std::fs::read_to_string(pair.one.data.join("setup-link")).unwrap();
        let password = password(0);
        let body = json!({
            "token": secret_of_link(&link).unwrap(),
            "email": OWNER,
            "password": password,
            "name": "Grace",
        });
        let answer = pair
            .one
            .api
            .post("/api/auth/setup")
            .json(&body)
            .send()
            .await;
        let owner = answer
            .cookie()
            .unwrap_or_else(|| panic!("{} {}", answer.status, answer.text));
        pair.bystander = bystander(&pair, &owner).await;
        Self {
            mailbox,
            owner,
            pair,
            password,
            _database: database,
        }
    }

    fn ask(&self, method: Method, path: &str) -> Ask {
        self.pair.one.api.ask(method, path).by(&self.owner)
    }

    async fn sign_in(&self, email: &str, password: &str) -> Credential {
        let answer = self.pair.one.api.signing_in(email, password).send().await;
        answer
            .cookie()
            .unwrap_or_else(|| panic!("{} {}", answer.status, answer.text))
    }

    /// Invites somebody, who accepts, and returns his session.
    async fn invite(&self) -> Credential {
        let body = json!({ "email": PERSON, "roles": ["developer"] });
        let invite = self
            .ask(Method::POST, "/api/access/invitations")
            .json(&body);
        invite.done().await;
        let body = json!({
            "token": self.mailbox.secret().await,
            "password": password(100),
            "name": "Ada",
        });
        let accept = self.pair.one.api.post("/api/auth/invitations/accept");
        accept.json(&body).send().await.cookie().unwrap()
    }
}

/// A password that is good enough, and another one for each number.
fn password(number: usize) -> String {
    format!("seventeen violet otters {number}")
}

/// Returns a key of a service that nothing here concerns.
async fn bystander(pair: &Pair, owner: &Credential) -> Credential {
    let api = &pair.one.api;
    let body = json!({ "kind": "service", "name": "Robot", "roles": ["developer"] });
    let service = api
        .post("/api/access/users")
        .by(owner)
        .json(&body)
        .done()
        .await;
    let scopes = ["agents:read", "agents:execute"];
    let body = json!({ "userId": service["id"], "name": "Key", "scopes": scopes });
    let key: Value = api
        .post("/api/access/keys")
        .by(owner)
        .json(&body)
        .done()
        .await;
    Credential::Token(key["secret"].as_str().unwrap().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_other_sessions_at_both_servers_within_a_second() {
    let mut world = World::start().await;

    for round in 1..=ROUNDS {
        let other = world.sign_in(OWNER, &world.password).await;
        let new = password(round);
        let body = json!({ "currentPassword": world.password, "newPassword": new });
        let ask = world.ask(Method::POST, "/api/auth/password").json(&body);
        let answer = world
            .pair
            .show_both("a changed password", Ready::new(other, ask, 401))
            .await;

        world.owner = answer.cookie().unwrap();
        world.password = new;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_password_ends_all_sessions_at_both_servers_within_a_second() {
    let world = World::start().await;

    for round in 1..=ROUNDS {
        let session = if round == 1 {
            world.owner.clone()
        } else {
            world.sign_in(OWNER, &password(round - 1)).await
        };
        let forgot = world.pair.one.api.post("/api/auth/password/forgot");
        forgot.json(&json!({ "email": OWNER })).done().await;
        let body = json!({ "token": world.mailbox.secret().await, "password": password(round) });
        let ask = world
            .pair
            .one
            .api
            .post("/api/auth/password/reset")
            .json(&body);
        world
            .pair
            .show_both("a reset password", Ready::new(session, ask, 401))
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_person_is_out_at_both_servers_within_a_second() {
    let world = World::start().await;
    let session = world.invite().await;
    let found = world
        .ask(Method::GET, "/api/access/users")
        .query(&[("search", PERSON)]);
    let account = found.done().await["items"][0].clone();
    let path = format!("/api/access/users/{}", account["id"].as_str().unwrap());
    let ask = world
        .ask(Method::PATCH, &path)
        .json(&json!({ "status": "disabled" }));
    let ask = ask.if_match(account["version"].as_u64().unwrap());

    world
        .pair
        .show_both("a disabled person", Ready::new(session, ask, 401))
        .await;

    let again = world
        .pair
        .other
        .api
        .signing_in(PERSON, &password(100))
        .send()
        .await;
    assert_eq!(again.status, 401, "{}", again.text);
}
