//! Lists that are read part by part or page by page, and what they are narrowed down to.

use std::collections::BTreeSet;

use ee_core::{
    Error, Visible,
    storage::{Cursor, Listed, Page, Paged},
};

/// Reads a list in parts of `limit` rows and returns the rows. Fails when a part holds more than was asked for, or
/// says that something follows and nothing does.
pub(crate) async fn in_parts<T>(
    limit: u32,
    list: impl AsyncFn(&Cursor) -> Result<Listed<T>, Error>,
) -> Vec<T> {
    let mut cursor = Cursor::first(limit);
    let mut rows = Vec::new();
    loop {
        let part = list(&cursor).await.unwrap();
        assert!(part.rows.len() <= limit as usize, "a part is too long");
        let is_first = cursor.after.is_none();
        assert!(is_first || !part.rows.is_empty(), "nothing has followed");
        rows.extend(part.rows);
        cursor.after = part.next;
        if cursor.after.is_none() {
            return rows;
        }
    }
}

/// Reads a list in pages of `size` rows and returns the rows. Fails when a page tells another number of all rows or holds
/// more or fewer than it must, also the one behind the last.
pub(crate) async fn in_pages<T>(
    size: u32,
    list: impl AsyncFn(Page) -> Result<Paged<T>, Error>,
) -> Vec<T> {
    let mut rows = Vec::new();
    for number in 0.. {
        let page = list(Page::new(number, size).unwrap()).await.unwrap();
        let is_last = page.rows.is_empty();
        rows.extend(page.rows);
        let all = u64::from(number + 1) * u64::from(size);
        assert_eq!(rows.len() as u64, page.total.min(all), "page {number}");
        if is_last {
            break;
        }
    }
    rows
}

/// Returns what a list of things with these ids may be narrowed down to: to all, some and none of them, with ids of
/// nothing in between.
pub(crate) fn narrowings<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<Visible> {
    let all: BTreeSet<String> = ids.into_iter().map(str::to_owned).collect();
    let ghosts = [
        "",
        "%",
        "*",
        "ghost",
        "\"]",
        "'",
        "a\0b",
        "\u{10ffff}",
        "\\u0041",
    ];
    let ghosts: BTreeSet<String> = ghosts.map(str::to_owned).into();
    let ghosts: BTreeSet<String> = ghosts.difference(&all).cloned().collect();
    let some: BTreeSet<String> = all.iter().step_by(2).cloned().collect();
    let one = all.first().cloned().into_iter().collect();
    let lists = [BTreeSet::new(), one, some, all];
    let mixed = lists.clone().map(|ids| &ids | &ghosts);
    let lists = lists.into_iter().chain(mixed);
    lists
        .flat_map(|ids| {
            let except = ids.clone();
            [Visible::Only(ids), Visible::All { except }]
        })
        .collect()
}

/// Returns more ids than a statement has parameters in any database: of nothing, but for these.
pub(crate) fn very_many<'a>(ids: impl IntoIterator<Item = &'a str>) -> BTreeSet<String> {
    let ghosts = (0..70_000).map(|number| format!("ghost-{number}"));
    ids.into_iter().map(str::to_owned).chain(ghosts).collect()
}
