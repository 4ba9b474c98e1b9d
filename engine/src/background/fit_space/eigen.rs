//! Eigenvectors of a covariance: one-sided Jacobi rotations (Hestenes 1958; Golub and Van Loan, *Matrix Computations*,
//! 8.6). Slow beside a tridiagonal solver and fast enough for the width of a content vector, short, and accurate.

use crate::base::watch;

/// Sweeps at most; a few more than a matrix of some hundred rows ever needs.
const SWEEPS: usize = 30;
/// Cosine of two rows that counts as a right angle.
const RIGHT_ANGLE: f64 = 1e-12;

/// Eigenvalues of a symmetric matrix without negative ones, largest first, each with its eigenvector (unit length; zeros
/// where the value is 0). `matrix` is square, row by row.
pub(super) fn eigen(matrix: &[f64], width: usize) -> Vec<(f64, Vec<f64>)> {
    let mut rows: Vec<Vec<f64>> = matrix.chunks_exact(width.max(1)).map(<[f64]>::to_vec).collect();
    for _ in 0..SWEEPS {
        let mut turned = false;
        for second in 1..rows.len() {
            let (head, tail) = rows.split_at_mut(second);
            // The caller asks whether the call was stopped before it uses what is found.
            let Some(q) = tail.first_mut().filter(|_| !watch::is_stopped()) else { break };
            for p in head {
                turned |= rotate(p, q);
            }
        }
        if !turned {
            break;
        }
    }
    // The rows are now the eigenvectors, each as long as its eigenvalue.
    let mut found: Vec<(f64, Vec<f64>)> = rows.into_iter().map(|row| (dot(&row, &row).sqrt(), row)).collect();
    for (value, vector) in &mut found {
        let scale = if *value > 0.0 { 1.0 / *value } else { 0.0 };
        vector.iter_mut().for_each(|x| *x *= scale);
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0));
    found
}

/// Turns two rows in their plane until they stand at a right angle. False when they did already.
fn rotate(p: &mut [f64], q: &mut [f64]) -> bool {
    let (alpha, beta, gamma) = (dot(p, p), dot(q, q), dot(p, q));
    if gamma.abs() <= RIGHT_ANGLE * (alpha * beta).sqrt() {
        return false;
    }
    let zeta = (beta - alpha) / (2.0 * gamma);
    let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
    let cosine = 1.0 / tangent.hypot(1.0);
    let sine = cosine * tangent;
    for (p, q) in p.iter_mut().zip(q) {
        (*p, *q) = (cosine * *p - sine * *q, sine * *p + cosine * *q);
    }
    true
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    // Four sums side by side, so that the loop is not bound to one chain of additions.
    let (a4, a_rest) = a.as_chunks::<4>();
    let (b4, b_rest) = b.as_chunks::<4>();
    let mut sums = [0.0; 4];
    for (a, b) in a4.iter().zip(b4) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    sums.iter().sum::<f64>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn vectors_and_values_make_the_matrix_again(
            rows in prop::collection::vec(prop::collection::vec(-1.0f64..1.0, 6), 1..9),
        ) {
            // The sum of outer products is symmetric, has no negative eigenvalue, and is singular for few rows.
            let mut matrix = vec![0.0; 36];
            for row in &rows {
                (0..36).for_each(|at| matrix[at] += row[at / 6] * row[at % 6]);
            }
            let found = eigen(&matrix, 6);
            prop_assert!(found.windows(2).all(|pair| pair[0].0 >= pair[1].0));
            for at in 0..36 {
                let sum: f64 = found.iter().map(|(value, v)| value * v[at / 6] * v[at % 6]).sum();
                prop_assert!((sum - matrix[at]).abs() < 1e-8, "{sum} {}", matrix[at]);
            }
            let large = |value: f64| value > 1e-6;
            for (a, (value, va)) in found.iter().enumerate() {
                for (other, vb) in &found[..a] {
                    prop_assert!(!large(*value) || !large(*other) || dot(va, vb).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn empty_and_zero_matrices_have_their_eigenvalues() {
        assert!(eigen(&[], 0).is_empty());
        assert_eq!(eigen(&[0.0; 4], 2), [(0.0, vec![0.0; 2]), (0.0, vec![0.0; 2])]);
    }
}
