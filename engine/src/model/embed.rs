//! Texts to content vectors, item vectors and semantic ids.

use crate::base::error::{Error, Result};
use crate::base::id::SemanticId;
use crate::model::call::Call;
use crate::model::contract::LEVELS;
use crate::model::feed::Feed;
use crate::model::history::check_vector;
use crate::model::loaded::Model;
use crate::model::output::{Output, failed};
use crate::model::slot::Slot;
use crate::model::space::SpaceTensors;

/// Most texts of one run.
const BATCH_TEXTS: usize = 256;
/// Texts that are cut into tokens as one job.
const TOKENIZE_TEXTS: usize = 128;

/// What is stored of an item.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ItemVectors {
    /// De values of length one: what a fit of the space reads.
    pub content: Vec<f32>,
    /// D values of length one, in item space.
    pub item: Vec<f32>,
    /// The semantic id: one code for each level, coarse to fine.
    pub sid: SemanticId,
}

/// An item vector (D values of length one, or zeros for zeros) and its semantic id.
pub(crate) type Projected = (Vec<f32>, SemanticId);

impl Model {
    /// Texts to vectors of a space (`None`: that of the file), in the order given; `None` for a text without a known word.
    /// Texts of like length share a run, and many are spread over the sessions.
    ///
    /// # Errors
    /// [`Error::ModelFailed`].
    pub(crate) fn embed(&self, space: Option<&SpaceTensors>, texts: &[String]) -> Result<Vec<Option<ItemVectors>>> {
        let parts: Vec<&[String]> = texts.chunks(TOKENIZE_TEXTS).collect();
        let tokens = self.pool.spread(&parts, |part| part.iter().map(|text| self.tokens.ids(text)).collect())?;
        let tokens: Vec<Vec<i64>> = tokens.into_iter().flat_map(|part: Vec<Vec<i64>>| part).collect();
        let mut order: Vec<usize> = (0..tokens.len()).filter(|index| !tokens[*index].is_empty()).collect();
        order.sort_by_key(|index| tokens[*index].len());
        let most = (BATCH_TEXTS.min(self.bounds.texts), self.tokens.run_tokens);
        let embed = |slot: &mut Slot, batch: &[usize]| self.embed_batch(slot, space, batch, &tokens);
        let embedded =
            self.pool.spread(&batches(&order, &tokens, most), |batch| self.pool.with(|slot| embed(slot, batch)))?;
        let mut result = vec![None; texts.len()];
        for (index, vectors) in order.into_iter().zip(embedded.into_iter().flatten()) {
            result[index] = vectors;
        }
        Ok(result)
    }

    /// Content vectors to item vectors and semantic ids of a space (`None`: that of the file). `contents` is n x De, row by
    /// row.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] when that is not a whole number of rows, [`Error::NonFinite`], [`Error::ModelFailed`].
    pub(crate) fn project(&self, space: Option<&SpaceTensors>, contents: &[f32]) -> Result<Vec<Projected>> {
        let width = self.content_width();
        if !contents.len().is_multiple_of(width) {
            return Err(Error::argument("contents", format!("rows of {width} values"), contents.len().to_string()));
        }
        check_vector("contents", contents, contents.len())?;
        let parts: Vec<&[f32]> = contents.chunks(BATCH_TEXTS * width).collect();
        let projected =
            self.pool.spread(&parts, |part| self.pool.with(|slot| self.project_batch(slot, space, part)))?;
        Ok(projected.into_iter().flatten().collect())
    }

    fn embed_batch(
        &self,
        slot: &mut Slot,
        space: Option<&SpaceTensors>,
        batch: &[usize],
        tokens: &[Vec<i64>],
    ) -> Result<Vec<Option<ItemVectors>>> {
        let longest = batch.iter().map(|index| tokens[*index].len()).max().unwrap_or(1);
        let mut ids = vec![0i64; batch.len() * longest];
        let mut mask = vec![0f32; batch.len() * longest];
        for (row, index) in batch.iter().enumerate() {
            let text = &tokens[*index];
            let start = row * longest;
            ids[start..start + text.len()].copy_from_slice(text);
            mask[start..start + text.len()].fill(1.0);
        }
        let shape = [batch.len(), longest];
        let mut feeds = vec![Feed::i64("text_ids", &shape, &ids), Feed::f32("text_mask", &shape, &mask)];
        feeds.extend(space.into_iter().flat_map(SpaceTensors::text_feeds));
        let width = self.content_width();
        let contents = first(slot.run(Call::Text, &feeds)?)?.floats_of(&[batch.len(), width])?;
        let projected = self.project_batch(slot, space, &contents)?;
        let rows = contents.chunks(width).zip(projected);
        Ok(rows
            .map(|(content, (item, sid))| {
                // Words of weight zero leave no direction.
                let known = content.iter().any(|value| *value != 0.0) && item.iter().any(|value| *value != 0.0);
                known.then(|| ItemVectors { content: content.to_vec(), item, sid })
            })
            .collect())
    }

    fn project_batch(&self, slot: &mut Slot, space: Option<&SpaceTensors>, contents: &[f32]) -> Result<Vec<Projected>> {
        let rows = contents.len() / self.content_width();
        let mut feeds = vec![Feed::f32("content", &[rows, self.content_width()], contents)];
        if let Some(space) = space {
            feeds.extend(space.place_feeds());
            feeds.extend(space.code_feeds());
        }
        let mut outputs = slot.run(Call::Item, &feeds)?.into_iter();
        let (Some(vectors), Some(codes)) = (outputs.next(), outputs.next()) else {
            return Err(failed("expected two outputs of the item tower"));
        };
        let vectors = vectors.floats_of(&[rows, self.width()])?;
        let codes = codes.integers_of(&[rows, LEVELS])?;
        vectors
            .chunks(self.width())
            .zip(codes.chunks(LEVELS))
            .map(|(vector, codes)| Ok((vector.to_vec(), semantic_id(codes)?)))
            .collect()
    }
}

/// Cuts texts, sorted by length, into runs of at most so many texts and tokens, or of one text.
fn batches<'a>(order: &'a [usize], tokens: &[Vec<i64>], most: (usize, usize)) -> Vec<&'a [usize]> {
    let mut batches = Vec::new();
    let mut start = 0;
    for end in 1..=order.len() {
        // The longest of a batch is its last, so its length is the width of all rows.
        let full = end - start == most.0;
        let over = order.get(end).is_some_and(|next| (end - start + 1) * tokens[*next].len() > most.1);
        if full || over || end == order.len() {
            batches.push(&order[start..end]);
            start = end;
        }
    }
    batches
}

fn first(outputs: Vec<Output>) -> Result<Output> {
    outputs.into_iter().next().ok_or_else(|| failed("expected an output"))
}

fn semantic_id(codes: &[i64]) -> Result<SemanticId> {
    let mut id = SemanticId::default();
    for (place, code) in id.iter_mut().zip(codes) {
        *place = u8::try_from(*code).map_err(|_| failed(format!("expected codes from 0 to 255, found {code}")))?;
    }
    Ok(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_have_at_most_so_many_texts_and_tokens_unless_one_text_has_more() {
        let tokens: Vec<Vec<i64>> = [1, 2, 3, 3, 9].map(|length| vec![0; length]).to_vec();
        let order: Vec<usize> = (0..5).collect();
        assert_eq!(batches(&order, &tokens, (256, 6)), [&[0, 1][..], &[2, 3], &[4]]);
        assert_eq!(batches(&order, &tokens, (256, 1)), [&[0][..], &[1], &[2], &[3], &[4]]);
        assert_eq!(batches(&order, &tokens, (256, 45)), [&order[..]]);
        assert_eq!(batches(&order, &tokens, (2, 45)), [&[0, 1][..], &[2, 3], &[4]]);
        assert!(batches(&[], &tokens, (256, 6)).is_empty());
    }
}
