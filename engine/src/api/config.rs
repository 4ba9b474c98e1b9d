//! How an engine is opened.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use crate::api::decode;
use crate::api::exploration::{Exploration, Impressions, NewItems};
use crate::api::field_type::Kind;
use crate::api::retention::Retention;
use crate::base::error::{Error, Result};
use crate::base::limits;

/// What a store is opened for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Mode {
    /// Reading and writing. One process writes at a time; what another one is asked to write travels there.
    #[default]
    Write,
    /// Reading only: nothing in the directory is changed, so that the medium may be read-only. Rankings are not remembered.
    Read,
}

/// Where the model runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Provider {
    /// The CPU.
    #[default]
    Cpu,
    /// An NVIDIA GPU through CUDA; needs the package `onnxruntime-gpu`.
    Cuda,
    /// An NVIDIA GPU through TensorRT; needs the package `onnxruntime-gpu` and TensorRT.
    TensorRt,
}

impl Provider {
    /// The name that errors and bindings use.
    pub fn name(self) -> &'static str {
        match self {
            Provider::Cpu => "cpu",
            Provider::Cuda => "cuda",
            Provider::TensorRt => "tensorrt",
        }
    }
}

/// How exactly the model computes on a GPU.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Precision {
    /// 32-bit floats, as on the CPU. TensorRT rounds the factors of products to ten bits all the same where the GPU is
    /// faster with it, unless the environment has `NVIDIA_TF32_OVERRIDE=0`.
    #[default]
    Full,
    /// What is faster: 16-bit floats with TensorRT, factors of ten bits (TF32) with CUDA. Scores differ in the third digit.
    Reduced,
}

impl Precision {
    /// The name that configurations use.
    pub fn name(self) -> &'static str {
        match self {
            Precision::Full => "full",
            Precision::Reduced => "reduced",
        }
    }
}

/// What the configuration says about one field; what it leaves out is inferred.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FieldConfig {
    /// Fixes the type before the first value is seen.
    pub kind: Option<Kind>,
    /// Text and tags: the weight of a match in this field, 0 to 1000 (1 when not given). 0 leaves the field out of search.
    pub boost: Option<f32>,
    /// Text and tags: whether the model embeds this field (yes when not given).
    pub embed: Option<bool>,
}

/// What an action says of its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Meaning {
    /// It speaks for the item: it counts as interest.
    Positive,
    /// It says nothing either way: the item counts as seen, and that is all.
    Neutral,
    /// It speaks against the item: lists move away from it.
    Negative,
}

impl Meaning {
    /// The name that configurations use.
    pub fn name(self) -> &'static str {
        match self {
            Meaning::Positive => "positive",
            Meaning::Neutral => "neutral",
            Meaning::Negative => "negative",
        }
    }
}

/// What the configuration says about one action.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ActionConfig {
    /// For or against the item, or neither.
    pub meaning: Meaning,
    /// How much one event of it counts, above 0 to 100: a click is 1, and by default a view is 0.5, cart and share 1.5,
    /// buy and like 2, skip 0.2.
    pub weight: f32,
}

impl Default for ActionConfig {
    /// A click's: for the item, with the weight 1.
    fn default() -> Self {
        ActionConfig { meaning: Meaning::Positive, weight: 1.0 }
    }
}

/// How an engine is opened. `Config::default()` serves most users.
///
/// ```
/// let config = onelist::Config::default().boost("title", 2.0);
/// assert_eq!(config.fields["title"].boost, Some(2.0));
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// What the store is opened for (default: reading and writing).
    pub mode: Mode,
    /// Fields whose type, boost or embedding is not left to inference.
    pub fields: BTreeMap<String, FieldConfig>,
    /// Refuse items with fields that are neither stored nor configured (default: learn them).
    pub strict: bool,
    /// A date field that says since when an item is available; items without it count from their first `put`.
    pub date_field: Option<String>,
    /// The shared library of ONNX Runtime, or the folder that holds it. When not given: `ORT_DYLIB_PATH`, then the
    /// Python package `onnxruntime` of the active environment, then the system's library path.
    pub onnxruntime: Option<PathBuf>,
    /// A folder with `manifest.json` and the files it names. When not given: the model that ships with the engine. It answers
    /// unless another was promoted ([`crate::Engine::promote_model`]).
    pub model: Option<PathBuf>,
    /// Where the model runs.
    pub provider: Provider,
    /// Run on the CPU when `provider` cannot start, instead of failing; `stats()` then says so.
    pub provider_fallback: bool,
    /// How exactly the model computes on a GPU (default: as on the CPU).
    pub precision: Precision,
    /// Where TensorRT's compiled engines are kept (default: the folder `engines` of the store). Several stores may share
    /// one; it can be deleted while no engine is open. Nobody else may write there.
    pub engine_cache: Option<PathBuf>,
    /// Model sessions, so requests that run at the same time; 0 (the default) is one for each core, at most 8.
    pub sessions: usize,
    /// Threads inside one session. A model this small gains hardly anything from a second (default 1).
    pub threads_per_session: usize,
    /// Threads that add to the vector index in the background; 0 (the default) is one for each core, at most 8.
    pub index_threads: usize,
    /// Candidates that a request scores when it does not say (default 200).
    pub candidates: usize,
    /// Rows of the model's linear part, one for each cell of the grid, in the order of the manifest's features;
    /// empty (the default) uses the rows that ship with the model.
    pub weights: Vec<Vec<f32>>,
    /// Tune in the background when the log has grown by half since the last time (default: only when
    /// [`crate::Engine::tune`] is called). Not together with `weights`.
    pub tune: bool,
    /// Fit the vector space of items to the catalog in the background when it has reached a thousand items with text, and
    /// again each time it has grown tenfold (default: only when [`crate::Engine::fit_space`] is called).
    pub fit_space: bool,
    /// Places every item anew while the store opens, when the model that answers is of another vector space than the stored
    /// vectors, instead of refusing to open (default: refuse). It takes as long as embedding all texts and building the
    /// graph again; after a crash the next opening begins anew. Vectors of the caller's own are not touched.
    pub re_embed: bool,
    /// What actions mean, by name: for those of the caller's own, which have to be declared here, and for standard ones
    /// ([`crate::Action::standard`]) whose meaning does not fit. Applies to events that are logged from now on.
    pub actions: BTreeMap<String, ActionConfig>,
    /// The scale of `rate` events, lowest to highest (default 1 to 5): above three quarters of it a rating counts as a
    /// like, below three eighths as a dislike.
    pub rating_scale: (f64, f64),
    /// Which events are kept (default: all of them, for ever).
    pub retention: Retention,
    /// Seconds without an event after which a visit is over, 1 to 604,800 (default 1,800: half an hour, the convention of
    /// web analytics). It decides which calibrated weights a request is scored by (see [`crate::RequestContext`]); a change
    /// asks for a new tuning.
    pub session_gap: f64,
    /// Which rankings are remembered as impressions (default: all, the newest 100,000).
    #[serde(deserialize_with = "decode::one")]
    pub impressions: Impressions,
    /// Draws the order of some lists at random, where a request does not say otherwise (default: none).
    pub explore: Option<Exploration>,
    /// Places of every list for new items, where a request does not say otherwise (default: none).
    pub new_items: Option<NewItems>,
    /// Open a directory on a network file system all the same, where locks and memory maps may not hold.
    pub force_network_fs: bool,
    /// Largest size that the catalog may grow to, in bytes (default 1 TiB of address space; disk is used as needed).
    pub max_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            mode: Mode::Write,
            fields: BTreeMap::new(),
            strict: false,
            date_field: None,
            onnxruntime: None,
            model: None,
            provider: Provider::Cpu,
            provider_fallback: false,
            precision: Precision::Full,
            engine_cache: None,
            sessions: 0,
            threads_per_session: 1,
            index_threads: 0,
            candidates: 200,
            weights: Vec::new(),
            tune: false,
            fit_space: false,
            re_embed: false,
            actions: BTreeMap::new(),
            rating_scale: (1.0, 5.0),
            retention: Retention::default(),
            session_gap: 1_800.0,
            impressions: Impressions::default(),
            explore: None,
            new_items: None,
            force_network_fs: false,
            max_bytes: 1 << 40,
        }
    }
}

impl Config {
    /// Fixes the type of a field.
    pub fn field(mut self, name: impl Into<String>, kind: Kind) -> Self {
        self.fields.entry(name.into()).or_default().kind = Some(kind);
        self
    }

    /// Sets the weight of a match in a text field.
    pub fn boost(mut self, name: impl Into<String>, boost: f32) -> Self {
        self.fields.entry(name.into()).or_default().boost = Some(boost);
        self
    }

    /// Sets what an action means, and how much one event of it counts.
    pub fn action(mut self, name: impl Into<String>, meaning: Meaning, weight: f32) -> Self {
        self.actions.insert(name.into(), ActionConfig { meaning, weight });
        self
    }

    /// Checks every number once, before anything is opened.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] naming the setting.
    pub fn validate(&self) -> Result<()> {
        for (name, field) in &self.fields {
            let boost = field.boost.unwrap_or(1.0);
            if !(0.0..=1000.0).contains(&boost) {
                return Err(Error::argument(format!("boost of `{name}`"), "0 to 1000", boost.to_string()));
            }
        }
        for (name, action) in &self.actions {
            if name.trim().is_empty() || name.len() > limits::MAX_FIELD_NAME_BYTES {
                let expected = format!("names of 1 to {} bytes", limits::MAX_FIELD_NAME_BYTES);
                return Err(Error::argument("actions", expected, format!("`{}`", decode::shortened(name))));
            }
            if !(action.weight > 0.0 && action.weight <= 100.0) {
                let found = action.weight.to_string();
                return Err(Error::argument(format!("weight of action `{name}`"), "above 0, to 100", found));
            }
        }
        in_range("sessions", self.sessions, 0, 64)?;
        in_range("threads_per_session", self.threads_per_session, 1, 64)?;
        in_range("index_threads", self.index_threads, 0, 64)?;
        in_range("candidates", self.candidates, 1, limits::MAX_CANDIDATES)?;
        in_range("max_bytes", self.max_bytes as usize, 1 << 24, 1 << 46)?;
        self.impressions.check()?;
        self.retention.check()?;
        self.explore.as_ref().map_or(Ok(()), Exploration::check)?;
        self.new_items.as_ref().map_or(Ok(()), NewItems::check)?;
        if self.precision == Precision::Reduced && self.provider == Provider::Cpu {
            return Err(Error::argument("precision", "full, or a provider that is a GPU's", "reduced on the CPU"));
        }
        if self.tune && !self.weights.is_empty() {
            return Err(Error::argument("tune", "no `weights` beside it, which would stay in force", "both"));
        }
        let (low, high) = self.rating_scale;
        if !(low.is_finite() && high.is_finite() && low < high) {
            return Err(Error::argument("rating_scale", "two finite numbers, lowest first", format!("{low}, {high}")));
        }
        if !(1.0..=604_800.0).contains(&self.session_gap) {
            return Err(Error::argument("session_gap", "1 to 604,800 seconds", self.session_gap.to_string()));
        }
        if let Some(row) = self.weights.iter().position(|row| row.iter().any(|w| !w.is_finite())) {
            return Err(Error::NonFinite { what: "weights".to_owned(), index: row });
        }
        Ok(())
    }

    /// The weight of a match in a text field.
    pub(crate) fn boost_of(&self, name: &str) -> f32 {
        self.fields.get(name).and_then(|f| f.boost).unwrap_or(1.0)
    }

    /// Whether the model embeds a text field.
    pub(crate) fn embeds(&self, name: &str) -> bool {
        self.fields.get(name).and_then(|f| f.embed).unwrap_or(true)
    }
}

fn in_range(what: &str, found: usize, low: usize, high: usize) -> Result<()> {
    if (low..=high).contains(&found) {
        return Ok(());
    }
    Err(Error::argument(what, format!("{low} to {high}"), found.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(set: impl FnOnce(&mut Config)) -> Option<String> {
        let mut config = Config::default();
        set(&mut config);
        config.validate().err().map(|error| error.to_string())
    }

    #[test]
    fn settings_are_taken_up_to_their_bounds_and_refused_by_name_beyond() {
        type Set = fn(&mut Config, f64);
        let bounded: [(&str, f64, f64, Set); 7] = [
            ("sessions", 0.0, 64.0, |config, n| config.sessions = n as usize),
            ("threads_per_session", 1.0, 64.0, |config, n| config.threads_per_session = n as usize),
            ("index_threads", 0.0, 64.0, |config, n| config.index_threads = n as usize),
            ("candidates", 1.0, 20_000.0, |config, n| config.candidates = n as usize),
            ("session_gap", 1.0, 604_800.0, |config, n| config.session_gap = n),
            ("max_bytes", 16_777_216.0, 70_368_744_177_664.0, |config, n| config.max_bytes = n as u64),
            ("impressions.max", 1.0, 10_000_000.0, |config, n| config.impressions.max = n as u64),
        ];
        for (name, low, high, set) in bounded {
            for n in [low, high] {
                assert_eq!(refused(|config| set(config, n)), None, "{name} {n}");
            }
            let beyond = [low - 1.0, high + 1.0].into_iter().filter(|n| *n >= 0.0);
            for text in beyond.map(|n| refused(|config| set(config, n)).expect(name)) {
                assert!(text.starts_with(name), "{name}: {text}");
            }
        }
    }

    #[test]
    fn numbers_that_are_none_and_settings_that_contradict_are_refused() {
        for wrong in [f32::NAN, f32::INFINITY, -0.1, 1000.1] {
            assert!(
                refused(|config| *config = config.clone().boost("title", wrong)).expect("boost").contains("`title`")
            );
        }
        for wrong in [f32::NAN, 0.0, -1.0, 100.1] {
            let text = refused(|config| *config = config.clone().action("borrow", Meaning::Positive, wrong));
            assert!(text.expect("weight").contains("`borrow`"));
        }
        for scale in [(5.0, 1.0), (1.0, 1.0), (f64::NAN, 5.0), (1.0, f64::INFINITY)] {
            assert!(refused(|config| config.rating_scale = scale).expect("scale").contains("rating_scale"));
        }
        assert!(
            refused(|config| config.weights = vec![vec![1.0], vec![f32::NAN]]).expect("weights").contains("index 1")
        );
        let both = refused(|config| (config.tune, config.weights) = (true, vec![vec![1.0; 26]; 4]));
        assert!(both.expect("both").contains("weights"));
        let reduced =
            |provider| refused(move |config| (config.precision, config.provider) = (Precision::Reduced, provider));
        assert!(reduced(Provider::Cpu).expect("no GPU").contains("precision"));
        assert_eq!((reduced(Provider::Cuda), reduced(Provider::TensorRt)), (None, None));
        assert!(refused(|config| config.retention.days = Some(-1.0)).expect("days").contains("retention.days"));
        assert!(
            refused(|config| config.explore = Some(Exploration { fraction: 2.0, ..Exploration::default() })).is_some()
        );
        assert!(refused(|config| config.new_items = Some(NewItems { fraction: 0.1, ..NewItems::default() })).is_some());
    }

    #[test]
    fn fields_have_their_boosts_and_are_embedded_unless_they_are_not_to_be() {
        let mut config = Config::default().boost("title", 2.5).field("price", Kind::Number);
        config.fields.entry("sku".to_owned()).or_default().embed = Some(false);
        assert_eq!((config.boost_of("title"), config.boost_of("note"), config.boost_of("price")), (2.5, 1.0, 1.0));
        assert!(config.embeds("title") && config.embeds("note") && !config.embeds("sku"));
        assert_eq!(config.fields["price"].kind, Some(Kind::Number));
        let names = [Provider::Cpu, Provider::Cuda, Provider::TensorRt].map(Provider::name);
        assert_eq!(names, ["cpu", "cuda", "tensorrt"]);
        assert_eq!([Precision::Full, Precision::Reduced].map(Precision::name), ["full", "reduced"]);
    }
}
