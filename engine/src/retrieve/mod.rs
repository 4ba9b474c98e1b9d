//! Collecting candidates: one file for each kind of source, a plan that says how many from each, a merge by item.

mod lists;
mod merge;
mod nearest;
mod plan;
mod related;
mod sids;
mod unseen;

use crate::api::candidate::{Candidate, Source};
use crate::api::request::Request;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;
use crate::understand::{Allowed, Intent};

use merge::Merge;
use plan::Plan;

/// The candidates of a request, each once, with what every source said of it.
pub(crate) fn retrieve(snapshot: &Snapshot, intent: &Intent, request: &Request) -> Result<Vec<Candidate>> {
    let plan = Plan::new(snapshot, intent, request);
    let mut merge = Merge::default();
    if plan.want == 0 {
        return Ok(merge.finish());
    }
    merge.add(Source::Pinned, intent.controls.pins.iter().map(|pin| (pin.key, 0.0)).collect());
    for (source, quota) in &plan.quotas {
        for (name, found) in propose(snapshot, intent, *source, *quota)? {
            merge.add(name, found);
        }
    }
    if plan.take_all
        && let Allowed::Only(keys) = &intent.allowed
    {
        // So few are allowed that every one is scored: no source can miss any.
        let all = keys.iter().map(ItemKey).filter(|key| intent.admits(snapshot, *key));
        merge.add(Source::Among, all.map(|key| (key, 0.0)).collect());
    }
    if merge.len() < plan.want && !plan.take_all {
        fill(snapshot, intent, plan.want, &mut merge)?;
    }
    Ok(merge.finish())
}

type Found = Vec<(ItemKey, f32)>;

/// Asks one source. A request with several vectors of its own has several lists.
fn propose(snapshot: &Snapshot, intent: &Intent, source: Source, quota: usize) -> Result<Vec<(Source, Found)>> {
    let items = (snapshot.item.number, snapshot.item.graph.as_ref());
    let near = |vector: Option<&Vec<f32>>| match vector {
        Some(vector) => nearest::nearest(snapshot, intent, items, vector, quota),
        None => Ok(Vec::new()),
    };
    let found = match source {
        Source::Lexical => lexical(snapshot, intent, quota)?,
        Source::Semantic => near(intent.context.query.as_ref())?,
        Source::Context => near(intent.context.history.as_ref())?,
        Source::Similar => near(intent.seed_vector.as_ref())?,
        Source::Popular7 | Source::Popular90 => lists::popular(snapshot, intent, source, quota)?,
        Source::Segment => lists::segment(snapshot, intent, quota)?,
        Source::Fresh => lists::fresh(snapshot, intent, quota)?,
        Source::Trending => lists::trending(snapshot, intent, quota)?,
        Source::Again => again(snapshot, intent, quota)?,
        Source::Explore => unseen::unseen(snapshot, intent, quota)?,
        Source::Next => related::related(snapshot, intent, &intent.relations.next, quota)?,
        Source::Together => related::related(snapshot, intent, &intent.relations.together, quota)?,
        Source::Basket => related::related(snapshot, intent, &intent.relations.basket, quota)?,
        Source::Interests | Source::Learned => {
            let points = if source == Source::Interests { &intent.interests } else { &intent.context.learned };
            // Each has its share, so that the strongest interest cannot take all places.
            let each = quota.div_ceil(points.len().max(1));
            let lists = points.iter().map(|point| {
                let found = nearest::nearest(snapshot, intent, items, point, each)?;
                Ok((source, found))
            });
            return lists.collect();
        }
        Source::SemanticId => sids::sids(snapshot, intent, quota)?,
        Source::Vector => {
            // Fields that a history speaks in share the places; each vector that was asked with has its own.
            let each = if intent.has_query { quota } else { quota.div_ceil(intent.vectors.len().max(1)) };
            let lists = intent.vectors.iter().map(|own| {
                let space = snapshot.stores.vectors.space(&own.name);
                let graph = space.ok_or_else(|| Error::internal("a vector space is missing"))?;
                let found = nearest::nearest(snapshot, intent, (own.space, &graph), &own.vector, each)?;
                Ok((Source::Vector, found))
            });
            return lists.collect();
        }
        Source::Among | Source::Pinned => Vec::new(),
    };
    Ok(vec![(source, found)])
}

/// Items of the history that are in the catalog, newest first; the score counts down from 1.
fn again(snapshot: &Snapshot, intent: &Intent, quota: usize) -> Result<Found> {
    let mut found: Found = Vec::new();
    for key in &intent.liked {
        let known = found.iter().any(|(had, _)| had == key);
        if !known && intent.admits(snapshot, *key) && snapshot.catalog.head(*key)?.is_some() {
            found.push((*key, 1.0 / (found.len() as f32 + 1.0)));
        }
        if found.len() == quota {
            break;
        }
    }
    Ok(found)
}

/// BM25 over the text fields, with the filter evaluated in the index.
fn lexical(snapshot: &Snapshot, intent: &Intent, quota: usize) -> Result<Found> {
    let Some(query) = &intent.query else { return Ok(Vec::new()) };
    let live = |key, generation| snapshot.is_live(key, Some(generation)) && intent.admits(snapshot, key);
    snapshot.text.search(query, intent.filter.as_ref(), &snapshot.schema, quota, &live)
}

/// A list is never empty where something could be shown: what is popular, then what is new, then anything.
fn fill(snapshot: &Snapshot, intent: &Intent, want: usize, merge: &mut Merge) -> Result<()> {
    for source in [Source::Popular90, Source::Popular7] {
        if merge.len() < want {
            merge.add(source, lists::popular(snapshot, intent, source, want)?);
        }
    }
    if merge.len() < want {
        merge.add(Source::Fresh, lists::fresh(snapshot, intent, want)?);
    }
    Ok(())
}
