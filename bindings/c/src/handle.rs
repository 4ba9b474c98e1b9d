//! Handles: what C holds is a number in the shape of a pointer, which is looked up and never followed.
//!
//! A handle is a slot of a table and the slot's generation. Closing a handle moves its slot to the next generation, so a
//! handle that was closed, also through another copy of it, is found out for ever, and so is a pointer that never was a
//! handle (unless its bits happen to equal those of an open one).

use std::sync::{Arc, PoisonError, RwLock};

use onelist::{Engine, Error, Result};

/// An open engine. Opaque: the pointer is a handle, not an address.
pub struct OnelistEngine {
    _opaque: (),
}

const SLOT_BITS: u32 = 12;
const MAX_SLOTS: usize = 1 << SLOT_BITS;
/// A slot that has reached this generation is not used again, rather than starting over with handles that were given out.
const MAX_GENERATION: usize = usize::MAX >> SLOT_BITS;

static ENGINES: RwLock<Table<Engine>> = RwLock::new(Table::new());

/// Keeps the engine and gives a handle for it, which is never null.
///
/// # Errors
/// [`Error::LimitExceeded`] when 4096 engines are open.
pub(crate) fn insert(engine: Engine) -> Result<*mut OnelistEngine> {
    let mut engines = ENGINES.write().unwrap_or_else(PoisonError::into_inner);
    engines.insert(engine).map(std::ptr::without_provenance_mut)
}

/// The engine of a handle. It stays alive while the answer is held, also when another thread closes the handle.
///
/// # Errors
/// [`Error::Closed`] for a handle that was closed, [`Error::InvalidArgument`] for what never was a handle.
pub(crate) fn find(handle: *mut OnelistEngine) -> Result<Arc<Engine>> {
    ENGINES.read().unwrap_or_else(PoisonError::into_inner).find(handle.addr())
}

/// Takes the engine out of the table: from now on the handle is a closed one.
///
/// # Errors
/// Those of [`find`].
pub(crate) fn remove(handle: *mut OnelistEngine) -> Result<Arc<Engine>> {
    ENGINES.write().unwrap_or_else(PoisonError::into_inner).remove(handle.addr())
}

struct Slot<T> {
    /// From 1, so that no handle is zero.
    generation: usize,
    value: Option<Arc<T>>,
}

struct Table<T> {
    slots: Vec<Slot<T>>,
}

impl<T> Table<T> {
    const fn new() -> Self {
        Table { slots: Vec::new() }
    }

    fn insert(&mut self, value: T) -> Result<usize> {
        let free = self.slots.iter().position(|slot| slot.value.is_none() && slot.generation < MAX_GENERATION);
        let index = free.unwrap_or(self.slots.len());
        if index == MAX_SLOTS {
            let limit = MAX_SLOTS as u64;
            return Err(Error::LimitExceeded { what: "open engines", limit, found: limit + 1 });
        }
        if free.is_none() {
            self.slots.push(Slot { generation: 1, value: None });
        }
        let slot = &mut self.slots[index];
        slot.value = Some(Arc::new(value));
        Ok(slot.generation << SLOT_BITS | index)
    }

    fn find(&self, handle: usize) -> Result<Arc<T>> {
        let slot = self.slots.get(handle % MAX_SLOTS);
        let generation = handle >> SLOT_BITS;
        match slot {
            Some(Slot { generation: open, value: Some(value) }) if *open == generation => Ok(Arc::clone(value)),
            Some(Slot { generation: next, .. }) if (1..*next).contains(&generation) => Err(Error::Closed),
            _ => Err(Error::InvalidArgument {
                what: "engine".to_owned(),
                expected: "a handle from onelist_open".to_owned(),
                found: if handle == 0 { "NULL".to_owned() } else { "a pointer that is none".to_owned() },
            }),
        }
    }

    fn remove(&mut self, handle: usize) -> Result<Arc<T>> {
        let value = self.find(handle)?;
        let slot = &mut self.slots[handle % MAX_SLOTS];
        slot.generation += 1;
        slot.value = None;
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_handle_is_told_from_one_that_never_was() {
        let mut table = Table::new();
        let first = table.insert("first").expect("fits");
        assert_eq!(*table.find(first).expect("open"), "first");
        assert_eq!(*table.remove(first).expect("open"), "first");
        assert_eq!(table.remove(first).expect_err("twice").name(), "Closed");

        // The slot is used again; the old handle does not reach the new engine.
        let second = table.insert("second").expect("fits");
        assert_eq!((first % MAX_SLOTS, *table.find(second).expect("open")), (second % MAX_SLOTS, "second"));
        assert_eq!(table.find(first).expect_err("stale").name(), "Closed");
        for garbage in [0, 1, 4096 - 1, second + 1, second + MAX_SLOTS, usize::MAX] {
            assert_eq!(table.find(garbage).expect_err("garbage").name(), "InvalidArgument");
        }
    }

    #[test]
    fn slots_run_out_with_an_error_and_are_retired_at_the_end() {
        let mut table = Table::new();
        let handles: Vec<usize> = (0..MAX_SLOTS).map(|i| table.insert(i).expect("fits")).collect();
        assert_eq!(table.insert(0).expect_err("full").name(), "LimitExceeded");
        table.slots[7].generation = MAX_GENERATION - 1;
        table.remove((MAX_GENERATION - 1) << SLOT_BITS | 7).expect("open");
        assert_eq!(table.insert(0).expect_err("slot 7 is retired").name(), "LimitExceeded");
        table.remove(handles[9]).expect("open");
        assert_eq!(table.insert(0).expect("slot 9 is free") % MAX_SLOTS, 9);
    }
}
