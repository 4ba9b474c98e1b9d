//! What goes into a training file.

// Only a Parquet file reads the fields.
#![cfg_attr(not(feature = "training"), allow(dead_code))]

use crate::base::time::Timestamp;

/// One past request, as far as its rows are alike.
#[derive(Debug)]
pub(crate) struct Answer<'a> {
    /// The place of its event in the log.
    pub request: u64,
    pub user: &'a str,
    pub time: Timestamp,
    pub context: String,
    pub query: Option<&'a str>,
    /// Newest first.
    pub history: Vec<Past<'a>>,
    /// What was done with the item that was taken, and how much or how well.
    pub action: &'a str,
    pub value: Option<f64>,
}

/// One event of a history.
#[derive(Debug, Clone)]
pub(crate) struct Past<'a> {
    pub item: &'a str,
    pub action: &'a str,
    /// The model's row for the action: what it is taken for.
    pub row: &'a str,
    /// Seconds before the request.
    pub gap: f64,
}

/// One candidate of a request.
#[derive(Debug)]
pub(crate) struct Candidate<'a> {
    pub item: &'a str,
    pub taken: bool,
    /// Names of the sources that proposed it; none for an item that was taken and not proposed.
    pub sources: Vec<&'static str>,
    /// In the order of the names that the file was created with.
    pub features: &'a [f32],
}
