//! The query and the history as vectors in item space.

use crate::base::error::Result;
use crate::model::adapter::Adapter;
use crate::model::call::Call;
use crate::model::contract::CODES;
use crate::model::feed::Feed;
use crate::model::history::{Histories, HistoryInput, check_vector};
use crate::model::loaded::Model;
use crate::model::output::failed;
use crate::model::space::SpaceTensors;

/// Codes that a context has: what follows is too unlikely to be looked for.
const EXPECTED_CODES: usize = 8;

/// What a request is about.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct ContextInput<'a> {
    /// The query's text.
    pub text: Option<&'a str>,
    /// A vector that stands for the query (D values), when there is no text or no word of it is known: the mean of the
    /// seeds of "more like this".
    pub vector: Option<&'a [f32]>,
    /// Past events, newest last.
    pub history: &'a [HistoryInput<'a>],
    /// The space that the vectors live in and the text is read into; `None` for that of the file.
    pub space: Option<&'a SpaceTensors>,
    /// The adapter of the request's domain.
    pub adapter: Option<&'a Adapter>,
}

/// Vectors of length one in item space.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Context {
    /// The query's (D values); `None` when there is no query, or none with a known word or a direction.
    pub query: Option<Vec<f32>>,
    /// The history's (D values); `None` when there is none, or it has no direction.
    pub history: Option<Vec<f32>>,
    /// What a trained network made of both (D values each), without those that have no direction; none for a graph that
    /// learned none.
    pub learned: Vec<Vec<f32>>,
    /// Codes of the first level that the model expects next, the likeliest first; none from a graph that does not score codes.
    pub codes: Vec<u8>,
}

impl Model {
    /// Query and history to vectors, in one run: the text goes through the text tower, the item tower and the context
    /// without leaving the graph.
    ///
    /// # Errors
    /// [`crate::Error::InvalidArgument`] and [`crate::Error::NonFinite`] for vectors that do not fit;
    /// [`crate::Error::ModelFailed`].
    pub(crate) fn context(&self, input: &ContextInput) -> Result<Context> {
        let width = self.width();
        let ids = self.tokens.ids(input.text.unwrap_or_default())?;
        let vector = input.vector.filter(|_| ids.is_empty());
        if let Some(vector) = vector {
            check_vector("the query's vector", vector, width)?;
        }
        let histories = Histories::new(&[input.history], self.history_form())?;
        if ids.is_empty() && vector.is_none() && histories.is_none() {
            return Ok(Context::default());
        }
        let mask = vec![1.0; ids.len()];
        let mut feeds: Vec<Feed> = histories.iter().flat_map(Histories::feeds).collect();
        if !ids.is_empty() {
            feeds.push(Feed::i64("text_ids", &[1, ids.len()], &ids));
            feeds.push(Feed::f32("text_mask", &[1, ids.len()], &mask));
            feeds.push(Feed::f32("query_text", &[1], &[1.0]));
            if let Some(space) = input.space {
                feeds.extend(space.text_feeds());
                feeds.extend(space.place_feeds());
            }
        }
        if let Some(vector) = vector {
            feeds.push(Feed::f32("query_vec", &[1, width], vector));
        }
        if !ids.is_empty() || vector.is_some() {
            feeds.push(Feed::f32("query_mask", &[1], &[1.0]));
        }
        if self.scores_codes {
            feeds.extend(input.space.into_iter().flat_map(SpaceTensors::code_feeds));
        }
        feeds.extend(input.adapter.into_iter().flat_map(Adapter::feeds));
        let mut outputs = self.pool.with(|slot| slot.run(Call::Context, &feeds))?.into_iter();
        let vectors = outputs.next().ok_or_else(|| failed("expected context vectors"))?;
        let vectors = vectors.floats_of(&[1, self.dims.contexts, width])?;
        let logits = outputs.next().map(|output| output.floats_of(&[1, CODES])).transpose()?;
        let mut vectors = vectors.chunks_exact(width).map(direction);
        Ok(Context {
            query: vectors.next().flatten(),
            history: vectors.next().flatten(),
            learned: vectors.flatten().collect(),
            codes: best_codes(&logits.unwrap_or_default()),
        })
    }
}

/// The codes of the largest log-scores, best first; of equal ones the lower code.
fn best_codes(logits: &[f32]) -> Vec<u8> {
    let mut codes: Vec<(u8, f32)> = (0..=u8::MAX).zip(logits.iter().copied()).collect();
    codes.sort_by(|a, b| b.1.total_cmp(&a.1));
    codes.into_iter().take(EXPECTED_CODES).map(|(code, _)| code).collect()
}

/// `None` for a vector of zeros.
pub(super) fn direction(vector: &[f32]) -> Option<Vec<f32>> {
    vector.iter().any(|value| *value != 0.0).then(|| vector.to_vec())
}

#[cfg(test)]
mod tests {
    use super::best_codes;

    #[test]
    fn the_likeliest_codes_come_first() {
        let mut logits = vec![0.0; 256];
        (logits[200], logits[7], logits[255]) = (9.0, 8.0, -1.0);
        assert_eq!(best_codes(&logits), [200, 7, 0, 1, 2, 3, 4, 5]);
        assert!(best_codes(&[]).is_empty());
    }
}
