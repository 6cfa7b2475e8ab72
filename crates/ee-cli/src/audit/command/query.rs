//! `mastra-ee audit query`.

use std::io::{self, Write as _};

use anyhow::Result;
use ee::{
    AuditPlace, AuditQuery,
    audit::{
        export::hide_content,
        format::native,
        query::{Context, Search},
    },
};
use serde::Serialize;
use serde_json::Value;

use super::{event, keeper::Keeper, search};
use crate::args::{Order, QueryArgs};

/// What the server answers to the same.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    events: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

pub(super) async fn run(keeper: &Keeper, args: &QueryArgs) -> Result<()> {
    let now = keeper.clock.now();
    let mut pairs = search::pairs(&args.wanted, now)?;
    pairs.push(("limit".to_owned(), args.limit.to_string()));
    pairs.push(("order".to_owned(), args.order.as_str().to_owned()));
    let (search, query) = match &args.cursor {
        None => {
            let search = Search::read(&pairs, &Context::new(now))?;
            let query = first(&search, args.order);
            (search, query)
        }
        Some(cursor) => {
            pairs.push(("cursor".to_owned(), cursor.clone()));
            let cursors = keeper.cursors()?;
            let context = cursors.context(&pairs, Context::new(now))?;
            let search = Search::read(&pairs, &context)?;
            let query = cursors.query(&search)?;
            (search, query)
        }
    };
    let mut entries = keeper.search().search(&query).await?;
    let asked = args.wanted.filter.as_deref().unwrap_or_default();
    keeper.record_reading("query", asked).await?;
    for entry in &mut entries {
        hide_content(entry)?;
    }
    let last = entries
        .last()
        .filter(|_| entries.len() >= query.limit as usize);
    let place = last.map(|last| AuditPlace {
        timestamp: last.record.event.timestamp,
        id: last.record.event.id,
    });
    // Without a key nobody can go on; what was found is shown all the same.
    let next = place.zip(keeper.cursors().ok());
    let next = next.map(|(place, cursors)| cursors.seal(&search, place));
    let next = next.transpose()?;
    if keeper.is_json {
        let answer = Page {
            events: entries.iter().map(native).collect(),
            next_cursor: next,
        };
        return keeper.show(&answer, |_| String::new());
    }
    keeper.show(&(), |()| event::table(&entries))?;
    if let Some(next) = next {
        // It is of no use to whoever reads the table.
        let told = writeln!(io::stderr(), "\nmore: the same with `--cursor {next}`");
        drop(told);
    }
    Ok(())
}

fn first(search: &Search, order: Order) -> AuditQuery {
    AuditQuery {
        is_ascending: matches!(order, Order::Asc),
        ..AuditQuery::newest(search.filter.clone(), search.limit)
    }
}
