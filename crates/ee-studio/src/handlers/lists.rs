//! Lists that are shown page by page.

use ee_core::{
    Error,
    storage::{Page, Paged},
};

use crate::{components::Pager, paths};

/// How many rows a page shows.
const SHOWN: u32 = 50;

/// Reads a page, numbered from 1, and tells where it stands. Behind the last one it is the last one: rows may have been
/// deleted since its link was drawn.
pub(super) async fn page<T, F>(
    number: Option<u32>,
    path: &str,
    query: &[(&str, &str)],
    read: impl Fn(Page) -> F,
) -> Result<(Vec<T>, Pager), Error>
where
    F: Future<Output = Result<Paged<T>, Error>>,
{
    let mut page = Page::new(number.unwrap_or(1).saturating_sub(1), SHOWN)?;
    let mut found = read(page).await?;
    if found.rows.is_empty() && found.total > 0 {
        let last = (found.total - 1) / u64::from(SHOWN);
        page = Page::new(u32::try_from(last).unwrap_or(u32::MAX), SHOWN)?;
        found = read(page).await?;
    }
    let last = page.offset() + found.rows.len() as u64;
    let link = |number: u32| paths::page_of_list(path, query, number);
    let pager = Pager {
        first: page.offset() + 1,
        last,
        total: found.total,
        previous: (page.number > 0).then(|| link(page.number)),
        next: (last < found.total).then(|| link(page.number + 2)),
    };
    Ok((found.rows, pager))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn shown(number: Option<u32>, total: u64) -> (Vec<u64>, Pager) {
        let read = |page: Page| {
            let rows = (1..=total).skip(usize::try_from(page.offset()).unwrap());
            let rows = rows.take(page.size as usize).collect();
            std::future::ready(Ok(Paged { rows, total }))
        };
        page(number, "/list", &[("q", "a b")], read).await.unwrap()
    }

    #[tokio::test]
    async fn every_row_is_on_one_page_and_the_last_page_is_the_end() {
        for (number, total, first, last) in [
            (None, 0, 1, 0),
            (None, 50, 1, 50),
            (Some(0), 51, 1, 50),
            (Some(2), 51, 51, 51),
            (Some(2), 130, 51, 100),
            (Some(9), 130, 101, 130),
        ] {
            let (rows, pager) = shown(number, total).await;

            assert_eq!(
                rows,
                (first..=last).collect::<Vec<_>>(),
                "{number:?} {total}"
            );
            assert_eq!((pager.first, pager.last), (first, last));
            assert_eq!(pager.previous.is_some(), first > 1);
            assert_eq!(pager.next.is_some(), last < total);
        }
        let (_, pager) = shown(Some(2), 130).await;
        assert_eq!(pager.previous.unwrap(), "/list?q=a%20b&page=1");
        assert_eq!(pager.next.unwrap(), "/list?q=a%20b&page=3");
    }
}
