//! Nothing is lost and nothing is mixed.

use ee::{
    sql::copy::{CopyError, unfinished},
    storage::{MessageRecord, MessageRole, ThreadRecord, ThreadStore},
};

use super::{
    databases::{Place, SOURCE, assert_equal, copy},
    fill::{a_little_of_everything, id, messages, now},
    interrupted::all_but_finished,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_rows_is_refused_and_stays_as_it_is() {
    for to in [Place::file(), Place::pg().await, Place::remote().await] {
        let from = Place::file();
        let (source, target) = (from.open().await, to.open().await);
        a_little_of_everything(&source).await;
        messages(&target, 2, "mine").await;

        let error = copy(&source, target.database()).await.unwrap_err();

        assert!(matches!(
            error,
            CopyError::NotEmpty {
                table: "ee_threads"
            }
        ));
        assert!(error.to_string().contains("`ee_threads` has rows"));
        let kept = target.last_messages(&id("of 2"), 10).await.unwrap();
        assert_eq!(kept.len(), 2);
        assert_eq!(unfinished(target.database()).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_copy_is_not_begun_again() {
    let (from, to) = (Place::file(), Place::pg().await);
    let (source, target) = (from.open().await, to.open().await);
    a_little_of_everything(&source).await;
    assert_equal(&copy(&source, target.database()).await.unwrap());

    let error = copy(&source, target.database()).await.unwrap_err();

    assert!(matches!(error, CopyError::NotEmpty { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unfinished_copy_of_something_else_is_left_alone() {
    let (from, to) = (Place::file(), Place::file());
    let (source, target) = (from.open().await, to.open().await);
    a_little_of_everything(&source).await;
    all_but_finished(&source, target.database()).await;

    let another = ee::sql::copy::Copier::new(source.database(), target.database(), "another");
    let error = another.run(&mut |_| {}).await.unwrap_err();

    assert!(matches!(&error, CopyError::AnotherCopy { of } if of == SOURCE));
    assert!(
        error
            .to_string()
            .contains("unfinished copy of `sqlite:/old/ee.db`")
    );
    // Nor is it a source for others.
    let to = Place::file();
    let error = copy(&target, to.open().await.database()).await.unwrap_err();
    assert!(matches!(&error, CopyError::UnfinishedSource { of } if of == SOURCE));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_database_by_two_names_is_found_out_and_not_marked() {
    for place in [Place::file(), Place::pg().await, Place::remote().await] {
        let (source, target) = (place.open().await, place.open().await);

        let error = copy(&source, target.database()).await.unwrap_err();

        assert!(matches!(error, CopyError::Same), "{error:?}");
        assert_eq!(unfinished(source.database()).await.unwrap(), None);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_text_that_postgres_does_not_keep_is_named_and_not_shown() {
    let (from, to) = (Place::file(), Place::pg().await);
    let (source, target) = (from.open().await, to.open().await);
    messages(&source, 700, "").await;
    let thread = ThreadRecord::new(id("t"), id("anna"), String::new(), now());
    ThreadStore::create(&source, thread).await.unwrap();
    let message = MessageRecord::new(id("m"), MessageRole::User, "secret\0".to_owned(), now());
    source.append(&id("t"), vec![message]).await.unwrap();

    let error = copy(&source, target.database()).await.unwrap_err();

    assert!(
        matches!(
            error,
            CopyError::UnkeptText {
                table: "ee_messages",
                column: "text",
                row: 701
            }
        ),
        "{error:?}"
    );
    assert!(!format!("{error} {error:?}").contains("secret"));
    // SQLite keeps it.
    let to = Place::file();
    let copied = copy(&source, to.open().await.database()).await.unwrap();
    assert_equal(&copied);
}
