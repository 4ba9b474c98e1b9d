//! Training files: rows of past requests as Parquet, written in bounded memory.
//!
//! | file | what it does |
//! |---|---|
//! | `columns` | the columns of a row group, filled row by row |
//! | `file` | the file: schema, row groups, and its name once it is whole |

mod columns;
mod file;

pub(crate) use file::{Answer, Candidate, Past, TrainingFile};
