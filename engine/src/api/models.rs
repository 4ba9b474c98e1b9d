//! The models and adapters of a store, and how two models compare: plain data.

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

/// What a store keeps.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Models {
    /// The version of the model that answers; 0 is that of [`crate::Config::model`], or the one that ships.
    pub active: u64,
    /// The version that [`crate::Engine::roll_back_model`] goes back to; `None` when nothing was promoted yet.
    pub before: Option<u64>,
    /// Version 0 (unless its folder cannot be read), then those that were loaded, oldest first.
    pub versions: Vec<ModelVersion>,
    /// The adapters, by name.
    pub adapters: Vec<AdapterVersion>,
}

/// One model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelVersion {
    /// Its number: 0, or counted up by [`crate::Engine::load_model`].
    pub version: u64,
    /// The name and the version that its manifest gives it.
    pub name: String,
    /// SHA-256 of the ONNX file, in hex.
    pub sha256: String,
    /// The vector space that its item vectors active in.
    pub space_id: String,
    /// When it was loaded; `None` for version 0.
    pub loaded: Option<Timestamp>,
    /// Whether it answers.
    pub active: bool,
}

/// One adapter.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[non_exhaustive]
pub struct AdapterVersion {
    /// What requests call it.
    pub name: String,
    /// SHA-256 of its file, in hex.
    pub sha256: String,
    /// SHA-256 of the ONNX file that it was made for, in hex.
    pub base: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// When it was loaded.
    pub loaded: Option<Timestamp>,
    /// Whether it was made for the model that answers. Others wait for theirs, and requests that name them are refused.
    pub usable: bool,
}

/// How a model that does not answer differs from the one that does, on the same requests.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
#[non_exhaustive]
pub struct Shadow {
    /// The version that answers.
    pub active: u64,
    /// The version beside it.
    pub shadow: u64,
    /// Requests that both answered.
    pub requests: u64,
    /// The share of the first ten hits that both lists have, over the longer of them; the mean over requests, 0 to 1.
    pub common_top_10: f64,
    /// Spearman's rank correlation (1904) of the scores of the candidates that both scored, ties at mid-rank; the mean over
    /// requests with two or more of them, -1 to 1.
    pub rank_correlation: f64,
    /// Mean time of a request under the model that answers, in microseconds, without reading payloads.
    pub active_us: f64,
    /// The same under the other.
    pub shadow_us: f64,
    /// What failed under the other and not under the one that answers: each message once, at most ten.
    pub errors: Vec<String>,
    /// Requests that failed so.
    pub failed: u64,
    /// Requests that failed under the one that answers, and were left out.
    pub skipped: u64,
}

impl Shadow {
    /// Four lines for a terminal.
    pub fn to_text(&self) -> String {
        let mut text = format!(
            "model {} beside model {} on {} requests\n  first ten in common   {:.3}\n  rank correlation      {:.3}\n  mean time             {:.0} us, {:.0} us active\n",
            self.shadow,
            self.active,
            self.requests,
            self.common_top_10,
            self.rank_correlation,
            self.shadow_us,
            self.active_us,
        );
        if self.failed > 0 {
            text.push_str(&format!("  failed                {}: {}\n", self.failed, self.errors.join("; ")));
        }
        if self.skipped > 0 {
            text.push_str(&format!("  left out              {}, which fail under the active model\n", self.skipped));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comparison_reads_as_four_lines_and_more_where_something_failed() {
        let shadow = Shadow {
            active: 1,
            shadow: 2,
            requests: 40,
            common_top_10: 0.75,
            rank_correlation: -0.5,
            active_us: 120.4,
            shadow_us: 99.6,
            ..Shadow::default()
        };
        let text = shadow.to_text();
        assert_eq!(text.lines().count(), 4);
        for part in ["model 2 beside model 1 on 40 requests", "0.750", "-0.500", "100 us, 120 us"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let failed = Shadow { failed: 3, errors: vec!["one".to_owned(), "two".to_owned()], skipped: 5, ..shadow };
        let text = failed.to_text();
        assert!(text.contains("3: one; two") && text.lines().last().is_some_and(|line| line.contains('5')), "{text}");
    }
}
