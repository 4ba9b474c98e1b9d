//! Dates and times as ISO 8601 writes them.

use super::time::Timestamp;

impl Timestamp {
    /// Reads a calendar date, alone (its midnight in UTC) or with a time: `2026-01-05`, `2026-01-05T10:00`,
    /// `2026-01-05 10:00:00.25Z`, `2026-01-05T10:00:00+01:00`, or all of it without separators. A time without a zone is in
    /// UTC; what is finer than a millisecond is cut off. None for anything else.
    ///
    /// ```
    /// # use onelist::Timestamp;
    /// assert_eq!(Timestamp::parse("1970-01-01T01:00:01.5+01:00"), Some(Timestamp::from_millis(1_500)));
    /// assert_eq!(Timestamp::parse("next Tuesday"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Timestamp> {
        let mut read = Read { left: text.trim().as_bytes(), separated: true };
        let days = read.date()?;
        let millis = if read.left.is_empty() { 0 } else { read.time_of_day()? };
        let millis = days.checked_mul(86_400_000)?.checked_add(millis)?;
        let inside = read.left.is_empty() && (Timestamp::MIN.millis()..=Timestamp::MAX.millis()).contains(&millis);
        inside.then(|| Timestamp::from_millis(millis))
    }

    /// The time as [`Timestamp::parse`] reads it, in UTC: `2026-01-05T10:00:00.250Z`.
    pub fn to_iso_8601(self) -> String {
        let of_day = self.millis().rem_euclid(86_400_000);
        let (hour, minute, second) = (of_day / 3_600_000, of_day / 60_000 % 60, of_day / 1000 % 60);
        format!("{}T{hour:02}:{minute:02}:{second:02}.{:03}Z", self.date(), of_day % 1000)
    }
}

/// What is left of a text.
struct Read<'t> {
    left: &'t [u8],
    /// Whether the parts are separated, by `-` and `:`.
    separated: bool,
}

impl Read<'_> {
    /// Days since 1970.
    fn date(&mut self) -> Option<i64> {
        let year = self.digits(4)?;
        self.separated = self.takes(b"-");
        let month = self.digits(2)?;
        if self.separated && !self.takes(b"-") {
            return None;
        }
        let day = self.digits(2)?;
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let longest = match month {
            2 => 28 + i64::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        (year > 0 && (1..=longest).contains(&day)).then(|| days_from_civil(year, month, day))
    }

    /// Milliseconds since midnight in UTC, which a zone can put before it or after the next one.
    fn time_of_day(&mut self) -> Option<i64> {
        if !self.takes(b"Tt ") {
            return None;
        }
        let (hour, minute) = (self.digits(2)?, if self.goes_on() { self.digits(2)? } else { return None });
        let second = if self.goes_on() { self.digits(2)? } else { 0 };
        let millis = if self.takes(b".,") { self.fraction()? } else { 0 };
        // 60 is a leap second, 24:00 the midnight after.
        let midnight = hour == 24 && (minute, second, millis) == (0, 0, 0);
        if (hour > 23 && !midnight) || minute > 59 || second > 60 {
            return None;
        }
        Some(((hour * 60 + minute) * 60 + second) * 1000 + millis - self.zone()? * 60_000)
    }

    /// Minutes east of UTC.
    fn zone(&mut self) -> Option<i64> {
        let sign = match self.left.first() {
            None => return Some(0),
            Some(b'Z' | b'z') => {
                self.left = &self.left[1..];
                return Some(0);
            }
            Some(b'+') => 1,
            Some(b'-') => -1,
            Some(_) => return None,
        };
        self.left = &self.left[1..];
        let hours = self.digits(2)?;
        self.takes(b":");
        let minutes = if self.left.is_empty() { 0 } else { self.digits(2)? };
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
    }

    /// Whether a further part of a time follows.
    fn goes_on(&mut self) -> bool {
        if self.separated { self.takes(b":") } else { self.left.first().is_some_and(u8::is_ascii_digit) }
    }

    /// The digits of a fraction of a second, as milliseconds.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.left.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, rest) = self.left.split_at(length);
        self.left = rest;
        let first_three = digits.iter().copied().chain([b'0', b'0']).take(3);
        (length > 0).then(|| first_three.fold(0, |millis, digit| millis * 10 + i64::from(digit - b'0')))
    }

    fn digits(&mut self, count: usize) -> Option<i64> {
        let (digits, rest) = self.left.split_at_checked(count)?;
        let number = digits
            .iter()
            .try_fold(0, |number, digit| digit.is_ascii_digit().then(|| number * 10 + i64::from(digit - b'0')))?;
        self.left = rest;
        Some(number)
    }

    fn takes(&mut self, any_of: &[u8]) -> bool {
        match self.left.split_first() {
            Some((first, rest)) if any_of.contains(first) => {
                self.left = rest;
                true
            }
            _ => false,
        }
    }
}

/// Days since 1970 of a civil date, after Hinnant's `days_from_civil`.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn millis(text: &str) -> Option<i64> {
        Timestamp::parse(text).map(Timestamp::millis)
    }

    #[test]
    fn the_usual_forms_are_read() {
        let ten = 1_767_607_200_000;
        for same in [
            "2026-01-05T10:00",
            "2026-01-05 10:00:00",
            "2026-01-05T10:00:00Z",
            "2026-01-05t10:00:00.000z",
            "2026-01-05T11:00:00+01:00",
            "2026-01-05T11:00+01",
            "2026-01-05T02:30:00-0730",
            "20260105T100000Z",
            "20260105T1000",
            " 2026-01-05T10:00:00,000 ",
            "2026-01-05T10:00:00.0009",
        ] {
            assert_eq!(millis(same), Some(ten), "{same}");
        }
        assert_eq!((millis("2026-01-05"), millis("20260105")), (Some(ten - 36_000_000), Some(ten - 36_000_000)));
        assert_eq!((millis("1970-01-01"), millis("1969-12-31T24:00")), (Some(0), Some(0)));
        assert_eq!((millis("2024-02-29"), millis("1970-01-01T00:00:00.25")), (Some(1_709_164_800_000), Some(250)));
        assert_eq!(Timestamp::parse("0001-01-01"), Some(Timestamp::MIN));
        assert_eq!(Timestamp::parse("9999-12-31T23:59:59.999Z"), Some(Timestamp::MAX));
    }

    #[test]
    fn what_is_no_date_is_not_guessed() {
        for wrong in [
            "",
            "yesterday",
            "2026",
            "2026-01",
            "2026-1-5",
            "05.01.2026",
            "01/05/2026",
            "2026-13-01",
            "2026-02-29",
            "2026-04-31",
            "2026-00-10",
            "2026-01-00",
            "0000-01-01",
            "2026-01-05T",
            "2026-01-05T10",
            "2026-01-05T25:00",
            "2026-01-05T24:01",
            "2026-01-05T10:60",
            "2026-01-05T10:00:61",
            "2026-01-05T10:00:00.",
            "2026-01-05Z",
            "2026-01-05T10:00+25:00",
            "2026-01-05T10:00+1",
            "2026-01-05T10:00 CET",
            "2026-01-05x",
            "\u{662}026-01-05",
            "0001-01-01T00:00+01:00",
            "9999-12-31T23:00-01:00",
            "1767607200",
            "10:00",
        ] {
            assert_eq!(millis(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(at in Timestamp::MIN.millis()..=Timestamp::MAX.millis()) {
            let time = Timestamp::from_millis(at);
            prop_assert_eq!(Timestamp::parse(&time.to_iso_8601()), Some(time));
        }

        #[test]
        fn no_text_panics(text in ".{0,40}", digits in "[0-9TZ:. +-]{0,30}") {
            let _ = (Timestamp::parse(&text), Timestamp::parse(&digits));
        }
    }
}
