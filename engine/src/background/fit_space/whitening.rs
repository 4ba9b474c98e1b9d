//! The partial whitening of content vectors: principal axes, each divided by a power of its strength.
//!
//! Full whitening gives every direction the same variance, noise included; a power between none and full keeps some of the
//! order (docs/MODEL.md has the figures of the power). A thousand texts are few for two hundred directions, so the sample's
//! covariance is shrunk towards the one that the shipped whitening was made from, which can be recovered from it.

use super::eigen::eigen;
use crate::base::watch;
use crate::model::SpaceTensors;

/// The power of the singular values: that of the shipped space.
const POWER: f64 = 0.75;
/// Directions weaker than this share of the strongest are noise; dividing by them would amplify it.
const WEAKEST: f64 = 1e-3;
/// The shipped whitening counts as much as this many items of the catalog.
pub(super) const PRIOR_ITEMS: f64 = 1_000.0;

/// Mean (De values) and projection (De x D) fitted to content vectors (n x De, row by row).
pub(super) fn fit(contents: &[f32], shipped: &SpaceTensors) -> (Vec<f32>, Vec<f32>) {
    let (content, width) = (shipped.content_width(), shipped.width());
    let rows = contents.len() / content.max(1);
    let own = rows as f64 / (rows as f64 + PRIOR_ITEMS);
    let mix = |own_value: f64, prior: f64| own * own_value + (1.0 - own) * prior;
    let own_mean = mean(contents, content);
    let prior_mean = shipped.mean.iter().map(|x| f64::from(*x));
    let mean: Vec<f64> = own_mean.iter().zip(prior_mean).map(|(own, prior)| mix(*own, prior)).collect();
    let own_spread = covariance(contents, &own_mean);
    let mut prior_spread = shipped_covariance(shipped);
    // The shipped covariance is known up to a factor. A catalog of one text has no variance to scale it by.
    let trace = |matrix: &[f64]| matrix.iter().step_by(content + 1).sum::<f64>();
    let own_trace = trace(&own_spread);
    let scale = if own_trace > 1e-9 { own_trace / trace(&prior_spread).max(f64::MIN_POSITIVE) } else { 1.0 };
    prior_spread.iter_mut().for_each(|value| *value *= scale);
    let spread: Vec<f64> = own_spread.iter().zip(&prior_spread).map(|(own, prior)| mix(*own, *prior)).collect();
    let projection = projection(&spread, content, width);
    (mean.into_iter().map(|x| x as f32).collect(), projection)
}

fn mean(contents: &[f32], width: usize) -> Vec<f64> {
    let mut sum = vec![0.0; width];
    for row in contents.chunks_exact(width.max(1)) {
        sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
    }
    let rows = (contents.len() / width.max(1)).max(1) as f64;
    sum.into_iter().map(|sum| sum / rows).collect()
}

fn covariance(contents: &[f32], mean: &[f64]) -> Vec<f64> {
    let width = mean.len();
    let mut sum = vec![0.0; width * width];
    for row in contents.chunks_exact(width.max(1)).take_while(|_| !watch::is_stopped()) {
        let centred: Vec<f64> = row.iter().zip(mean).map(|(x, mean)| f64::from(*x) - mean).collect();
        add_outer(&mut sum, &centred, 1.0);
    }
    let rows = (contents.len() / width.max(1)).max(1) as f64;
    sum.iter_mut().for_each(|value| *value /= rows);
    sum
}

fn add_outer(sum: &mut [f64], vector: &[f64], weight: f64) {
    for (row, x) in sum.chunks_exact_mut(vector.len().max(1)).zip(vector) {
        let x = x * weight;
        row.iter_mut().zip(vector).for_each(|(sum, y)| *sum += x * y);
    }
}

/// The covariance that a whitening was made from, up to a factor: a column's length gives the strength of its axis. The axes
/// that were left out are taken to be as strong as the weakest that was kept.
fn shipped_covariance(shipped: &SpaceTensors) -> Vec<f64> {
    let (content, width) = (shipped.content_width(), shipped.width());
    let axes: Vec<(f64, Vec<f64>)> = (0..width).map(|column| axis(shipped, column)).collect();
    let weakest = axes.iter().map(|(strength, _)| strength * strength).fold(f64::INFINITY, f64::min);
    let weakest = if weakest.is_finite() { weakest } else { 1.0 };
    let mut sum = vec![0.0; content * content];
    sum.iter_mut().step_by(content + 1).for_each(|diagonal| *diagonal = weakest);
    for (strength, axis) in &axes {
        add_outer(&mut sum, axis, strength * strength - weakest);
    }
    sum
}

/// Strength and direction of the axis that a column of a projection was made from.
fn axis(shipped: &SpaceTensors, column: usize) -> (f64, Vec<f64>) {
    let column = shipped.projection.iter().skip(column).step_by(shipped.width()).map(|x| f64::from(*x));
    let mut axis: Vec<f64> = column.collect();
    let length = axis.iter().map(|x| x * x).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    axis.iter_mut().for_each(|x| *x /= length);
    (length.powf(-1.0 / POWER), axis)
}

/// The strongest axes of a covariance, each divided by its strength to the power: De x D.
fn projection(covariance: &[f64], content: usize, width: usize) -> Vec<f32> {
    let axes = eigen(covariance, content);
    let strongest = axes.first().map_or(1.0, |(value, _)| value.sqrt().max(f64::MIN_POSITIVE));
    let mut projection = vec![0.0; content * width];
    for (column, (value, axis)) in axes.iter().take(width).enumerate() {
        let scale = (value.sqrt() / strongest).max(WEAKEST).powf(-POWER);
        for (row, x) in projection.chunks_exact_mut(width).zip(axis) {
            if let Some(place) = row.get_mut(column) {
                *place = (x * scale) as f32;
            }
        }
    }
    projection
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three of four axes, the first the strongest.
    fn shipped() -> SpaceTensors {
        let strengths = [1.0f64, 0.5, 0.25];
        let mut projection = vec![0.0; 12];
        for (column, strength) in strengths.iter().enumerate() {
            projection[column * 3 + column] = strength.powf(-POWER) as f32;
        }
        SpaceTensors { mean: vec![0.1, 0.0, 0.0, 0.0], projection, ..SpaceTensors::default() }
    }

    /// Contents whose spread along the four axes is this.
    fn spread(along: [f32; 4], count: usize) -> Vec<f32> {
        let signs = |n: usize, axis: usize| if n >> axis & 1 == 1 { 1.0 } else { -1.0 };
        (0..count).flat_map(|n| (0..4).map(move |axis| along[axis] * signs(n, axis))).collect()
    }

    fn lengths(projection: &[f32]) -> Vec<f32> {
        (0..3).map(|c| projection.iter().skip(c).step_by(3).map(|x| x * x).sum::<f32>().sqrt()).collect()
    }

    #[test]
    fn one_text_a_hundred_times_leaves_the_shipped_axes() {
        let (mean, projection) = fit(&[0.5, 0.5, 0.5, 0.5].repeat(100), &shipped());
        assert!((mean[0] - (0.1 * 1000.0 + 0.5 * 100.0) / 1100.0).abs() < 1e-6, "{mean:?}");
        for (found, shipped) in projection.iter().zip(&shipped().projection) {
            assert!((found.abs() - shipped).abs() < 1e-4, "{projection:?}");
        }
    }

    #[test]
    fn a_large_catalog_has_its_own_axes_and_a_small_one_nearly_the_shipped_ones() {
        // The axis that the shipped space leaves out is the strongest here.
        let along = [0.1, 0.2, 0.05, 0.8];
        let (_, large) = fit(&spread(along, 160_000), &shipped());
        assert!(large[9].abs() > 0.99 && large[0].abs() < 0.05, "{large:?}");
        let expected = [1.0, 0.25f32.powf(-0.75), 0.125f32.powf(-0.75)];
        for (found, expected) in lengths(&large).iter().zip(expected) {
            // What is left of the shipped spread makes the weak axes a little stronger.
            assert!((found / expected - 1.0).abs() < 0.15, "{:?}", lengths(&large));
        }
        let (_, small) = fit(&spread([0.8, 0.4, 0.2, 0.1], 160), &shipped());
        for (found, expected) in lengths(&small).iter().zip(lengths(&shipped().projection)) {
            assert!((found - expected).abs() < 0.2, "{:?}", lengths(&small));
        }
    }
}
