//! Decayed counts whose sums do not depend on the order of adding.
//!
//! By forward decay (`popularity`) an event at time `t` adds `weight * 2^(t / half-life)`. As floating-point numbers, or as
//! logarithms of them, such sums differ in the last digits with the order of adding; as whole numbers they are exact, so
//! that events which arrive late leave the very state that they would have left in time.

use std::f64::consts::LN_2;

use serde::{Deserialize, Serialize};

use crate::base::time::Timestamp;

use super::popularity::Window;

/// Bits of a count below its exponent. An event that is 56 half-lives older than the newest one still counts in full, and
/// there is room for 2^32 events of one half-life.
const FRACTION: u32 = 96;
/// Bits of the weight of one event.
const EVENT: u32 = 40;
/// Bits that are left out where counts are compared and read: those that very old events may have rounded.
const NOISE: u32 = 48;

/// A decayed count: `units * 2^(exponent - 96)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Mass {
    units: u128,
    exponent: i32,
}

impl Mass {
    /// One event.
    pub(crate) fn event(window: Window, time: Timestamp, weight: f32) -> Mass {
        // Without decay this is zero.
        let half_lives = time.seconds() / (window.days() * 86_400.0);
        let exponent = half_lives.floor();
        let growth = (half_lives - exponent).exp2();
        let units = (f64::from(weight) * growth * (1u64 << EVENT) as f64).round() as u128;
        Mass { units: units << (FRACTION - EVENT), exponent: exponent as i32 }
    }

    /// The sum of both.
    pub(crate) fn plus(self, other: Mass) -> Mass {
        if self.units == 0 || other.units == 0 {
            return if self.units == 0 { other } else { self };
        }
        let (high, low) = if self.exponent >= other.exponent { (self, other) } else { (other, self) };
        let older = low.units.checked_shr(high.exponent.abs_diff(low.exponent)).unwrap_or(0);
        Mass { units: high.units.saturating_add(older), exponent: high.exponent }
    }

    /// The natural logarithm of the count; minus infinity for none.
    pub(crate) fn ln(self) -> f64 {
        let units = (self.units >> NOISE) as f64 / (1u64 << (FRACTION - NOISE)) as f64;
        units.ln() + f64::from(self.exponent) * LN_2
    }

    /// The count with this logarithm, as older versions stored it.
    pub(crate) fn from_ln(ln: f64) -> Mass {
        if !ln.is_finite() {
            return Mass::default();
        }
        let powers = ln / LN_2;
        let exponent = powers.floor();
        let units = ((powers - exponent).exp2() * (1u64 << (FRACTION - NOISE)) as f64).round() as u128;
        Mass { units: units << NOISE, exponent: exponent as i32 }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn event(window: Window, days: f64, weight: f32) -> Mass {
        Mass::event(window, Timestamp::from_seconds(days * 86_400.0), weight)
    }

    #[test]
    fn an_event_halves_in_its_half_life() {
        for window in Window::ALL {
            let days = if window == Window::Ever { 9.0 } else { window.days() };
            let twice = event(window, 20_000.0, 1.0).plus(event(window, 20_000.0, 1.0));
            let later = event(window, 20_000.0 + days, 1.0);
            let wanted = if window == Window::Ever { LN_2 } else { 0.0 };
            assert!((twice.ln() - later.ln() - wanted).abs() < 1e-10, "{window:?}");
        }
        assert_eq!(event(Window::Ever, 20_000.0, 1.0).ln(), 0.0);
        assert_eq!(Mass::default().ln(), f64::NEG_INFINITY);
    }

    #[test]
    fn a_logarithm_of_an_older_version_is_taken_over() {
        for ln in [0.0, -3.25, 13_655.123, 1e6, -1e6, 0.5f64.ln()] {
            assert!((Mass::from_ln(ln).ln() - ln).abs() <= 1e-9 * (1.0 + ln.abs() * 1e-6), "{ln}");
        }
        for none in [f64::NEG_INFINITY, f64::NAN, f64::INFINITY] {
            assert_eq!(Mass::from_ln(none), Mass::default());
        }
    }

    #[test]
    fn no_time_and_no_number_of_events_overflows() {
        for window in Window::ALL {
            for time in [Timestamp::MIN, Timestamp::MAX] {
                let mut mass = Mass::event(window, time, 100.0);
                for _ in 0..200 {
                    mass = mass.plus(mass);
                }
                assert!(mass.ln().is_finite(), "{window:?}");
                let both = Mass::event(window, Timestamp::MIN, 1.0).plus(Mass::event(window, Timestamp::MAX, 1.0));
                assert!(both.ln() >= Mass::event(window, Timestamp::MAX, 1.0).ln());
            }
        }
    }

    proptest! {
        #[test]
        fn a_sum_is_the_same_in_any_order(
            (events, shuffled) in prop::collection::vec((0.0f64..50.0, 0.01f32..100.0), 1..60)
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
        ) {
            for window in Window::ALL {
                let sum = |events: &[(f64, f32)]| {
                    events.iter().fold(Mass::default(), |sum, (day, weight)| sum.plus(event(window, 20_000.0 + day, *weight)))
                };
                prop_assert_eq!(sum(&events), sum(&shuffled));
                let halves = events.split_at(events.len() / 2);
                prop_assert_eq!(sum(halves.0).plus(sum(halves.1)), sum(&events));
            }
        }

        #[test]
        fn over_years_a_sum_reads_the_same_in_any_order(
            (events, shuffled) in prop::collection::vec(0.0f64..9_000.0, 1..60)
                .prop_flat_map(|events| (Just(events.clone()), Just(events).prop_shuffle()))
        ) {
            for window in Window::ALL {
                let sum = |events: &[f64]| {
                    events.iter().fold(Mass::default(), |sum, day| sum.plus(event(window, 11_000.0 + day, 1.0)))
                };
                prop_assert_eq!(sum(&events).ln().to_bits(), sum(&shuffled).ln().to_bits());
            }
        }
    }
}
