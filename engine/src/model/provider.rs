//! What is registered with a session for a provider, and with which options.

use std::path::Path;

#[cfg(feature = "cuda")]
use ort::ep::ArbitrarilyConfigurableExecutionProvider;
use ort::ep::ExecutionProviderDispatch;
use ort::memory::AllocationDevice;

use crate::api::config::{Precision, Provider};
use crate::model::buckets::Buckets;
use crate::model::fault::Fault;
use crate::model::manifest::Manifest;
use crate::model::provider_options::{Options, switch};
use crate::model::tensorrt;

/// A provider as one session gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Chosen {
    /// Nothing is registered: the CPU is always there.
    Cpu,
    /// CUDA with these options.
    Cuda(Options),
    /// TensorRT with these options; what it does not take runs on CUDA, with those.
    TensorRt(Options, Options),
    /// The CPU as if it were a device: what a device does to a run is tested with it.
    #[cfg(test)]
    Bound,
}

impl Chosen {
    /// Options for a model. `engines`: where TensorRT keeps what it built. `profiles`: tell it the range of every input, so
    /// that it builds once, when it opens.
    pub(super) fn new(
        provider: Provider,
        precision: Precision,
        manifest: &Manifest,
        engines: Option<&Path>,
        profiles: bool,
    ) -> Result<Chosen, Fault> {
        match provider {
            Provider::Cpu => Ok(Chosen::Cpu),
            Provider::Cuda => Ok(Chosen::Cuda(cuda(precision))),
            Provider::TensorRt => {
                let buckets = Buckets::new(manifest.tokenizer.max_tokens);
                let shapes = if profiles { tensorrt::profiles(manifest, &buckets) } else { Vec::new() };
                let mut options = tensorrt::options(precision, engines)?;
                options.extend(shapes);
                Ok(Chosen::TensorRt(options, cuda(precision)))
            }
        }
    }

    /// What to register. ONNX Runtime silently skips a provider that cannot start, so each is told to fail instead.
    pub(super) fn dispatch(&self) -> Result<Vec<ExecutionProviderDispatch>, Fault> {
        #[cfg(feature = "cuda")]
        let cuda = |options: &Options| with(ort::ep::CUDA::default(), options).build().error_on_failure();
        match self {
            Chosen::Cpu => Ok(Vec::new()),
            #[cfg(test)]
            Chosen::Bound => Ok(Vec::new()),
            #[cfg(feature = "cuda")]
            Chosen::Cuda(options) => Ok(vec![cuda(options)]),
            #[cfg(all(feature = "tensorrt", feature = "cuda"))]
            Chosen::TensorRt(options, rest) => {
                Ok(vec![with(ort::ep::TensorRT::default(), options).build().error_on_failure(), cuda(rest)])
            }
            #[cfg(not(feature = "cuda"))]
            Chosen::Cuda(_) => Err(Fault::not_built(Provider::Cuda)),
            #[cfg(not(all(feature = "tensorrt", feature = "cuda")))]
            Chosen::TensorRt(..) => Err(Fault::not_built(Provider::TensorRt)),
        }
    }

    /// Where tensors that stay between runs are kept; `None` for host memory, which the CPU reads as it is.
    pub(super) fn device(&self) -> Option<AllocationDevice<'static>> {
        match self {
            Chosen::Cpu => None,
            #[cfg(test)]
            Chosen::Bound => Some(AllocationDevice::CPU),
            Chosen::Cuda(_) | Chosen::TensorRt(..) => Some(AllocationDevice::CUDA),
        }
    }
}

#[cfg(feature = "cuda")]
fn with<P: ArbitrarilyConfigurableExecutionProvider>(provider: P, options: &Options) -> P {
    options.iter().fold(provider, |provider, (name, value)| provider.with_arbitrary_config(name, value))
}

/// CUDA computes in the types of the file and converts none. What it can do is round the factors of 32-bit products to ten
/// bits (TF32), and it does unless it is told not to.
fn cuda(precision: Precision) -> Options {
    vec![("use_tf32", switch(precision == Precision::Reduced))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::files::Files;

    fn chosen(provider: Provider, precision: Precision, profiles: bool) -> Chosen {
        let manifest = Files::read(None).unwrap().manifest;
        Chosen::new(provider, precision, &manifest, Some(Path::new("/engines/a")), profiles).unwrap()
    }

    fn value<'a>(options: &'a Options, name: &str) -> Option<&'a str> {
        options.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    #[test]
    fn arithmetic_is_that_of_the_file_unless_it_is_reduced() {
        for (precision, reduced) in [(Precision::Full, "0"), (Precision::Reduced, "1")] {
            let Chosen::Cuda(cuda) = chosen(Provider::Cuda, precision, true) else { panic!() };
            assert_eq!(value(&cuda, "use_tf32"), Some(reduced));
            let Chosen::TensorRt(options, rest) = chosen(Provider::TensorRt, precision, true) else { panic!() };
            assert_eq!((value(&options, "trt_fp16_enable"), rest), (Some(reduced), cuda));
        }
        assert_eq!(chosen(Provider::Cpu, Precision::Full, true), Chosen::Cpu);
        assert!(Chosen::Cpu.device().is_none() && chosen(Provider::Cuda, Precision::Full, true).device().is_some());
    }

    #[test]
    fn tensorrt_is_told_the_ranges_or_finds_them_itself() {
        for profiles in [true, false] {
            let Chosen::TensorRt(options, _) = chosen(Provider::TensorRt, Precision::Full, profiles) else { panic!() };
            for name in ["trt_profile_min_shapes", "trt_profile_opt_shapes", "trt_profile_max_shapes"] {
                assert_eq!(value(&options, name).is_some(), profiles, "{name}");
            }
            assert_eq!(value(&options, "trt_engine_cache_path"), Some("/engines/a"));
        }
    }

    /// The features `cuda` and `tensorrt` are on by default; a build without them reports which is missing.
    #[test]
    fn a_build_without_the_provider_is_reported() {
        for (provider, there) in [
            (Provider::Cuda, cfg!(feature = "cuda")),
            (Provider::TensorRt, cfg!(all(feature = "cuda", feature = "tensorrt"))),
        ] {
            match chosen(provider, Precision::Full, true).dispatch() {
                Ok(registered) => assert!(there && !registered.is_empty()),
                Err(fault) => assert!(!there && fault == Fault::not_built(provider)),
            }
        }
    }
}
