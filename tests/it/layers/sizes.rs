//! How long files, functions, bindings and tests are.
//!
//! A *code line* is neither empty nor comment alone; a docstring of Python is a comment. *Test lines* are the code lines of
//! `tests/`, of `bindings/*/tests/`, and of what is compiled for tests only in the engine and the bindings. They are
//! compared with the code lines of everything that ships: the engine, the Rust of the bindings, and the Python packages.
//! Benches, examples, scripts and the C header, which is generated, are neither.

use std::path::Path;

use super::files;
use super::tree::{Sources, Tree};

const FILES_AT_THE_TOP: usize = 10;
/// Median, ninth decile and maximum.
const LINES_OF_A_FILE: [usize; 3] = [120, 260, 500];
const LINES_OF_A_FUNCTION: [usize; 3] = [25, 25, 80];
const LINES_OF_A_BINDING: usize = 600;
const TEST_LINES_PER_CODE_LINE: f64 = 0.6;

/// What is too long in `engine/src`.
pub fn of_engine(sources: &Sources) -> Vec<String> {
    let tree = Tree::read(sources);
    let mut problems = Vec::new();
    for (file, _) in sources.iter().filter(|(_, text)| !text.starts_with("//!")) {
        problems.push(format!("{file} does not open with what it is for"));
    }
    let top = sources.keys().filter(|file| !file.contains('/')).count();
    if top > FILES_AT_THE_TOP {
        problems.push(format!("{top} files directly in engine/src, at most {FILES_AT_THE_TOP}"));
    }
    let shipped = sources.iter().filter(|(file, _)| !tree.test_files.contains(*file));
    let lines = |file: &str, text: &str| (1..=text.lines().count()).filter(|line| !tree.is_test(file, *line)).count();
    let files = shipped.map(|(file, text)| (lines(file, text), file.clone())).collect();
    problems.extend(compare("lines of a file", files, LINES_OF_A_FILE));
    let functions = tree.functions.iter().map(|one| (one.lines, format!("{}:{} {}", one.file, one.line, one.name)));
    problems.extend(compare("lines of a function", functions.collect(), LINES_OF_A_FUNCTION));
    problems
}

/// Compares the median, the ninth decile and the maximum of lengths with what is allowed.
fn compare(what: &str, mut lengths: Vec<(usize, String)>, most: [usize; 3]) -> Vec<String> {
    lengths.sort();
    let last = lengths.len().saturating_sub(1);
    let mut problems = Vec::new();
    for (name, at, most) in [("median", last / 2, most[0]), ("p90", last * 9 / 10, most[1]), ("max", last, most[2])] {
        let length = lengths.get(at).map_or(0, |(length, _)| *length);
        println!("{what}, {name}: {length} of {most}");
        if length > most {
            let over = lengths.iter().rev().take_while(|(length, _)| *length > most);
            let over: String = over.take(20).map(|(length, place)| format!("\n    {length} {place}")).collect();
            problems.push(format!("{what}, {name}: {length}, at most {most}{over}"));
        }
    }
    problems
}

/// The bindings whose Rust is too long.
pub fn of_bindings(repository: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    for binding in ["python", "c"] {
        let sources = files(&repository.join("bindings").join(binding).join("src"), &["rs"]);
        let [_, code] = test_and_code(&sources);
        println!("bindings/{binding}/src: {code} code lines of {LINES_OF_A_BINDING}");
        if code > LINES_OF_A_BINDING {
            problems.push(format!("bindings/{binding}/src: {code} code lines, at most {LINES_OF_A_BINDING}"));
        }
    }
    problems
}

/// What tests are missing, as a number of lines.
pub fn of_tests(repository: &Path, engine: &Sources) -> Vec<String> {
    let mut counted = vec![("engine", test_and_code(engine))];
    counted.push(("tests", [code_lines(&files(&repository.join("tests"), &["rs"])), 0]));
    let all = files(&repository.join("bindings"), &["rs", "py", "c", "h"]);
    let (tests, rest): (Sources, Sources) = all.into_iter().partition(|(file, _)| file.contains("/tests/"));
    counted.push(("bindings, tests", [code_lines(&tests), 0]));
    let (rust, other): (Sources, Sources) = rest.into_iter().partition(|(file, _)| file.ends_with(".rs"));
    for binding in ["python", "c"] {
        let sources = rust.iter().filter_map(|(file, text)| {
            Some((file.strip_prefix(binding)?.strip_prefix("/src/")?.to_owned(), text.clone()))
        });
        counted.push((binding, test_and_code(&sources.collect())));
    }
    let python = other.into_iter().filter(|(file, _)| file.ends_with(".py")).collect();
    counted.push(("Python", [0, code_lines(&python)]));
    for (what, [test, code]) in &counted {
        println!("{what}: {test} test lines, {code} code lines");
    }
    let [test, code] = counted.iter().fold([0, 0], |sum, (_, lines)| [sum[0] + lines[0], sum[1] + lines[1]]);
    let ratio = test as f64 / code as f64;
    println!("{test} test lines / {code} code lines = {ratio:.3}, at least {TEST_LINES_PER_CODE_LINE}");
    let short =
        (ratio < TEST_LINES_PER_CODE_LINE).then(|| format!("{test} test lines / {code} code lines = {ratio:.3}"));
    short.into_iter().collect()
}

/// The code lines of a crate: those compiled for tests only, and the others.
fn test_and_code(sources: &Sources) -> [usize; 2] {
    let tree = Tree::read(sources);
    let mut sum = [0, 0];
    for (file, text) in sources {
        for line in code(text) {
            sum[usize::from(!tree.is_test(file, line))] += 1;
        }
    }
    sum
}

fn code_lines(sources: &Sources) -> usize {
    sources.values().map(|text| code(text).len()).sum()
}

/// The numbers of the code lines of a text in Rust, C or Python.
fn code(text: &str) -> Vec<usize> {
    let mut until = None;
    let mut found = Vec::new();
    for (at, line) in text.lines().map(str::trim).enumerate() {
        let opened = [("/*", "*/"), ("\"\"\"", "\"\"\"")].into_iter().find(|(opens, _)| line.starts_with(opens));
        match (until, opened) {
            (Some(end), _) => until = (!line.contains(end)).then_some(end),
            (None, Some((opens, end))) => until = (!line[opens.len()..].contains(end)).then_some(end),
            (None, None) if line.is_empty() || line.starts_with("//") || line == "#" || line.starts_with("# ") => {}
            (None, None) => found.push(at + 1),
        }
    }
    found
}

#[test]
fn comments_and_empty_lines_are_no_code() {
    assert_eq!(code("//! a\n\nfn f() {} // b\n/* c\n * d\n */\n*p = 1;\n"), [3, 7]);
    assert_eq!(code("\"\"\"a\n\nb\n\"\"\"\nx = 1\n# c\n\"\"\"d\"\"\"\n#[cfg(test)]\n"), [5, 8]);
}
