//! Units that a number of seconds is confused with.

/// The unit in which a number is most likely meant that is too large as seconds, with the seconds that it then says.
pub(crate) fn suspected_unit(number: f64) -> Option<(&'static str, f64)> {
    // From 1971 to 2199: what a log is likely to hold.
    let is_usual = |seconds: &f64| (31_536_000.0..7.26e9).contains(seconds);
    let units = [("milliseconds", 1e3), ("microseconds", 1e6), ("nanoseconds", 1e9)];
    units.into_iter().map(|(unit, factor)| (unit, number / factor)).find(|(_, seconds)| is_usual(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_is_suspected_where_it_gives_a_usual_time() {
        for (number, wanted) in [
            (1.7e12, Some(("milliseconds", 1.7e9))),
            (1.7e15, Some(("microseconds", 1.7e9))),
            (1.7e18, Some(("nanoseconds", 1.7e9))),
            (1e11, Some(("milliseconds", 1e8))),
            (1e300, None),
            (f64::NAN, None),
            (f64::INFINITY, None),
        ] {
            assert_eq!(suspected_unit(number), wanted, "{number}");
        }
    }
}
