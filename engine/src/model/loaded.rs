//! A loaded model: checked, its sessions open.

use std::collections::BTreeMap;

use crate::api::config::Config;
use crate::api::feature::Feature;
use crate::api::stats::ModelStats;
use crate::base::error::{Error, Result};
use crate::model::buckets::Bounds;
use crate::model::contract::{CAND_SID, CELLS, HISTORY_SID, SID_LOGITS};
use crate::model::engines::EngineFolder;
use crate::model::files::{self, Files};
use crate::model::history::HistoryForm;
use crate::model::manifest::{Dims, Manifest, custom_row};
use crate::model::output::failed;
use crate::model::pool::Pool;
use crate::model::runtime::Runtime;
use crate::model::scan::Scanned;
use crate::model::session::{self, Opened};
use crate::model::space::SpaceTensors;
use crate::model::tokens::Tokens;
use crate::model::{check, runtime, scan};

/// A loaded model: shared by all requests, safe to call from many threads.
pub(crate) struct Model {
    pub(super) dims: Dims,
    names: Vec<String>,
    actions: BTreeMap<String, i64>,
    custom: i64,
    /// Whether the graph takes the semantic ids of candidates, and of the history.
    pub(super) cand_sid: bool,
    history_sid: bool,
    /// Whether the graph scores the codes of semantic ids.
    pub(super) scores_codes: bool,
    pub(super) weights: Vec<f32>,
    shipped_weights: Vec<f32>,
    shipped_space: SpaceTensors,
    pub(super) tokens: Tokens,
    /// What a run may hold at most.
    pub(super) bounds: Bounds,
    pub(super) pool: Pool,
    /// Declared after the pool: dropped after the sessions that use it.
    _engines: Option<EngineFolder>,
    pub(super) manifest: Manifest,
    pub(super) stats: ModelStats,
}

impl Model {
    /// Loads the model of `config.model`, or the one that ships with the engine, checks it, and opens its sessions.
    ///
    /// # Errors
    /// [`Error::RuntimeMissing`], [`Error::ModelRefused`], [`Error::Provider`]; [`Error::InvalidArgument`] when
    /// `config.weights` does not fit the model.
    #[cfg(test)]
    pub(crate) fn load(config: &Config) -> Result<Model> {
        Model::open(config, &Files::read(config.model.as_deref())?)
    }

    /// Checks a model whose files are in memory, whatever `config.model` is, and opens its sessions.
    ///
    /// # Errors
    /// [`Error::RuntimeMissing`], [`Error::ModelRefused`], [`Error::Provider`]; [`Error::InvalidArgument`] when
    /// `config.weights` does not fit the model.
    pub(crate) fn open(config: &Config, files: &Files) -> Result<Model> {
        Model::open_by(session::open, config, files)
    }

    pub(super) fn open_by(
        open: fn(&Config, &Runtime, &Files, &Scanned) -> Result<Opened>,
        config: &Config,
        files: &Files,
    ) -> Result<Model> {
        let refused = files::refused(&files.path);
        // Before ONNX Runtime sees a byte: it would follow what the scan refuses.
        let scanned = scan::scan(&files.onnx, &files.manifest.domains).map_err(&refused)?;
        check::scanned(files, &scanned).map_err(&refused)?;
        let weights = weights(config, &files.manifest)?;
        let shipped_weights = shipped_weights(&files.onnx, &scanned);
        let shipped_space = SpaceTensors::shipped(&files.onnx, &scanned);
        let runtime = runtime::runtime(config)?;
        // The tokenizer takes as long to read as the graph does, so they are read side by side.
        let (tokens, opened) = std::thread::scope(|scope| {
            let opening = scope.spawn(|| open(config, runtime, files, &scanned));
            let tokens = Tokens::new(files);
            (tokens, opening.join().unwrap_or_else(|_| Err(failed("a panic while sessions were opened"))))
        });
        let (tokens, opened) = (tokens?, opened?);
        let manifest = files.manifest.clone();
        Ok(Model {
            names: manifest.features.iter().chain(&manifest.graph_features).cloned().collect(),
            custom: custom_row(&manifest.actions).unwrap_or_default(),
            cand_sid: manifest.has_input(CAND_SID),
            history_sid: manifest.has_input(HISTORY_SID),
            scores_codes: manifest.has_output(SID_LOGITS),
            dims: manifest.dims.clone(),
            actions: manifest.actions.clone(),
            weights,
            shipped_weights,
            shipped_space,
            tokens,
            bounds: opened.bounds,
            pool: Pool::new(opened.slots),
            _engines: opened.engines,
            stats: ModelStats {
                name: format!("{} {}", manifest.name, manifest.version),
                sha256: manifest.sha256.clone(),
                space_id: manifest.space_id.clone(),
                provider: opened.provider.name().to_owned(),
                fallback: opened.fallback,
                onnxruntime: runtime.path.display().to_string(),
            },
            manifest,
        })
    }

    /// The model's part of `stats()`.
    pub(crate) fn stats(&self) -> ModelStats {
        self.stats.clone()
    }

    /// The first eight bytes of the hash of the ONNX file.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.stats.sha256.get(..16).and_then(|hex| u64::from_str_radix(hex, 16).ok()).unwrap_or_default()
    }

    /// The vector space of item vectors under the constants of the file. Vectors of different spaces cannot be compared.
    pub(crate) fn space_id(&self) -> &str {
        &self.stats.space_id
    }

    /// D: width of an item vector.
    pub(crate) fn width(&self) -> usize {
        self.dims.item
    }

    /// De: width of a content vector.
    pub(crate) fn content_width(&self) -> usize {
        self.dims.content
    }

    /// Names of the F features that the engine fills in, in order.
    pub(crate) fn features(&self) -> &[String] {
        &self.names[..Feature::COLUMNS.min(self.names.len())]
    }

    /// Names of all F + G features, in the order of contributions and weights.
    pub(crate) fn all_features(&self) -> &[String] {
        &self.names
    }

    /// The rows of weights in the file, flat: one for each cell of the grid.
    pub(crate) fn shipped_weights(&self) -> &[f32] {
        &self.shipped_weights
    }

    /// Which of [`Model::all_features`] `personalization` scales.
    pub(crate) fn personal_features(&self, without_query: bool) -> Vec<bool> {
        let personal = |name: &String| Feature::of(name).is_some_and(|feature| feature.is_personal(without_query));
        self.names.iter().map(personal).collect()
    }

    /// The row of an action's name; the first custom row for one that the model does not know.
    pub(crate) fn action_row(&self, name: &str) -> i64 {
        self.actions.get(name).copied().unwrap_or(self.custom)
    }

    /// Whether scores depend on the semantic ids of candidates or of the history.
    pub(crate) fn reads_sids(&self) -> bool {
        self.cand_sid || self.history_sid
    }

    /// The constants in the file.
    pub(crate) fn shipped_space(&self) -> &SpaceTensors {
        &self.shipped_space
    }

    /// Refuses constants that were stored and do not fit this model.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub(crate) fn check_space(&self, space: &SpaceTensors) -> Result<()> {
        let (expected, found) = (self.shipped_space.lengths(), space.lengths());
        if expected != found {
            return Err(Error::damaged("fitted vector space", format!("{found:?} values, expected {expected:?}")));
        }
        let all = [&space.token_weights, &space.mean, &space.projection, &space.codebook];
        all.into_iter().try_for_each(|values| crate::base::score::check_finite("a fitted vector space", values))
    }

    pub(super) fn history_form(&self) -> HistoryForm {
        HistoryForm { width: self.width(), actions: self.dims.actions, sids: self.history_sid }
    }
}

/// The default of the input `weights`. Its shape was checked with those of all inputs.
fn shipped_weights(onnx: &[u8], scanned: &scan::Scanned) -> Vec<f32> {
    let tensor = scanned.initializers.iter().find(|tensor| tensor.name == "weights");
    let raw = tensor.and_then(|tensor| onnx.get(tensor.raw.clone())).unwrap_or_default();
    raw.as_chunks::<4>().0.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

/// The configured rows of the linear part, flat; empty for those of the model.
fn weights(config: &Config, manifest: &Manifest) -> Result<Vec<f32>> {
    let columns = manifest.dims.features + manifest.dims.graph_features;
    let rows = &config.weights;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    if rows.len() != CELLS || rows.iter().any(|row| row.len() != columns) {
        let found: Vec<usize> = rows.iter().map(Vec::len).collect();
        return Err(Error::argument("weights", format!("{CELLS} rows of {columns}"), format!("rows of {found:?}")));
    }
    let flat = rows.concat();
    crate::base::score::check_finite("weights", &flat)?;
    Ok(flat)
}
