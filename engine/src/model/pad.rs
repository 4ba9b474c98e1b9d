//! Inputs filled up to the sizes of [`Buckets`], and outputs cut back.

use crate::model::buckets::Buckets;
use crate::model::contract::{Axis, CAND_SID, Dim, HISTORY_SID, Tensor};
use crate::model::feed::{Feed, Numbers, Values};
use crate::model::output::Output;

/// How many texts, tokens, items, requests, events and candidates a run has before it is filled up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sizes([usize; 6]);

impl Default for Sizes {
    /// What is not fed has its default, of size one.
    fn default() -> Self {
        Sizes([1; 6])
    }
}

impl Sizes {
    /// Takes the sizes of one more input into account; an input of one row goes with any number of them.
    pub(super) fn add(&mut self, tensor: &Tensor, shape: &[usize]) {
        for (dim, size) in tensor.2.iter().zip(shape) {
            if let Dim::Free(axis) = dim {
                self.0[*axis as usize] = self.0[*axis as usize].max(*size);
            }
        }
    }

    fn of(&self, axis: Axis) -> usize {
        self.0[axis as usize]
    }
}

/// The shape and the values of an input, padded. Padding has a mask of zero or, where there is no mask, no influence:
/// candidates and texts do not see one another.
pub(super) fn fill(feed: &Feed, tensor: &Tensor, buckets: Buckets) -> (Vec<usize>, Numbers) {
    let free = |place: usize| match tensor.2.get(place) {
        Some(Dim::Free(axis)) => Some(*axis),
        _ => None,
    };
    let mut shape = feed.shape.clone();
    for (place, size) in shape.iter_mut().enumerate() {
        *size = free(place).map_or(*size, |axis| buckets.fill(axis, *size));
    }
    // The newest event stands last, whatever the length, so histories grow at their front.
    let layout = Layout { from: &feed.shape, to: &shape, at_front: free(1) == Some(Axis::Events) };
    let numbers = match feed.values {
        Values::F32(values) => Numbers::F32(layout.copy(values, 0.0)),
        Values::I64(values) => Numbers::I64(layout.copy(values, padding(feed.name))),
    };
    (shape, numbers)
}

/// What stands for nothing: no semantic id, or row zero of a table (token, action, gap).
fn padding(name: &str) -> i64 {
    if name == CAND_SID || name == HISTORY_SID { -1 } else { 0 }
}

/// An output without what the filling added.
pub(super) fn cut(output: Output, tensor: &Tensor, sizes: Sizes) -> Output {
    let mut shape = output.shape.clone();
    for (size, dim) in shape.iter_mut().zip(tensor.2) {
        if let Dim::Free(axis) = dim {
            *size = (*size).min(sizes.of(*axis));
        }
    }
    if shape == output.shape {
        return output;
    }
    let layout = Layout { from: &output.shape, to: &shape, at_front: false };
    let (floats, integers) = (&output.floats, &output.integers);
    Output {
        floats: if floats.is_empty() { Vec::new() } else { layout.copy(floats, 0.0) },
        integers: if integers.is_empty() { Vec::new() } else { layout.copy(integers, 0) },
        shape,
    }
}

/// A copy between two shapes that differ in their first two dimensions.
struct Layout<'a> {
    from: &'a [usize],
    to: &'a [usize],
    at_front: bool,
}

impl Layout<'_> {
    fn copy<T: Copy>(&self, values: &[T], padding: T) -> Vec<T> {
        let size = |shape: &[usize], place: usize| shape.get(place).copied().unwrap_or(1);
        let inner: usize = self.from.iter().skip(2).product();
        let (from, to) = (size(self.from, 1) * inner, size(self.to, 1) * inner);
        let rows = size(self.to, 0);
        if from == 0 || to == 0 {
            return Vec::new();
        }
        let kept = from.min(to);
        let mut all = Vec::with_capacity(rows * to);
        for row in values.chunks(from).take(rows) {
            let end = all.len() + to;
            if self.at_front {
                all.resize(end - kept, padding);
            }
            all.extend_from_slice(row.get(..kept).unwrap_or(row));
            all.resize(end, padding);
        }
        all.resize(rows * to, padding);
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::contract::INPUTS;

    fn tensor(name: &str) -> Tensor {
        *INPUTS.iter().find(|tensor| tensor.0 == name).unwrap()
    }

    fn floats(count: usize) -> Vec<f32> {
        (1..=count).map(|number| number as f32).collect()
    }

    #[test]
    fn histories_grow_at_their_front_and_candidates_at_their_end() {
        let buckets = Buckets::new(256);
        let values = floats(2 * 2);
        let (shape, filled) = fill(&Feed::f32("history_mask", &[2, 2], &values), &tensor("history_mask"), buckets);
        let Numbers::F32(filled) = filled else { panic!() };
        assert_eq!(shape, [4, 16]);
        assert_eq!((&filled[..14], &filled[14..16]), (&[0.0; 14][..], &[1.0, 2.0][..]));
        assert_eq!((&filled[16..30], &filled[30..32]), (&[0.0; 14][..], &[3.0, 4.0][..]));
        assert!(filled.len() == 64 && filled[32..].iter().all(|value| *value == 0.0));
        let values = floats(2 * 192);
        let (shape, filled) = fill(&Feed::f32("cand_vec", &[1, 2, 192], &values), &tensor("cand_vec"), buckets);
        let Numbers::F32(filled) = filled else { panic!() };
        assert_eq!((shape, filled.len()), (vec![1, 64, 192], 64 * 192));
        assert!(filled[..2 * 192] == values && filled[2 * 192..].iter().all(|value| *value == 0.0));
    }

    #[test]
    fn what_is_no_semantic_id_is_minus_one() {
        let (sids, tensor) = ([7, 8, 9], crate::model::contract::OPTIONAL_INPUTS[0]);
        let (shape, filled) = fill(&Feed::i64(CAND_SID, &[1, 1, 3], &sids), &tensor, Buckets::new(256));
        assert_eq!((shape, filled), (vec![1, 1, 3], Numbers::I64(sids.to_vec())));
        let two = [sids, sids].concat();
        let (shape, filled) = fill(&Feed::i64(CAND_SID, &[1, 2, 3], &two), &tensor, Buckets::new(256));
        let Numbers::I64(filled) = filled else { panic!() };
        assert!(shape == [1, 64, 3] && filled[..6] == two && filled[6..].iter().all(|code| *code == -1));
    }

    #[test]
    fn outputs_are_cut_to_what_was_asked() {
        let scores = crate::model::contract::OUTPUTS.into_iter().find(|tensor| tensor.0 == "scores").unwrap();
        let mut sizes = Sizes::default();
        sizes.add(&tensor("cand_vec"), &[2, 3, 192]);
        sizes.add(&tensor("query_mask"), &[1]);
        let output = Output { shape: vec![4, 64], floats: floats(4 * 64), integers: Vec::new() };
        let found = cut(output, &scores, sizes);
        assert_eq!((found.shape, found.floats), (vec![2, 3], vec![1.0, 2.0, 3.0, 65.0, 66.0, 67.0]));
        let whole = Output { shape: vec![2, 3], floats: floats(6), integers: Vec::new() };
        assert_eq!(cut(whole.clone(), &scores, sizes), whole);
    }
}
