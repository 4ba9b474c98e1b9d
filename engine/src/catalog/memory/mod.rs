//! What a catalog keeps in memory.
//!
//! | file | what it does |
//! |---|---|
//! | `failed_commits` | numbers that failed commits had, which are not given again |
//! | `prefetch` | asks for memory before it is read |
//! | `slot_table` | slots for values of one length: their memory, and how one is changed while it is read |
//! | `versioned_slots` | values by item, each valid from one transaction on |
//! | `slot_values` | the values in slots: the state of an item, and a vector |
//! | `scratch_buffer` | lists of neighbours that a scratch copy writes late |

pub(super) mod failed_commits;
pub(super) mod prefetch;
pub(super) mod scratch_buffer;
pub(super) mod slot_table;
pub(super) mod slot_values;
pub(super) mod versioned_slots;
