//! Text to words. The index, the tail, the query and the filters all come through here: two analysers that differ in
//! one corner case would make an item findable in one place and not in the other.

use std::cell::Cell;

use tantivy::tokenizer::{
    AsciiFoldingFilter, LowerCaser, RemoveLongFilter, SimpleTokenizer, Stemmer, TextAnalyzer, Token, TokenStream,
};
use xxhash_rust::xxh3::xxh3_128_with_seed;

/// The name under which the analyser is registered with tantivy. A change of the analyser must change
/// [`super::stamp::TEXT_FORMAT`] too, so that indexes which were built with the old one are rebuilt.
pub(super) const ANALYSER: &str = "onelist_words";

/// Words of this many bytes and more are passed over: they are hashes and encoded blobs, not something that people
/// search for, and they would fill the dictionary.
const LONGEST_WORD: usize = 255;

thread_local! {
    /// An analyser is taken out while it is in use, so that a callback may analyse again without a double borrow.
    static SPARE: Cell<Option<TextAnalyzer>> = const { Cell::new(None) };
}

/// Splits at everything that is not alphanumeric, drops what is too long, lower-cases, folds accents, stems English.
pub(super) fn analyser() -> TextAnalyzer {
    TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(LONGEST_WORD))
        .filter(LowerCaser)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::default())
        .build()
}

/// Hands every word of the text to `each`, in order, with its place in the text, until `each` returns false.
pub(super) fn each_word(text: &str, mut each: impl FnMut(&Token) -> bool) {
    let mut analyser = SPARE.take().unwrap_or_else(analyser);
    let mut stream = analyser.token_stream(text);
    while stream.advance() {
        if !each(stream.token()) {
            break;
        }
    }
    drop(stream);
    SPARE.set(Some(analyser));
}

/// A word of a slot, as 128 bits: two words in one slot meet with a probability of 2^-128, and comparing numbers is
/// what makes the scan cheap.
pub(super) type WordHash = u128;

/// The hash of a word in a slot.
pub(super) fn word_hash(slot: u8, word: &str) -> WordHash {
    xxh3_128_with_seed(word.as_bytes(), u64::from(slot))
}

/// The words of a text as search sees them: what [`crate::api::filter::Filter::matches`] takes.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    each_word(text, |token| {
        words.push(token.text.clone());
        true
    });
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_folded_and_stemmed() {
        assert_eq!(words("Running SHOES, café-crème!"), ["run", "shoe", "cafe", "creme"]);
        assert_eq!(words("naïve 42 x\0y"), ["naiv", "42", "x", "y"]);
        assert!(words("").is_empty() && words("*(!?\u{202e}").is_empty());
    }

    #[test]
    fn a_word_without_end_is_passed_over() {
        let text = format!("before {} after", "x".repeat(1_000_000));
        assert_eq!(words(&text), ["befor", "after"]);
        assert_eq!(words(&"y".repeat(254)).len(), 1);
    }

    #[test]
    fn analysing_inside_a_callback_is_fine() {
        let mut inner = Vec::new();
        each_word("one two", |token| {
            inner.extend(words(&token.text));
            true
        });
        assert_eq!(inner, ["one", "two"]);
    }
}
