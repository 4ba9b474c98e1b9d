//! Candidates to scores.

use std::borrow::Cow;

use crate::base::error::{Error, Result};
use crate::base::score::check_finite;
use crate::model::adapter::Adapter;
use crate::model::call::Call;
use crate::model::contract::{CAND_SID, CELLS, LEVELS};
use crate::model::feed::Feed;
use crate::model::history::{Histories, HistoryInput, check_vector, codes};
use crate::model::loaded::Model;
use crate::model::output::failed;
use crate::model::space::SpaceTensors;

/// Most values of `cand_vec` in one run, padding included: 32 MiB.
const RUN_VALUES: usize = 8 << 20;

/// One request with its candidates.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ScoreInput<'a> {
    /// The query's vector (D values), from `Model::context`. Zeros stand for a query without a known word: the weights of
    /// a query apply. `None`: there is no query.
    pub query: Option<&'a [f32]>,
    /// Past events, newest last.
    pub history: &'a [HistoryInput<'a>],
    /// The candidates' vectors, K x D row by row; zeros for a candidate that has none.
    pub cand_vec: &'a [f32],
    /// The candidates' features, K x F row by row, in the order of `Model::features`.
    pub cand_feat: &'a [f32],
    /// The candidates' semantic ids, K of them; empty when none is known, or when the graph takes none.
    pub cand_sid: &'a [Option<[u8; LEVELS]>],
    /// Whether each feature's part is wanted too.
    pub explain: bool,
    /// Weights to score by, a row for each cell; `None` for those of the configuration or of the file.
    pub weights: Option<&'a [f32]>,
    /// The space that the vectors and semantic ids are of; `None` for that of the file.
    pub space: Option<&'a SpaceTensors>,
    /// The adapter of the request's domain.
    pub adapter: Option<&'a Adapter>,
}

impl ScoreInput<'_> {
    /// Inputs that agree in this can share a run. Weights, spaces and adapters that lie in the same place are the same.
    fn kind(&self) -> (bool, usize, usize, usize) {
        let weights = self.weights.map_or(0, |weights| weights.as_ptr() as usize);
        let space = self.space.map_or(0, |space| std::ptr::from_ref(space) as usize);
        (self.explain, weights, space, self.adapter.map_or(0, |adapter| std::ptr::from_ref(adapter) as usize))
    }
}

/// Candidates of one request that share a run: all of them, unless a run may not hold as many.
#[derive(Debug, Clone, Copy)]
struct Piece {
    /// Which request.
    index: usize,
    /// Its first candidate here, and how many.
    first: usize,
    count: usize,
}

/// Scores of one request's candidates.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Scores {
    /// K scores, all finite; higher is better.
    pub scores: Vec<f32>,
    /// K x (F + G) parts that add up to the scores, in the order of `Model::all_features`; empty unless asked for.
    pub contributions: Vec<f32>,
}

impl Model {
    /// Scores several requests. Those that fit share a run, padded to the most candidates and the longest history;
    /// padding is masked, so the result is the same as one by one.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] and [`Error::NonFinite`] for vectors and features that do not fit;
    /// [`Error::ModelFailed`].
    pub(crate) fn score(&self, inputs: &[ScoreInput]) -> Result<Vec<Scores>> {
        let counts = inputs.iter().map(|input| self.check_score_input(input)).collect::<Result<Vec<usize>>>()?;
        // Like sizes share a run, which keeps padding small; requests without candidates need none.
        let mut order: Vec<Piece> =
            counts.iter().enumerate().flat_map(|(index, count)| self.pieces(index, *count)).collect();
        order.sort_by_key(|piece| (inputs[piece.index].kind(), piece.count));
        let runs = self.runs(&order, inputs);
        let scored = self.pool.spread(&runs, |run| self.score_run(run, inputs))?;
        let mut result = vec![Scores::default(); inputs.len()];
        for (piece, scores) in order.into_iter().zip(scored.into_iter().flatten()) {
            result[piece.index].put(piece.first, counts[piece.index], scores);
        }
        Ok(result)
    }

    /// A request's candidates, cut so that a run may hold them. They do not see one another, so it makes no difference.
    fn pieces(&self, index: usize, count: usize) -> impl Iterator<Item = Piece> + use<> {
        let most = self.bounds.candidates;
        let rest = move |first: usize| Piece { index, first, count: most.min(count - first) };
        (0..count).step_by(most).map(rest)
    }

    /// The number of candidates.
    fn check_score_input(&self, input: &ScoreInput) -> Result<usize> {
        let columns = self.features().len();
        let count = input.cand_feat.len() / columns;
        if !input.cand_feat.len().is_multiple_of(columns) || input.cand_vec.len() != count * self.width() {
            let expected = format!("rows of {columns} features and of {} vector values, one each", self.width());
            let found = format!("{} and {} values", input.cand_feat.len(), input.cand_vec.len());
            return Err(Error::argument("candidates", expected, found));
        }
        if !input.cand_sid.is_empty() && input.cand_sid.len() != count {
            let found = format!("{} for {count} candidates", input.cand_sid.len());
            return Err(Error::argument("candidates", "a semantic id or none for each", found));
        }
        check_finite("candidate features", input.cand_feat)?;
        check_finite("candidate vectors", input.cand_vec)?;
        let wanted = CELLS * self.all_features().len();
        if let Some(weights) = input.weights.filter(|weights| weights.len() != wanted) {
            return Err(Error::argument("weights", format!("{wanted} values"), weights.len().to_string()));
        }
        if let Some(query) = input.query {
            check_vector("the query's vector", query, self.width())?;
        }
        Ok(count)
    }

    /// Cuts requests, sorted by size, into runs of bounded memory. Explained ones have runs of their own, and so have
    /// each set of weights and each adapter.
    fn runs<'a>(&self, order: &'a [Piece], inputs: &[ScoreInput]) -> Vec<&'a [Piece]> {
        let mut runs = Vec::new();
        let mut start = 0;
        for end in 1..=order.len() {
            let ends = order.get(end).is_none_or(|next| {
                let rows = end - start + 1;
                rows > self.bounds.requests
                    || rows * next.count * self.width() > RUN_VALUES
                    || inputs[next.index].kind() != inputs[order[start].index].kind()
            });
            if ends {
                runs.push(&order[start..end]);
                start = end;
            }
        }
        runs
    }

    fn score_run(&self, run: &[Piece], inputs: &[ScoreInput]) -> Result<Vec<Scores>> {
        let (rows, width, columns) = (run.len(), self.width(), self.features().len());
        let most = run.iter().map(|piece| piece.count).max().unwrap_or(0);
        let explain = run.iter().any(|piece| inputs[piece.index].explain);
        let vectors = padded(run.iter().map(|piece| piece.of(inputs[piece.index].cand_vec, width)), rows, most * width);
        let features =
            padded(run.iter().map(|piece| piece.of(inputs[piece.index].cand_feat, columns)), rows, most * columns);
        let queries: Vec<&[f32]> = run.iter().map(|piece| inputs[piece.index].query.unwrap_or(&[])).collect();
        let query = padded(queries.iter().copied(), rows, width);
        let query_mask: Vec<f32> = queries.iter().map(|query| if query.is_empty() { 0.0 } else { 1.0 }).collect();
        let histories: Vec<&[HistoryInput]> = run.iter().map(|piece| inputs[piece.index].history).collect();
        let histories = Histories::new(&histories, self.history_form())?;

        let mut feeds: Vec<Feed> = histories.iter().flat_map(Histories::feeds).collect();
        feeds.push(Feed::f32("cand_vec", &[rows, most, width], &vectors));
        feeds.push(Feed::f32("cand_feat", &[rows, most, columns], &features));
        let sids = self
            .cand_sid
            .then(|| padded_sids(run.iter().map(|piece| piece.of(inputs[piece.index].cand_sid, 1)), rows, most));
        if let Some(sids) = &sids {
            feeds.push(Feed::i64(CAND_SID, &[rows, most, LEVELS], sids));
        }
        if query_mask.contains(&1.0) {
            feeds.push(Feed::f32("query_vec", &[rows, width], &query));
            feeds.push(Feed::f32("query_mask", &[rows], &query_mask));
        }
        let given = run.first().and_then(|piece| inputs[piece.index].weights);
        let weights = given.unwrap_or(&self.weights);
        if !weights.is_empty() {
            feeds.push(Feed::f32("weights", &[CELLS, self.all_features().len()], weights));
        }
        if self.reads_sids() {
            let space = run.first().and_then(|piece| inputs[piece.index].space);
            feeds.extend(space.into_iter().flat_map(SpaceTensors::code_feeds));
        }
        let call = if explain { Call::Explained } else { Call::Scores };
        let adapter = run.first().and_then(|piece| inputs[piece.index].adapter);
        feeds.extend(adapter.into_iter().flat_map(Adapter::feeds));
        let mut outputs = self.pool.with(|slot| slot.run(call, &feeds))?.into_iter();
        let scores = outputs.next().ok_or_else(|| failed("expected scores"))?.floats_of(&[rows, most])?;
        let all = self.all_features().len();
        let parts = outputs.next().map(|output| output.floats_of(&[rows, most, all])).transpose()?.unwrap_or_default();
        let row = |(row, piece): (usize, &Piece)| Scores {
            scores: scores[row * most..row * most + piece.count].to_vec(),
            contributions: parts.get(row * most * all..(row * most + piece.count) * all).unwrap_or_default().to_vec(),
        };
        Ok(run.iter().enumerate().map(row).collect())
    }
}

impl Piece {
    /// Its part of a request's rows, which have `width` values each; nothing of a list that is empty.
    fn of<'a, T>(&self, rows: &'a [T], width: usize) -> &'a [T] {
        rows.get(self.first * width..(self.first + self.count) * width).unwrap_or_default()
    }
}

impl Scores {
    /// Puts those of a piece in their place among the `count` of the request.
    fn put(&mut self, first: usize, count: usize, piece: Scores) {
        let places = piece.scores.len();
        if places == count {
            *self = piece;
            return;
        }
        let columns = piece.contributions.len() / places.max(1);
        self.scores.resize(count, 0.0);
        self.contributions.resize(count * columns, 0.0);
        let parts = first * columns..(first + places) * columns;
        self.scores.iter_mut().skip(first).zip(piece.scores).for_each(|(place, score)| *place = score);
        self.contributions[parts].copy_from_slice(&piece.contributions);
    }
}

/// The codes of rows side by side, each filled up to `most` candidates with those of none.
fn padded_sids<'a>(inputs: impl Iterator<Item = &'a [Option<[u8; LEVELS]>]>, rows: usize, most: usize) -> Vec<i64> {
    let mut all = Vec::with_capacity(rows * most * LEVELS);
    for (row, sids) in inputs.enumerate() {
        all.extend(sids.iter().flat_map(|sid| codes(*sid)));
        all.resize((row + 1) * most * LEVELS, -1);
    }
    all
}

/// Rows side by side, each filled up with zeros to `width` values. A single full row is not copied.
fn padded<'a>(mut rows: impl Iterator<Item = &'a [f32]>, count: usize, width: usize) -> Cow<'a, [f32]> {
    let mut all = Vec::new();
    for row in &mut rows {
        if count == 1 && row.len() == width {
            return Cow::Borrowed(row);
        }
        let end = all.len() + width;
        all.reserve_exact(if all.is_empty() { count * width } else { 0 });
        all.extend_from_slice(row);
        all.resize(end, 0.0);
    }
    Cow::Owned(all)
}
