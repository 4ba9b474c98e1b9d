//! The popularity of an item beside that of the catalog's most popular one.

use super::column::Row;
use crate::api::feature::Feature;
use crate::base::error::Result;
use crate::base::time::Timestamp;
use crate::catalog::{ItemSignals, PRIOR_WEIGHT, Window};
use crate::understand::RequestCx;

/// What popularity is measured against.
pub(super) struct PopularityScale {
    /// Logs of the largest decayed counts of the catalog, by window.
    largest: [f64; Window::ALL.len()],
    /// How much a window counts, by how much there is in it: 0 to 1.
    confidence: [f64; Window::ALL.len()],
}

impl PopularityScale {
    pub(super) fn read(cx: RequestCx) -> Result<PopularityScale> {
        let mut scale = PopularityScale {
            largest: [PRIOR_WEIGHT.ln_1p(); Window::ALL.len()],
            confidence: [1.0; Window::ALL.len()],
        };
        for (place, window) in Window::ALL.into_iter().enumerate() {
            let first = cx.snapshot.catalog.view().popular(window)?.next().transpose()?;
            let most = first.map_or(0.0, |first| window.count(first.1, cx.understood.now));
            scale.largest[place] = most.ln_1p().max(scale.largest[place]);
            // What few users did recently is chance: shrunk, as a rate of few is towards its prior (decision 0028).
            if matches!(window, Window::Day | Window::Week) {
                scale.confidence[place] = most / (most + PRIOR_WEIGHT);
            }
        }
        Ok(scale)
    }

    /// Log counts over the largest, 0 to 1, and how the rate over 7 days compares with that over 90: from 0 (falling) over
    /// 0.5 (steady, or unknown) to 1 (rising).
    pub(super) fn fill(&self, signals: Option<&ItemSignals>, now: Timestamp, row: &mut Row) {
        let Some(signals) = signals else {
            row.set(Feature::Trend, 0.5);
            return;
        };
        let [day, week, quarter, ever] = Window::ALL.map(|window| window.count(signals.mass(window), now));
        row.set(Feature::Popular1d, self.scaled(Window::Day, day));
        row.set(Feature::Popular7d, self.scaled(Window::Week, week));
        row.set(Feature::Popular90d, self.scaled(Window::Quarter, quarter));
        row.set(Feature::PopularEver, self.scaled(Window::Ever, ever));
        let (fast, slow) = (week / Window::Week.days(), quarter / Window::Quarter.days());
        // One event in 90 days on either side keeps the ratio near 0.5 where there is little data.
        let prior = 1.0 / Window::Quarter.days();
        row.set(Feature::Trend, ((fast + prior) / (fast + slow + 2.0 * prior)) as f32);
    }

    fn scaled(&self, window: Window, count: f64) -> f32 {
        let place = window.position();
        ((count.ln_1p() / self.largest[place]).min(1.0) * self.confidence[place]) as f32
    }
}
