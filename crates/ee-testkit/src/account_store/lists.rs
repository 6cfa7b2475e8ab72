//! Lists of accounts.

use std::sync::Arc;

use ee_core::{
    UserId,
    storage::{AccountFilter, AccountKind, AccountStatus, AccountStore, Changed},
};

use super::{create, find, listed, person, with_email};
use crate::{
    listing::in_parts,
    samples::{hard_ids, id},
};

async fn searched(store: &impl AccountStore, part: &str) -> Vec<UserId> {
    let mut filter = AccountFilter::default();
    filter.search = Some(part.to_owned());
    listed(store, &filter).await
}

/// Part by part, all accounts are listed once, by the bytes of their ids.
pub async fn a_list_goes_through_all_of_them_once(store: Arc<impl AccountStore>) {
    let mut ids = hard_ids::<UserId>();
    ids.extend(["%", "_", "!", "a", "A", "a ", "å", "a\u{30a}", "[]"].map(id::<UserId>));
    for id in &ids {
        create(&*store, &[person(id.as_str())]).await;
    }
    ids.sort();

    let all = AccountFilter::default();
    assert_eq!(listed(&*store, &all).await, ids);
    for limit in [1, 2, 200] {
        let rows = in_parts(limit, async |cursor| store.list(&all, cursor).await).await;
        assert_eq!(rows.len(), ids.len());
    }
    for id in &ids {
        assert_eq!(find(&*store, id.as_str()).await.unwrap().id, *id);
        assert_eq!(store.delete(id).await.unwrap(), Changed::Done, "{id}");
    }
    assert!(listed(&*store, &all).await.is_empty());
}

/// Kind, status and search are asked for together, and the parts hold what fits alone.
pub async fn a_list_can_be_narrowed(store: Arc<impl AccountStore>) {
    for number in 0..24 {
        let kinds = [
            AccountKind::Person,
            AccountKind::Service,
            AccountKind::Agent,
        ];
        let mut account = person(&format!("id-{number:02}"));
        account.kind = kinds.into_iter().cycle().nth(number).unwrap();
        if number % 2 == 0 {
            account.status = AccountStatus::Disabled;
        }
        if number % 4 == 0 {
            account.name = Some("Name of four".to_owned());
        }
        create(&*store, &[account]).await;
    }

    let mut filter = AccountFilter::default();
    filter.kind = Some(AccountKind::Person);
    assert_eq!(listed(&*store, &filter).await.len(), 8);
    filter.status = Some(AccountStatus::Disabled);
    assert_eq!(listed(&*store, &filter).await.len(), 4);
    filter.search = Some("of four".to_owned());
    let both = ["id-00", "id-12"].map(id::<UserId>);
    assert_eq!(listed(&*store, &filter).await, both);
    filter.kind = None;
    filter.status = Some(AccountStatus::Active);
    assert!(listed(&*store, &filter).await.is_empty());
}

/// A search is a text and no pattern, and looks at id, name and address.
pub async fn a_search_takes_wildcards_for_what_they_are(store: Arc<impl AccountStore>) {
    let mut by_name = person("name");
    by_name.name = Some("100%_sure!".to_owned());
    create(
        &*store,
        &[by_name, with_email("mail", "a_b!c%d@example.com")],
    )
    .await;
    create(&*store, &[person("it's \\ %x_!"), person("plain")]).await;

    for (part, found) in [
        ("%", vec!["it's \\ %x_!", "mail", "name"]),
        ("_", vec!["it's \\ %x_!", "mail", "name"]),
        ("!", vec!["it's \\ %x_!", "mail", "name"]),
        ("0%_s", vec!["name"]),
        ("0%s", vec![]),
        ("!c%", vec!["mail"]),
        ("a_b", vec!["mail"]),
        ("axb", vec![]),
        ("'", vec!["it's \\ %x_!"]),
        ("\\", vec!["it's \\ %x_!"]),
        ("@example", vec!["mail"]),
        ("lai", vec!["plain"]),
        ("*", vec![]),
    ] {
        let found: Vec<UserId> = found.into_iter().map(id).collect();
        assert_eq!(searched(&*store, part).await, found, "{part}");
    }
    assert_eq!(searched(&*store, "").await.len(), 4);
}

/// `a` finds `A`; what other scripts do with case is not guessed.
pub async fn a_search_is_blind_to_the_case_of_ascii_letters_alone(store: Arc<impl AccountStore>) {
    let mut anna = with_email("Anna", "MAIL@example.com");
    anna.name = Some("ANNA Ärger".to_owned());
    create(&*store, &[anna]).await;

    for part in [
        "anna", "ANNA", "nNa ", "Ä", "Ärger", "ÄRGER", "mail", "Mail@EX",
    ] {
        assert_eq!(searched(&*store, part).await, [id("Anna")], "{part}");
    }
    assert!(searched(&*store, "ärger").await.is_empty());
}
