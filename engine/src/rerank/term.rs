//! A term of the greedy order: what a choice costs besides its relevance.

/// Something besides relevance that a choice costs, given what was chosen before.
pub(super) trait Term {
    /// What the request calls it.
    fn name(&self) -> &'static str;
    /// How much it counts, from 0 to 1; relevance counts the rest.
    fn strength(&self) -> f32;
    /// What it would cost to choose this candidate now.
    fn cost(&self, candidate: usize) -> f32;
    /// This candidate was chosen.
    fn choose(&mut self, candidate: usize);
}
