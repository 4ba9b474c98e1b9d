//! The codebook of semantic ids: residual k-means, where each level clusters what the levels before it left over.
//!
//! The shipped centres, carried over to the new space, count as one item each: a region without items keeps its centre, and
//! an item that appears there later still gets a fitting code.

use crate::base::id::SemanticId;
use crate::base::random::Seeded;
use crate::base::watch;
use crate::model::SpaceTensors;

/// Rounds of Lloyd's algorithm.
const ROUNDS: usize = 10;
/// Vectors that the centres are fitted to, at most: forty for each.
pub(super) const MAX_VECTORS: usize = 10_000;
/// Seed of the first centres: equal catalogs get equal codebooks.
const SEED: u64 = 7;

/// Centres (levels x codes x D) fitted to item vectors (n x D, row by row) of the space that `space` projects into;
/// `space` and `shipped` differ in everything but the codebook.
pub(super) fn fit(vectors: &[f32], space: &SpaceTensors, shipped: &SpaceTensors) -> Vec<f32> {
    let width = shipped.width();
    let mut random = Seeded::new(SEED);
    let mut rest = vectors.to_vec();
    let mut codebook = Vec::with_capacity(shipped.codebook.len());
    for level in 0..SemanticId::default().len() {
        let prior = carried(shipped.centres(level), space, shipped);
        let centres = k_means(&rest, &prior, width, &mut random);
        let norms = squares(&centres, width);
        for row in rest.chunks_exact_mut(width) {
            let code = nearest(row, &centres, &norms);
            row.iter_mut().zip(centres.iter().skip(code * width)).for_each(|(x, centre)| *x -= centre);
        }
        codebook.extend(centres);
    }
    codebook
}

/// Centres of the shipped space in another one: back to content vectors, forth through the other projection, and as long
/// as before.
fn carried(centres: &[f32], space: &SpaceTensors, shipped: &SpaceTensors) -> Vec<f32> {
    let width = shipped.width();
    let mut squares = vec![0.0f32; width];
    for row in shipped.projection.chunks_exact(width) {
        squares.iter_mut().zip(row).for_each(|(square, x)| *square += x * x);
    }
    let mut carried = Vec::with_capacity(centres.len());
    for centre in centres.chunks_exact(width) {
        // The columns of a whitening stand at right angles, so its inverse is its transpose over their squares.
        let scaled: Vec<f32> =
            centre.iter().zip(&squares).map(|(x, square)| x / square.max(f32::MIN_POSITIVE)).collect();
        let mut moved = vec![0.0f32; width];
        for (back, forth) in shipped.projection.chunks_exact(width).zip(space.projection.chunks_exact(width)) {
            let content = dot(back, &scaled);
            moved.iter_mut().zip(forth).for_each(|(moved, x)| *moved += content * x);
        }
        let (before, after) = (dot(centre, centre).sqrt(), dot(&moved, &moved).sqrt());
        let scale = if after > 0.0 { before / after } else { 0.0 };
        carried.extend(moved.iter().map(|x| x * scale));
    }
    carried
}

/// Lloyd's algorithm over vectors and prior centres, from first centres drawn among both; as many as prior ones. A
/// centre that loses all its points moves to the prior centre of its number.
fn k_means(vectors: &[f32], prior: &[f32], width: usize, random: &mut Seeded) -> Vec<f32> {
    let points = || vectors.chunks_exact(width).chain(prior.chunks_exact(width));
    let mut centres = drawn(points().collect(), prior.len() / width, random);
    // The caller asks whether the call was stopped before it uses the centres.
    for _ in (0..ROUNDS).take_while(|_| !watch::is_stopped()) {
        let norms = squares(&centres, width);
        let mut sums = vec![0.0f32; centres.len()];
        let mut counts = vec![0.0f32; norms.len()];
        for point in points() {
            let code = nearest(point, &centres, &norms);
            sums.iter_mut().skip(code * width).zip(point).for_each(|(sum, x)| *sum += x);
            counts.iter_mut().skip(code).take(1).for_each(|count| *count += 1.0);
        }
        let rows = centres.chunks_exact_mut(width).zip(sums.chunks_exact(width)).zip(prior.chunks_exact(width));
        for (((centre, sum), prior), count) in rows.zip(&counts) {
            match *count > 0.0 {
                true => centre.iter_mut().zip(sum).for_each(|(centre, sum)| *centre = sum / count),
                false => centre.copy_from_slice(prior),
            }
        }
    }
    centres
}

/// `count` different ones of `points`, drawn at random: the first of a shuffle (Fisher and Yates).
fn drawn(mut points: Vec<&[f32]>, count: usize, random: &mut Seeded) -> Vec<f32> {
    for place in 0..count.min(points.len()) {
        let other = place + random.below(points.len() - place);
        points.swap(place, other);
    }
    points.into_iter().take(count).flatten().copied().collect()
}

fn squares(centres: &[f32], width: usize) -> Vec<f32> {
    centres.chunks_exact(width).map(|centre| dot(centre, centre)).collect()
}

/// The nearest centre; of equally near ones the first, as in the graph.
fn nearest(point: &[f32], centres: &[f32], squares: &[f32]) -> usize {
    let mut best = (f32::INFINITY, 0);
    for (code, (centre, square)) in centres.chunks_exact(point.len()).zip(squares).enumerate() {
        let distance = square - 2.0 * dot(point, centre);
        if distance < best.0 {
            best = (distance, code);
        }
    }
    best.1
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Sixteen sums side by side: what a compiler turns into vector instructions.
    let (wide_a, rest_a) = a.as_chunks::<16>();
    let (wide_b, rest_b) = b.as_chunks::<16>();
    let mut sums = [0.0f32; 16];
    for (a, b) in wide_a.iter().zip(wide_b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f32>() + rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A space of two dimensions whose first-level centres lie on a circle, and whose others are nothing.
    fn space() -> SpaceTensors {
        let circle = (0..256).flat_map(|n| [(n as f32 * 0.0245).cos(), (n as f32 * 0.0245).sin()]);
        let codebook = circle.chain(std::iter::repeat_n(0.0, 2 * 256 * 2)).collect();
        SpaceTensors { mean: vec![0.0; 2], projection: vec![1.0, 0.0, 0.0, 1.0], codebook, ..SpaceTensors::default() }
    }

    #[test]
    fn centres_come_to_where_items_are_and_stay_where_none_are() {
        let shipped = space();
        let cluster =
            |x: f32, y: f32| (0..500).flat_map(move |n| [x + (n % 25) as f32 * 1e-3, y + (n / 25) as f32 * 1e-3]);
        let vectors: Vec<f32> = cluster(0.0, 0.3).chain(cluster(0.2, -0.3)).collect();
        let mut fitted = SpaceTensors { codebook: Vec::new(), ..shipped.clone() };
        fitted.codebook = fit(&vectors, &fitted, &shipped);
        assert_eq!(fitted.codebook.len(), shipped.codebook.len());
        let error = |space: &SpaceTensors, vector: &[f32]| {
            let mut rest = vector.to_vec();
            let mut sid = SemanticId::default();
            for (level, code) in sid.iter_mut().enumerate() {
                let centres = space.centres(level);
                let best = nearest(&rest, centres, &squares(centres, 2));
                rest.iter_mut().zip(&centres[2 * best..]).for_each(|(x, centre)| *x -= centre);
                *code = u8::try_from(best).unwrap();
            }
            space.error(vector, sid)
        };
        for vector in vectors.chunks_exact(2) {
            assert!(error(&fitted, vector) < 1e-4 && error(&shipped, vector) > 0.1, "{vector:?}");
        }
        assert!(error(&fitted, &[-1.0, 0.0]) < 0.05, "the far side of the circle has its centres still");
    }

    #[test]
    fn centres_are_carried_over_a_rotation() {
        let shipped = space();
        // A quarter turn: x becomes y.
        let turned = SpaceTensors { projection: vec![0.0, 1.0, -1.0, 0.0], ..shipped.clone() };
        let moved = carried(shipped.centres(0), &turned, &shipped);
        for (before, after) in shipped.centres(0).chunks_exact(2).zip(moved.chunks_exact(2)) {
            assert!((after[0] + before[1]).abs() < 1e-5 && (after[1] - before[0]).abs() < 1e-5);
        }
    }
}
