//! A copy takes so many rows at a time that memory stays bounded.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use ee::{
    Error, async_trait,
    sql::{Batch, Database, Dialect, Done, Row, Statement, Then, Value, copy::Copier},
    storage::ChangeHub,
};

use super::{
    databases::{Any, Place, SOURCE, assert_equal},
    fill::messages,
};

/// Remembers the largest answer and the largest batch.
#[derive(Debug)]
struct Watched {
    answer: AtomicUsize,
    batch: AtomicUsize,
    batch_bytes: AtomicU64,
    batches: AtomicUsize,
    inner: Any,
}

impl Watched {
    fn new(inner: Any) -> Self {
        Self {
            answer: AtomicUsize::default(),
            batch: AtomicUsize::default(),
            batch_bytes: AtomicU64::default(),
            batches: AtomicUsize::default(),
            inner,
        }
    }
}

#[async_trait]
impl Database for Watched {
    async fn query(
        &self,
        operation: &'static str,
        queries: Vec<Statement>,
    ) -> Result<Vec<Vec<Row>>, Error> {
        let answers = self.inner.query(operation, queries).await?;
        let rows = answers.iter().map(Vec::len).sum();
        self.answer.fetch_max(rows, Ordering::Relaxed);
        Ok(answers)
    }

    async fn execute(
        &self,
        operation: &'static str,
        batch: Batch,
    ) -> Result<Option<Vec<Done>>, Error> {
        let values = batch.statements.iter().flat_map(|it| &it.params);
        let bytes = values.map(|value| match value {
            Value::Text(text) => text.len() as u64,
            _ => 0,
        });
        self.batch_bytes.fetch_max(bytes.sum(), Ordering::Relaxed);
        let inserts = batch.statements.iter();
        let rows = inserts.map(|it| it.sql.matches("), (").count() + 1).sum();
        self.batch.fetch_max(rows, Ordering::Relaxed);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.inner.execute(operation, batch).await
    }

    async fn exchange(
        &self,
        operation: &'static str,
        first: Vec<Statement>,
        then: Then,
    ) -> Result<Option<Vec<Done>>, Error> {
        self.inner.exchange(operation, first, then).await
    }

    fn dialect(&self) -> Dialect {
        self.inner.dialect()
    }

    fn hub(&self) -> &ChangeHub {
        self.inner.hub()
    }
}

async fn watched(count: u64, text: &str, to: &Place) -> (Watched, Watched) {
    let from = Place::file();
    let source = from.open().await;
    messages(&source, count, text).await;
    let source = Watched::new(source.database().clone());
    let target = Watched::new(to.open().await.database().clone());

    let copied = Copier::new(&source, &target, SOURCE)
        .run(&mut |_| {})
        .await
        .unwrap();

    assert_equal(&copied);
    let messages = copied.tables.iter().find(|it| it.name == "ee_messages");
    assert_eq!(messages.unwrap().target.rows, count);
    (source, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_rows_go_five_hundred_at_a_time() {
    for to in [Place::file(), Place::pg().await] {
        let (source, target) = watched(20_000, "hello", &to).await;

        assert_eq!(source.answer.into_inner(), 500);
        // With the one that looks for the mark.
        assert_eq!(target.batch.into_inner(), 501);
        assert!(target.batches.into_inner() < 50);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn large_texts_go_few_at_a_time() {
    let text = "ä".repeat(100_000);

    let (_, target) = watched(60, &text, &Place::remote().await).await;

    // Six rows reach a mebibyte.
    assert_eq!(target.batch.into_inner(), 7);
    assert!(target.batch_bytes.into_inner() < 1_300_000);
}
