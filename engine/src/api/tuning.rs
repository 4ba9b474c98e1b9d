//! Weights of the model's linear part as they were fitted to a store's own log: plain data.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

/// Where in the grid, and where in a visit, a set of weights is in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestContext {
    /// The request has a query.
    pub query: bool,
    /// The user has a history.
    pub history: bool,
    /// Items that were had are left out of the list.
    pub exclude_seen: bool,
    /// The user's last event is less than [`Config::session_gap`](crate::Config::session_gap) old: what comes next in a
    /// visit differs from what begins one.
    pub in_visit: bool,
}

impl RequestContext {
    /// Every combination that has weights of its own. Without a history there is no visit, and nothing was seen.
    pub const ALL: [RequestContext; 10] = [
        RequestContext { query: false, history: false, exclude_seen: false, in_visit: false },
        RequestContext { query: true, history: false, exclude_seen: false, in_visit: false },
        RequestContext { query: false, history: true, exclude_seen: false, in_visit: false },
        RequestContext { query: false, history: true, exclude_seen: false, in_visit: true },
        RequestContext { query: false, history: true, exclude_seen: true, in_visit: false },
        RequestContext { query: false, history: true, exclude_seen: true, in_visit: true },
        RequestContext { query: true, history: true, exclude_seen: false, in_visit: false },
        RequestContext { query: true, history: true, exclude_seen: false, in_visit: true },
        RequestContext { query: true, history: true, exclude_seen: true, in_visit: false },
        RequestContext { query: true, history: true, exclude_seen: true, in_visit: true },
    ];

    /// The row of the model's weights that it replaces: 2 x query + history.
    pub(crate) fn cell(self) -> usize {
        2 * usize::from(self.query) + usize::from(self.history)
    }

    /// In words.
    pub fn name(self) -> String {
        let cell = match (self.query, self.history) {
            (false, false) => "first visit",
            (false, true) => "recommendation",
            (true, false) => "search",
            (true, true) => "personal search",
        };
        if !self.history {
            return cell.to_owned();
        }
        let seen = if self.exclude_seen { "new items" } else { "all items" };
        let visit = if self.in_visit { "in a visit" } else { "at its start" };
        format!("{cell}, {seen}, {visit}")
    }
}

/// What `tune` fitted, and how it did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Tuning {
    /// Counts up; 0 is what the model ships. Without sets nothing was fitted, and it is the version that stays in force.
    pub version: u64,
    /// When it was fitted.
    pub time: Timestamp,
    /// Events in the log then.
    pub events: u64,
    /// SHA-256 of the model file that it was fitted for; under another model it is not used.
    pub model: String,
    /// Names of the features, in the order of the weights.
    pub features: Vec<String>,
    /// One for each context that the log has enough of.
    pub sets: Vec<WeightSet>,
}

/// The weights of one context.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WeightSet {
    /// Where they are in force.
    pub context: RequestContext,
    /// Past events that were fitted to.
    pub samples: u64,
    /// Later events that were held out, to check.
    pub held_out: u64,
    /// Mean NDCG@10 of the held-out events under the weights in force before.
    pub ndcg_before: f64,
    /// The same under the new ones.
    pub ndcg_after: f64,
    /// Whether they are better on what was held out; if not, the weights before stay in force.
    pub kept: bool,
    /// In the order of the features.
    pub weights: Vec<f32>,
}

impl Tuning {
    /// One line for each context: samples fitted to and held out, NDCG@10 before and after, and whether it is used.
    pub fn to_text(&self) -> String {
        if self.sets.is_empty() {
            let events = self.events;
            return format!("no tuning: {events} events are too few for any context; version {} stays\n", self.version);
        }
        let mut text = format!("tuning {} on {} events\n", self.version, self.events);
        for set in &self.sets {
            let verdict = if set.kept { "kept" } else { "not better: not used" };
            text.push_str(&format!(
                "  {:<44} {:>5} + {:>4} events   NDCG@10 {:.4} -> {:.4}   {verdict}\n",
                set.context.name(),
                set.samples,
                set.held_out,
                set.ndcg_before,
                set.ndcg_after,
            ));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tuning_reads_as_one_line_for_each_request_context() {
        let set = |place: usize, kept| WeightSet {
            context: RequestContext::ALL[place],
            samples: 120,
            held_out: 30,
            ndcg_before: 0.25,
            ndcg_after: 0.3125,
            kept,
            weights: vec![1.0],
        };
        let mut tuning = Tuning {
            version: 3,
            time: Timestamp::MIN,
            events: 999,
            model: "m".to_owned(),
            features: vec!["bm25".to_owned()],
            sets: vec![set(0, true), set(4, false)],
        };
        let text = tuning.to_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (3, "tuning 3 on 999 events"));
        assert!(
            lines[1].contains("first visit") && lines[1].contains("0.2500 -> 0.3125") && lines[1].ends_with("kept")
        );
        assert!(lines[2].contains("new items") && lines[2].ends_with("not used"), "{text}");
        tuning.sets.clear();
        let text = tuning.to_text();
        assert!(text.contains("999 events are too few") && text.contains("version 3 stays"), "{text}");
    }
}
