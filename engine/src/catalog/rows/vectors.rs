//! The row of a vector: its components (f16, little-endian), and a checksum of three bytes.
//!
//! A flipped bit in a component can give an item a score that leads every list, so each row is checked when it is read. Rows of
//! versions before the checksum have an even number of bytes, rows with one an odd number.

use xxhash_rust::xxh3::xxh3_64;

const CHECKSUM: usize = 3;

/// The row of the components.
pub(in crate::catalog) fn row(components: &[u8]) -> Vec<u8> {
    [components, &checksum(components)].concat()
}

/// The components of a row; `None` when it is not as it was written.
pub(in crate::catalog) fn components(row: &[u8]) -> Option<&[u8]> {
    if row.len().is_multiple_of(2) {
        return Some(row);
    }
    let (components, found) = row.split_at_checked(row.len().checked_sub(CHECKSUM)?)?;
    (found == checksum(components)).then_some(components)
}

fn checksum(components: &[u8]) -> [u8; CHECKSUM] {
    let [a, b, c, ..] = xxh3_64(components).to_le_bytes();
    [a, b, c]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_flipped_bit_goes_unnoticed() {
        let vector: Vec<u8> = (0..64u8).map(|n| n.wrapping_mul(37)).collect();
        let row = row(&vector);
        assert_eq!(components(&row), Some(&vector[..]));
        for bit in 0..row.len() * 8 {
            let mut damaged = row.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(components(&damaged), None, "bit {bit}");
        }
        assert_eq!(components(&row[..1]), None);
        assert_eq!(components(&vector), Some(&vector[..]), "a row of an older version");
        assert_eq!(components(&[]), Some(&[][..]));
    }
}
