//! The rules of a request: its own, and those of its scenario.

use std::collections::BTreeMap;

use super::lookup;
use crate::api::request::Request;
use crate::api::rule::{Rule, Which};
use crate::base::error::{Error, Result};
use crate::store::Stores;
use crate::store::snapshot::Snapshot;

/// Scenario names that the error for an unknown one lists.
const NAMES_SHOWN: usize = 20;

/// A rule with the label that explanations use: where it stands and what it is.
pub(super) struct Labelled {
    pub label: String,
    pub rule: Rule,
}

/// The rules of a request: its own first, so that they win a position, then those of its scenario.
///
/// # Errors
/// [`Error::UnknownScenario`], or [`Error::Damaged`] for stored rules that do not read.
pub(super) fn rules(snapshot: &Snapshot, request: &Request) -> Result<Vec<Labelled>> {
    let label =
        |from: &str, place: usize, rule: Rule| Labelled { label: format!("{from}[{place}] {}", rule.name()), rule };
    let own = request.rules.iter().cloned().enumerate();
    let mut rules: Vec<Labelled> = own.map(|(place, rule)| label("rules", place, rule)).collect();
    if let Some(name) = &request.scenario {
        let stored = snapshot.catalog.view().scenario(name)?;
        let stored = stored.map_or_else(|| Err(unknown(snapshot, name)), Ok)?;
        let stored = stored_rules(name, &stored)?.into_iter().enumerate();
        rules.extend(stored.map(|(place, rule)| label(name, place, rule)));
    }
    Ok(rules)
}

/// Reads what `Engine::set_scenario` has written.
///
/// # Errors
/// [`Error::Damaged`].
fn stored_rules(name: &str, json: &str) -> Result<Vec<Rule>> {
    crate::api::json::rules_from_json(json).map_err(|e| Error::damaged(format!("scenario `{name}`"), e.to_string()))
}

/// All stored scenarios, by name.
pub(crate) fn stored_scenarios(stores: &Stores) -> Result<BTreeMap<String, Vec<Rule>>> {
    let catalog = stores.catalog.read()?;
    let view = catalog.view();
    let read = |name: String| {
        let json = view.scenario(&name)?.ok_or_else(|| Error::internal("a listed scenario is missing"))?;
        let rules = stored_rules(&name, &json)?;
        Ok((name, rules))
    };
    view.scenario_names()?.into_iter().map(read).collect()
}

fn unknown(snapshot: &Snapshot, name: &str) -> Error {
    let names = match snapshot.catalog.view().scenario_names() {
        Ok(names) => names,
        Err(error) => return error,
    };
    let mut known = names.iter().take(NAMES_SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.is_empty() {
        known.push_str("none yet");
    } else if names.len() > NAMES_SHOWN {
        known.push_str(&format!(" and {} more", names.len() - NAMES_SHOWN));
    }
    Error::UnknownScenario { name: name.to_owned(), known }
}

/// A warning for each rule that names ids which the catalog does not know.
pub(super) fn unknown_ids(snapshot: &Snapshot, rules: &[Labelled]) -> Result<Vec<String>> {
    let mut warnings = Vec::new();
    for Labelled { label, rule } in rules {
        if let Rule::Boost { which: Which::Ids(ids), .. }
        | Rule::Bury { which: Which::Ids(ids), .. }
        | Rule::Exclude(Which::Ids(ids)) = rule
        {
            warnings.extend(lookup::unknown(snapshot, label, ids.iter().map(String::as_str))?);
        }
    }
    Ok(warnings)
}

/// Ids that rules exclude.
pub(super) fn excluded(rules: &[Labelled]) -> impl Iterator<Item = &str> {
    rules.iter().flat_map(|labelled| match &labelled.rule {
        Rule::Exclude(Which::Ids(ids)) => ids.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    })
}
