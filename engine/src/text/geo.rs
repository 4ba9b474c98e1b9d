//! A circle on the globe, with cheap bounds that spare most of the exact distances.

use std::ops::RangeInclusive;

use crate::api::filter::distance_meters;

const EARTH_METERS: f64 = 6_371_008.8;

/// Widens every bound, in degrees (about a metre): the bounds may let too much through, never too little.
const SLACK: f64 = 1e-5;

/// All places within a great-circle distance of a centre.
#[derive(Debug, Clone, Copy)]
pub(super) struct Circle {
    lat: f64,
    lon: f64,
    meters: f64,
    /// Half the width in degrees of longitude; 360 where the circle holds a pole.
    half_width: f64,
}

impl Circle {
    /// Degrees for the centre, metres for the distance.
    pub(super) fn new(lat: f64, lon: f64, meters: f64) -> Circle {
        let angle = meters / EARTH_METERS;
        let reaches_pole = lat.abs() + angle.to_degrees() + SLACK >= 89.9;
        // The widest point of a circle that holds no pole: sin(width) = sin(radius) / cos(latitude).
        let half_width = if reaches_pole {
            360.0
        } else {
            (angle.sin() / lat.to_radians().cos()).clamp(-1.0, 1.0).asin().to_degrees() + SLACK
        };
        Circle { lat, lon, meters, half_width }
    }

    /// The latitudes that the circle can reach.
    pub(super) fn latitudes(&self) -> RangeInclusive<f64> {
        let degrees = (self.meters / EARTH_METERS).to_degrees() + SLACK;
        self.lat - degrees..=self.lat + degrees
    }

    /// Whether the place is inside: by longitude first, then by the exact distance.
    pub(super) fn holds(&self, lat: f64, lon: f64) -> bool {
        let apart = (lon - self.lon).abs();
        apart.min(360.0 - apart) <= self.half_width && distance_meters((self.lat, self.lon), (lat, lon)) <= self.meters
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_bounds_never_cost_a_place(
            lat in -90.0..=90.0f64, lon in -180.0..=180.0f64,
            la in -90.0..=90.0f64, lo in -180.0..=180.0f64, slack in 0.999_999..=1.000_001f64,
        ) {
            // Circles that just reach, or just miss, the other place are the hard ones.
            let meters = distance_meters((lat, lon), (la, lo)) * slack;
            let circle = Circle::new(lat, lon, meters);
            let inside = circle.latitudes().contains(&la) && circle.holds(la, lo);
            prop_assert_eq!(inside, distance_meters((lat, lon), (la, lo)) <= meters);
        }
    }
}
