//! Points in time, in one unit.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::iso::{millis_from_iso, suspected_unit};

/// Milliseconds since the Unix epoch (UTC). Negative before 1970.
///
/// The range is the years 1 to 9999; constructors clamp to it, so that arithmetic on two times cannot overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// 0001-01-01T00:00:00Z.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800_000);
    /// 9999-12-31T23:59:59.999Z.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999);

    /// From milliseconds since the Unix epoch, clamped to the range.
    pub fn from_millis(millis: i64) -> Self {
        Timestamp(millis.clamp(Self::MIN.0, Self::MAX.0))
    }

    /// From seconds since the Unix epoch, clamped to the range; NaN is the epoch.
    pub fn from_seconds(seconds: f64) -> Self {
        // A float-to-integer cast saturates, and maps NaN to zero.
        Self::from_millis((seconds * 1000.0).round() as i64)
    }

    /// The system's clock. Requests and events may carry their own time instead.
    pub fn now() -> Self {
        match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => Self::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => Self::from_millis(-i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX)),
        }
    }

    /// Milliseconds since the Unix epoch.
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Seconds since the Unix epoch.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// The day in UTC, as `2010-11-01` (the civil calendar from a count of days, after Hinnant's `civil_from_days`).
    pub(crate) fn date(self) -> String {
        let days = self.0.div_euclid(86_400_000) + 719_468;
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        // Months are counted from March, so that the leap day is the last.
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        format!("{year:04}-{month:02}-{day:02}")
    }

    /// The time of so many seconds since 1970, as somebody gave them; else what was found, for an error.
    pub(crate) fn plausible(seconds: f64) -> Result<Timestamp, String> {
        let time = Timestamp::from_seconds(seconds);
        if (Self::MIN.seconds()..=Self::MAX.seconds()).contains(&seconds) && time.is_plausible() {
            return Ok(time);
        }
        let suspected = suspected_unit(seconds).map(|(unit, right)| format!("; {}", suspicion(unit, right)));
        Err(format!("{seconds:?}{}", suspected.unwrap_or_default()))
    }

    /// Whether anybody means this time: not in the years 3000 to 9998, which milliseconds of the 1970s would give if they were
    /// taken as seconds.
    pub(crate) fn is_plausible(self) -> bool {
        !(YEAR_3000..YEAR_9999).contains(&self.0)
    }

    /// The time as an error shows it, with the unit that was most likely meant when it is far in the future.
    pub(crate) fn described(self) -> String {
        let seconds = self.seconds();
        let shown = format!("{seconds} ({})", self.date());
        match suspected_unit(seconds) {
            Some((unit, right)) if self > Timestamp(YEAR_2200) => format!("{shown}; {}", suspicion(unit, right)),
            // Constructors end here, so what was given is not known.
            _ if self == Self::MAX => {
                format!("{shown}, which is where times end; it was most likely given in milliseconds")
            }
            _ => shown,
        }
    }

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        (self.0 - earlier.0) as f64 / 1000.0
    }
}

/// Seconds where people read them (JSON), milliseconds in records.
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.serialize_f64(self.seconds()) } else { self.0.serialize(to) }
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        if from.is_human_readable() {
            // By its name a format can tell a time from a number, and take a form of its own for it.
            return from.deserialize_newtype_struct("Timestamp", Seconds);
        }
        i64::deserialize(from).map(Timestamp)
    }
}

/// 2200-01-01T00:00:00Z: a number of seconds beyond it is more likely one of milliseconds.
const YEAR_2200: i64 = 7_258_118_400_000;
/// 3000-01-01T00:00:00Z.
const YEAR_3000: i64 = 32_503_680_000_000;
/// 9999-01-01T00:00:00Z: the year that stands for "without an end".
const YEAR_9999: i64 = 253_370_764_800_000;

/// Reads seconds, or ISO 8601 text. A number outside the years 1 to 9999 is refused rather than clamped, because it is most
/// likely of another unit.
struct Seconds;

impl<'de> Visitor<'de> for Seconds {
    type Value = Timestamp;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("seconds since 1970 (not milliseconds), in the years 1 to 2999 or in 9999, or text such as 2026-03-01T12:30:00Z")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, from: D) -> Result<Timestamp, D::Error> {
        from.deserialize_any(self)
    }

    fn visit_f64<E: Error>(self, seconds: f64) -> Result<Timestamp, E> {
        Timestamp::plausible(seconds).map_err(|found| E::invalid_value(Unexpected::Other(&found), &self))
    }

    fn visit_i64<E: Error>(self, seconds: i64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_u64<E: Error>(self, seconds: u64) -> Result<Timestamp, E> {
        self.visit_f64(seconds as f64)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Timestamp, E> {
        let shown: String = text.chars().take(40).collect();
        let refused = || E::invalid_value(Unexpected::Other(&format!("the text `{shown}`")), &self);
        let millis = millis_from_iso(text).ok_or_else(refused)?;
        self.visit_f64(millis as f64 / 1000.0)
    }
}

/// What an error says about a number that is too large.
fn suspicion(unit: &str, right: f64) -> String {
    let shown = Timestamp::from_seconds(right);
    format!("these look like {unit}: divided, they are {} ({})", shown.seconds(), shown.date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_gives_a_time_in_range() {
        for seconds in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300, 0.0, 1.5] {
            let time = Timestamp::from_seconds(seconds);
            assert!(time >= Timestamp::MIN && time <= Timestamp::MAX);
            assert!(time.seconds_since(Timestamp::MAX).is_finite());
        }
        assert_eq!(Timestamp::from_seconds(1.5).millis(), 1500);
    }

    #[test]
    fn days_have_their_dates() {
        let date = |seconds: f64| Timestamp::from_seconds(seconds).date();
        assert_eq!(date(0.0), "1970-01-01");
        assert_eq!(date(-1.0), "1969-12-31");
        assert_eq!(date(1_288_569_600.0), "2010-11-01");
        assert_eq!(date(1_709_164_800.0), "2024-02-29");
        assert_eq!((Timestamp::MIN.date(), Timestamp::MAX.date()), ("0001-01-01".to_owned(), "9999-12-31".to_owned()));
    }

    fn read(value: serde_json::Value) -> Result<Timestamp, String> {
        serde_json::from_value::<Timestamp>(value).map_err(|error| error.to_string())
    }

    #[test]
    fn seconds_and_text_are_read() {
        for (given, seconds) in [
            (serde_json::json!(1.5), 1.5),
            (serde_json::json!(-3.0), -3.0),
            (serde_json::json!(1_700_000_000), 1.7e9),
            (serde_json::json!("2023-11-14T22:13:20Z"), 1.7e9),
            (serde_json::json!("2023-11-15T00:13:20+02:00"), 1.7e9),
            (serde_json::json!("1970-01-02"), 86_400.0),
            (serde_json::json!("9999-12-31"), 253_402_214_400.0),
        ] {
            assert_eq!(read(given.clone()), Ok(Timestamp::from_seconds(seconds)), "{given}");
        }
    }

    #[test]
    fn other_units_are_refused_by_their_names() {
        for (number, unit) in
            [(1.7e12, "milliseconds"), (1.7e15, "microseconds"), (1.7e18, "nanoseconds"), (1e11, "milliseconds")]
        {
            let text = read(serde_json::json!(number)).expect_err("is refused");
            assert!(text.contains(unit) && text.contains(if number == 1e11 { "1973" } else { "2023-11-14" }), "{text}");
        }
        for wrong in [
            serde_json::json!(1e300),
            serde_json::json!(-1e300),
            serde_json::json!("yesterday"),
            serde_json::json!("3500-01-01"),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
        let described = |seconds: f64| Timestamp::from_seconds(seconds).described();
        assert!(described(1e11).contains("milliseconds") && described(1.7e12).contains("milliseconds"));
        assert_eq!(described(1.7e9), "1700000000 (2023-11-14)");
    }
}
