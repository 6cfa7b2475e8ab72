//! No secret of a whole run is in what the server writes or says, but where it hands one out.

mod drive;
mod endpoint;
mod people;
mod watch;

use std::{
    fs,
    path::{Path, PathBuf},
};

use ee_testkit::{PgCluster, PgTestDatabase};
use processes::{Installation, Mailbox, Server, secret_of_link};
use serde_json::Value;
use uuid::Uuid;

use self::{endpoint::Endpoint, watch::Watch};

fn secret(name: &str) -> String {
    format!("{name}-{}", Uuid::new_v4().simple())
}

/// Lets a server write everything that it can, and talk to an endpoint of models with a key.
fn talkative(installation: Installation, endpoint: &Endpoint, watch: &mut Watch) -> Installation {
    let licence = secret("licence-of-the-installation");
    watch.keep("the licence", &licence);
    watch.keep("the key of the endpoint", &endpoint.key);
    installation
        .configured("[models]\nmodels = [\"local/model\"]")
        .variable("MASTRA_EE_LOG", "trace")
        .variable("MASTRA_EE_LICENSE", &licence)
        .variable("OPENAI_API_KEY", &endpoint.key)
        .variable("OPENAI_BASE_URL", &endpoint.url)
}

/// Drives a server and ends it twice, the first time as a crash does.
async fn run(installation: &Installation, watch: &mut Watch, owner: Option<&str>) {
    let mut server = installation.start("one").await;
    let owner = match owner {
        Some(token) => token.to_owned(),
        None => first_tokens(&server, watch),
    };
    drive::everything(&server.api, watch, &owner).await;
    watch.search_files(&server.data, "while it runs");
    server.process.kill();
    watch.search_files(&server.data, "after a crash");
    let mut server = installation.start("one").await;
    drive::once_more(&server.api, watch, &owner).await;
    assert!(server.process.terminate().await.success());
    watch.search_files(&server.data, "after a good end");
    watch.search_logs(&installation.path("one"));
    watch.search_answers();
}

/// Reads the tokens of the first start from the one file that is there to hold them.
fn first_tokens(server: &Server, watch: &mut Watch) -> String {
    let text = fs::read_to_string(server.data.join("first-start.json")).unwrap();
    let tokens: Value = serde_json::from_str(&text).unwrap();
    for name in ["ownerToken", "viewerToken"] {
        watch.keep(name, tokens[name].as_str().unwrap());
    }
    tokens["ownerToken"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_a_file_keeps_every_secret_of_its_first_start_to_itself() {
    let (endpoint, mut watch) = (Endpoint::start().await, Watch::default());
    let installation = talkative(Installation::empty(), &endpoint, &mut watch);

    run(&installation, &mut watch, None).await;

    endpoint.check_asked();
    watch.conclude("a file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_sealed_cookies_keeps_every_secret_to_itself() {
    let (endpoint, mut watch) = (Endpoint::start().await, Watch::default());
    let seal = secret("a-secret-that-seals-cookies");
    watch.keep("the secret of cookies", &seal);
    let sessions = format!("[sessions]\nkind = \"cookie\"\ncookie_secrets = [\"{seal}\"]");
    let installation = Installation::new().configured(&sessions);
    let installation = talkative(installation, &endpoint, &mut watch);
    for token in installation.tokens() {
        watch.keep("a token of the configuration", token);
    }

    run(&installation, &mut watch, Some(installation.token("owner"))).await;

    endpoint.check_asked();
    watch.conclude("sealed cookies");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_on_postgresql_keeps_every_secret_to_itself() {
    let (endpoint, mut watch) = (Endpoint::start().await, Watch::default());
    let database = PgCluster::shared().database().await;
    let user = format!("user_of_{}", database.name());
    let password = secret("password-of-the-database");
    watch.keep("the password of the database", &password);
    for sql in [
        format!("CREATE ROLE {user} LOGIN PASSWORD '{password}'"),
        format!("ALTER DATABASE {} OWNER TO {user}", database.name()),
    ] {
        database.query(&sql).await;
    }
    // One that looks different in every spelling.
    let hard = format!(
        r#"a"token'of\every+kind%20&more=<{}>"#,
        Uuid::new_v4().simple()
    );
    let installation = Installation::new()
        .on(database.url_of(&format!("{user}:{password}")))
        .with_token("owner", &hard);
    let installation = talkative(installation, &endpoint, &mut watch);
    for token in installation.tokens() {
        watch.keep("a token of the configuration", token);
    }

    run(&installation, &mut watch, Some(&hard)).await;
    search_database(&database, &mut watch).await;

    endpoint.check_asked();
    watch.conclude("PostgreSQL");
    for sql in [
        format!("ALTER DATABASE {} OWNER TO postgres", database.name()),
        format!("REASSIGN OWNED BY {user} TO postgres"),
        format!("DROP OWNED BY {user}"),
        format!("DROP ROLE {user}"),
    ] {
        database.query(&sql).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_with_accounts_keeps_every_password_link_and_code_to_itself() {
    let (mailbox, mut watch) = (Mailbox::start().await, Watch::default());
    let pepper = secret("pepper-of-passwords");
    watch.keep("the pepper", &pepper);
    let installation = Installation::with_accounts(&mailbox)
        .configured(&format!("[password.hashing]\npepper = [\"{pepper}\"]"))
        .variable("MASTRA_EE_LOG", "trace");

    let mut server = installation.start("one").await;
    let link = fs::read_to_string(server.data.join("setup-link")).unwrap();
    let link = secret_of_link(&link).unwrap();
    people::everything(&server.api, &mut watch, &mailbox, &link).await;
    server.process.kill();
    watch.search_files(&server.data, "after a crash");
    let mut server = installation.start("one").await;
    assert!(server.process.terminate().await.success());
    watch.search_files(&server.data, "after a good end");
    watch.search_logs(&installation.path("one"));
    watch.search_answers();

    watch.conclude("accounts");
}

/// Searches every row, and every page of every table and index: rows that were deleted are still there.
async fn search_database(database: &PgTestDatabase, watch: &mut Watch) {
    database.query("CHECKPOINT").await;
    let ours = "relkind IN ('r', 'i', 't') AND relnamespace <> 'pg_catalog'::regnamespace";
    let sql = format!("SELECT string_agg(oid::text, ',') FROM pg_class WHERE {ours}");
    let relations = database.query(&sql).await.unwrap();
    let mut pages = Vec::new();
    for oid in relations.split(',') {
        let sql = format!("SELECT encode(pg_read_binary_file(pg_relation_filepath({oid})), 'hex')");
        pages.extend(unhex(&database.query(&sql).await.unwrap_or_default()));
    }
    assert!(pages.len() > 10 * 8_192, "{} bytes", pages.len());
    watch.search([("the pages of the database".to_owned(), pages)]);
    let tables = "SELECT string_agg(tablename, ',') FROM pg_tables WHERE tablename LIKE 'ee\\_%'";
    let tables = database.query(tables).await.unwrap();
    for table in tables.split(',') {
        let sql = format!("SELECT string_agg(line::text, E'\\n') FROM {table} line");
        let rows = database.query(&sql).await.unwrap_or_default();
        watch.search([(format!("the table {table}"), rows)]);
    }
}

fn unhex(text: &str) -> Vec<u8> {
    let digits = text.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

/// Returns all files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let (dirs, mut found): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    found.extend(dirs.iter().flat_map(|dir| files(dir)));
    found
}
