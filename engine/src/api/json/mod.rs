//! The plain data as JSON, for bindings and tools.
//!
//! | data | form |
//! |---|---|
//! | item | `{"id": "sku-9", "title": "Red shoes", "price": 59, "in_stock": true, "tags": ["red"], "image": [0.1, 0.2], "place": {"lat": 48.8, "lon": 2.3}, "released": {"date": 1700000000}}` |
//! | event | `{"user": "u7", "action": "click", "item": "sku-9", ..}`, the fields of [`Event`](crate::Event) |
//! | request | `{"query": "red shoes", "user": "u7", ..}`, the fields of [`Request`](crate::Request) |
//! | rules | `[{"rule": "pin", "item": "sku-9", "position": 1}, ..]`, see [`rules_from_json`] |
//! | filter | `{"price": {">=": 10, "<": 90}, "tags": "red", "or": [..]}`, see [`filter_from_json`] |
//! | evaluation plan | `{"protocol": "time_split", "at_fraction": 0.9, "queries": [{"query", "grades", "user", "time"}], ..}`, see [`plan_from_json`] |
//! | plan of a training file | `{"requests": 10000, "negatives": 20, "until": 1700000000}`, see [`training_plan_from_json`] |
//! | configuration | `{"fields": {"title": {"boost": 2}}, "provider": "cuda", ..}`, the fields of [`Config`](crate::Config) |
//!
//! The forms are what the types declare: their serde attributes stand beside the fields, and a field that is added there
//! is read, written and known to errors. What is here besides:
//!
//! | file | what it does |
//! |---|---|
//! | `inputs` | the functions that read |
//! | `answers` | the functions that write |
//! | `read` | one value, or a batch |
//! | `tree` | from text to a tree, within a budget |
//! | `source` | what a JSON value is |
//! | `item`, `filter`, `rule`, `plan` | forms that a declaration cannot say: free keys, operators, tagged rules, a protocol in parts |
//! | `tuning` | tunings as they are written |
//!
//! Rules that hold for all of them: times are seconds since the Unix epoch; `null` means "not given"; a key that is not
//! known, or stands twice in one object, is an error, because a misspelt key must not be ignored; an error names the
//! place (`items[3].price`). No input panics, and memory is bounded before it is taken: by
//! [`crate::base::limits::MAX_JSON_BYTES`] for the text, by 8,388,608 values for one element of a batch, by
//! [`crate::base::limits::MAX_BATCH`] elements of one array in it and by 128 levels of nesting. Numbers are read to the
//! nearest `f64`; one that does not fit (`1e400`) is an error.
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

/// Lets a visitor that takes `f64` take integers: formats other than ours tell them apart.
macro_rules! integers_are_numbers {
    () => {
        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
            self.visit_f64(number as f64)
        }

        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
            self.visit_f64(number as f64)
        }
    };
}

mod answers;
mod filter;
mod inputs;
mod item;
mod plan;
mod read;
mod rule;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod tuning;

pub use answers::{
    adapter_to_json, counterfactual_to_json, impressions_to_json, item_to_json, items_to_json, model_to_json,
    models_to_json, new_item_exposure_to_json, questions_to_json, ranking_to_json, rankings_to_json, report_to_json,
    rules_to_json, scenarios_to_json, shadow_to_json, stats_to_json, training_summary_to_json, tuning_to_json,
    tunings_to_json,
};
pub use inputs::{
    config_from_json, config_keys, event_keys, events_from_json, external_from_json, filter_from_json, ids_from_json,
    item_from_json, items_from_json, plan_from_json, request_from_json, request_keys, requests_from_json,
    rules_from_json, training_plan_from_json,
};
