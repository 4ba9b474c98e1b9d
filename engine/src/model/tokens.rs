//! Text to token ids.

use std::path::Path;

use tokenizers::Tokenizer;

use crate::base::error::Result;
use crate::model::files::{Files, refused};
use crate::model::manifest::TokenizerFile;
use crate::model::output::failed;
use crate::model::runtime::no_panic;
use crate::model::wordpiece::WordPiece;

/// Characters that are read for each token that is kept. Words average five to six characters a token with the space,
/// so ordinary text reaches its last token well inside this; it bounds what one text can cost.
const CHARS_PER_TOKEN: usize = 16;

/// The tokenizer of one model.
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    /// The same for words of ASCII, when the tokenizer is of the kind that has them.
    ascii: Option<WordPiece>,
    unknown: Option<u32>,
    vocab: u32,
    max_tokens: usize,
    /// Most tokens of one run of the text tower.
    pub(super) run_tokens: usize,
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
        let TokenizerFile { max_tokens, run_tokens, .. } = files.manifest.tokenizer;
        let ascii = WordPiece::of(&tokenizer);
        Ok(Tokens { tokenizer, ascii, unknown, vocab: vocab as u32, max_tokens, run_tokens })
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
        let mut all = Vec::new();
        match &self.ascii {
            None => self.add(text, &mut all)?,
            // White space separates tokens, whatever stands on its other side: each part can go its own way.
            Some(ascii) => {
                for part in text.split([' ', '\t', '\n', '\r']).filter(|part| !part.is_empty()) {
                    match part.is_ascii() {
                        true => ascii.add(part, &mut all),
                        false => self.add(part, &mut all)?,
                    }
                }
            }
        }
        let known = all.into_iter().filter(|id| Some(*id) != self.unknown && *id < self.vocab);
        Ok(known.take(self.max_tokens).map(i64::from).collect())
    }

    /// Adds the tokens of a text, by the library.
    fn add(&self, text: &str, ids: &mut Vec<u32>) -> Result<()> {
        let encoding = no_panic(|| self.tokenizer.encode_fast(text, false))
            .and_then(|encoded| encoded.map_err(|error| error.to_string()))
            .map_err(|reason| failed(format!("tokenizer: {reason}")))?;
        ids.extend_from_slice(encoding.get_ids());
        Ok(())
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
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;
    use crate::model::files;

    #[test]
    fn cut_keeps_whole_words_and_whole_characters() {
        assert_eq!(cut("red leather", 5), "red");
        assert_eq!(cut("red leather", 11), "red leather");
        assert_eq!(cut("äöüäöü", 4), "äöüä");
        assert_eq!(cut("äöü", 3), "äöü");
    }

    /// The shipped tokenizer, and the same without the short cut.
    fn both() -> (Tokens, Tokens) {
        let read = || Tokens::new(&files::Files::read(None).expect("reads")).expect("is a tokenizer");
        let (short, mut library) = (read(), read());
        assert!(short.ascii.is_some() && library.ascii.take().is_some());
        (short, library)
    }

    #[test]
    fn the_short_cut_is_taken_for_plain_bert_only() {
        let tokenizer = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut json = serde_json::from_slice(&files::Files::read(None).expect("reads").tokenizer).expect("JSON");
            change(&mut json);
            let mut read = Tokenizer::from_bytes(json.to_string()).expect("is a tokenizer");
            read.set_encode_special_tokens(true);
            WordPiece::of(&read).is_some()
        };
        assert!(tokenizer(&|_| ()));
        assert!(!tokenizer(&|json| json["normalizer"]["lowercase"] = false.into()));
        assert!(!tokenizer(&|json| json["normalizer"]["clean_text"] = false.into()));
        assert!(!tokenizer(&|json| json["normalizer"] = serde_json::Value::Null));
        assert!(!tokenizer(&|json| json["pre_tokenizer"] = serde_json::json!({ "type": "Whitespace" })));
        assert!(!tokenizer(&|json| json["added_tokens"][4]["special"] = false.into()));
        assert!(!tokenizer(&|json| json["model"]["unk_token"] = "[NONE]".into()));
    }

    /// Ordinary words.
    const WORDS: &[&str] =
        &["the", "Shoes", "unaffable", "iPhone15", "750ml", "antidisestablishmentarianism", "zqxjk", "T-Shirt"];
    /// Pieces with something odd about each.
    const ODD: &[&str] = &[
        " ",
        "  ",
        "\t",
        "\n",
        "\r\n",
        "\u{b}",
        "\u{c}",
        "\0",
        "\u{1f}",
        "\u{7f}",
        ".",
        "'",
        "$",
        "##",
        "##ing",
        "[MASK]",
        "[UNK]",
        "[ PAD ]",
        "\u{a0}",
        "\u{3000}",
        "\u{2028}",
        "\u{85}",
        "\u{ad}",
        "\u{200b}",
        "é",
        "e\u{301}",
        "\u{301}",
        "İ",
        "ß",
        "Σ",
        "\u{212a}",
        "野",
        "口里",
        "カ",
        "한국",
        "\u{fffd}",
        "—",
        "«",
        "€",
        "😀",
        "ﬁ",
        "\u{1d400}",
    ];

    /// A piece of text.
    fn piece() -> impl Strategy<Value = String> {
        let long = (95usize..106).prop_map(|length| "a".repeat(length));
        prop_oneof![
            4 => select(WORDS).prop_map(str::to_owned),
            4 => select(ODD).prop_map(str::to_owned),
            1 => "[ -~]{0,12}",
            1 => "\\PC{0,8}",
            1 => any::<String>(),
            1 => long,
        ]
    }

    #[test]
    fn the_short_cut_gives_the_tokens_of_the_library() {
        let (short, library) = both();
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(4000));
        let texts = proptest::collection::vec((piece(), prop_oneof![Just(""), Just(" ")]), 0..14);
        let outcome = runner.run(&texts, |parts| {
            let text: String = parts.iter().flat_map(|(piece, space)| [piece.as_str(), space]).collect();
            prop_assert_eq!(short.ids(&text).expect("tokens"), library.ids(&text).expect("tokens"));
            Ok(())
        });
        outcome.expect("the same tokens");
    }
}
