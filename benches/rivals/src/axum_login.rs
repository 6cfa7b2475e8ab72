//! axum-login with sessions in SQLite, as its example has it: `axum-login DATABASE BODY`.
//!
//! The user is found in memory, which is less than the product does. `/sign-in` begins a session; `/api/auth/me`
//! answers with the body for whoever has one. Prints its address as JSON and serves until it is killed.

use std::{convert::Infallible, env, error::Error, fs};

use axum::{
    Router,
    body::Bytes,
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId,
    tower_sessions::SessionManagerLayer,
};
use tokio::net::TcpListener;
use tower_sessions_sqlx_store::{
    SqliteStore,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions},
};

#[derive(Clone, Debug)]
struct User {
    id: String,
    password_hash: Vec<u8>,
}

impl AuthUser for User {
    type Id = String;

    fn id(&self) -> String {
        self.id.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.password_hash
    }
}

/// Knows one user.
#[derive(Clone, Debug)]
struct Backend(User);

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<User>, Infallible> {
        Ok(Some(self.0.clone()))
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Infallible> {
        Ok(Some(self.0.clone()).filter(|user| user.id == *id))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let (Some(database), Some(body)) = (arguments.next(), arguments.next()) else {
        return Err("usage: axum-login DATABASE BODY".into());
    };
    let body = Bytes::from(fs::read(body)?);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let options = SqliteConnectOptions::new()
            .filename(database)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        // Without it each question would be asked twice.
        let pool = SqlitePoolOptions::new().test_before_acquire(false);
        let store = SqliteStore::new(pool.connect_with(options).await?);
        store.migrate().await?;
        let sessions = SessionManagerLayer::new(store).with_secure(false);
        let backend = Backend(User {
            id: "ada".to_owned(),
            password_hash: b"the hash of a password".repeat(4),
        });
        let router = Router::new()
            .route("/sign-in", get(sign_in))
            .route("/api/auth/me", get(async |session| me(&session, body)))
            .layer(AuthManagerLayerBuilder::new(backend, sessions).build());
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        println!("{}", serde_json::json!({ "address": address }));
        Ok(axum::serve(listener, router).await?)
    })
}

async fn sign_in(mut session: AuthSession<Backend>) -> StatusCode {
    let Ok(Some(user)) = session.authenticate(()).await else {
        return StatusCode::UNAUTHORIZED;
    };
    match session.login(&user).await {
        Ok(()) => StatusCode::OK,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn me(session: &AuthSession<Backend>, body: Bytes) -> Response {
    match session.user {
        Some(_) => ([(CONTENT_TYPE, "application/json")], body).into_response(),
        None => StatusCode::UNAUTHORIZED.into_response(),
    }
}
