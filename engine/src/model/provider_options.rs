//! Options of a provider, in the form in which ONNX Runtime takes them.

/// Options as ONNX Runtime names them.
pub(super) type Options = Vec<(&'static str, String)>;

/// A switch as ONNX Runtime reads one.
pub(super) fn switch(on: bool) -> String {
    if on { "1" } else { "0" }.to_owned()
}
