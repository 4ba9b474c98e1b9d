//! Asking the sources that the plan names, and filling up where they found too little.

use super::lists;
use super::merge::Merge;
use super::plan::Plan;
use crate::api::candidate::Candidate;
use crate::api::source::Source;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::understand::{Allowed, RequestCx};

/// The candidates of a request, each once, with the proposals of every source.
pub(crate) fn retrieve(cx: RequestCx) -> Result<Vec<Candidate>> {
    let plan = Plan::new(cx);
    let mut merge = Merge::default();
    if plan.want == 0 {
        return Ok(merge.finish());
    }
    merge.add(Source::Pinned, cx.understood.controls.pins.iter().map(|pin| (pin.key, 0.0)).collect());
    for (row, quota) in &plan.quotas {
        for found in (row.find)(cx, *quota)? {
            merge.add(row.source, found);
        }
    }
    if plan.take_all
        && let Allowed::Only(keys) = &cx.understood.allowed
    {
        // So few are allowed that every one is scored: no source can miss any.
        let all = keys.iter().map(ItemKey).filter(|key| cx.admits(*key));
        merge.add(Source::Among, all.map(|key| (key, 0.0)).collect());
    }
    if merge.len() < plan.want && !plan.take_all {
        fill(cx, plan.want, &mut merge)?;
    }
    Ok(merge.finish())
}

/// A list is never empty where something could be shown: what is popular, then what is new.
fn fill(cx: RequestCx, want: usize, merge: &mut Merge) -> Result<()> {
    let fillers = [
        (Source::Popular90, lists::popular_90d as fn(RequestCx, usize) -> Result<_>),
        (Source::Popular7, lists::popular_7d),
        (Source::Fresh, lists::fresh),
    ];
    for (source, find) in fillers {
        if merge.len() < want {
            find(cx, want)?.into_iter().for_each(|found| merge.add(source, found));
        }
    }
    Ok(())
}
