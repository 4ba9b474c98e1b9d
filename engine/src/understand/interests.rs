//! The interests of one history: a person with two tastes gets both, where the mean of all events lies between them.
//!
//! A pass over the events, newest first, in the manner of leader clustering (Hartigan 1975): an event joins the first
//! interest whose leader is near, or leads one of its own. PinnerSage (Pal and others, KDD 2020) showed what searching
//! from several such points is worth over one mean.

/// Most interests of one history.
const MOST: usize = 4;
/// Cosine with the leader from which an event belongs to its interest.
const NEAR: f32 = 0.4;
/// Weight of an event against the one after it.
const DECAY: f32 = 0.95;

/// Directions of the interests, the weightiest first; none when there are fewer than two, because the history's own
/// vector says it all then. `events` are vectors of length one, newest first.
pub(crate) fn interests<'v>(events: impl Iterator<Item = &'v [f32]>) -> Vec<Vec<f32>> {
    let mut found: Vec<Interest> = Vec::new();
    let mut weight = 1.0;
    for vector in events {
        match found.iter().position(|interest| dot(&interest.leader, vector) >= NEAR) {
            Some(place) => found[place].add(vector, weight),
            None if found.len() < MOST => found.push(Interest::new(vector, weight)),
            // A taste beyond the fourth: too little of it to be searched for.
            None => {}
        }
        weight *= DECAY;
    }
    if found.len() < 2 {
        return Vec::new();
    }
    found.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    found.into_iter().map(|interest| interest.sum).collect()
}

struct Interest {
    leader: Vec<f32>,
    sum: Vec<f32>,
    weight: f32,
}

impl Interest {
    fn new(vector: &[f32], weight: f32) -> Interest {
        let sum = vector.iter().map(|x| x * weight).collect();
        Interest { leader: vector.to_vec(), sum, weight }
    }

    fn add(&mut self, vector: &[f32], weight: f32) {
        self.sum.iter_mut().zip(vector).for_each(|(sum, x)| *sum += x * weight);
        self.weight += weight;
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_tastes_are_two_interests_and_one_is_none() {
        let (shoe, boot, pot) = ([1.0, 0.0, 0.0], [0.9, 0.436, 0.0], [0.0, 0.0, 1.0]);
        let found = interests([&shoe[..], &pot, &boot, &shoe].into_iter());
        assert_eq!(found.len(), 2);
        assert!(found[0][0] > 2.0 && found[0][2] == 0.0, "the weightier one first: {found:?}");
        assert!(found[1][2] > 0.9 && found[1][0] == 0.0);
        assert!(interests([&shoe[..], &boot].into_iter()).is_empty());
        assert!(interests(std::iter::empty()).is_empty());
    }
}
