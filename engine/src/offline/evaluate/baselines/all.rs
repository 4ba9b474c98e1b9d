//! The baselines of every evaluation.

use crate::offline::evaluate::log::Log;
use crate::offline::evaluate::subject::Subject;

use super::scorer::{Baseline, Scorer};
use super::{chance, content, cooccurrence, covisit, ease, popular};

/// All of them.
pub(in crate::offline::evaluate) fn all(log: &Log, seed: u64) -> Vec<Box<dyn Subject>> {
    let items = log.items.len();
    let scorers: Vec<Box<dyn Scorer>> = vec![
        Box::new(chance::Random { seed }),
        Box::new(popular::AllTime::new(items)),
        Box::new(popular::Window::new(items, 7.0)),
        Box::new(popular::Decayed::new(items, 7.0)),
        Box::new(popular::Decayed::new(items, 90.0)),
        Box::new(content::LastItem),
        Box::new(content::RecentMean::default()),
        Box::new(cooccurrence::ItemNeighbours::new(log)),
        Box::new(cooccurrence::BoughtTogether::new(log)),
        Box::new(covisit::CoVisits::new(items)),
        Box::new(ease::Ease::new(log)),
    ];
    scorers.into_iter().map(|scorer| Box::new(Baseline(scorer)) as Box<dyn Subject>).collect()
}
