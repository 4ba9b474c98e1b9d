//! Old names for new ones: each pair is (new, old). Everything that is compared has the old names.
//!
//! A pair whose new name no answer has does nothing, so the tables may run ahead of the code. They are apart by what they
//! name, because a word may mean one thing as a feature and another as a source.

use serde_json::{Map, Value as Json};

/// New and old names.
pub type Names = &'static [(&'static str, &'static str)];

/// Names of features: keys of contributions and of weights, and columns of training files.
pub const FEATURES: Names = &[
    ("covisit_next", "next"),
    ("covisit_previous", "before"),
    ("cooccurrence", "together"),
    ("interacted", "had"),
    ("interacted_recently", "had_lately"),
    ("interacted_ever", "seen"),
    ("impressions", "shown"),
    ("ctr", "chosen"),
];

/// Names of candidate sources.
pub const SOURCES: Names =
    &[("covisit", "next"), ("cooccurrence", "together"), ("repeat", "again"), ("model_context", "learned")];

/// Keys of a ranking.
pub const RANKING: Names = &[("warnings", "degraded"), ("next_page_token", "next"), ("page_token", "next")];

/// Keys of what is read: requests, rules, configurations and plans.
pub const GIVEN: Names = &[
    ("page_token", "next"),
    ("match_history_mix", "calibrate_mix"),
    ("tune", "calibrate"),
    ("fraction", "share"),
    ("at_fraction", "at_share"),
    ("max", "most"),
    ("min_fit", "least_fit"),
    ("stratified", "spread"),
];

/// Keys of a report of `evaluate`.
pub const REPORT: Names = &[("significance", "verdict")];

/// Keys of calibrations.
pub const CALIBRATION: Names =
    &[("tunings", "calibrations"), ("request_context", "situation"), ("context", "situation")];

/// Keys of what `models` and `shadow_model` answer.
pub const MODELS: Names = &[("active", "live"), ("active_us", "live_us"), ("previous", "before")];

/// Keys of statistics.
pub const STATS: Names = &[("tuning_error", "calibration_error")];

/// Keys of impressions and of what they add up to.
pub const IMPRESSIONS: Names = &[("fraction", "share")];

/// Keys of counterfactual estimates.
pub const COUNTERFACTUAL: Names = &[("largest_fraction", "largest_share"), ("clipped_fraction", "clipped_share")];

/// The keys of rules as `scenarios` writes them.
pub const RULES: Names = &[("max", "most")];

/// The fixed columns of a training file.
pub const COLUMNS: Names = &[("request_context", "situation")];

/// The old name of a new one.
pub fn old(names: Names, name: &str) -> &str {
    names.iter().find(|(new, _)| *new == name).map_or(name, |(_, old)| old)
}

/// Gives the keys of one object their old names.
pub fn keys(names: Names, map: &mut Map<String, Json>) {
    *map = std::mem::take(map).into_iter().map(|(key, value)| (old(names, &key).to_owned(), value)).collect();
}

/// Gives the keys of an object, and of all that are in it, their old names.
pub fn all_keys(names: Names, value: &mut Json) {
    match value {
        Json::Object(map) => {
            keys(names, map);
            map.values_mut().for_each(|value| all_keys(names, value));
        }
        Json::Array(values) => values.iter_mut().for_each(|value| all_keys(names, value)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    #[test]
    fn every_key_gets_its_old_name() {
        let mut value = json!({ "verdict": 1, "tasks": [{ "significance": { "line": "significance" } }] });
        all_keys(REPORT, &mut value);
        assert_eq!(value, json!({ "verdict": 1, "tasks": [{ "verdict": { "line": "significance" } }] }));
        assert_eq!((old(FEATURES, "ctr"), old(FEATURES, "bm25")), ("chosen", "bm25"));
    }

    #[test]
    fn no_name_is_both_new_and_old() {
        for names in
            [FEATURES, SOURCES, RANKING, GIVEN, REPORT, CALIBRATION, MODELS, STATS, IMPRESSIONS, RULES, COLUMNS]
        {
            let new: BTreeSet<&str> = names.iter().map(|(new, _)| *new).collect();
            assert_eq!(new.len(), names.len());
            assert!(names.iter().all(|(_, old)| !new.contains(old)));
        }
    }
}
