//! Where the words come from: the vocabulary of the shipped tokenizer, and titles of a real shop.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::Result;

/// Shortest and longest word that is taken from the vocabulary, in letters.
const LENGTHS: std::ops::RangeInclusive<usize> = 3..=12;

/// The folder of the model that ships with the engine: both sides run these files.
pub fn model_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../engine/model")
}

/// English words, the more frequent the earlier: a WordPiece vocabulary is numbered roughly by frequency, so a Zipf
/// distribution over the places in this list looks like text.
///
/// # Errors
/// When the tokenizer cannot be read.
pub fn vocabulary() -> Result<Vec<String>> {
    let path = model_folder().join("tokenizer.json");
    let file = File::open(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let tokenizer: serde_json::Value = serde_json::from_reader(BufReader::new(file))?;
    let vocabulary = tokenizer["model"]["vocab"].as_object().ok_or("tokenizer.json has no model.vocab")?;
    let is_word = |word: &str| LENGTHS.contains(&word.len()) && word.bytes().all(|b| b.is_ascii_lowercase());
    let mut words: Vec<(u64, &String)> = vocabulary
        .iter()
        .filter(|(word, _)| is_word(word))
        .filter_map(|(word, id)| Some((id.as_u64()?, word)))
        .collect();
    words.sort_unstable();
    Ok(words.into_iter().map(|(_, word)| word.clone()).collect())
}

/// The titles of the retail data set; `None` when its folder is not there.
///
/// # Errors
/// When the file is there and is not gzipped JSON lines with a `title`.
pub fn retail_titles(data: &Path) -> Result<Option<Vec<String>>> {
    let path = data.join("retail/items.jsonl.gz");
    if !path.exists() {
        return Ok(None);
    }
    let lines = BufReader::new(flate2::read::GzDecoder::new(File::open(&path)?)).lines();
    let mut titles = Vec::new();
    for line in lines {
        let row: serde_json::Value = serde_json::from_str(&line?)?;
        let title = row["title"].as_str().ok_or_else(|| format!("{}: a row without a title", path.display()))?;
        titles.push(title.to_owned());
    }
    if titles.is_empty() {
        return Err(format!("{}: no rows", path.display()).into());
    }
    Ok(Some(titles))
}
