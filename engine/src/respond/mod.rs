//! The answer: payloads for the hits that are returned and no others, and why they stand where they stand.

mod impression;
mod influence;

use crate::api::candidate::{Marks, Page, Scored};
use crate::api::item::{Fields, Value};
use crate::api::ranking::{Contribution, Hit, Moved, Ranking, TermPart, Took, Why};
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::store::snapshot::Snapshot;
use crate::understand::Intent;

pub(crate) use impression::impression;
use influence::Names;

/// Reads the hits of a page, for the ranking of this name.
pub(crate) fn respond(
    snapshot: &Snapshot,
    request: &Request,
    intent: Intent,
    page: Page,
    rank_id: String,
) -> Result<Ranking> {
    let Page { hits: scored, candidates, next, explored, marks_new: _ } = page;
    let names = Names::read(snapshot, &scored)?;
    let mut hits = Vec::with_capacity(scored.len());
    for scored in scored {
        hits.extend(hit(snapshot, request, (&intent, &names), scored)?);
    }
    let (weights_version, degraded) = (snapshot.weights_version(), degraded(snapshot, intent));
    Ok(Ranking { rank_id, hits, candidates, weights_version, took: Took::default(), degraded, explored, next })
}

fn degraded(snapshot: &Snapshot, intent: Intent) -> Vec<String> {
    let mut degraded = intent.degraded;
    if let Some(reason) = &snapshot.model().stats().fallback {
        degraded.push(format!("the model runs on the CPU: {reason}"));
    }
    degraded
}

/// `None` for a candidate that is not in the pinned catalog: an index may be behind, an answer may not.
fn hit(
    snapshot: &Snapshot,
    request: &Request,
    (intent, names): (&Intent, &Names),
    scored: Scored,
) -> Result<Option<Hit>> {
    let Some(record) = snapshot.catalog.view().item(scored.candidate.key)? else { return Ok(None) };
    let why = match request.explain {
        true => Some(why(snapshot, intent, names, &scored)?),
        false => None,
    };
    let fields = match &request.fields {
        Some(names) => record.item.fields.into_iter().filter(|(name, _)| names.contains(name)).collect(),
        None => record.item.fields,
    };
    let (propensity, sources) = (scored.marks.propensity, scored.candidate.proposals);
    Ok(Some(Hit { id: record.item.id, score: scored.score, fields, sources, propensity, why }))
}

fn why(snapshot: &Snapshot, intent: &Intent, named: &Names, scored: &Scored) -> Result<Why> {
    let names = snapshot.model().all_features();
    let mut contributions: Vec<Contribution> = names
        .iter()
        .zip(&scored.contributions)
        .filter(|(_, amount)| **amount != 0.0)
        .map(|(name, amount)| Contribution { feature: name.clone(), amount: *amount })
        .collect();
    let terms = influence::terms(snapshot, intent, scored.candidate.key, &contributions)?;
    let Marks { adjustments, rules, moved, history, .. } = &scored.marks;
    let adjusted =
        adjustments.iter().map(|(name, amount)| Contribution { feature: (*name).to_owned(), amount: *amount });
    contributions.extend(adjusted);
    contributions.sort_by(|a, b| b.amount.abs().total_cmp(&a.amount.abs()));
    let mut parts = Vec::new();
    for contribution in contributions.iter().filter(|c| c.amount.abs() >= 0.005).take(4) {
        let reason = reason(snapshot, intent, (scored.candidate.key, &terms), &contribution.feature)?;
        parts.push(format!("{reason} ({:+.2})", contribution.amount));
    }
    if parts.is_empty() {
        parts.push("nothing speaks for it or against it".to_owned());
    }
    parts.extend(named.because(history));
    if !rules.is_empty() {
        parts.push(format!("by {}", rules.join(" and ")));
    }
    if let Some(Moved { from, by }) = moved {
        parts.push(format!("from place {from} by {by}"));
    }
    let (rules, moved) = (rules.clone(), moved.clone());
    let history = named.influences(history);
    Ok(Why { contributions, rules, moved, history, terms, line: parts.join(", ") })
}

/// What a feature means, in words.
fn reason(snapshot: &Snapshot, intent: &Intent, (key, terms): (ItemKey, &[TermPart]), feature: &str) -> Result<String> {
    Ok(match feature {
        "bm25" => {
            let terms: Vec<&str> = terms.iter().map(|part| part.term.as_str()).collect();
            format!("matches {}", terms.join(" "))
        }
        "cos_query" if intent.query.is_none() => "like what was given".to_owned(),
        "cos_query" => "close in meaning to the query".to_owned(),
        "cos_history" => "fits the history".to_owned(),
        "cos_last" => format!("like the last one, {}", title(snapshot, intent.events.last().map(|e| e.key))?),
        "cos_nearest" => format!("like {}", title(snapshot, nearest_event(snapshot, intent, key)?)?),
        "network" => "learned from what people do".to_owned(),
        "cos_disliked" => "like what was disliked".to_owned(),
        "next" => "often comes next".to_owned(),
        "before" => "often comes before".to_owned(),
        "together" => "the same people have it".to_owned(),
        "basket" => "bought together".to_owned(),
        "chosen" => "often chosen when shown".to_owned(),
        "had" => "had often".to_owned(),
        "had_lately" => "had lately".to_owned(),
        "shown" => "shown before, and passed over".to_owned(),
        "disliked" => "disliked".to_owned(),
        "popular_1d" => "popular today".to_owned(),
        "popular_ever" => "popular".to_owned(),
        "popular_segment" => "popular where you are".to_owned(),
        "popular_7d" => "popular this week".to_owned(),
        "popular_90d" => "popular this season".to_owned(),
        "trend" => "trend".to_owned(),
        "fresh" => "new".to_owned(),
        "seen" => "seen before".to_owned(),
        "vector" if !intent.has_query => "fits the history by its own vectors".to_owned(),
        "vector" => "close to the given vector".to_owned(),
        "unlike" => "like what is not wanted".to_owned(),
        "boost" => "boosted".to_owned(),
        "bury" => "buried".to_owned(),
        other => other.replace('_', " "),
    })
}

/// The event whose item is nearest to a candidate.
fn nearest_event(snapshot: &Snapshot, intent: &Intent, key: ItemKey) -> Result<Option<ItemKey>> {
    let Some(vector) = snapshot.vector(snapshot.item_space(), key)? else { return Ok(None) };
    let cosine = |event: &[f32]| event.iter().zip(&vector).map(|(a, b)| a * b).sum::<f32>();
    let best = intent.events.iter().max_by(|a, b| cosine(&a.vector).total_cmp(&cosine(&b.vector)));
    Ok(best.map(|event| event.key))
}

/// A name for an item that a person reads: its title or name, else its first text, else its id.
fn title(snapshot: &Snapshot, key: Option<ItemKey>) -> Result<String> {
    let record = key.map(|key| snapshot.catalog.view().item(key)).transpose()?.flatten();
    Ok(record.map_or_else(|| "an item that is gone".to_owned(), |r| first_text(&r.item.fields).unwrap_or(r.item.id)))
}

fn first_text(fields: &Fields) -> Option<String> {
    let text = |value: &Value| match value {
        Value::Text(text) if !text.is_empty() => Some(text.chars().take(60).collect()),
        _ => None,
    };
    ["title", "name"]
        .iter()
        .find_map(|name| fields.get(*name).and_then(text))
        .or_else(|| fields.values().find_map(text))
}
