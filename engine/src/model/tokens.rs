//! Text to token ids.

use std::path::Path;

use tokenizers::Tokenizer;

use crate::error::Result;
use crate::model::files::{Files, refused};
use crate::model::run::failed;
use crate::model::runtime::no_panic;

/// Characters that are read for each token that is kept. Words average five to six characters a token with the space,
/// so ordinary text reaches its last token well inside this; it bounds what one text can cost.
const CHARS_PER_TOKEN: usize = 16;

/// The tokenizer of one model.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    vocab: u32,
    max_tokens: usize,
}

impl Tokens {
    /// Reads the tokenizer, and checks that it fits the model's token table.
    ///
    /// # Errors
    /// [`crate::Error::ModelRefused`].
    pub(super) fn new(files: &Files) -> Result<Tokens> {
        let path: &Path = &files.path;
        let expected = || format!("{} as the tokenizers library writes it", files.manifest.tokenizer.file);
        let mut tokenizer = no_panic(|| Tokenizer::from_bytes(&files.tokenizer))
            .and_then(|read| read.map_err(|error| error.to_string()))
            .map_err(|found| refused(path)((expected(), found)))?;
        // Texts are cut and padded here, to shapes that fit the batch.
        tokenizer.with_truncation(None).map_err(|error| refused(path)((expected(), error.to_string())))?;
        tokenizer.with_padding(None);
        // A text that contains "[MASK]" means those six characters.
        tokenizer.set_encode_special_tokens(true);
        let vocab = files.manifest.dims.vocab;
        let found = tokenizer.get_vocab(true);
        if let Some((token, id)) = found.iter().find(|(_, id)| **id as usize >= vocab) {
            return Err(refused(path)((format!("token ids below {vocab}"), format!("{id} for `{token}`"))));
        }
        let unknown = ["[UNK]", "<unk>"].iter().find_map(|token| found.get(*token).copied());
        Ok(Tokens { tokenizer, unknown, vocab: vocab as u32, max_tokens: files.manifest.tokenizer.max_tokens })
    }

    /// The known tokens of a text, at most as many as the model reads. Empty when there is none.
    ///
    /// # Errors
    /// [`crate::Error::ModelFailed`] when the tokenizer fails.
    pub(super) fn ids(&self, text: &str) -> Result<Vec<i64>> {
        let text = cut(text, self.max_tokens.saturating_mul(CHARS_PER_TOKEN));
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let encoding = no_panic(|| self.tokenizer.encode_fast(text, false))
            .and_then(|encoded| encoded.map_err(|error| error.to_string()))
            .map_err(|reason| failed(format!("tokenizer: {reason}")))?;
        let known = encoding.get_ids().iter().filter(|id| Some(**id) != self.unknown && **id < self.vocab);
        Ok(known.take(self.max_tokens).map(|id| i64::from(*id)).collect())
    }
}

/// The first `limit` characters; a word that the cut goes through is left out when there is one before it.
fn cut(text: &str, limit: usize) -> &str {
    // A character is at least a byte, so a short text needs no counting.
    if text.len() <= limit {
        return text;
    }
    let Some((end, _)) = text.char_indices().nth(limit) else {
        return text;
    };
    let head = &text[..end];
    match head.rfind(char::is_whitespace) {
        Some(space) if space > 0 => &head[..space],
        _ => head,
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn cut_keeps_whole_words_and_whole_characters() {
        assert_eq!(cut("red leather", 5), "red");
        assert_eq!(cut("red leather", 11), "red leather");
        assert_eq!(cut("äöüäöü", 4), "äöüä");
        assert_eq!(cut("äöü", 3), "äöü");
    }
}
