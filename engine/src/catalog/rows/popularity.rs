//! Popularity as a decayed count, in a form that needs no clock.
//!
//! Forward decay (Cormode, Shkapenyuk, Srivastava and Xu, ICDE 2009): an event at time `t` adds `exp(rate * t)` to its
//! item, and the count as of `now` is the sum times `exp(-rate * now)`. The order of items does not depend on `now`, so
//! an ordinary sorted table can hold it, and an event moves only its own item. Sums are stored as logarithms ("log
//! mass"), so that no time overflows them.

use crate::base::time::Timestamp;

/// The weight of the prior that popularity is shrunk by, in events: two views among five do not make an item of a young
/// store popular.
pub(crate) const PRIOR_WEIGHT: f64 = 20.0;

/// A half-life of popularity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Window {
    /// 1 day.
    Day,
    /// 7 days.
    Week,
    /// 90 days.
    Quarter,
    /// No decay.
    Ever,
}

impl Window {
    /// All windows, in the order in which masses are stored.
    pub(crate) const ALL: [Window; 4] = [Window::Day, Window::Week, Window::Quarter, Window::Ever];

    /// The window's position in [`Window::ALL`].
    pub(crate) fn position(self) -> usize {
        self as usize
    }

    /// The byte that names the window in keys.
    pub(crate) fn number(self) -> u8 {
        self as u8
    }

    /// Half-life in days.
    pub(crate) fn days(self) -> f64 {
        match self {
            Window::Day => 1.0,
            Window::Week => 7.0,
            Window::Quarter => 90.0,
            Window::Ever => f64::INFINITY,
        }
    }

    fn rate(self) -> f64 {
        std::f64::consts::LN_2 / (self.days() * 86_400.0)
    }

    /// The log mass of one event.
    pub(crate) fn event(self, time: Timestamp) -> f64 {
        self.rate() * time.seconds()
    }

    /// The decayed count of a log mass as of `now`; events after `now` count as if they happened now.
    pub(crate) fn count(self, mass: f64, now: Timestamp) -> f64 {
        // Capped, so that a clock far behind the events cannot make it infinite.
        (mass - self.rate() * now.seconds()).min(30.0).exp()
    }
}

/// `ln(exp(a) + exp(b))` without overflow.
pub(crate) fn add(a: f64, b: f64) -> f64 {
    let (high, low) = if a >= b { (a, b) } else { (b, a) };
    if low == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}

/// A log mass rounded down to a step of one twelfth, so that 8 % more or less change nothing.
pub(crate) fn step(mass: f64) -> f64 {
    (mass * 12.0).floor() / 12.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_halves_in_its_half_life() {
        let then = Timestamp::from_seconds(1.6e9);
        for window in Window::ALL {
            if window == Window::Ever {
                assert_eq!(window.count(window.event(then), Timestamp::MAX), 1.0);
                continue;
            }
            let later = Timestamp::from_seconds(1.6e9 + window.days() * 86_400.0);
            let twice = add(window.event(then), window.event(then));
            assert!((window.count(twice, then) - 2.0).abs() < 1e-9);
            assert!((window.count(twice, later) - 1.0).abs() < 1e-9);
        }
    }

    #[test]
    fn no_time_overflows() {
        for time in [Timestamp::MIN, Timestamp::MAX] {
            for now in [Timestamp::MIN, Timestamp::MAX] {
                assert!(Window::Week.count(Window::Week.event(time), now).is_finite());
            }
        }
    }
}
