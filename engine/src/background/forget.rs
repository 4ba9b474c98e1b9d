//! Forgetting users and items, and merging users.

use crate::api::json::rules_to_json;
use crate::api::rule::{Rule, Which};
use crate::api::stored_events::{EventFilter, Forgotten, Merged};
use crate::base::error::{Error, Result};
use crate::catalog::LogEdit;
use crate::store::{Stores, lock};

use super::log_edits::{apply, delete, refresh_cooccurrence};

/// Forgets a user: events, histories, segments and impressions. `drain` brings all that was logged into the tables.
pub(crate) fn user(stores: &Stores, id: &str, drain: impl FnOnce() -> Result<()>) -> Result<Forgotten> {
    let events = delete(stores, &EventFilter::default().user(id), drain)?;
    let _alone = lock(&stores.forgetting);
    let catalog = stores.catalog.read()?;
    let shown = catalog.view().impressions_of(id, || stores.check_open())?;
    drop(catalog);
    let mut write = stores.catalog.write()?;
    check_writes(stores)?;
    let key = write.view().user_key(id)?;
    let found = key.is_some() || !shown.is_empty() || events > 0;
    let (pairs, impressions) = write.forget_user(key, &shown)?;
    write.commit_bookkeeping()?;
    Ok(Forgotten { found, events, pairs, impressions, scenarios: 0 })
}

/// Forgets an item that was deleted: events, what users did with it, its places in impressions, rules of scenarios that
/// name it, and its id.
pub(crate) fn item(
    stores: &Stores,
    id: &str,
    scenarios: Vec<(String, Vec<Rule>)>,
    drain: impl FnOnce() -> Result<()>,
) -> Result<Forgotten> {
    let events = delete(stores, &EventFilter::default().item(id), drain)?;
    let _alone = lock(&stores.forgetting);
    let catalog = stores.catalog.read()?;
    let key = catalog.view().item_key(id)?;
    let shown = match key {
        Some(key) => catalog.view().impressions_with(key, || stores.check_open())?,
        None => Vec::new(),
    };
    drop(catalog);
    let mut write = stores.catalog.write()?;
    check_writes(stores)?;
    let pairs = write.forget_item(id, &shown)?;
    let mut named = 0;
    for (name, rules) in scenarios {
        if let Some(rules) = without(&rules, id) {
            write.set_scenario(&name, &rules_to_json(&rules)?)?;
            named += 1;
        }
    }
    write.commit_bookkeeping()?;
    let found = key.is_some() || named > 0;
    Ok(Forgotten { found, events, pairs, impressions: shown.len() as u64, scenarios: named })
}

/// The rules without an item; `None` when none of them names it.
fn without(rules: &[Rule], id: &str) -> Option<Vec<Rule>> {
    let ids = |which: &Which| match which {
        Which::Ids(ids) if ids.iter().any(|other| other == id) => {
            Some(Which::Ids(ids.iter().filter(|other| *other != id).cloned().collect()))
        }
        _ => None,
    };
    let mut changed = false;
    let kept = rules.iter().filter_map(|rule| {
        let other = match rule {
            Rule::Pin { item, .. } if item == id => {
                changed = true;
                return None;
            }
            Rule::Boost { which, amount } => ids(which).map(|which| Rule::Boost { which, amount: *amount }),
            Rule::Bury { which, amount } => ids(which).map(|which| Rule::Bury { which, amount: *amount }),
            Rule::Exclude(which) => ids(which).map(Rule::Exclude),
            _ => None,
        };
        changed |= other.is_some();
        Some(other.unwrap_or_else(|| rule.clone()))
    });
    let kept: Vec<Rule> = kept.collect();
    changed.then_some(kept)
}

/// Gives all that is stored of one user to another, who may be new. `drain` brings all that was logged into the tables.
pub(crate) fn merge(stores: &Stores, from: &str, into: &str, drain: impl FnOnce() -> Result<()>) -> Result<Merged> {
    let _alone = lock(&stores.forgetting);
    drain()?;
    let mut merged = Merged::default();
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let shown = view.impressions_of(from, || stores.check_open())?;
    let (source, target) = (view.user_key(from)?, view.user_key(into)?);
    merged.events = source.map_or(Ok(0), |user| view.summary(user).map(|(events, ..)| events))?;
    drop(catalog);
    if let Some((source, target)) = source.zip(target) {
        let edit = apply(stores, |catalog| LogEdit::merge(catalog.view(), source, target))?;
        merged.duplicates = edit.map_or(0, |edit| edit.deleted());
        merged.events -= merged.duplicates;
    }
    let mut write = stores.catalog.write()?;
    check_writes(stores)?;
    if let (Some(source), None) = (source, target) {
        // Whoever is logged for the first time right now counts as a user already.
        while write.apply_journal(&stores.config, usize::MAX)? {}
        if write.view().user_key(into)?.is_some() {
            return Err(Error::argument(
                "merge_users",
                "an `into` that is known, or that nobody logs meanwhile",
                "one that was just logged; try again",
            ));
        }
        write.rename_user(source, from, into)?;
    }
    merged.impressions = write.rename_impressions(&shown, into)?;
    let applied = write.applied();
    write.commit_bookkeeping()?;
    stores.events.settle(applied);
    refresh_cooccurrence(stores)?;
    Ok(merged)
}

fn check_writes(stores: &Stores) -> Result<()> {
    match stores.poisoned.load_full() {
        Some(reason) => Err(Error::Poisoned { reason: reason.to_string() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::filter::Filter;

    #[test]
    fn rules_lose_an_item_and_nothing_else() {
        let pin = |item: &str| Rule::Pin { item: item.to_owned(), position: 1 };
        let boost = |ids: &[&str]| Rule::Boost { which: Which::ids(ids.iter().copied()), amount: 1.0 };
        let exclude = |ids: &[&str]| Rule::Exclude(Which::ids(ids.iter().copied()));
        let filter = Rule::Require(Filter::equal("tags", "a"));
        let rules = [pin("a"), pin("b"), boost(&["a", "b"]), boost(&["b"]), exclude(&["a"]), filter.clone()];
        let left = [pin("b"), boost(&["b"]), boost(&["b"]), exclude(&[]), filter];
        assert_eq!(without(&rules, "a"), Some(left.to_vec()));
        assert_eq!(without(&left, "a"), None, "what does not name it stays as it is");
    }
}
