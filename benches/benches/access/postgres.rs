//! Grants in PostgreSQL, beside a query by itself.

use criterion::Criterion;
use ee::{
    AclProvider as _, User,
    store_pg::{PgConfig, PgDatabase},
};
use ee_testkit::PgCluster;
use tokio::runtime::Runtime;
use tokio_postgres::{Client, NoTls, Statement};

use crate::{
    grants::{Grants, Question, Spread},
    sqlite::{from_store, subject_of},
    world::World,
};

const GRANTS: Grants = Grants {
    count: 1_000_000,
    spread: Spread::Many,
};
const NAME: &str = "grants/postgres";

pub(crate) fn measure(c: &mut Criterion) {
    let cluster = PgCluster::private();
    let runtime = Runtime::new().unwrap();
    let database = runtime.block_on(cluster.database());
    let config = PgConfig::new(database.url());
    let store = runtime.block_on(PgDatabase::connect(config)).unwrap();
    runtime.block_on(database.query(&filling()));
    let world = World::over(store, runtime);
    let people = GRANTS.people();
    for user in &people {
        let read = world.runtime.block_on(world.access.grants(user));
        assert!(!read.unwrap().unwrap().is_empty());
    }
    let texts = GRANTS.texts();
    let questions = GRANTS.questions(&texts);

    let client = world.runtime.block_on(async {
        let (client, connection) = tokio_postgres::connect(&database.url(), NoTls)
            .await
            .unwrap();
        tokio::spawn(connection);
        client
    });
    by_query(&world.runtime, &client, &people, &questions, c);
    from_store(NAME, &world, &people, &questions, c);
    world.runtime.block_on(world.store.database().close());
}

fn filling() -> String {
    format!(
        "INSERT INTO ee_grants (kind, resource_id, subject, action, effect, granted_at) \
         SELECT 'agents', 'agent-' || lpad(i::text, 7, '0'), {}, 'read', 'allow', 0 \
         FROM generate_series(0, {}) AS numbers (i); ANALYZE ee_grants",
        GRANTS.subject_sql(),
        GRANTS.count - 1
    )
}

fn by_query(
    runtime: &Runtime,
    client: &Client,
    people: &[User],
    questions: &[Question<'_>],
    c: &mut Criterion,
) {
    let prepare = |sql: &str| -> Statement { runtime.block_on(client.prepare(sql)).unwrap() };
    let subjects: Vec<String> = people.iter().map(subject_of).collect();
    let check = prepare(
        "SELECT action, effect, expires_at FROM ee_grants \
         WHERE kind = $1 AND resource_id = $2 AND subject = $3",
    );
    let mut turn = questions.iter().cycle();
    c.bench_function(&format!("{NAME}/query"), |b| {
        b.iter(|| {
            let Question { thing, user } = *turn.next().unwrap();
            let rows = runtime
                .block_on(client.query(&check, &[&"agents", &thing, &subjects[user]]))
                .unwrap();
            assert_eq!(rows[0].get::<_, &str>(1), "allow");
        });
    });
    let list = prepare(
        "SELECT resource_id FROM ee_grants WHERE subject = $1 AND kind = $2 AND action = $3 \
         AND effect = 'allow' ORDER BY resource_id LIMIT 51",
    );
    let mut turn = subjects.iter().cycle();
    c.bench_function(&format!("{NAME}/list-query"), |b| {
        b.iter(|| {
            let subject = turn.next().unwrap();
            let rows = runtime
                .block_on(client.query(&list, &[subject, &"agents", &"read"]))
                .unwrap();
            assert_eq!(rows.len(), 51);
        });
    });
}
