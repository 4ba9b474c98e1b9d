//! Random ids, and numbers that only look random: seeded sequences and hashes.

use std::hash::{BuildHasher, RandomState};

use xxhash_rust::xxh3::xxh3_64;

/// Sixteen random hex digits from the system's source. Not a secret.
pub(crate) fn hex_id() -> String {
    // Without the system's source (a sandbox may forbid the call) the standard library still has seeds of its own.
    let bits = getrandom::u64().unwrap_or_else(|_| RandomState::new().hash_one(std::process::id()));
    format!("{bits:016x}")
}

/// Whether a name is one of [`hex_id`].
pub(crate) fn is_hex_id(name: &str) -> bool {
    name.len() == 16 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A seeded sequence of numbers, the same on every machine: SplitMix64 (Steele, Lea and Flood, OOPSLA 2014). For
/// resampling and drawing; not a secret.
#[derive(Debug, Clone)]
pub(crate) struct Seeded(u64);

impl Seeded {
    pub(crate) fn new(seed: u64) -> Seeded {
        Seeded(seed)
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number from 0 up to and without `n`; 0 for 0. The bias of the product is below `n / 2^64`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }
}

/// A number from 0 up to and without 1 that belongs to `parts`: the same for the same, unrelated for others.
pub(crate) fn unit_hash(parts: [u64; 3]) -> f64 {
    let mixed = parts.iter().fold(0, |state: u64, part| mix(state.wrapping_add(0x9E37_79B9_7F4A_7C15) ^ mix(*part)));
    // 53 bits fit a double exactly.
    (mixed >> 11) as f64 / (1u64 << 53) as f64
}

/// What is drawn for one ranking: the same for the same `rank_id`, so that it can be drawn again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Draws(u64);

impl Draws {
    pub(crate) fn of(rank_id: &str) -> Draws {
        Draws(xxh3_64(rank_id.as_bytes()))
    }

    /// The `n`-th number of a purpose, from 0 up to and without 1.
    pub(crate) fn unit(self, purpose: u64, n: u64) -> f64 {
        unit_hash([self.0, purpose, n])
    }
}

/// Draws without putting back, the weighted way: of several, those with the smallest keys are drawn (Efraimidis and
/// Spirakis, *Weighted random sampling with a reservoir*, 2006). `unit` is from 0 up to 1, `weight` above 0.
pub(crate) fn race(unit: f64, weight: f64) -> f64 {
    -unit.max(f64::MIN_POSITIVE).ln() / weight
}

/// The finaliser of SplitMix64.
fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_names_one_sequence() {
        // The first numbers of the reference implementation for seed 1234567.
        let mut seeded = Seeded::new(1_234_567);
        assert_eq!([seeded.bits(), seeded.bits()], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        assert!((0..1000).all(|_| seeded.below(7) < 7));
        assert_eq!(seeded.below(0), 0);
    }

    #[test]
    fn a_race_is_won_as_often_as_its_weight_says() {
        let wins = (0..10_000).filter(|n| race(unit_hash([1, 0, *n]), 3.0) < race(unit_hash([1, 1, *n]), 1.0)).count();
        // Binomial of 10,000 and 3/4: standard deviation 43, here within four of them.
        assert!((7328..=7672).contains(&wins), "{wins}");
        assert!(race(0.0, 1.0).is_finite());
    }

    #[test]
    fn hashes_spread_evenly() {
        let mean = (0..10_000).map(|i| unit_hash([1, 2, i])).sum::<f64>() / 10_000.0;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
    }
}
