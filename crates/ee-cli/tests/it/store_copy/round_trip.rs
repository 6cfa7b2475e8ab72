//! What was copied is the same, wherever it goes.

use ee::{
    TokenHash,
    sql::copy::{Phase, unfinished},
    storage::{AccountStore, Page, RoleStore, SessionStore, ThreadStore},
};

use super::{
    databases::{Place, assert_equal, contents, copy},
    fill::{a_little_of_everything, everything, id, messages, now, session},
};

#[tokio::test(flavor = "multi_thread")]
async fn every_row_goes_through_every_database_and_comes_back_the_same() {
    let places = [
        Place::file(),
        Place::pg().await,
        Place::remote().await,
        Place::pg().await,
        Place::file(),
    ];
    let first = places[0].open().await;
    everything(&first).await;

    let mut source = first;
    let mut digests = Vec::new();
    for place in &places[1..] {
        let target = place.open().await;
        let copied = copy(&source, target.database()).await.unwrap();
        assert!(!copied.is_resumed);
        assert_equal(&copied);
        assert_eq!(unfinished(target.database()).await.unwrap(), None);
        digests.extend(contents(&copied));
        source = target;
    }

    for (table, rows, _) in &digests[0].0 {
        assert!(*rows > 0, "the test has no row of {table}");
    }
    for other in &digests {
        assert_eq!(&digests[0], other);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_goes_on_where_the_other_one_stopped() {
    for to in [Place::pg().await, Place::file(), Place::remote().await] {
        let from = Place::file();
        let source = from.open().await;
        a_little_of_everything(&source).await;
        messages(&source, 3, "before").await;
        let book = source.book().await.unwrap();
        let target = to.open().await;
        copy(&source, target.database()).await.unwrap();

        let found = SessionStore::find(&target, &TokenHash::of("session 1")).await;
        let kept = SessionStore::find(&source, &TokenHash::of("session 1")).await;
        assert!(found.unwrap() == kept.unwrap());
        let found = AccountStore::find(&target, &id("user-1")).await.unwrap();
        assert_eq!(
            found,
            AccountStore::find(&source, &id("user-1")).await.unwrap()
        );
        assert_eq!(target.book().await.unwrap(), book);

        let again = SessionStore::create(&target, session("session 1", now())).await;
        assert!(again.is_err());
        let thread = id("of 3");
        let page = Page {
            number: 0,
            size: 10,
        };
        let before = ThreadStore::messages(&target, &thread, page).await.unwrap();
        let answer = before.rows[0].clone();
        target.append(&thread, vec![answer]).await.unwrap();
        let after = ThreadStore::messages(&target, &thread, page).await.unwrap();
        assert_eq!(after.total, 4);
        assert_eq!(after.rows[..3], before.rows[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_told_how_far_it_is() {
    let (from, to) = (Place::file(), Place::file());
    let (source, target) = (from.open().await, to.open().await);
    messages(&source, 1_200, "").await;
    let mut told = Vec::new();

    let copier = ee::sql::copy::Copier::new(source.database(), target.database(), "it");
    let copied = copier.run(&mut |progress| told.push(progress)).await;

    assert_equal(&copied.unwrap());
    for phase in [Phase::Copy, Phase::Compare] {
        let told: Vec<_> = told.iter().filter(|it| it.phase == phase).collect();
        assert!(told.is_sorted_by_key(|it| it.done));
        let last = told.last().unwrap();
        assert_eq!(last.done, last.total);
        assert!(last.total > 1_200);
    }
}
