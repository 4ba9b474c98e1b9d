//! What every other folder builds on; it imports nothing of this crate.

pub(crate) mod error;
pub(crate) mod fork;
pub(crate) mod id;
pub(crate) mod iso;
pub mod limits;
pub(crate) mod output_path;
pub(crate) mod random;
pub(crate) mod score;
pub(crate) mod time;
pub(crate) mod watch;
