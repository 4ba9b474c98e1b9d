//! Points in time, in one unit.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Milliseconds since the Unix epoch (UTC). Negative before 1970.
///
/// The range is the years 1 to 9999; constructors clamp to it, so that arithmetic on two times cannot overflow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
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

    /// Seconds from `earlier` to this time; negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Timestamp) -> f64 {
        (self.0 - earlier.0) as f64 / 1000.0
    }
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
}
