//! The order in which a batch enters a graph: neighbours right after each other.
//!
//! An insertion walks through the neighbourhood of its vector. When the next vector lies close by, most of what it
//! meets is still in the processor's caches, and a large graph does not fit into those. The graph is as good: a batch is
//! a small part of it, and batches come in the order in which they were put.

use half::f16;

use super::dot::dot;
use super::encode::widen;
use crate::base::id::ItemKey;

/// A vector and its key.
pub(super) type Put<'v> = (ItemKey, &'v [f16]);

/// Smaller batches stay as they are: there is little to reuse.
const SMALLEST: usize = 256;
/// Vectors of the batch for each pivot, and the most pivots: one microsecond for each vector.
const EACH_PIVOT: usize = 64;
const MAX_PIVOTS: usize = 64;

/// The batch with like vectors side by side. The same batch always gets the same order.
///
/// Some vectors of the batch are pivots, in a chain where each is followed by its nearest. The others are sorted by
/// their nearest pivot, and those who share it by their second nearest.
pub(super) fn side_by_side<'v>(puts: &[Put<'v>]) -> Vec<Put<'v>> {
    if puts.len() < SMALLEST {
        return puts.to_vec();
    }
    let count = (puts.len() / EACH_PIVOT).min(MAX_PIVOTS);
    let pivots = chain(puts.iter().step_by(puts.len().div_ceil(count)).map(|put| widen(put.1)).collect());
    let mut placed: Vec<_> = puts.iter().map(|put| (nearest_two(&pivots, put.1), *put)).collect();
    placed.sort_by_key(|(place, _)| *place);
    placed.into_iter().map(|(_, put)| put).collect()
}

/// Each vector followed by the nearest of those that are left.
fn chain(mut left: Vec<Vec<f32>>) -> Vec<Vec<f32>> {
    let mut chained: Vec<Vec<f32>> = left.pop().into_iter().collect();
    while let Some(last) = chained.last() {
        let likeness = |vector: &Vec<f32>| last.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
        let next = (0..left.len()).max_by(|a, b| likeness(&left[*a]).total_cmp(&likeness(&left[*b])));
        let Some(next) = next else { break };
        chained.push(left.swap_remove(next));
    }
    chained
}

/// The places of the nearest and of the second nearest pivot.
fn nearest_two(pivots: &[Vec<f32>], vector: &[f16]) -> (usize, usize) {
    let (mut first, mut second) = ((f32::NEG_INFINITY, 0), (f32::NEG_INFINITY, 0));
    for (place, pivot) in pivots.iter().enumerate() {
        let likeness = dot(pivot, vector);
        if likeness > first.0 {
            (first, second) = ((likeness, place), first);
        } else if likeness > second.0 {
            second = (likeness, place);
        }
    }
    (first.1, second.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_vector_stays_and_neighbours_come_together() {
        // Directions all around, in no order.
        let vectors: Vec<Vec<f16>> = (0..2000_u64)
            .map(|i| (i.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ i.wrapping_mul(i)) % 2000)
            .map(|place| place as f32 / 2000.0 * std::f32::consts::TAU)
            .map(|angle| vec![f16::from_f32(angle.cos()), f16::from_f32(angle.sin())])
            .collect();
        let puts: Vec<Put<'_>> = (0..).map(ItemKey).zip(vectors.iter().map(Vec::as_slice)).collect();
        let far = |puts: &[Put<'_>]| -> f32 {
            let apart = |pair: &[Put<'_>]| 1.0 - dot(&widen(pair[0].1), pair[1].1);
            puts.windows(2).map(apart).sum::<f32>() / puts.len() as f32
        };
        let sorted = side_by_side(&puts);
        assert!(far(&sorted) < far(&puts) / 50.0, "{} of {}", far(&sorted), far(&puts));
        let mut keys: Vec<ItemKey> = sorted.iter().map(|put| put.0).collect();
        keys.sort_unstable();
        assert!(keys.into_iter().eq((0..2000).map(ItemKey)));
        assert_eq!(side_by_side(&puts), sorted);
        assert_eq!(side_by_side(&puts[..100]), puts[..100]);
        assert!(side_by_side(&[]).is_empty());
    }

    #[test]
    fn vectors_without_a_direction_do_no_harm() {
        let zero = vec![f16::ZERO; 8];
        let puts: Vec<Put<'_>> = (0..1000).map(|key| (ItemKey(key), zero.as_slice())).collect();
        assert_eq!(side_by_side(&puts), puts);
    }
}
