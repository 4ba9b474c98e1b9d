//! Reading a manifest, and every check that needs no other file.

use serde::Deserialize;

use crate::api::feature::Feature;
use crate::model::contract;
use crate::model::manifest::{Dims, Lora, Manifest, Refusal, TensorInfo, custom_row, describe, refuse};

/// Widest vector that a model may have. The engine stores and indexes these, so it is far below what a tensor could be.
const MAX_WIDTH: usize = 4096;
/// Most rows of a token table.
const MAX_VOCAB: usize = 1 << 20;
/// Longest text of a single field (a name, a hash, an id), in bytes.
const MAX_TEXT: usize = 256;
/// Most context vectors: each is a search of its own.
const MAX_CONTEXTS: usize = 16;
/// Most tensors of an adapter, and most values of one.
const MAX_LORA: usize = 256;
const MAX_LORA_VALUES: usize = 1 << 20;
/// Most tokens that a text may be cut to.
const MAX_TOKENS: usize = 8192;

/// Reads a manifest and checks everything that can be checked without its files.
pub(super) fn parse(bytes: &[u8]) -> Result<Manifest, Refusal> {
    /// Read first, so that a manifest of another format is refused for that and not for a field it lacks.
    #[derive(Deserialize)]
    struct Format {
        format: u32,
    }
    let malformed = |error: serde_json::Error| ("a manifest.json with all its fields".to_owned(), error.to_string());
    let format: Format = serde_json::from_slice(bytes).map_err(malformed)?;
    if format.format != contract::FORMAT {
        return refuse(format!("manifest format {}", contract::FORMAT), format.format.to_string());
    }
    let mut manifest: Manifest = serde_json::from_slice(bytes).map_err(malformed)?;
    use_current_names(&mut manifest);
    check_texts(&manifest)?;
    check_names("features", &Feature::engine_names(), &manifest.features)?;
    check_graph_features(&manifest.graph_features)?;
    check_dims(&manifest)?;
    check_actions(&manifest)?;
    check_tensors("input", &manifest.contract_inputs(), &manifest.inputs, &manifest.dims)?;
    check_tensors("output", &manifest.contract_outputs(), &manifest.outputs, &manifest.dims)?;
    check_lora(&manifest.lora)?;
    if !(manifest.probe.tolerance > 0.0 && manifest.probe.tolerance <= 1e-2) {
        return refuse("a probe tolerance above 0 and up to 0.01", manifest.probe.tolerance.to_string());
    }
    Ok(manifest)
}

/// Files written before 0.2 call some features by other names.
fn use_current_names(manifest: &mut Manifest) {
    for name in manifest.features.iter_mut().chain(&mut manifest.graph_features) {
        if let Some(feature) = Feature::of(name) {
            *name = feature.name().to_owned();
        }
    }
}

fn check_texts(manifest: &Manifest) -> Result<(), Refusal> {
    let texts = [&manifest.name, &manifest.version, &manifest.space_id, &manifest.onnx, &manifest.tokenizer.file];
    if let Some(text) = texts.iter().find(|text| text.is_empty() || text.len() > MAX_TEXT) {
        return refuse(format!("names and ids of 1 to {MAX_TEXT} bytes"), format!("{} bytes", text.len()));
    }
    for file in [&manifest.onnx, &manifest.tokenizer.file] {
        // A separator, or a name of dots, would reach out of the model's folder.
        if file.contains(['/', '\\', '\0']) || file.trim_matches('.').is_empty() {
            return refuse("names of files inside the model's folder", format!("`{file}`"));
        }
    }
    if let Some(domain) = manifest.domains.iter().find(|domain| *domain != "com.microsoft") {
        return refuse("operator domains ai.onnx and com.microsoft", format!("`{domain}`"));
    }
    if manifest.gap_buckets != contract::GAP_BUCKETS {
        return refuse(format!("gap_buckets `{}`", contract::GAP_BUCKETS), format!("`{}`", manifest.gap_buckets));
    }
    Ok(())
}

fn check_dims(manifest: &Manifest) -> Result<(), Refusal> {
    let dims = &manifest.dims;
    let fixed = [
        ("features", dims.features, Feature::COLUMNS),
        ("graph_features", dims.graph_features, manifest.graph_features.len()),
        ("gaps", dims.gaps, contract::GAPS),
        ("levels", dims.levels, contract::LEVELS),
        ("codes", dims.codes, contract::CODES),
    ];
    if let Some((name, found, expected)) = fixed.iter().find(|(_, found, expected)| found != expected) {
        return refuse(format!("dims.{name} = {expected}"), found.to_string());
    }
    let bounded = [
        ("content", dims.content, MAX_WIDTH),
        ("item", dims.item, MAX_WIDTH),
        ("vocab", dims.vocab, MAX_VOCAB),
        ("actions", dims.actions, 1024),
        ("max_tokens", manifest.tokenizer.max_tokens, MAX_TOKENS),
        ("run_tokens", manifest.tokenizer.run_tokens, MAX_TOKENS),
    ];
    if let Some((name, found, limit)) = bounded.iter().find(|(_, found, limit)| *found == 0 || found > limit) {
        return refuse(format!("{name} of 1 to {limit}"), found.to_string());
    }
    if !(contract::CONTEXTS..=MAX_CONTEXTS).contains(&dims.contexts) {
        return refuse(format!("contexts of {} to {MAX_CONTEXTS}", contract::CONTEXTS), dims.contexts.to_string());
    }
    Ok(())
}

/// The graph's own features: those of every graph, and after them those that a trained one adds.
fn check_graph_features(found: &[String]) -> Result<(), Refusal> {
    let all = Feature::graph_names();
    let known = all.get(..found.len().max(Feature::GRAPH)).unwrap_or(&all);
    check_names("graph_features", known, found)
}

/// Names, ranks and sizes of what an adapter may hold.
fn check_lora(lora: &Lora) -> Result<(), Refusal> {
    if lora.params.len() > MAX_LORA {
        return refuse(format!("at most {MAX_LORA} tensors of adapters"), lora.params.len().to_string());
    }
    for (place, param) in lora.params.iter().enumerate() {
        let name = &param.name;
        if !name.starts_with(contract::LORA_PREFIX) || name.len() > MAX_TEXT {
            return refuse(format!("names of adapter tensors that begin with {}", contract::LORA_PREFIX), name);
        }
        if !param.shape.contains(&lora.rank) {
            return refuse(format!("{name} of rank {}", lora.rank), format!("shape {:?}", param.shape));
        }
        if lora.params.iter().take(place).any(|other| other.name == *name) {
            return refuse("each tensor of adapters once", format!("`{name}` twice"));
        }
        let values = param.shape.iter().try_fold(1usize, |all, size| all.checked_mul(*size));
        if param.shape.is_empty() || !values.is_some_and(|values| (1..=MAX_LORA_VALUES).contains(&values)) {
            return refuse(format!("1 to {MAX_LORA_VALUES} values of {name}"), format!("shape {:?}", param.shape));
        }
    }
    Ok(())
}

/// Compares a list of names in order: a model trained on another order must not load.
fn check_names(what: &str, expected: &[&str], found: &[String]) -> Result<(), Refusal> {
    if expected.iter().eq(found.iter()) {
        return Ok(());
    }
    refuse(format!("{what} in the order {}", expected.join(", ")), found.join(", "))
}

fn check_actions(manifest: &Manifest) -> Result<(), Refusal> {
    let rows = manifest.dims.actions;
    if let Some((name, row)) = manifest.actions.iter().find(|(_, row)| !(0..rows as i64).contains(*row)) {
        return refuse(format!("action rows from 0 to {}", rows - 1), format!("row {row} for `{name}`"));
    }
    match custom_row(&manifest.actions) {
        Some(_) => Ok(()),
        None => refuse("an action row whose name starts with `custom`", "none"),
    }
}

fn check_tensors(what: &str, expected: &[contract::Tensor], found: &[TensorInfo], dims: &Dims) -> Result<(), Refusal> {
    for (name, kind, shape) in expected {
        let wanted = describe(name, *kind, shape, dims);
        let Some(info) = found.iter().find(|info| info.name == *name) else {
            return refuse(format!("{what} {wanted} in the manifest"), "no such tensor");
        };
        let same_shape = info.shape.len() == shape.len()
            && shape.iter().zip(&info.shape).all(|(dim, size)| match dims.size(*dim) {
                Some(expected) => size.as_u64() == Some(expected as u64),
                None => size.is_string(),
            });
        if info.dtype != kind.name() || !same_shape {
            let shape: Vec<String> = info.shape.iter().map(|size| size.to_string().replace('"', "")).collect();
            return refuse(format!("{what} {wanted}"), format!("{} [{}]", info.dtype, shape.join(", ")));
        }
    }
    Ok(())
}
