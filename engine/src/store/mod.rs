//! An open directory: its stores side by side, and the pinned view that requests read.
//!
//! | file | what it does |
//! |---|---|
//! | `stores` | everything that an open directory consists of |
//! | `snapshot` | the pinned view of a request: one commit of all stores |
//! | `recent`, `unapplied_events` | what changed in commits that an index, or the tables of signals, may lack |
//! | `follow_log` | bringing both indexes up to the catalog |
//! | `position`, `follower` | following the commits of another process |
//! | `progress`, `lock` | how far the writer is; waking and ending threads |
//! | `active_model`, `weights`, `tunings` | what answers requests: model, weights, adapters |
//! | `spaces`, `item_space` | the vector spaces, and the generations of that of items |
//! | `field_notes` | options of fields, and since when they are there |
//! | `items`, `event_log` | reading items, events and users back |
//! | `notices` | what an application hears of its engine |
//! | `items` | reading items back |
//! | `cooccurrence` | which of two generations of co-occurrence lists is current |
//! | `impression_queue` | impressions on their way to the writer |

pub(crate) mod active_model;
pub(crate) mod cooccurrence;
pub(crate) mod event_log;
pub(crate) mod field_notes;
pub(crate) mod follow_log;
mod follower;
pub(crate) mod impression_queue;
pub(crate) mod item_space;
pub(crate) mod items;
mod lock;
mod notices;
mod position;
mod progress;
mod recent;
pub(crate) mod snapshot;
mod spaces;
mod stores;
#[cfg(test)]
mod tests;
pub(crate) mod tunings;
pub(crate) mod unapplied_events;
pub(crate) mod weights;

pub(crate) use lock::{lock, lock_watched};
pub(crate) use notices::Notices;
pub(crate) use position::{Follower, Position};
pub(crate) use recent::RecentState;
pub(crate) use spaces::{SPACES, SpaceRow, Spaces};
pub(crate) use stores::{Opened, Stores};
