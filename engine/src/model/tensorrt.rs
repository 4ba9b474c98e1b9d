//! Options of TensorRT: the range of every input, the arithmetic, and the folder of its engine cache.
//!
//! TensorRT compiles the graph for a range of shapes, and again for a shape outside of it. So the range is that of
//! [`Buckets`], which every run keeps to, and the one build is kept on disk (`engines.rs`).

use std::path::Path;

use crate::api::config::Precision;
use crate::model::buckets::{Buckets, Pick};
use crate::model::contract::Dim;
use crate::model::fault::Fault;
use crate::model::manifest::Manifest;
use crate::model::provider_options::{Options, switch};

/// ONNX Runtime's message when a part of the graph that TensorRT takes has an input without a range: one that another part
/// computes, whose shape is not known in advance.
const RANGE_MISSING: &str = "has no associated shape profiles provided";

/// Options beside the ranges.
///
/// # Errors
/// A folder whose name is not UTF-8: options are text.
pub(super) fn options(precision: Precision, engines: Option<&Path>) -> Result<Options, Fault> {
    let reduced = precision == Precision::Reduced;
    let mut options = vec![
        ("trt_fp16_enable", switch(reduced)),
        // The mean of squares of a layer norm is what overflows first in 16 bits.
        ("trt_layer_norm_fp32_fallback", switch(reduced)),
    ];
    if let Some(folder) = engines {
        let text = folder.to_str().ok_or_else(|| {
            let found = folder.display().to_string();
            Fault::new("a folder for engines whose name is UTF-8", found, "Set Config::engine_cache")
        })?;
        options.extend([
            ("trt_engine_cache_enable", switch(true)),
            ("trt_engine_cache_path", text.to_owned()),
            ("trt_timing_cache_enable", switch(true)),
            ("trt_timing_cache_path", text.to_owned()),
        ]);
    }
    Ok(options)
}

/// Smallest, usual and largest shape of every input that has a free dimension. Those without one need no range.
pub(super) fn profiles(manifest: &Manifest, buckets: &Buckets) -> Options {
    let shapes = |pick: Pick| -> String {
        let inputs = manifest.contract_inputs();
        let free = inputs.iter().filter(|(_, _, dims)| dims.iter().any(|dim| matches!(dim, Dim::Free(_))));
        let shape = |(name, _, dims): &(&str, _, &[Dim])| {
            let size = |dim: &Dim| match *dim {
                Dim::Free(axis) => buckets.pick(axis, pick),
                fixed => manifest.dims.size(fixed).unwrap_or(1),
            };
            let sizes: Vec<String> = dims.iter().map(|dim| size(dim).to_string()).collect();
            format!("{name}:{}", sizes.join("x"))
        };
        free.map(shape).collect::<Vec<String>>().join(",")
    };
    vec![
        ("trt_profile_min_shapes", shapes(Pick::Smallest)),
        ("trt_profile_opt_shapes", shapes(Pick::Usual)),
        ("trt_profile_max_shapes", shapes(Pick::Largest)),
    ]
}

/// Whether TensorRT refused to open because it was told the ranges of some inputs and not of all that it has.
pub(super) fn wants_no_profiles(message: &str) -> bool {
    message.contains(RANGE_MISSING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::files::Files;

    #[test]
    fn every_free_input_has_a_range() {
        let manifest = Files::read(None).unwrap().manifest;
        let options = profiles(&manifest, &Buckets::new(256));
        let [min, opt, max] = options.as_slice() else { panic!() };
        assert!(min.1.starts_with("text_ids:1x1,text_mask:1x1,content:1x256,query_text:1,"), "{}", min.1);
        assert!(opt.1.contains("history_vec:1x64x192,") && opt.1.contains("cand_feat:1x256x21"), "{}", opt.1);
        for range in ["text_ids:64x256,", "history_mask:64x200,", "cand_vec:64x1024x192,", "content:256x256,"] {
            assert!(max.1.contains(range), "{}", max.1);
        }
        let names = |shapes: &str| shapes.split(',').map(|one| one.split(':').next().unwrap().to_owned()).collect();
        let named: [Vec<String>; 3] = [&min.1, &opt.1, &max.1].map(|shapes| names(shapes));
        assert!(named[0] == named[1] && named[1] == named[2]);
        let free = manifest.inputs.iter().filter(|input| input.shape.iter().any(serde_json::Value::is_string));
        assert_eq!(free.map(|input| input.name.clone()).collect::<Vec<_>>(), named[0]);
        // A query's text stands beside its request in every one of the three.
        for (_, shapes) in &options {
            let rows = |name: &str| {
                let shape = shapes.split(',').find(|one| one.starts_with(name)).unwrap();
                shape[name.len()..].split('x').next().unwrap().to_owned()
            };
            assert_eq!(rows("text_ids:"), rows("query_vec:"));
        }
    }

    #[test]
    fn a_range_that_is_missing_is_known_by_its_message() {
        let message = "EP_FAIL : User needs to provide all the dynamic shape inputs with associated profiles if they want to \
                    explicitly set profiles through provider options.\nFollowing input(s) has no associated shape profiles \
                    provided: /Gather_output_0";
        assert!(wants_no_profiles(message) && !wants_no_profiles("libnvinfer.so.10: cannot open shared object file"));
    }
}
