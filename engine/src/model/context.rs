//! The query and the history as vectors in item space.

use crate::error::Result;
use crate::model::Model;
use crate::model::history::{Histories, HistoryInput, check_vector};
use crate::model::run::{Call, Feed};
use crate::model::space::SpaceTensors;

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
}

/// Vectors of length one in item space.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Context {
    /// The query's (D values); `None` when there is no query, or none with a known word or a direction.
    pub query: Option<Vec<f32>>,
    /// The history's (D values); `None` when there is none, or its events speak for nothing.
    pub history: Option<Vec<f32>>,
    /// Codes of the first level that the model expects next, the likeliest first: none from a file that does not say.
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
        let histories = Histories::new(&[input.history], width, self.action_rows())?;
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
        let [vectors] = self.run(Call::Context, &feeds)?;
        let vectors = vectors.floats_of(&[1, 2, width])?;
        let (query, history) = vectors.split_at(width);
        Ok(Context { query: direction(query), history: direction(history), codes: Vec::new() })
    }
}

/// `None` for a vector of zeros.
pub(super) fn direction(vector: &[f32]) -> Option<Vec<f32>> {
    vector.iter().any(|value| *value != 0.0).then(|| vector.to_vec())
}
