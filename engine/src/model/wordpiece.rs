//! WordPiece over ASCII words, for tokenizers that are plain BERT.
//!
//! The tokenizers library keeps offsets, alignments and a string for every piece, none of which is used here, and takes
//! six times as long. This follows its `BertNormalizer`, `BertPreTokenizer` and `WordPiece` for ASCII, where normalising
//! means dropping control characters and lower-casing. Whatever is not ASCII stays with the library, word by word, and so
//! does every tokenizer of another kind. A property test holds the two together.

use std::collections::HashMap;

use tokenizers::{ModelWrapper, NormalizerWrapper, PreTokenizerWrapper, Tokenizer};

/// The ASCII part of a vocabulary.
pub(super) struct WordPiece {
    /// Tokens that a word can start with, or be.
    starts: HashMap<Box<[u8]>, u32>,
    /// Tokens that go on with a word, without their prefix.
    rests: HashMap<Box<[u8]>, u32>,
    /// The most bytes of a key of either.
    longest: usize,
    /// Words of more characters than this are unknown.
    longest_word: usize,
    /// The token of unknown words.
    unknown: u32,
}

impl WordPiece {
    /// The same pieces as this tokenizer's; `None` when it is not plain, uncased BERT.
    pub(super) fn of(tokenizer: &Tokenizer) -> Option<WordPiece> {
        let ModelWrapper::WordPiece(model) = tokenizer.get_model() else { return None };
        let Some(NormalizerWrapper::BertNormalizer(normalizer)) = tokenizer.get_normalizer() else { return None };
        let Some(PreTokenizerWrapper::BertPreTokenizer(_)) = tokenizer.get_pre_tokenizer() else { return None };
        // A special token in a text is text (`set_encode_special_tokens`); any other added token would be cut out.
        let only_special = tokenizer.get_added_tokens_decoder().values().all(|token| token.special);
        let plain = normalizer.clean_text && normalizer.lowercase && only_special;
        let bare = tokenizer.get_post_processor().is_none() && tokenizer.get_encode_special_tokens();
        if !plain || !bare {
            return None;
        }
        let vocabulary = tokenizers::Model::get_vocab(model);
        let unknown = *vocabulary.get(&model.unk_token)?;
        let (mut starts, mut rests, mut longest) = (HashMap::new(), HashMap::new(), 0);
        for (token, id) in vocabulary.iter().filter(|(token, _)| token.is_ascii()) {
            longest = longest.max(token.len());
            starts.insert(token.as_bytes().into(), *id);
            if let Some(rest) = token.strip_prefix(&model.continuing_subword_prefix) {
                rests.insert(rest.as_bytes().into(), *id);
            }
        }
        Some(WordPiece { starts, rests, longest, longest_word: model.max_input_chars_per_word, unknown })
    }

    /// Adds the tokens of a text that is ASCII and has no white space.
    pub(super) fn add(&self, text: &str, ids: &mut Vec<u32>) {
        let kept = text.bytes().filter(|byte| !byte.is_ascii_control());
        let clean: Vec<u8> = kept.map(|byte| byte.to_ascii_lowercase()).collect();
        // Each mark of punctuation is a word of its own.
        for word in clean.chunk_by(|a, b| !a.is_ascii_punctuation() && !b.is_ascii_punctuation()) {
            self.add_word(word, ids);
        }
    }

    /// Greedily the longest token first; a word that cannot be put together is unknown as a whole.
    fn add_word(&self, word: &[u8], ids: &mut Vec<u32>) {
        let (before, mut start) = (ids.len(), 0);
        while word.len() <= self.longest_word && start < word.len() {
            let tokens = if start == 0 { &self.starts } else { &self.rests };
            let ends = (start + 1..=word.len().min(start + self.longest)).rev();
            let found = ends.into_iter().find_map(|end| Some((end, *tokens.get(&word[start..end])?)));
            let Some((end, id)) = found else { break };
            ids.push(id);
            start = end;
        }
        if start < word.len() {
            ids.truncate(before);
            ids.push(self.unknown);
        }
    }
}
