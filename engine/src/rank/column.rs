//! One row of features, filled by name.

use crate::api::feature::Feature;

/// The columns of one candidate, zero until they are set.
pub(super) struct Row<'r>(pub &'r mut [f32]);

impl Row<'_> {
    /// Sets a feature that the engine fills in.
    pub(super) fn set(&mut self, feature: Feature, value: f32) {
        if let Some(column) = self.0.get_mut(feature as usize) {
            *column = value;
        }
    }

    /// Sets a feature to 1 where something holds.
    pub(super) fn flag(&mut self, feature: Feature, holds: bool) {
        self.set(feature, if holds { 1.0 } else { 0.0 });
    }
}
