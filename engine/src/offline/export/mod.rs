//! Training files: rows of past requests as Parquet, written in bounded memory.
//!
//! | file | what it does |
//! |---|---|
//! | `row` | a past request and its candidates, as they go into a file |
//! | `columns` | the columns of a row group, filled row by row |
//! | `file` | the file: schema, row groups, and its name once it is whole |
//! | `column_kind`, `sheet_file` | files of an exported store: lines of JSON as rows |
//! | `absent` | in their place without the feature `training` |

#[cfg(not(feature = "training"))]
mod absent;
mod column_kind;
#[cfg(feature = "training")]
mod columns;
#[cfg(feature = "training")]
mod file;
mod row;
#[cfg(feature = "training")]
mod sheet_file;

#[cfg(not(feature = "training"))]
pub(crate) use absent::{SheetFile, SheetRows, TrainingFile};
pub(crate) use column_kind::Kind;
#[cfg(feature = "training")]
pub(crate) use file::TrainingFile;
pub(crate) use row::{Answer, Candidate, Past};
#[cfg(feature = "training")]
pub(crate) use sheet_file::{SheetFile, SheetRows};
