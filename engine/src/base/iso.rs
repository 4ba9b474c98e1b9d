//! Times as text (ISO 8601), and the units that a number of seconds is confused with.

/// Days before 1970-01-01 of a date in the civil calendar, negative; after it, positive (Hinnant's `days_from_civil`).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// What is left of a text that is read from its beginning.
struct Rest<'t>(&'t str);

impl<'t> Rest<'t> {
    /// The number that so many digits spell.
    fn digits(&mut self, count: usize) -> Option<i64> {
        let digits = self.0.get(..count).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        self.0 = &self.0[count..];
        digits.parse().ok()
    }

    /// Whether one of these letters comes next; then it is taken.
    fn takes(&mut self, letters: &[char]) -> bool {
        let rest = self.0.strip_prefix(letters);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    /// The milliseconds of a fraction of a second of any number of digits.
    fn fraction(&mut self) -> Option<i64> {
        let digits: &'t str = self.0.split_once(|c: char| !c.is_ascii_digit()).map_or(self.0, |(digits, _)| digits);
        self.0 = &self.0[digits.len()..];
        let three: String = digits.chars().chain("00".chars()).take(3).collect();
        if digits.is_empty() { None } else { three.parse().ok() }
    }
}

/// Milliseconds since 1970 of a date (its midnight in UTC) or a date and a time, with an offset from UTC or in UTC:
/// `2026-03-01`, `2026-03-01T12:30Z`, `2026-03-01 12:30:45.5+02:00`.
pub(crate) fn millis_from_iso(text: &str) -> Option<i64> {
    let mut rest = Rest(text.trim());
    let year = rest.digits(4)?;
    let month = rest.takes(&['-']).then(|| rest.digits(2))??;
    let day = rest.takes(&['-']).then(|| rest.digits(2))??;
    if year == 0 || !(1..=12).contains(&month) || !(1..=days_of_month(year, month)).contains(&day) {
        return None;
    }
    let midnight = days_from_civil(year, month, day) * 86_400_000;
    let within = if rest.takes(&['T', 't', ' ']) { time_of_day(&mut rest)? } else { 0 };
    rest.0.is_empty().then_some(midnight + within)
}

/// Milliseconds since midnight in UTC.
fn time_of_day(rest: &mut Rest<'_>) -> Option<i64> {
    let hour = rest.digits(2).filter(|hour| *hour < 24)?;
    let minute = rest.takes(&[':']).then(|| rest.digits(2))?.filter(|minute| *minute < 60)?;
    let mut millis = (hour * 60 + minute) * 60_000;
    if rest.takes(&[':']) {
        // A leap second is the first of the next minute.
        millis += rest.digits(2).filter(|second| *second <= 60)? * 1_000;
        millis += if rest.takes(&['.', ',']) { rest.fraction()? } else { 0 };
    }
    Some(millis - offset(rest)?)
}

/// Milliseconds that a clock is ahead of UTC.
fn offset(rest: &mut Rest<'_>) -> Option<i64> {
    if rest.takes(&['Z', 'z']) || rest.0.is_empty() {
        return Some(0);
    }
    let sign = if rest.takes(&['+']) { 1 } else { rest.takes(&['-', '\u{2212}']).then_some(-1)? };
    let hours = rest.digits(2).filter(|hours| *hours < 24)?;
    let minutes = if rest.takes(&[':']) || !rest.0.is_empty() { rest.digits(2)? } else { 0 };
    (minutes < 60).then_some(sign * (hours * 60 + minutes) * 60_000)
}

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
    fn dates_and_times_are_read_in_all_usual_forms() {
        const NOON: i64 = 1_772_366_400_000;
        for (text, millis) in [
            ("1970-01-01", 0),
            ("0001-01-01", -62_135_596_800_000),
            ("9999-12-31T23:59:59.999Z", 253_402_300_799_999),
            ("2024-02-29", 1_709_164_800_000),
            ("2000-02-29", 951_782_400_000),
            ("2026-03-01T12:00", NOON),
            ("2026-03-01T12:00:00Z", NOON),
            ("2026-03-01t12:00:00z", NOON),
            (" 2026-03-01 12:00:00 ", NOON),
            ("2026-03-01T14:00:00+02:00", NOON),
            ("2026-03-01T14:00:00+0200", NOON),
            ("2026-03-01T14+02", i64::MIN),
            ("2026-03-01T14:00+02", NOON),
            ("2026-03-01T06:30:00-05:30", NOON),
            ("2026-03-01T12:00:00.5", NOON + 500),
            ("2026-03-01T12:00:00,123456789Z", NOON + 123),
            ("2026-03-01T11:59:60Z", NOON),
        ] {
            assert_eq!(millis_from_iso(text), (millis > i64::MIN).then_some(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_none_and_no_text_panics() {
        for text in [
            "",
            "yesterday",
            "2026",
            "2026-03",
            "2026-3-1",
            "2026-13-01",
            "2026-00-01",
            "2026-02-29",
            "2026-04-31",
            "0000-01-01",
            "10000-01-01",
            "2026-03-01T",
            "2026-03-01T24:00",
            "2026-03-01T12:60",
            "2026-03-01T12:00:61",
            "2026-03-01T12:00:00.",
            "2026-03-01T12:00:00+",
            "2026-03-01T12:00:00+2",
            "2026-03-01T12:00:00+02:60",
            "2026-03-01Z",
            "2026-03-01T12:00:00Zx",
            "1772366400",
            "٢٠٢٦-03-01",
            "2026-03-01T12:00:00€",
            "-2026-03-01",
        ] {
            assert_eq!(millis_from_iso(text), None, "{text}");
        }
    }

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
