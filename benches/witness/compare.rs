//! Two files of lines side by side.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::Result;

/// Lines that are printed of a section, at most: a change of everything need not be read line by line.
const SHOWN: usize = 20;
/// Places that are printed of one answer.
const PLACES: usize = 3;

type Lines = BTreeMap<(String, String), String>;

/// Prints how many lines of each section are equal, and which are not. False when a line differs, or is in one file only,
/// in a section that is not left out.
///
/// # Errors
/// When a file cannot be read.
pub fn compare((a, b): (&Path, &Path), except: &[&str], dumps: &[PathBuf]) -> Result<bool> {
    let (a, b) = (lines(a)?, lines(b)?);
    let dumps = dumps.iter().map(|path| values(path)).collect::<Result<Vec<_>>>()?;
    let sections: BTreeSet<&String> = a.keys().chain(b.keys()).map(|(section, _)| section).collect();
    let mut same = true;
    for section in sections {
        let names: BTreeSet<_> = a.keys().chain(b.keys()).filter(|(of, _)| of == section).collect();
        let differing: Vec<_> = names.iter().filter(|name| a.get(**name) != b.get(**name)).collect();
        let left_out = except.contains(&section.as_str());
        let note = if left_out { " (left out)" } else { "" };
        println!("{section:<20} {:>5} equal {:>5} differ{note}", names.len() - differing.len(), differing.len());
        same &= left_out || differing.is_empty();
        for name in differing.iter().take(if left_out { 0 } else { SHOWN }) {
            let found = |lines: &Lines| lines.get(**name).map_or("missing".to_owned(), String::clone);
            println!("  {} {} {}", name.1, found(&a), found(&b));
            if let [a, b] = dumps.as_slice() {
                let [a, b] = [a, b].map(|values| values.get(**name).unwrap_or(&Json::Null));
                print_places(a, b);
            }
        }
    }
    Ok(same)
}

fn lines(path: &Path) -> Result<Lines> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let read = |line: &str| match line.split(' ').collect::<Vec<_>>()[..] {
        [section, name, digest] => Ok(((section.to_owned(), name.to_owned()), digest.to_owned())),
        _ => Err(format!("{}: expected `section name digest`, found `{line}`", path.display()).into()),
    };
    text.lines().map(read).collect()
}

fn values(path: &Path) -> Result<BTreeMap<(String, String), Json>> {
    let file = fs::File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let read = |line: std::io::Result<String>| {
        let mut row: Json = serde_json::from_str(&line?)?;
        let name = |key: &str| row[key].as_str().unwrap_or_default().to_owned();
        Ok(((name("section"), name("name")), row["value"].take()))
    };
    BufReader::new(file).lines().map(read).collect()
}

/// Prints the first places at which two values differ.
fn print_places(a: &Json, b: &Json) {
    let mut found = Vec::new();
    places(a, b, String::new(), &mut found);
    let more = found.len().saturating_sub(PLACES);
    found.iter().take(PLACES).for_each(|place| println!("    {place}"));
    if more > 0 {
        println!("    and {more} more");
    }
}

fn places(a: &Json, b: &Json, at: String, found: &mut Vec<String>) {
    match (a, b) {
        (Json::Object(left), Json::Object(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                places(&a[key.as_str()], &b[key.as_str()], format!("{at}.{key}"), found);
            }
        }
        (Json::Array(left), Json::Array(right)) if left.len() == right.len() => {
            for (place, (left, right)) in left.iter().zip(right).enumerate() {
                places(left, right, format!("{at}[{place}]"), found);
            }
        }
        (a, b) if a != b => found.push(format!("{at}: {} | {}", short(a), short(b))),
        _ => {}
    }
}

fn short(value: &Json) -> String {
    let text = value.to_string();
    match text.char_indices().nth(120) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_name_what_differs() {
        let mut found = Vec::new();
        let a = json!({ "hits": [{ "id": "a", "score": 1.0 }, { "id": "b" }], "more": true });
        let b = json!({ "hits": [{ "id": "a", "score": 1.5 }, { "id": "c" }], "less": true });
        places(&a, &b, String::new(), &mut found);
        let expected =
            [".hits[0].score: 1.0 | 1.5", ".hits[1].id: \"b\" | \"c\"", ".less: null | true", ".more: true | null"];
        assert_eq!(found, expected);
    }

    #[test]
    fn files_are_equal_but_for_what_is_left_out() {
        let dir = tempfile::tempdir().expect("makes a folder");
        let file = |name: &str, text: &str| {
            let path = dir.path().join(name);
            fs::write(&path, text).expect("writes");
            path
        };
        let a = file("a", "rank one 00\nrank-text one 11\n");
        let b = file("b", "rank one 00\nrank-text one 22\n");
        let c = file("c", "rank one 00\n");
        let same = |a: &Path, b: &Path, except: &[&str]| compare((a, b), except, &[]).expect("reads");
        assert!(same(&a, &a, &[]) && same(&a, &b, &["rank-text"]));
        assert!(!same(&a, &b, &[]) && !same(&a, &c, &["rank"]));
    }
}
