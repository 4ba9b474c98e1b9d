//! Commit and date of a measurement.

use std::process::Command;

use time::OffsetDateTime;

/// What is measured: a change elsewhere in the repository changes no figure.
const MEASURED: [&str; 5] = ["Cargo.toml", "Cargo.lock", "engine", "benches/quality", "examples/demo/movielens.rs"];

/// Where figures come from.
#[derive(Debug, Clone)]
pub struct Provenance {
    /// The commit, with a remark when the working tree differs from it.
    pub commit: String,
    /// The day in UTC, as 2026-01-31.
    pub date: String,
}

impl Provenance {
    /// Of the working tree, as it is now.
    pub fn now() -> Provenance {
        let commit = git(&["rev-parse", "--short", "HEAD"]);
        let changes = git(&[&["status", "--porcelain", "--"], &MEASURED[..]].concat());
        let commit = match (commit, changes.as_deref()) {
            (Some(commit), Some("")) => format!("`{commit}`"),
            (Some(commit), _) => format!("`{commit}` with local changes"),
            (None, _) => "unknown".to_owned(),
        };
        Provenance { commit, date: OffsetDateTime::now_utc().date().to_string() }
    }
}

/// What git answers in this repository; `None` without git or a repository.
fn git(arguments: &[&str]) -> Option<String> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let output = Command::new("git").args(["-C", root]).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}
