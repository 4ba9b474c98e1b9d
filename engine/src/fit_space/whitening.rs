//! The partial whitening of content vectors: principal axes, each divided by a power of its strength.
//!
//! Full whitening makes every direction count the same, noise too; a power between none and full keeps some of the order
//! (docs/MODEL.md has the figures of the power). A sample of a thousand texts says little about two hundred directions, so
//! the covariance is mixed with the one that the shipped whitening was made from, which can be read back from it.

use super::eigen::eigen;
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
    // The shipped one is known up to a factor.
    let trace = |matrix: &[f64]| matrix.iter().step_by(content + 1).sum::<f64>();
    let scale = trace(&own_spread) / trace(&prior_spread).max(f64::MIN_POSITIVE);
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
    for row in contents.chunks_exact(width.max(1)) {
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

/// The covariance that a whitening was made from, up to a factor: the length of a column says how strong its axis was.
/// What the axes that were left out had between them is taken to be as strong as the weakest that was kept.
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
