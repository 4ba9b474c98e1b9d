//! Items, rankings and statistics to JSON.
//!
//! What is written has no line breaks and no NUL byte (JSON escapes both), so it can stand in a line of NDJSON and end
//! with a NUL in C. Numbers that are not finite, which no stored item has, would be written as `null`.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::api::item::{Fields, Item, Value};
use crate::api::ranking::{Contribution, Hit, Influence, Moved, Ranking, TermPart, Took, Why};
use crate::api::stats::{ImpressionStats, ModelStats, SpaceStats, Stats, VectorStats};
use crate::base::error::{Error, Result};

/// Writes an item so that [`item_from_json`](super::item_from_json) reads the same one: `id` first, then the fields by
/// name.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn item_to_json(item: &Item) -> Result<String> {
    to_string(&ItemForm(item))
}

/// Writes an array of items, `null` for each that is `None`: the answer of `get`, or of `scan`.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn items_to_json<'a>(items: impl IntoIterator<Item = Option<&'a Item>>) -> Result<String> {
    to_string(&items.into_iter().map(|item| item.map(ItemForm)).collect::<Vec<_>>())
}

/// Writes a ranking: `rank_id`, `hits` (`id`, `score`, `fields`, `sources`, `propensity` where a place was drawn, and `why`
/// when it was asked for), `candidates`, `weights_version`, `took` in microseconds, `degraded`, `explored` and `next`.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn ranking_to_json(ranking: &Ranking) -> Result<String> {
    to_string(&RankingForm(ranking))
}

/// Writes an array of rankings.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn rankings_to_json(rankings: &[Ranking]) -> Result<String> {
    to_string(&rankings.iter().map(RankingForm).collect::<Vec<_>>())
}

/// Writes statistics: the fields of [`Stats`] under their names.
///
/// # Errors
/// [`Error::Internal`], which would be a defect.
pub fn stats_to_json(stats: &Stats) -> Result<String> {
    to_string(&StatsForm(stats))
}

pub(super) fn to_string(form: &impl Serialize) -> Result<String> {
    serde_json::to_string(form).map_err(|error| Error::internal(format!("writing JSON: {error}")))
}

pub(super) type Written<S> = std::result::Result<<S as Serializer>::Ok, <S as Serializer>::Error>;

struct ItemForm<'a>(&'a Item);

impl Serialize for ItemForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let mut map = to.serialize_map(Some(self.0.fields.len() + 1))?;
        map.serialize_entry("id", &self.0.id)?;
        for (name, value) in &self.0.fields {
            map.serialize_entry(name, &ValueForm(value))?;
        }
        map.end()
    }
}

struct FieldsForm<'a>(&'a Fields);

impl Serialize for FieldsForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        to.collect_map(self.0.iter().map(|(name, value)| (name, ValueForm(value))))
    }
}

struct ValueForm<'a>(&'a Value);

impl Serialize for ValueForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        match self.0 {
            Value::Text(text) => to.serialize_str(text),
            Value::Number(number) => to.serialize_f64(*number),
            Value::Bool(flag) => to.serialize_bool(*flag),
            Value::Date(time) => to.collect_map([("date", time.seconds())]),
            Value::Tags(tags) => tags.serialize(to),
            Value::Geo { lat, lon } => to.collect_map([("lat", lat), ("lon", lon)]),
            // An empty array reads back as tags.
            Value::Vector(vector) if vector.is_empty() => to.collect_map([("vector", vector)]),
            Value::Vector(vector) => vector.serialize(to),
        }
    }
}

struct RankingForm<'a>(&'a Ranking);

impl Serialize for RankingForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let Ranking { rank_id, hits, candidates, weights_version, took, degraded, explored, next } = self.0;
        let mut map = to.serialize_map(Some(7))?;
        map.serialize_entry("rank_id", rank_id)?;
        map.serialize_entry("hits", &hits.iter().map(HitForm).collect::<Vec<_>>())?;
        map.serialize_entry("candidates", candidates)?;
        map.serialize_entry("weights_version", weights_version)?;
        map.serialize_entry("took", &TookForm(took))?;
        map.serialize_entry("degraded", degraded)?;
        map.serialize_entry("explored", explored)?;
        map.serialize_entry("next", next)?;
        map.end()
    }
}

struct HitForm<'a>(&'a Hit);

impl Serialize for HitForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let Hit { id, score, fields, sources, propensity, why } = self.0;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("score", score)?;
        map.serialize_entry("fields", &FieldsForm(fields))?;
        let sources: Vec<SourceForm> =
            sources.iter().map(|s| SourceForm { source: s.source.name(), rank: s.rank, score: s.score }).collect();
        map.serialize_entry("sources", &sources)?;
        if let Some(propensity) = propensity {
            map.serialize_entry("propensity", propensity)?;
        }
        if let Some(why) = why {
            map.serialize_entry("why", &WhyForm(why))?;
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct SourceForm {
    source: &'static str,
    rank: u32,
    score: f32,
}

struct WhyForm<'a>(&'a Why);

impl Serialize for WhyForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let Why { contributions, rules, moved, history, terms, line } = self.0;
        let mut map = to.serialize_map(Some(6))?;
        map.serialize_entry("line", line)?;
        map.serialize_entry("contributions", &ContributionsForm(contributions))?;
        map.serialize_entry("rules", rules)?;
        map.serialize_entry("moved", &moved.as_ref().map(|Moved { from, by }| MovedForm { from: *from, by }))?;
        map.serialize_entry("history", &history.iter().map(InfluenceForm).collect::<Vec<_>>())?;
        map.serialize_entry("terms", &terms.iter().map(TermForm).collect::<Vec<_>>())?;
        map.end()
    }
}

struct InfluenceForm<'a>(&'a Influence);

impl Serialize for InfluenceForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let Influence { item, amount } = self.0;
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("item", item)?;
        map.serialize_entry("amount", amount)?;
        map.end()
    }
}

struct TermForm<'a>(&'a TermPart);

impl Serialize for TermForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let TermPart { term, amount } = self.0;
        let mut map = to.serialize_map(Some(2))?;
        map.serialize_entry("term", term)?;
        map.serialize_entry("amount", amount)?;
        map.end()
    }
}

#[derive(serde::Serialize)]
struct MovedForm<'a> {
    from: usize,
    by: &'a str,
}

struct ContributionsForm<'a>(&'a [Contribution]);

impl Serialize for ContributionsForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        to.collect_map(self.0.iter().map(|c| (&c.feature, c.amount)))
    }
}

struct TookForm<'a>(&'a Took);

impl Serialize for TookForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let Took { context_us, retrieve_us, rank_us, features_us, respond_us, total_us } = self.0;
        to.collect_map([
            ("context_us", context_us),
            ("retrieve_us", retrieve_us),
            ("rank_us", rank_us),
            ("features_us", features_us),
            ("respond_us", respond_us),
            ("total_us", total_us),
        ])
    }
}

struct StatsForm<'a>(&'a Stats);

impl Serialize for StatsForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        // Named one by one, here and above, so that the compiler asks for a field that is added.
        let Stats {
            items,
            users,
            events,
            events_removed,
            seq,
            oplog,
            disk_bytes,
            text_seq,
            text_tail,
            vectors,
            model,
            space,
            impressions,
            poisoned,
            background_error,
            weights_version,
            calibration_error,
        } = self.0;
        let mut map = to.serialize_map(None)?;
        map.serialize_entry("items", items)?;
        map.serialize_entry("users", users)?;
        map.serialize_entry("events", events)?;
        map.serialize_entry("events_removed", events_removed)?;
        map.serialize_entry("seq", seq)?;
        map.serialize_entry("oplog", oplog)?;
        map.serialize_entry("disk_bytes", disk_bytes)?;
        map.serialize_entry("text_seq", text_seq)?;
        map.serialize_entry("text_tail", text_tail)?;
        map.serialize_entry("vectors", &vectors.iter().map(VectorStatsForm).collect::<Vec<_>>())?;
        map.serialize_entry("model", &ModelStatsForm(model))?;
        map.serialize_entry("space", &SpaceStatsForm(space))?;
        let ImpressionStats { kept, logged, dropped } = impressions;
        map.serialize_entry("impressions", &CountsForm([("kept", kept), ("logged", logged), ("dropped", dropped)]))?;
        map.serialize_entry("poisoned", poisoned)?;
        map.serialize_entry("background_error", background_error)?;
        map.serialize_entry("weights_version", weights_version)?;
        map.serialize_entry("calibration_error", calibration_error)?;
        map.end()
    }
}

struct CountsForm<'a>([(&'static str, &'a u64); 3]);

impl Serialize for CountsForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        to.collect_map(self.0)
    }
}

struct VectorStatsForm<'a>(&'a VectorStats);

impl Serialize for VectorStatsForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let VectorStats { name, dimensions, indexed, tail, deleted, memory_bytes, checkpoint_seq } = self.0;
        let mut map = to.serialize_map(Some(7))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("dimensions", dimensions)?;
        map.serialize_entry("indexed", indexed)?;
        map.serialize_entry("tail", tail)?;
        map.serialize_entry("deleted", deleted)?;
        map.serialize_entry("memory_bytes", memory_bytes)?;
        map.serialize_entry("checkpoint_seq", checkpoint_seq)?;
        map.end()
    }
}

struct ModelStatsForm<'a>(&'a ModelStats);

impl Serialize for ModelStatsForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let ModelStats { name, sha256, space_id, provider, fallback, onnxruntime } = self.0;
        let mut map = to.serialize_map(Some(6))?;
        map.serialize_entry("name", name)?;
        map.serialize_entry("sha256", sha256)?;
        map.serialize_entry("space_id", space_id)?;
        map.serialize_entry("provider", provider)?;
        map.serialize_entry("fallback", fallback)?;
        map.serialize_entry("onnxruntime", onnxruntime)?;
        map.end()
    }
}

struct SpaceStatsForm<'a>(&'a SpaceStats);

impl Serialize for SpaceStatsForm<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Written<S> {
        let SpaceStats { id, fits, fitted_items, drift } = self.0;
        let mut map = to.serialize_map(Some(4))?;
        map.serialize_entry("id", id)?;
        map.serialize_entry("fits", fits)?;
        map.serialize_entry("fitted_items", fitted_items)?;
        map.serialize_entry("drift", drift)?;
        map.end()
    }
}
