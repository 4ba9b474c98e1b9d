//! Why a provider did not start: what it needs, what was found, and what to do.
//!
//! ONNX Runtime's message depends on what is missing first: the provider itself, NVIDIA's libraries, the driver, the GPU. Only
//! the part that names the reason is kept, beside what helps against it.

use std::path::Path;

use crate::api::config::Provider;
use crate::base::error::Error;

/// A provider that did not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// What the provider needs.
    pub expected: String,
    /// What is there instead.
    pub found: String,
    /// What to do.
    pub advice: String,
}

/// What a message contains, what it means and what helps. The first that matches counts.
const KNOWN: [(&[&str], &str, &str); 6] = [
    (
        &["is not enabled in this build", "error attempting to load symbol"],
        "an ONNX Runtime with this provider",
        "Install the package onnxruntime-gpu in place of onnxruntime, or name its library in Config::onnxruntime",
    ),
    (
        &[
            "libcuda.so",
            "driver version is insufficient",
            "no cuda-capable device",
            "cuda failure 35",
            "cuda failure 100",
        ],
        "an NVIDIA driver that is new enough, and a GPU that this process may use",
        "Look whether `nvidia-smi` lists the GPU, in the same container",
    ),
    (
        &["libnvinfer", "libnvonnxparser"],
        "the libraries of TensorRT",
        "Install the TensorRT that this ONNX Runtime was built with, and name its folder in LD_LIBRARY_PATH",
    ),
    (
        &["libonnxruntime_providers"],
        "the libraries of CUDA and cuDNN, and the provider's own beside ONNX Runtime",
        "Install onnxruntime-gpu[cuda,cudnn], and name the folders of NVIDIA's libraries in LD_LIBRARY_PATH",
    ),
    (
        &["out of memory", "failed to allocate", "cuda failure 2:"],
        "free memory on the GPU",
        "Set Config::sessions lower: each session holds the model once",
    ),
    (
        &["no kernel image", "cuda failure 209"],
        "a GPU that this ONNX Runtime was built for",
        "Install an ONNX Runtime for the GPU's compute capability",
    ),
];

impl Fault {
    /// A fault that this engine found by itself.
    pub(super) fn new(expected: impl Into<String>, found: impl Into<String>, advice: impl Into<String>) -> Fault {
        Fault { expected: expected.into(), found: found.into(), advice: advice.into() }
    }

    /// The engine was built without the provider.
    #[cfg(any(test, not(all(feature = "cuda", feature = "tensorrt"))))]
    pub(super) fn not_built(provider: Provider) -> Fault {
        let name = provider.name();
        Fault::new(
            format!("a build of this engine with {name}"),
            "one without it",
            format!("Build the crate with its feature `{name}`"),
        )
    }

    /// The fault that ONNX Runtime's message means. `runtime` is its library.
    pub(super) fn from_message(message: &str, runtime: &Path) -> Fault {
        let found = format!("{} (in {})", reason(message), runtime.display());
        let lower = message.to_lowercase();
        // A library that misses another one is named first, and the missing one last: that is what to install.
        let missing = lower.rsplit("with error: ").next().unwrap_or(&lower);
        let told = [missing, &lower]
            .into_iter()
            .find_map(|text| KNOWN.iter().find(|(signs, ..)| signs.iter().any(|sign| text.contains(sign))));
        match told {
            Some((_, expected, advice)) => Fault::new(*expected, found, *advice),
            None => Fault::new("a provider that starts", found, "See docs/MODEL.md, \"On a GPU\""),
        }
    }

    /// The error for the caller.
    pub(super) fn error(self, provider: Provider) -> Error {
        let Fault { expected, found, advice } = self;
        Error::Provider { provider: provider.name(), expected, found, advice }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "expected {}, found {}. {}", self.expected, self.found, self.advice)
    }
}

/// The message without the places in ONNX Runtime's source that come before the reason.
fn reason(message: &str) -> &str {
    let message = message.trim();
    let start = ["Failed to load library", "CUDA failure", "CUDNN failure"].iter().find_map(|sign| message.find(sign));
    message.get(start.unwrap_or_default()..).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages of ONNX Runtime 1.28, from its package onnxruntime-gpu on a machine without a GPU, first without
    /// NVIDIA's libraries and then with them; the last three are from its source.
    const MESSAGES: [(&str, &str, &str); 7] = [
        ("CUDA execution provider is not enabled in this build. ", "with this provider", "onnxruntime-gpu"),
        (
            "/onnxruntime_src/onnxruntime/core/session/provider_bridge_ort.cc:1988 onnxruntime::Provider& \
             onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library \
             /v/capi/libonnxruntime_providers_cuda.so with error: libcublasLt.so.13: cannot open shared object file: No \
             such file or directory",
            "CUDA and cuDNN",
            "[cuda,cudnn]",
        ),
        (
            "FAIL : Failed to load library /v/capi/libonnxruntime_providers_cuda.so with error: libcuda.so.1: cannot open \
             shared object file: No such file or directory",
            "an NVIDIA driver",
            "nvidia-smi",
        ),
        (
            "FAIL : Failed to load library /v/capi/libonnxruntime_providers_tensorrt.so with error: libnvinfer.so.10: \
             cannot open shared object file: No such file or directory",
            "TensorRT",
            "LD_LIBRARY_PATH",
        ),
        ("CUDA failure 35: CUDA driver version is insufficient for CUDA runtime version", "driver", "nvidia-smi"),
        ("CUDA failure 100: no CUDA-capable device is detected ; GPU=-1", "a GPU", "nvidia-smi"),
        ("CUDA failure 2: out of memory ; GPU=0", "memory on the GPU", "Config::sessions"),
    ];

    #[test]
    fn every_message_has_an_expectation_and_an_advice() {
        for (message, expected, advice) in MESSAGES {
            let fault = Fault::from_message(message, Path::new("/v/libonnxruntime.so"));
            assert!(fault.expected.contains(expected) && fault.advice.contains(advice), "{message}: {fault}");
            assert!(fault.found.contains("/v/libonnxruntime.so") && !fault.found.contains(".cc:"), "{fault}");
        }
        let other = Fault::from_message("something new", Path::new("/lib"));
        assert!(other.found.starts_with("something new") && other.advice.contains("On a GPU"), "{other}");
    }

    #[test]
    fn the_error_names_the_provider_and_the_way_out() {
        let error = Fault::not_built(Provider::TensorRt).error(Provider::TensorRt).to_string();
        for part in ["provider tensorrt", "expected", "found one without it", "feature `tensorrt`", "provider_fallback"]
        {
            assert!(error.contains(part), "{error}");
        }
    }
}
