//! Cases for a [`ThreadStore`].

use std::{collections::HashSet, sync::Arc};

use ee_core::{
    ErrorKind, ThreadId, Visible,
    storage::{MessageRecord, MessageRole, Page, ThreadFilter, ThreadRecord, ThreadStore},
};
use jiff::Timestamp;

use crate::{
    in_parallel,
    listing::{in_pages, narrowings, very_many},
    samples::{TICK, assert_kind, at, hard_ids, hard_metadata, hard_texts, hard_times, id},
};

/// Makes the tests of a [`ThreadStore`]. The setup is a future of a
/// [`Fixture`](crate::Fixture).
#[macro_export]
macro_rules! thread_store_conformance {
    ($setup:expr) => {
        $crate::conformance_suite!(thread_store, $setup =>
            a_created_thread_is_found_as_it_was,
            creating_a_taken_id_is_a_conflict_and_overwrites_nothing,
            of_64_parallel_creates_one_wins,
            updating_replaces_what_may_change_and_keeps_the_rest,
            updating_a_missing_thread_is_false_and_creates_nothing,
            deleting_a_thread_deletes_its_messages,
            the_list_shows_the_last_written_first,
            filters_combine_with_and,
            lists_show_exactly_what_may_be_shown,
            pages_never_overlap_or_skip,
            messages_keep_the_order_in_which_they_were_added,
            appending_moves_the_time_of_change,
            appending_to_a_missing_thread_is_not_found_and_keeps_nothing,
            last_messages_are_the_last_in_order,
            pages_of_messages_hold_each_once_while_others_append,
            parallel_appends_keep_every_batch_together,
            texts_and_metadata_survive,
            times_survive_to_the_microsecond,
        );
    };
}

fn thread(id_: &str, updated_at: Timestamp) -> ThreadRecord {
    let mut thread = ThreadRecord::new(id(id_), id("anna"), "desk".into(), at(0));
    thread.updated_at = updated_at;
    thread
}

fn message(number: i64) -> MessageRecord {
    let role = match number % 3 {
        0 => MessageRole::User,
        1 => MessageRole::Assistant,
        _ => MessageRole::System,
    };
    let text = format!("message {number}");
    MessageRecord::new(id(format!("m-{number}")), role, text, at(number))
}

fn numbered(range: std::ops::Range<i64>) -> Vec<MessageRecord> {
    range.map(message).collect()
}

async fn find(store: &impl ThreadStore, text: &str) -> Option<ThreadRecord> {
    store.find(&id(text)).await.unwrap()
}

async fn listed(store: &impl ThreadStore, filter: &ThreadFilter) -> Vec<String> {
    let page = Page::new(0, Page::MAX_SIZE).unwrap();
    let paged = store.list(filter, page).await.unwrap();
    assert_eq!(paged.total, paged.rows.len() as u64);
    paged.rows.into_iter().map(|row| row.id.into()).collect()
}

async fn all_messages(store: &impl ThreadStore, thread: &str) -> Vec<MessageRecord> {
    let page = Page::new(0, Page::MAX_SIZE).unwrap();
    let paged = store.messages(&id(thread), page).await.unwrap();
    assert_eq!(paged.total, paged.rows.len() as u64);
    paged.rows
}

fn of_anna() -> ThreadFilter {
    of("anna")
}

fn of(owner: &str) -> ThreadFilter {
    ThreadFilter::of(id(owner), Visible::EVERYTHING)
}

/// What was created comes back equal, with and without the optional fields.
pub async fn a_created_thread_is_found_as_it_was(store: Arc<impl ThreadStore>) {
    let bare = thread("bare", at(0));
    let mut full = thread("full", at(5));
    full.agent_id = Some(id("echo"));
    full.title = Some("Title".into());
    store.create(bare.clone()).await.unwrap();
    store.create(full.clone()).await.unwrap();

    assert_eq!(find(&*store, "bare").await, Some(bare));
    assert_eq!(find(&*store, "full").await, Some(full));
    assert_eq!(find(&*store, "other").await, None);
}

/// The second create of an id fails and the first one stays as it was, messages included.
pub async fn creating_a_taken_id_is_a_conflict_and_overwrites_nothing(
    store: Arc<impl ThreadStore>,
) {
    store.create(thread("a", at(0))).await.unwrap();
    store.append(&id("a"), numbered(0..1)).await.unwrap();
    let mut other = thread("a", at(9));
    other.owner = id("mallory");

    assert_kind(store.create(other).await, ErrorKind::Conflict);

    assert_eq!(find(&*store, "a").await, Some(thread("a", at(0))));
    assert_eq!(all_messages(&*store, "a").await, numbered(0..1));
}

/// Many who create the same id at once: one succeeds.
pub async fn of_64_parallel_creates_one_wins(store: Arc<impl ThreadStore>) {
    let won = in_parallel(64, |number| {
        let store = Arc::clone(&store);
        let label = format!("label-{number}");
        let mut thread = thread("a", at(0));
        thread.resource_id.clone_from(&label);
        async move { store.create(thread).await.map(|()| label) }
    })
    .await;

    let winners: Vec<_> = won.iter().flatten().collect();
    assert_eq!(winners, [&find(&*store, "a").await.unwrap().resource_id]);
}

/// An update changes title, metadata, agent and time of change. Whose the conversation is, its
/// label and when it began stay.
pub async fn updating_replaces_what_may_change_and_keeps_the_rest(store: Arc<impl ThreadStore>) {
    let mut before = thread("a", at(0));
    before.title = Some("Before".into());
    before.agent_id = Some(id("echo"));
    store.create(before.clone()).await.unwrap();
    store.create(thread("b", at(0))).await.unwrap();
    let mut given = ThreadRecord::new(id("a"), id("mallory"), "elsewhere".into(), at(60));
    given.metadata = hard_metadata();

    assert!(store.update(given.clone()).await.unwrap());

    before.title = None;
    before.agent_id = None;
    before.metadata = given.metadata;
    before.updated_at = at(60);
    assert_eq!(find(&*store, "a").await, Some(before));
    assert_eq!(find(&*store, "b").await, Some(thread("b", at(0))));
}

/// An update never creates.
pub async fn updating_a_missing_thread_is_false_and_creates_nothing(store: Arc<impl ThreadStore>) {
    assert!(!store.update(thread("a", at(0))).await.unwrap());
    assert!(listed(&*store, &of_anna()).await.is_empty());
}

/// The messages go with the conversation, and none comes back when its id is used again.
pub async fn deleting_a_thread_deletes_its_messages(store: Arc<impl ThreadStore>) {
    for name in ["a", "b"] {
        store.create(thread(name, at(0))).await.unwrap();
        store.append(&id(name), numbered(0..3)).await.unwrap();
    }

    assert!(store.delete(&id("a")).await.unwrap());

    assert!(!store.delete(&id("a")).await.unwrap());
    assert_eq!(find(&*store, "a").await, None);
    assert!(all_messages(&*store, "a").await.is_empty());
    store.create(thread("a", at(0))).await.unwrap();
    assert!(all_messages(&*store, "a").await.is_empty());
    assert!(store.last_messages(&id("a"), 9).await.unwrap().is_empty());
    assert_eq!(all_messages(&*store, "b").await, numbered(0..3));
}

/// The conversation that was last written to comes first, to the microsecond.
pub async fn the_list_shows_the_last_written_first(store: Arc<impl ThreadStore>) {
    for (name, updated_at) in [
        ("old", at(0)),
        ("newest", at(9) + TICK),
        ("oldest", at(0) - TICK),
        ("new", at(9)),
    ] {
        store.create(thread(name, updated_at)).await.unwrap();
    }
    let ids = listed(&*store, &of_anna()).await;
    assert_eq!(ids, ["newest", "new", "old", "oldest"]);

    store.append(&id("old"), numbered(20..21)).await.unwrap();
    store.update(thread("oldest", at(30))).await.unwrap();

    let ids = listed(&*store, &of_anna()).await;
    assert_eq!(ids, ["oldest", "old", "newest", "new"]);
}

/// Each condition narrows, and nobody sees another's conversations.
pub async fn filters_combine_with_and(store: Arc<impl ThreadStore>) {
    for (number, (owner, label, agent)) in (0..).zip([
        ("anna", "desk", None),
        ("anna", "desk", Some("echo")),
        ("anna", "Desk", Some("echo")),
        ("anna", "d_sk", Some("other")),
        ("Anna", "desk", Some("echo")),
        ("%", "desk", Some("echo")),
    ]) {
        let mut thread = ThreadRecord::new(
            id(format!("t{number}")),
            id(owner),
            label.into(),
            at(number),
        );
        thread.agent_id = agent.map(id);
        store.create(thread).await.unwrap();
    }
    let mut filter = of_anna();
    assert_eq!(listed(&*store, &filter).await, ["t3", "t2", "t1", "t0"]);

    filter.resource_id = Some("desk".into());
    assert_eq!(listed(&*store, &filter).await, ["t1", "t0"]);

    filter.agent_id = Some(id("echo"));
    assert_eq!(listed(&*store, &filter).await, ["t1"]);

    filter.resource_id = None;
    assert_eq!(listed(&*store, &filter).await, ["t2", "t1"]);

    filter.resource_id = Some("d_sk".into());
    assert!(listed(&*store, &filter).await.is_empty());
    assert_eq!(listed(&*store, &of("%")).await, ["t5"]);
    assert!(listed(&*store, &of("_")).await.is_empty());
}

/// Whole and in pages, with the number of what may be shown, and never somebody else's.
pub async fn lists_show_exactly_what_may_be_shown(store: Arc<impl ThreadStore>) {
    let mut all = Vec::new();
    for (number, id_) in hard_ids::<ThreadId>().into_iter().enumerate() {
        let mut record = thread(id_.as_str(), at(0));
        if number % 4 == 0 {
            record.owner = id("berta");
        }
        store.create(record.clone()).await.unwrap();
        all.push(record);
    }
    all.sort_by(|a, b| b.id.cmp(&a.id));
    let ids = all.iter().map(|thread| thread.id.as_str());
    let very_many = very_many(ids.clone().take(3));
    let mut narrowings = narrowings(ids);
    narrowings.push(Visible::Only(very_many));

    for visible in narrowings {
        for owner in ["anna", "berta"] {
            let own = all.iter().filter(|thread| thread.owner.as_str() == owner);
            let shown = own.filter(|thread| visible.contains(thread.id.as_str()));
            let expected: Vec<_> = shown.cloned().collect();
            let filter = ThreadFilter::of(id(owner), visible.clone());
            for size in [3, 1_000] {
                let pages = in_pages(size, async |page| store.list(&filter, page).await).await;
                assert_eq!(pages, expected, "{size} of {owner}");
            }
        }
    }
}

/// The pages of a list hold each conversation once, also where many share one time, and each
/// tells the number of all.
pub async fn pages_never_overlap_or_skip(store: Arc<impl ThreadStore>) {
    for number in 0..25 {
        let thread = thread(&format!("t-{number}"), at(number / 9));
        store.create(thread).await.unwrap();
    }
    let mut seen = HashSet::new();

    for (number, rows) in (0..).zip([7, 7, 7, 4, 0]) {
        let page = Page::new(number, 7).unwrap();
        let paged = store.list(&of_anna(), page).await.unwrap();
        assert_eq!(paged.total, 25);
        assert_eq!(paged.rows.len(), rows);
        for row in paged.rows {
            assert!(seen.insert(row.id.clone()), "{} came twice", row.id);
        }
    }

    assert_eq!(seen.len(), 25);
}

/// The order of adding counts and not the time that a message names.
pub async fn messages_keep_the_order_in_which_they_were_added(store: Arc<impl ThreadStore>) {
    store.create(thread("a", at(0))).await.unwrap();
    store.create(thread("b", at(0))).await.unwrap();
    let mut expected = Vec::new();
    for batch in [9..12, 0..2, 4..5, 2..4] {
        let batch = numbered(batch);
        expected.extend(batch.clone());
        store.append(&id("a"), batch).await.unwrap();
        store.append(&id("b"), numbered(50..51)).await.unwrap();
    }

    assert_eq!(all_messages(&*store, "a").await, expected);
}

/// The conversation was last changed when its last message was said; an empty batch changes
/// nothing.
pub async fn appending_moves_the_time_of_change(store: Arc<impl ThreadStore>) {
    store.create(thread("a", at(0))).await.unwrap();

    store.append(&id("a"), numbered(3..6)).await.unwrap();
    store.append(&id("a"), Vec::new()).await.unwrap();

    assert_eq!(find(&*store, "a").await, Some(thread("a", at(5))));
}

/// Messages for a conversation that is not there are refused and wait nowhere.
pub async fn appending_to_a_missing_thread_is_not_found_and_keeps_nothing(
    store: Arc<impl ThreadStore>,
) {
    let refused = store.append(&id("a"), numbered(0..3)).await;
    assert_kind(refused, ErrorKind::NotFound);
    let refused = store.append(&id("a"), Vec::new()).await;
    assert_kind(refused, ErrorKind::NotFound);

    assert!(all_messages(&*store, "a").await.is_empty());
    assert!(find(&*store, "a").await.is_none());
    store.create(thread("a", at(0))).await.unwrap();
    assert!(all_messages(&*store, "a").await.is_empty());
}

/// The tail of a conversation, oldest first.
pub async fn last_messages_are_the_last_in_order(store: Arc<impl ThreadStore>) {
    store.create(thread("a", at(0))).await.unwrap();
    store.append(&id("a"), numbered(0..10)).await.unwrap();

    let last = store.last_messages(&id("a"), 3).await.unwrap();
    assert_eq!(last, numbered(7..10));
    let all = store.last_messages(&id("a"), 99).await.unwrap();
    assert_eq!(all, numbered(0..10));
    assert!(store.last_messages(&id("a"), 0).await.unwrap().is_empty());
    assert!(store.last_messages(&id("b"), 3).await.unwrap().is_empty());
}

/// Somebody who reads page after page while others append reads each message once.
pub async fn pages_of_messages_hold_each_once_while_others_append(store: Arc<impl ThreadStore>) {
    store.create(thread("a", at(0))).await.unwrap();
    store.append(&id("a"), numbered(0..30)).await.unwrap();
    let writer = tokio::spawn({
        let store = Arc::clone(&store);
        async move {
            for number in 30..90 {
                let batch = numbered(number..number + 1);
                store.append(&id("a"), batch).await.unwrap();
            }
        }
    });

    let mut read = Vec::new();
    for number in 0.. {
        let page = Page::new(number, 10).unwrap();
        let paged = store.messages(&id("a"), page).await.unwrap();
        assert!(paged.total >= 30);
        let full = paged.rows.len() == 10;
        read.extend(paged.rows);
        if !full {
            break;
        }
    }

    writer.await.unwrap();
    let end = i64::try_from(read.len()).unwrap();
    assert!(end >= 30);
    assert_eq!(read, numbered(0..end));
}

/// Batches that are appended at once stand one after the other, none torn and none lost.
pub async fn parallel_appends_keep_every_batch_together(store: Arc<impl ThreadStore>) {
    store.create(thread("a", at(0))).await.unwrap();

    in_parallel(32, |number| {
        let store = Arc::clone(&store);
        let first = i64::try_from(number).unwrap() * 4;
        async move {
            let batch = numbered(first..first + 4);
            store.append(&id("a"), batch).await.unwrap();
        }
    })
    .await;

    let all = all_messages(&*store, "a").await;
    assert_eq!(all.len(), 128);
    for batch in all.chunks(4) {
        let said_at = batch.first().unwrap().created_at;
        let first = said_at.duration_since(at(0)).as_secs();
        assert_eq!(batch, numbered(first..first + 4));
    }
}

/// Every text comes back byte for byte, and metadata equal.
pub async fn texts_and_metadata_survive(store: Arc<impl ThreadStore>) {
    for (number, text) in hard_texts().into_iter().enumerate() {
        let name = format!("t-{number}");
        let mut record = thread(&name, at(0));
        record.metadata = hard_metadata();
        record.resource_id.clone_from(&text);
        record.title = Some(text.clone());
        store.create(record.clone()).await.unwrap();
        let mut said = message(0);
        said.text = text;
        store.append(&id(&*name), vec![said.clone()]).await.unwrap();

        let mut filter = of_anna();
        filter.resource_id = Some(record.resource_id.clone());
        assert_eq!(listed(&*store, &filter).await, [&*name]);
        assert_eq!(find(&*store, &name).await, Some(record));
        assert_eq!(all_messages(&*store, &name).await, [said]);
    }
}

/// A moment comes back equal to the microsecond.
pub async fn times_survive_to_the_microsecond(store: Arc<impl ThreadStore>) {
    for (number, time) in hard_times().into_iter().enumerate() {
        let name = format!("t-{number}");
        let mut record = thread(&name, time + TICK);
        record.created_at = time;
        store.create(record.clone()).await.unwrap();
        assert_eq!(find(&*store, &name).await, Some(record));

        let mut said = message(0);
        said.created_at = time;
        store.append(&id(&*name), vec![said.clone()]).await.unwrap();
        assert_eq!(all_messages(&*store, &name).await, [said]);
        assert_eq!(find(&*store, &name).await.unwrap().updated_at, time);
    }
}
