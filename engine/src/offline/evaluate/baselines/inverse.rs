//! The inverse of a symmetric positive definite matrix.

use ndarray::{Array2, linalg::general_mat_mul, s};

use crate::base::watch;

/// Rows that are eliminated at a time: large enough that nearly all work is one matrix product.
const BLOCK: usize = 64;

/// Inverts in place by Gauss-Jordan elimination, block by block (Golub and Van Loan, *Matrix Computations*, 3.2 and 4.2: a
/// positive definite matrix needs no pivoting). The product is ndarray's, so the speed is that of `matrixmultiply`.
///
/// False when the call was told to stop, and when the matrix is not positive definite, as far as single precision can tell; its content is then of no use.
pub(super) fn invert(matrix: &mut Array2<f32>) -> bool {
    let n = matrix.nrows();
    for start in (0..n).step_by(BLOCK) {
        if watch::is_stopped() {
            return false;
        }
        let block = start..(start + BLOCK).min(n);
        let pivot = matrix.slice(s![block.clone(), block.clone()]).to_owned();
        let Some(inverse) = small_inverse(&pivot) else { return false };
        let mut rows = inverse.dot(&matrix.slice(s![block.clone(), ..]));
        let mut columns = matrix.slice(s![.., block.clone()]).to_owned();
        rows.slice_mut(s![.., block.clone()]).fill(0.0);
        columns.slice_mut(s![block.clone(), ..]).fill(0.0);
        general_mat_mul(-1.0, &columns, &rows, 1.0, matrix);
        let mut scaled = columns.dot(&inverse);
        scaled.mapv_inplace(|x| -x);
        rows.slice_mut(s![.., block.clone()]).assign(&inverse);
        matrix.slice_mut(s![.., block.clone()]).assign(&scaled);
        matrix.slice_mut(s![block, ..]).assign(&rows);
    }
    true
}

/// The same, one row at a time and in double precision.
fn small_inverse(block: &Array2<f32>) -> Option<Array2<f32>> {
    let n = block.nrows();
    let mut a = block.mapv(f64::from);
    for k in 0..n {
        let pivot = a[(k, k)];
        if !(pivot.is_finite() && pivot > 0.0) {
            return None;
        }
        let row: Vec<f64> = (0..n).map(|j| if j == k { 1.0 } else { a[(k, j)] } / pivot).collect();
        for i in (0..n).filter(|i| *i != k) {
            let factor = a[(i, k)];
            a[(i, k)] = 0.0;
            row.iter().enumerate().for_each(|(j, x)| a[(i, j)] -= factor * x);
        }
        row.into_iter().enumerate().for_each(|(j, x)| a[(k, j)] = x);
    }
    Some(a.mapv(|x| x as f32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::unit_hash;

    #[test]
    fn a_matrix_times_its_inverse_is_one() {
        for n in [1, 5, 64, 150] {
            let random = Array2::from_shape_fn((n, n), |(i, j)| unit_hash([1, i as u64, j as u64]) as f32);
            let matrix = random.dot(&random.t()) + Array2::<f32>::eye(n) * 5.0;
            let mut inverse = matrix.clone();
            assert!(invert(&mut inverse));
            let off = (matrix.dot(&inverse) - Array2::<f32>::eye(n)).mapv(f32::abs).sum() / (n * n) as f32;
            assert!(off < 1e-4, "{n}: {off}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_refused() {
        assert!(!invert(&mut Array2::zeros((3, 3))));
        assert!(!invert(&mut Array2::from_elem((2, 2), f32::NAN)));
    }
}
