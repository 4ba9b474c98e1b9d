//! Inputs of a run: borrowed for it, or owned.

/// Values of one input, borrowed for the run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Values<'a> {
    /// 32-bit floats.
    F32(&'a [f32]),
    /// 64-bit integers.
    I64(&'a [i64]),
}

/// One input of a run: its name, its shape and as many values as the shape asks for.
#[derive(Debug, Clone)]
pub(super) struct Feed<'a> {
    /// Name in the graph.
    pub name: &'a str,
    /// Shape; every size is one or more.
    pub shape: Vec<usize>,
    /// The values.
    pub values: Values<'a>,
}

impl<'a> Feed<'a> {
    /// An input of floats.
    pub(super) fn f32(name: &'a str, shape: &[usize], values: &'a [f32]) -> Self {
        Feed { name, shape: shape.to_vec(), values: Values::F32(values) }
    }

    /// An input of integers.
    pub(super) fn i64(name: &'a str, shape: &[usize], values: &'a [i64]) -> Self {
        Feed { name, shape: shape.to_vec(), values: Values::I64(values) }
    }
}

/// Values of one tensor.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 64-bit integers.
    I64(Vec<i64>),
}
