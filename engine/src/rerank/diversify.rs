//! Diversity: maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998).
//!
//! A candidate costs as much as the hit chosen so far that it is most like. Greedy, one choice after the other.

use super::term::Term;

/// The term of MMR over the item vectors of K candidates.
pub(super) struct Diversity {
    strength: f32,
    /// Unit length; `None` for an item without one, which is like nothing.
    vectors: Vec<Option<Vec<f32>>>,
    /// The best cosine with a hit chosen so far.
    nearest: Vec<Option<f32>>,
}

impl Diversity {
    /// `strength` is from 0 to 1.
    pub(super) fn new(strength: f32, vectors: Vec<Option<Vec<f32>>>) -> Diversity {
        let nearest = vec![None; vectors.len()];
        Diversity { strength, vectors, nearest }
    }
}

impl Term for Diversity {
    fn name(&self) -> &'static str {
        "diversity"
    }

    fn strength(&self) -> f32 {
        self.strength
    }

    fn cost(&self, candidate: usize) -> f32 {
        self.nearest.get(candidate).copied().flatten().unwrap_or(0.0)
    }

    fn choose(&mut self, candidate: usize) {
        let Some(Some(chosen)) = self.vectors.get(candidate) else { return };
        for (nearest, vector) in self.nearest.iter_mut().zip(&self.vectors) {
            let Some(vector) = vector else { continue };
            let cosine = chosen.iter().zip(vector).map(|(a, b)| a * b).sum::<f32>();
            *nearest = Some(nearest.map_or(cosine, |nearest| nearest.max(cosine)));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::super::select::order;
    use super::*;

    fn unit(vector: Vec<f32>) -> Vec<f32> {
        let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-6);
        vector.into_iter().map(|x| x / norm).collect()
    }

    fn cosine(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| a * b).sum()
    }

    fn diverse(strength: f32, scores: &[f32], vectors: &[Vec<f32>], want: usize) -> Vec<usize> {
        let term = Diversity::new(strength, vectors.iter().cloned().map(Some).collect());
        order(scores, vec![Box::new(term)], want)
    }

    /// Candidates in falling order of score, with vectors in a few clusters, as items are.
    fn clustered(seed: u64, count: usize) -> (Vec<f32>, Vec<Vec<f32>>) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut random = |spread: f32| (0..8).map(|_| rng.random_range(-spread..spread)).collect::<Vec<f32>>();
        let centres: Vec<Vec<f32>> = (0..5).map(|_| random(1.0)).collect();
        let near = |centre: &Vec<f32>, noise: Vec<f32>| unit(centre.iter().zip(noise).map(|(a, b)| a + b).collect());
        let vectors: Vec<Vec<f32>> = (0..count).map(|n| near(&centres[n * 5 / count], random(0.3))).collect();
        let scores = (0..count).map(|n| 1.0 - n as f32 / count as f32).collect();
        (scores, vectors)
    }

    fn distance(vectors: &[Vec<f32>], list: &[usize]) -> f32 {
        let pairs = list.iter().enumerate().flat_map(|(n, a)| list[..n].iter().map(move |b| (*a, *b)));
        let all: Vec<f32> = pairs.map(|(a, b)| 1.0 - cosine(&vectors[a], &vectors[b])).collect();
        all.iter().sum::<f32>() / all.len() as f32
    }

    proptest! {
        #[test]
        fn none_is_pure_relevance(seed: u64, count in 1usize..60) {
            let (scores, vectors) = clustered(seed, count);
            prop_assert_eq!(diverse(0.0, &scores, &vectors, count), (0..count).collect::<Vec<_>>());
        }

        #[test]
        fn every_candidate_stays_once(seed: u64, strength in 0.0f32..=1.0, want in 0usize..40) {
            let (scores, vectors) = clustered(seed, 30);
            let mut list = diverse(strength, &scores, &vectors, want);
            prop_assert_eq!(list.first(), Some(&0), "the most relevant one has nothing to be like");
            list.sort_unstable();
            prop_assert_eq!(list, (0..30).collect::<Vec<_>>());
        }

        #[test]
        fn duplicates_do_not_stand_together(seed: u64) {
            // Each of ten directions twice, side by side by relevance; the directions are orthogonal.
            let axis = |n: usize| (0..10).map(|place| f32::from(place == n)).collect::<Vec<f32>>();
            let vectors: Vec<Vec<f32>> = (0..20).map(|n| axis(n / 2)).collect();
            let mut rng = StdRng::seed_from_u64(seed);
            let mut scores: Vec<f32> = (0..20).map(|_| rng.random_range(0.0..1.0)).collect();
            scores.sort_unstable_by(|a, b| b.total_cmp(a));
            let list = diverse(0.9, &scores, &vectors, 10);
            let mut directions: Vec<usize> = list[..10].iter().map(|n| n / 2).collect();
            directions.sort_unstable();
            directions.dedup();
            prop_assert_eq!(directions.len(), 10);
        }
    }

    #[test]
    fn distance_grows_on_average() {
        let mean = |strength: f32| {
            let of = |seed| {
                let (scores, vectors) = clustered(seed, 50);
                distance(&vectors, &diverse(strength, &scores, &vectors, 10)[..10])
            };
            (0..100).map(of).sum::<f32>() / 100.0
        };
        let means: Vec<f32> = [0.0, 0.25, 0.5, 0.75, 1.0].into_iter().map(mean).collect();
        assert!(means.windows(2).all(|pair| pair[0] < pair[1]), "{means:?}");
    }

    #[test]
    fn an_item_without_a_vector_is_like_nothing() {
        let term = Diversity::new(1.0, vec![Some(vec![1.0]), Some(vec![1.0]), None]);
        assert_eq!(order(&[1.0, 0.9, 0.1], vec![Box::new(term)], 3), [0, 2, 1]);
    }
}
