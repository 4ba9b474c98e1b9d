//! Tunings as they are written: with the weights of each set by the names of the features. Records hold them as they
//! are declared, so this form is a type of its own.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::api::tuning::{RequestContext, Tuning, WeightSet};

/// A tuning in its written form.
pub(super) struct Written<'a>(pub(super) &'a Tuning);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let Tuning { version, time, events, model, features, sets } = self.0;
        let mut map = to.serialize_map(Some(5))?;
        map.serialize_entry("version", version)?;
        map.serialize_entry("time", time)?;
        map.serialize_entry("events", events)?;
        map.serialize_entry("model", model)?;
        map.serialize_entry("sets", &sets.iter().map(|set| WrittenSet { set, features }).collect::<Vec<_>>())?;
        map.end()
    }
}

struct WrittenSet<'a> {
    set: &'a WeightSet,
    features: &'a [String],
}

impl Serialize for WrittenSet<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let WeightSet { context, samples, held_out, ndcg_before, ndcg_after, kept, weights } = self.set;
        let mut map = to.serialize_map(Some(7))?;
        map.serialize_entry("request_context", &WrittenContext { name: context.name(), context })?;
        map.serialize_entry("samples", samples)?;
        map.serialize_entry("held_out", held_out)?;
        map.serialize_entry("ndcg_before", ndcg_before)?;
        map.serialize_entry("ndcg_after", ndcg_after)?;
        map.serialize_entry("kept", kept)?;
        map.serialize_entry("weights", &ByName(self.features, weights))?;
        map.end()
    }
}

#[derive(serde::Serialize)]
struct WrittenContext<'a> {
    name: String,
    #[serde(flatten)]
    context: &'a RequestContext,
}

struct ByName<'a>(&'a [String], &'a [f32]);

impl Serialize for ByName<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_map(self.0.iter().zip(self.1))
    }
}
