//! Which agents a list shows: exactly those that the caller may do something with.

use std::sync::Arc;

use ee_core::{
    Error, Permission, Visible,
    storage::{AgentFilter, AgentRecord, Page, Paged},
};

use crate::{
    Cx,
    visible::{Judge, MOST_JUDGED},
};

/// Returns all agents, by name, where it takes less to judge each than to ask for those that the caller's grants name, and
/// there are at most so many.
pub(super) async fn judged<'a>(
    cx: &'a Cx,
    permission: &Permission,
    most: u64,
) -> Result<Option<(Judge<'a>, Arc<[AgentRecord]>)>, Error> {
    let Some(named) = cx.names_many(permission) else {
        return Ok(None);
    };
    let agents = cx.agents()?;
    let all = AgentFilter::of(Visible::EVERYTHING);
    if agents.page(&all, Page::new(0, 1)?).await?.total > named.min(most) {
        return Ok(None);
    }
    let judge = cx.judge(permission).await?;
    Ok(Some((judge, agents.list(&Visible::EVERYTHING).await?)))
}

/// Returns one page of the agents that the caller may do this with.
pub(super) async fn permitted(
    cx: &Cx,
    permission: &Permission,
    search: Option<String>,
    page: Page,
) -> Result<Paged<AgentRecord>, Error> {
    let agents = cx.agents()?;
    let mut filter = AgentFilter::of(Visible::EVERYTHING);
    filter.search = search;
    if filter.search.is_none() {
        if let Some((judge, all)) = judged(cx, permission, MOST_JUDGED).await? {
            return Ok(judge.page(&all, |it| it.id.as_str(), page));
        }
    } else if cx.names_many(permission).is_some() {
        let all = agents.page(&filter, Page::new(0, Page::MAX_SIZE)?).await?;
        if all.total == all.rows.len() as u64 {
            let judge = cx.judge(permission).await?;
            return Ok(judge.page(&all.rows, |it| it.id.as_str(), page));
        }
    }
    filter.visible = cx.visible(permission).await?;
    agents.page(&filter, page).await
}
