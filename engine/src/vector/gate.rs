//! Mutual exclusion of searches and builders inside a graph: any number of searches up to a limit, or builders, never both.
//!
//! usearch lets a search run beside an insertion, but takes no lock while it does: it reads neighbour lists, the entry
//! node and the top level while the insertion rewrites them, and a scan meets nodes that are counted and not yet
//! there. Most of these races are harmless and some read memory that is not a node. An insertion takes a fraction of
//! a millisecond, so the two sides simply take turns: a search waits for the insertions that run, never for a batch.
//!
//! The limit on searches is a correctness matter too: a search beyond the contexts reserved in the index is an error.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The two groups that exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// Reads the graph.
    Search = 0,
    /// Changes the graph.
    Build = 1,
}

impl Side {
    fn other(self) -> Side {
        match self {
            Side::Search => Side::Build,
            Side::Build => Side::Search,
        }
    }
}

/// A fair two-sided room.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<State>,
    admitted: [Condvar; 2],
    limits: [usize; 2],
}

#[derive(Debug)]
struct State {
    /// The side that is inside, or was last.
    side: Side,
    /// Threads inside, including those that hold a pass and have not woken up yet.
    inside: usize,
    /// Threads that wait without a pass, by side.
    waiting: [usize; 2],
    /// Passes handed out to waiting threads and not picked up yet, by side.
    passes: [usize; 2],
}

/// Leaves the gate when dropped, a panic included.
pub(super) struct Inside<'g> {
    gate: &'g Gate,
    side: Side,
}

impl Gate {
    /// A gate for at most `searches` searches at a time, and at most `builders` builders; at least 1 of each.
    pub(super) fn new(searches: usize, builders: usize) -> Gate {
        let state = State { side: Side::Search, inside: 0, waiting: [0; 2], passes: [0; 2] };
        let limits = [searches.max(1), builders.max(1)];
        Gate { state: Mutex::new(state), admitted: [Condvar::new(), Condvar::new()], limits }
    }

    /// Waits until this side may be inside.
    ///
    /// Not reentrant: a thread that is inside and enters again can wait for itself.
    pub(super) fn enter(&self, side: Side) -> Inside<'_> {
        let me = side as usize;
        let mut state = self.lock();
        // A new caller queues behind waiting threads, or one side could keep the other out for ever.
        let no_one_waits = state.waiting == [0; 2];
        if no_one_waits && (state.inside == 0 || (state.side == side && state.inside < self.limits[me])) {
            state.side = side;
            state.inside += 1;
            return Inside { gate: self, side };
        }
        state.waiting[me] += 1;
        while state.passes[me] == 0 {
            state = self.admitted[me].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        // The thread that handed out the pass has already moved this one from `waiting` to `inside`.
        state.passes[me] -= 1;
        Inside { gate: self, side }
    }

    fn leave(&self, side: Side) {
        let mut state = self.lock();
        state.inside -= 1;
        let other = side.other();
        if state.waiting[other as usize] == 0 {
            if state.waiting[side as usize] > 0 {
                self.admit(&mut state, side, 1);
            }
        } else if state.inside == 0 {
            // The other side's turn: all that wait now, not those who come while they are inside.
            let n = state.waiting[other as usize].min(self.limits[other as usize]);
            state.side = other;
            self.admit(&mut state, other, n);
        }
    }

    fn admit(&self, state: &mut State, side: Side, n: usize) {
        let at = side as usize;
        state.waiting[at] -= n;
        state.passes[at] += n;
        state.inside += n;
        if n == 1 {
            self.admitted[at].notify_one();
        } else {
            self.admitted[at].notify_all();
        }
    }

    /// No code that can panic runs under this lock, so that a poisoned state is still a consistent one.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.gate.leave(self.side);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    #[test]
    fn sides_exclude_each_other_limits_hold_and_no_side_starves() {
        let gate = Gate::new(3, 2);
        let inside = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let most = [AtomicUsize::new(0), AtomicUsize::new(0)];
        std::thread::scope(|scope| {
            for thread in 0..10 {
                let (gate, inside, most) = (&gate, &inside, &most);
                let side = if thread < 6 { Side::Search } else { Side::Build };
                scope.spawn(move || {
                    for _ in 0..2000 {
                        let guard = gate.enter(side);
                        let now = inside[side as usize].fetch_add(1, SeqCst) + 1;
                        most[side as usize].fetch_max(now, SeqCst);
                        assert_eq!(inside[side.other() as usize].load(SeqCst), 0, "both sides inside");
                        std::hint::spin_loop();
                        inside[side as usize].fetch_sub(1, SeqCst);
                        drop(guard);
                    }
                });
            }
        });
        assert!(most[0].load(SeqCst) <= 3 && most[1].load(SeqCst) <= 2, "{most:?}");
        let state = gate.lock();
        assert_eq!((state.inside, state.waiting, state.passes), (0, [0; 2], [0; 2]));
    }

    #[test]
    fn a_panic_inside_does_not_lock_the_gate() {
        let gate = Gate::new(1, 1);
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _inside = gate.enter(Side::Build);
            panic!("inside");
        }));
        assert!(panicked.is_err());
        drop(gate.enter(Side::Search));
    }
}
