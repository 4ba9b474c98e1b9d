//! The plain data as JSON, for bindings and tools.
//!
//! | data | form |
//! |---|---|
//! | item | `{"id": "sku-9", "title": "Red shoes", "price": 59, "in_stock": true, "tags": ["red"], "image": [0.1, 0.2], "place": {"lat": 48.8, "lon": 2.3}, "released": {"date": 1700000000}}` |
//! | event | `{"user": "u7", "action": "click", "item": "sku-9", "query", "value", "time", "rank_id", "basket", "segments"}` |
//! | request | `{"query", "user", "history", "like", "unlike", "among", "segments", "vectors", "filter", "exclude", "exclude_seen", "personalization", "diversity", "caps", "calibrate_mix", "rules", "scenario", "adapter", "explore", "new_items", "log_impression", "limit", "offset", "next", "candidates", "fields", "explain", "now"}` |
//! | rules | `[{"rule": "pin", "item": "sku-9", "position": 1}, ..]`, see [`rules_from_json`] |
//! | filter | `{"price": {">=": 10, "<": 90}, "tags": "red", "or": [..]}`, see [`filter_from_json`] |
//! | evaluation plan | `{"protocol": "time_split", "at_share": 0.9, "queries": [{"query", "grades", "user", "time"}], ..}`, see [`plan_from_json`] |
//! | plan of a training file | `{"requests": 10000, "negatives": 20, "until": 1700000000}`, see [`training_plan_from_json`] |
//! | configuration | `{"fields": {"title": {"boost": 2}}, "provider": "cuda", ..}`, see [`config_from_json`] |
//!
//! Rules that hold for all of them: times are seconds since the Unix epoch; `null` means "not given"; a key that is not
//! known, or stands twice in one object, is an error, because a misspelt key must not be ignored; an error names the
//! place (`items[3].price`). No input panics, and memory is bounded before it is taken: by
//! [`crate::base::limits::MAX_JSON_BYTES`] for the text, by 8,388,608 values for one element of a batch and by 128 levels of
//! nesting. Numbers are read to the nearest `f64`; one that does not fit (`1e400`) is an error.
//!
//! A batch is an array, or its elements one after the other (NDJSON).
//!
//! ```
//! use onelist::json;
//! let items = json::items_from_json(r#"[{"id": "a", "price": 5}, {"id": "b", "tags": ["x"]}]"#)?;
//! assert_eq!(items[0].id, "a");
//! let refused = json::items_from_json(r#"[{"id": "a"}, {"id": "b", "place": {"lat": "north"}}]"#);
//! assert!(refused.is_err_and(|error| error.to_string().starts_with("items[1].place")));
//! # Ok::<(), onelist::Error>(())
//! ```

mod calibration;
mod config;
mod control;
mod event;
mod external;
mod filter;
mod item;
mod lifecycle;
mod parse;
mod place;
mod plan;
mod read;
mod request;
mod rule;
mod shown;
#[cfg(test)]
mod tests;
mod training;
mod write;

pub use calibration::{calibration_to_json, calibrations_to_json};
pub use config::config_from_json;
pub use event::events_from_json;
pub use external::{external_from_json, questions_to_json};
pub use filter::filter_from_json;
pub use item::{ids_from_json, item_from_json, items_from_json};
pub use lifecycle::{adapter_to_json, model_to_json, models_to_json, shadow_to_json};
pub use plan::{counterfactual_to_json, plan_from_json, report_to_json};
pub use request::{REQUEST_KEYS, request_from_json, request_part_from_json, requests_from_json};
pub use rule::{rules_from_json, rules_to_json, scenarios_to_json};
pub use shown::{exposure_to_json, impressions_to_json};
pub use training::{training_plan_from_json, training_summary_to_json};
pub use write::{item_to_json, items_to_json, ranking_to_json, rankings_to_json, stats_to_json};
