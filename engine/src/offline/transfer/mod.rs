//! The whole store as files that other programs read, and from them an equal store.
//!
//! | file | what it does |
//! |---|---|
//! | `lines` | what a line of each file holds |
//! | `sheet` | one file: lines written and read, as JSON lines or Parquet |
//! | `manifest` | what an export consists of |
//! | `place` | the folder: nothing else is replaced, and it has its name once it is whole |
//! | `export`, `import` | from a store, and into one |

mod export;
mod import;
mod lines;
mod manifest;
mod place;
mod sheet;

pub(crate) use export::export;
pub(crate) use import::import;
