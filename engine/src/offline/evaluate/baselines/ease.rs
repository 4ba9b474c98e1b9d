//! EASE: the linear item-to-item regression with a closed form (Steck, WWW 2019).
//!
//! `B = -P / diag(P)` with `P = (X'X + lambda)^-1`. Where there are fewer users than items, `P` comes from the smaller
//! side (Woodbury): `P = (1 - X' M X) / lambda` with `M = (X X' + lambda)^-1`, which is the same model exactly.

use std::collections::{HashMap, HashSet};

use ndarray::Array2;

use crate::offline::evaluate::log::{Log, LogEvent};
use crate::offline::evaluate::subject::Question;

use super::inverse::invert;
use super::scorer::{Scorer, wanted};

/// Weight of the ridge.
const LAMBDA: f32 = 200.0;
/// Largest matrix that is inverted: 256 MB.
const LARGEST: usize = 8_000;
/// Growth of the log after which the model is fitted again.
const GROWTH: f64 = 1.25;

pub(super) struct Ease {
    /// Items of each user, each once.
    rows: Vec<Vec<u32>>,
    known: HashSet<(u32, u32)>,
    fitted_at: usize,
    fit: Option<Fit>,
    not_run: Option<String>,
}

impl Ease {
    pub(super) fn new(log: &Log) -> Ease {
        let smaller = log.items.len().min(log.users.len());
        let not_run = (smaller > LARGEST)
            .then(|| format!("{smaller} users and items are too many (at most {LARGEST} of the fewer ones)"));
        Ease { rows: vec![Vec::new(); log.users.len()], known: HashSet::new(), fitted_at: 0, fit: None, not_run }
    }
}

impl Scorer for Ease {
    fn name(&self) -> String {
        "EASE".to_owned()
    }

    fn log(&mut self, _log: &Log, event: &LogEvent, _history: &[u32]) {
        if self.not_run.is_some() {
            return;
        }
        if let Some((item, row)) = event.wanted().zip(self.rows.get_mut(event.user as usize))
            && self.known.insert((event.user, item as u32))
        {
            row.push(item as u32);
        }
    }

    fn score(&mut self, log: &Log, question: &Question, scores: &mut [f32]) {
        if self.known.len() as f64 >= (self.fitted_at as f64 * GROWTH).max(1.0) {
            self.fit = Fit::new(&self.rows, log.items.len());
            self.fitted_at = self.known.len();
        }
        let history: HashSet<usize> = wanted(log, question).collect();
        if let Some(fit) = &self.fit {
            fit.score(history, scores);
        }
    }

    fn not_run(&self) -> Option<String> {
        self.not_run.clone()
    }
}

/// One fitted model, over the items that had an event.
struct Fit {
    /// Item number by column.
    items: Vec<u32>,
    columns: HashMap<u32, usize>,
    /// The diagonal of `P`.
    diagonal: Vec<f32>,
    side: Side,
}

/// The side on which the matrix was inverted.
enum Side {
    /// `P`.
    Items(Array2<f32>),
    /// `M`, and the columns of each user.
    Users(Array2<f32>, Vec<Vec<usize>>),
}

impl Fit {
    fn new(rows: &[Vec<u32>], items: usize) -> Option<Fit> {
        let mut present = vec![false; items];
        rows.iter().flatten().for_each(|item| present[*item as usize] = true);
        let items: Vec<u32> = (0..items as u32).filter(|item| present[*item as usize]).collect();
        let columns: HashMap<u32, usize> = items.iter().enumerate().map(|(column, item)| (*item, column)).collect();
        let users: Vec<Vec<usize>> = rows
            .iter()
            .filter(|row| !row.is_empty())
            .map(|row| row.iter().filter_map(|item| columns.get(item).copied()).collect())
            .collect();
        let (diagonal, side) = match items.len() <= users.len() {
            true => on_items(&users, items.len())?,
            false => on_users(users, items.len())?,
        };
        Some(Fit { items, columns, diagonal, side })
    }

    /// `score_j = sum over the history of B_ij`, which is `x_j - (P x)_j / P_jj`.
    fn score(&self, history: HashSet<usize>, scores: &mut [f32]) {
        let mut chosen: Vec<usize> =
            history.iter().filter_map(|item| self.columns.get(&(*item as u32)).copied()).collect();
        chosen.sort_unstable();
        let mut product = self.product(&chosen);
        product.iter_mut().zip(&self.diagonal).for_each(|(px, p)| *px = -*px / p);
        chosen.iter().for_each(|column| product[*column] += 1.0);
        for (item, score) in self.items.iter().zip(product) {
            scores[*item as usize] = score;
        }
    }

    /// `P x` for the indicator `x` of some columns.
    fn product(&self, chosen: &[usize]) -> Vec<f32> {
        let mut product = vec![0.0f32; self.items.len()];
        match &self.side {
            Side::Items(inverse) => {
                for column in chosen {
                    product.iter_mut().zip(inverse.row(*column)).for_each(|(sum, p)| *sum += p);
                }
            }
            Side::Users(inverse, users) => {
                let set: HashSet<usize> = chosen.iter().copied().collect();
                let shared = users.iter().map(|row| row.iter().filter(|column| set.contains(column)).count() as f32);
                let through = inverse.dot(&shared.collect::<ndarray::Array1<f32>>());
                for (row, weight) in users.iter().zip(through) {
                    row.iter().for_each(|column| product[*column] -= weight);
                }
                chosen.iter().for_each(|column| product[*column] += 1.0);
                product.iter_mut().for_each(|x| *x /= LAMBDA);
            }
        }
        product
    }
}

fn on_items(users: &[Vec<usize>], n: usize) -> Option<(Vec<f32>, Side)> {
    let mut gram = Array2::<f32>::eye(n) * LAMBDA;
    for row in users {
        for i in row {
            row.iter().for_each(|j| gram[(*i, *j)] += 1.0);
        }
    }
    invert(&mut gram).then(|| (gram.diag().to_vec(), Side::Items(gram)))
}

fn on_users(users: Vec<Vec<usize>>, n: usize) -> Option<(Vec<f32>, Side)> {
    let mut of_item: Vec<Vec<usize>> = vec![Vec::new(); n];
    for (user, row) in users.iter().enumerate() {
        row.iter().for_each(|column| of_item[*column].push(user));
    }
    let mut gram = Array2::<f32>::eye(users.len()) * LAMBDA;
    for u in of_item.iter() {
        for a in u {
            u.iter().for_each(|b| gram[(*a, *b)] += 1.0);
        }
    }
    if !invert(&mut gram) {
        return None;
    }
    let explained = |users: &Vec<usize>| users.iter().flat_map(|a| users.iter().map(|b| gram[(*a, *b)])).sum::<f32>();
    let diagonal = of_item.iter().map(|users| (1.0 - explained(users)) / LAMBDA).collect();
    Some((diagonal, Side::Users(gram, users)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::random::unit_hash;

    fn rows(users: u64, items: u64) -> Vec<Vec<u32>> {
        (0..users).map(|u| (0..items).filter(|i| unit_hash([9, u, *i]) < 0.2).map(|i| i as u32).collect()).collect()
    }

    #[test]
    fn both_sides_are_the_same_model() {
        let rows = rows(40, 30);
        let dense: Vec<Vec<usize>> = rows.iter().map(|row| row.iter().map(|i| *i as usize).collect()).collect();
        let fit = |(diagonal, side): (Vec<f32>, Side)| Fit {
            items: (0..30).collect(),
            columns: (0..30).map(|i| (i as u32, i)).collect(),
            diagonal,
            side,
        };
        let sides = [fit(on_items(&dense, 30).expect("inverts")), fit(on_users(dense, 30).expect("inverts"))];
        let [a, b] = sides.map(|fit| {
            let mut scores = vec![0.0; 30];
            fit.score([1, 4, 7].into_iter().collect(), &mut scores);
            scores
        });
        let off = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(off < 1e-3 && a.iter().any(|x| x.abs() > 1e-3), "{off}");
    }

    #[test]
    fn what_goes_together_scores_highest() {
        // 300 users have items 0 and 1, 300 others have 2 and 3.
        let rows: Vec<Vec<u32>> = (0..600).map(|u| if u < 300 { vec![0, 1] } else { vec![2, 3] }).collect();
        let fit = Fit::new(&rows, 4).expect("fits");
        let mut scores = vec![0.0; 4];
        fit.score([0].into_iter().collect(), &mut scores);
        assert!(scores[1] > 0.5 && scores[2].abs() < 0.01, "{scores:?}");
    }
}
