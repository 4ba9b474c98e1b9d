//! What every other folder builds on; it imports nothing of this crate.

pub(crate) mod error;
pub(crate) mod fork;
pub(crate) mod id;
pub(crate) mod iso_8601;
pub mod limits;
pub(crate) mod number;
pub(crate) mod output_path;
pub(crate) mod random;
pub(crate) mod row;
pub(crate) mod score;
pub(crate) mod time;
mod time_unit;
pub(crate) mod watch;
