//! Every statement of the suites finds its rows by an index, in the order in which it returns them.

use std::{
    collections::HashSet,
    fmt,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use ee_core::{Error, storage::ChangeHub};
use ee_sql::{Batch, Database, Dialect, Done, Reach, Row, SqlStore, Statement, Then};
use ee_store_libsql::SqliteStore;
use rusqlite::Connection;

use crate::scratch::Scratch;

/// A list that comes with the question is read from its beginning to its end.
const LIST: &str = "SCAN json_each";
/// So are rows that come with it, and what an index of words has found.
const ROWS: &str = "VALUES CLAUSE";
const FOUND: [&str; 2] = ["SCAN ee_audit_words VIRTUAL TABLE INDEX", "SCAN found"];
/// The words that begin alike are looked up one after the other.
const KNOWN: [&str; 3] = [
    "SCAN CONSTANT ROW",
    "SCAN ee_audit_words_known VIRTUAL TABLE INDEX",
    "SCAN known",
];
const SCANS: &str = "SCAN";
const SORTS: &str = "USE TEMP B-TREE";

const WHOLE: &str = "it is read as a whole";
const FIRST: &str = "the first part of a list goes along its index until it is full";
const COUNT: &str = "a page with a number comes with the number of all rows";
const SEARCH: &str = "a part of a text is in no index";
const FEW: &str = "the sessions of one user are few, since the oldest ends when there are many";
const LOGS: &str = "there is one row for each log";
const NAMED: &str = "what is named one by one is found by its ids and then sorted";

/// What a query may do, named by its text from the first `FROM` on, and why.
const ALLOWED: [(&str, &str, &str); 22] = [
    ("FROM ee_roles ORDER BY id", SCANS, WHOLE),
    ("FROM ee_role_mapping", SCANS, WHOLE),
    (
        "FROM ee_accounts WHERE 1 = 1 ORDER BY id LIMIT ?1",
        SCANS,
        FIRST,
    ),
    (
        "FROM ee_api_keys WHERE 1 = 1 ORDER BY id LIMIT ?1",
        SCANS,
        FIRST,
    ),
    (
        "FROM ee_assignments WHERE 1 = 1 ORDER BY user_id, role LIMIT ?1",
        SCANS,
        FIRST,
    ),
    (
        "FROM ee_groups WHERE 1 = 1 ORDER BY id LIMIT ?1",
        SCANS,
        FIRST,
    ),
    (
        "FROM ee_sessions WHERE 1 = 1 ORDER BY hash LIMIT ?1",
        SCANS,
        FIRST,
    ),
    (
        "FROM ee_runs WHERE 1 = 1 ORDER BY created_at DESC, id DESC LIMIT ?1 OFFSET ?2",
        SCANS,
        FIRST,
    ),
    ("FROM ee_runs WHERE 1 = 1", SCANS, COUNT),
    (
        "FROM ee_accounts WHERE 1 = 1 AND (lower(id) LIKE ?1 ESCAPE '!' \
         OR lower(name) LIKE ?2 ESCAPE '!' OR lower(email) LIKE ?3 ESCAPE '!') \
         ORDER BY id LIMIT ?4",
        SCANS,
        SEARCH,
    ),
    (
        "FROM ee_sessions WHERE 1 = 1 AND user_id = ?1 ORDER BY hash LIMIT ?2",
        SORTS,
        FEW,
    ),
    (
        "FROM ee_sessions WHERE 1 = 1 AND user_id = ?1 AND hash > ?2 ORDER BY hash LIMIT ?3",
        SORTS,
        FEW,
    ),
    ("FROM ee_audit_actions ORDER BY name", SCANS, WHOLE),
    (
        "FROM ee_audit_heads AS h LEFT JOIN ee_audit_indexed AS i ON i.log = h.log \
         JOIN ee_audit_bodies AS b ON b.number > coalesce(i.number, h.log * 1099511627776) \
         AND b.number <= h.log * 1099511627776 + h.size",
        SCANS,
        LOGS,
    ),
    (
        "FROM ee_audit_heads AS h LEFT JOIN ee_audit_indexed AS i ON i.log = h.log",
        SCANS,
        LOGS,
    ),
    ("FROM ee_audit_heads", SCANS, LOGS),
    (
        "FROM ee_audit_heads AS h LEFT JOIN ee_audit_indexed AS i ON i.log = h.log \
         WHERE h.size > coalesce(i.number - h.log * 1099511627776, 0) ORDER BY h.log LIMIT 1",
        SCANS,
        LOGS,
    ),
    (
        "FROM ee_audit_heads WHERE size > 0 ORDER BY partition",
        SCANS,
        WHOLE,
    ),
    ("FROM ee_audit_holds ORDER BY created_at, id", SCANS, WHOLE),
    ("FROM ee_audit_holds ORDER BY created_at, id", SORTS, WHOLE),
    (
        "FROM ee_audit_left AS l LEFT JOIN ee_audit_links AS k ON k.id = l.id \
         ORDER BY l.id LIMIT ?1",
        SCANS,
        FIRST,
    ),
    ("FROM ee_audit_left LIMIT 1", SCANS, FIRST),
];

/// What lists by name may do: read as a whole or page by page, narrowed down to what may be shown, searched.
fn lists_by_name() -> Vec<(String, &'static str, &'static str)> {
    let part = "(lower(id) LIKE ? ESCAPE '!' OR lower(name) LIKE ? ESCAPE '!' \
         OR lower(description) LIKE ? ESCAPE '!' \
         OR lower(CASE WHEN model = '' THEN ? ELSE model END) LIKE ? ESCAPE '!')";
    let search = format!(" AND {part}");
    let mut allowed = Vec::new();
    for (table, searches) in [
        ("ee_agents", ["", &search].as_slice()),
        ("ee_workflows", [""].as_slice()),
    ] {
        for search in searches {
            for (shown, does, why) in [
                ("", SCANS, FIRST),
                (
                    " AND id NOT IN (SELECT value FROM json_each(?))",
                    SCANS,
                    FIRST,
                ),
                (" AND id IN (SELECT value FROM json_each(?))", SORTS, NAMED),
            ] {
                let rows = format!("FROM {table} WHERE 1 = 1{shown}{search}");
                let page = format!("{rows} ORDER BY name, id LIMIT ? OFFSET ?");
                allowed.push((numbered(&page), does, why));
                if search.is_empty() {
                    let all = format!("{rows} ORDER BY name, id");
                    allowed.push((
                        numbered(&all),
                        does,
                        if does == SCANS { WHOLE } else { why },
                    ));
                }
                if does == SCANS {
                    allowed.push((numbered(&rows), does, COUNT));
                }
            }
        }
    }
    allowed
}

/// Numbers the parameters.
fn numbered(sql: &str) -> String {
    let mut parts = sql.split('?');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = (1..).zip(parts);
    rest.fold(first, |sql, (number, part)| format!("{sql}?{number}{part}"))
}

fn allowed() -> impl Iterator<Item = (String, &'static str)> {
    let others = ALLOWED.iter();
    let others = others.map(|(text, does, _)| ((*text).to_owned(), *does));
    let by_name = lists_by_name().into_iter();
    others.chain(by_name.map(|(text, does, _)| (text, does)))
}

/// A file whose every statement is explained before it runs.
struct Explained {
    plans: Arc<Mutex<Plans>>,
    store: Arc<SqliteStore>,
}

impl Explained {
    #[track_caller]
    fn check(&self, statement: &Statement) {
        check(&self.plans, statement);
    }
}

#[track_caller]
fn check(plans: &Mutex<Plans>, statement: &Statement) {
    let mut plans = plans.lock().unwrap_or_else(PoisonError::into_inner);
    let problems = plans.problems(&statement.sql);
    assert!(problems.is_empty(), "{problems:?}: {}", statement.sql);
}

struct Plans {
    conn: Connection,
    known: HashSet<String>,
}

impl Plans {
    fn of(scratch: &Scratch) -> Self {
        Self {
            conn: Connection::open(scratch.path()).unwrap(),
            known: HashSet::new(),
        }
    }

    /// Returns what a statement does without an index and may not. A text that was asked for before is fine.
    fn problems(&mut self, sql: &str) -> Vec<String> {
        if !self.known.insert(sql.to_owned()) {
            return Vec::new();
        }
        if sql.contains("FROM ee_audit_events AS e") {
            return problems_of_page(self.plan(sql));
        }
        let mut problems = self.plan(sql);
        problems.retain(|step| {
            // An index that SQLite makes for one query is a scan in disguise.
            let is_slow =
                step.starts_with(SCANS) || step.starts_with(SORTS) || step.contains("AUTOMATIC");
            let is_given = step.starts_with(LIST)
                || step.ends_with(ROWS)
                || FOUND
                    .iter()
                    .chain(&KNOWN)
                    .any(|found| step.starts_with(found));
            is_slow && !is_given && !is_allowed(sql, step)
        });
        problems
    }

    fn plan(&self, sql: &str) -> Vec<String> {
        let mut explain = self
            .conn
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let mut rows = explain.raw_query();
        let mut steps = Vec::new();
        while let Some(row) = rows.next().unwrap() {
            steps.push(row.get("detail").unwrap());
        }
        steps
    }
}

/// Returns what a page of the record does beyond going along indexes in the order of time: what fits is not sorted but for
/// events of one moment and for the few that words have found, and what is sorted in the end is one page.
fn problems_of_page(mut steps: Vec<String>) -> Vec<String> {
    let is_by_words = steps
        .iter()
        .any(|step| step.starts_with("SEARCH e USING INTEGER PRIMARY KEY"));
    let mut sorts = if is_by_words { 2 } else { 1 };
    steps.retain(|step| {
        let is_fine = [
            "SCAN e USING INDEX ee_audit_by_time",
            "SCAN e USING COVERING INDEX ee_audit_by_time",
            "SCAN page",
            "SCAN span",
            FOUND[0],
            LIST,
            "USE TEMP B-TREE FOR LAST TERM OF ORDER BY",
            "USE TEMP B-TREE FOR RIGHT PART OF ORDER BY",
        ];
        if is_fine.iter().any(|fine| step.starts_with(fine)) {
            return false;
        }
        if step == "USE TEMP B-TREE FOR ORDER BY" && sorts > 0 {
            sorts -= 1;
            return false;
        }
        step.starts_with(SCANS) || step.starts_with(SORTS) || step.contains("AUTOMATIC")
    });
    steps
}

fn is_allowed(sql: &str, step: &str) -> bool {
    let tail = sql.find(" FROM ").and_then(|at| sql.get(at + 1..));
    sql.starts_with("SELECT")
        && allowed().any(|(text, does)| tail == Some(&*text) && step.starts_with(does))
}

#[async_trait]
impl Database for Explained {
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, Error> {
        for query in &queries {
            self.check(query);
        }
        self.store.database().query(operation, queries).await
    }

    async fn find(&self, operation: &'static str, query: Statement) -> Result<Vec<Row>, Error> {
        self.check(&query);
        self.store.database().find(operation, query).await
    }

    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error> {
        for statement in &batch.statements {
            self.check(statement);
        }
        self.store.database().execute(operation, batch).await
    }

    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, Error> {
        for statement in &first {
            self.check(statement);
        }
        let plans = Arc::clone(&self.plans);
        let then = move |rows| {
            let batch = then(rows)?;
            for statement in &batch.statements {
                check(&plans, statement);
            }
            Ok(batch)
        };
        let database = self.store.database();
        database.exchange(operation, first, Box::new(then)).await
    }

    async fn search(
        &self,
        operation: &'static str,
        query: Statement,
        reach: Reach,
    ) -> Result<Vec<Row>, Error> {
        // Whoever asks for everything looks at everything.
        if reach == Reach::Page {
            self.check(&query);
        }
        self.store.database().search(operation, query, reach).await
    }

    fn dialect(&self) -> Dialect {
        self.store.database().dialect()
    }

    fn hub(&self) -> &ChangeHub {
        self.store.hub()
    }
}

impl fmt::Debug for Explained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.store.fmt(f)
    }
}

fn fresh() -> impl Future<Output = (Arc<SqlStore<Explained>>, Scratch)> {
    let scratch = Scratch::new();
    let store = scratch.open();
    let plans = Arc::new(Mutex::new(Plans::of(&scratch)));
    let explained = SqlStore::new(Explained { plans, store });
    ready((Arc::new(explained), scratch))
}

ee_testkit::store_conformance!(fresh(), |store| store.hub());
ee_testkit::audit_outbox_conformance!(fresh(), async |store, records| {
    store.leave_events(&records).await.unwrap();
});

#[test]
fn a_statement_without_an_index_is_noticed() {
    let scratch = Scratch::new();
    let _store = scratch.open();
    let mut plans = Plans::of(&scratch);

    for sql in [
        "SELECT id FROM ee_accounts WHERE name = ?1",
        "SELECT id FROM ee_accounts WHERE 1 = 1 ORDER BY name LIMIT ?1",
        "SELECT id FROM ee_accounts WHERE kind = ?1 ORDER BY name LIMIT ?2",
        "DELETE FROM ee_grants WHERE granted_by = ?1",
        "UPDATE ee_accounts SET name = ?1 WHERE email = ?2",
        "DELETE FROM ee_role_mapping WHERE roles = ?1",
    ] {
        assert!(!plans.problems(sql).is_empty(), "{sql}");
    }
}

#[test]
fn every_exception_is_one_still() {
    let scratch = Scratch::new();
    let _store = scratch.open();
    let plans = Plans::of(&scratch);

    for (text, does) in allowed() {
        let steps = plans.plan(&format!("SELECT * {text}"));
        assert!(steps.iter().any(|step| step.starts_with(does)), "{text}");
    }
}
