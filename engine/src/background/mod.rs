//! Work that no caller waits for.
//!
//! | file | what it does |
//! |---|---|
//! | `maintenance` | the three threads: following the log with both indexes, and what is fitted to it |
//! | `cooccurrence` | which items the same people have, rebuilt from the whole log |
//! | `retention` | removing the events that the configuration does not keep |
//! | `fit_space/` | fitting the vector space to the catalog, and moving every item into another space |
//! | `verify` | counting signals from the log, comparing vectors with their lists |

pub(crate) mod cooccurrence;
pub(crate) mod fit_space;
mod maintenance;
pub(crate) mod retention;
pub(crate) mod verify;

pub(crate) use maintenance::Maintenance;
