//! The vector spaces of a store, by number.

use serde::{Deserialize, Serialize};

use crate::catalog::SpaceNumber;
use crate::model::Model;
use crate::vector::SpaceSpec;

/// The name of the space of the model's item vectors. Spaces of vector fields are called `field:<name>`.
pub(crate) const ITEM_SPACE: &str = "item";
/// The meta record of [`Spaces`].
pub(crate) const SPACES: &str = "spaces";

/// The vector spaces of a store; a space's place in the list is its number in keys.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Spaces(pub Vec<SpaceRow>);

/// One vector space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpaceRow {
    /// [`ITEM_SPACE`], or `field:` and the name of a field.
    pub name: String,
    /// What makes vectors of this space comparable: the model's space id (whatever was fitted on top of it), or the name
    /// and width of the field.
    pub id: String,
    pub dimensions: u32,
}

impl SpaceRow {
    /// Whether it is the space of the model's item vectors.
    pub(crate) fn is_items(&self) -> bool {
        self.name == ITEM_SPACE
    }

    /// What its graph is, before anything was fitted.
    pub(crate) fn spec(&self) -> SpaceSpec {
        SpaceSpec { name: self.name.clone(), dimensions: self.dimensions as usize, id: self.id.clone() }
    }
}

impl Spaces {
    /// Names the space of items after the model. It is number 0 from the first open on, so that it is there before any item.
    pub(crate) fn set_items(&mut self, model: &Model) {
        let row =
            SpaceRow { name: ITEM_SPACE.to_owned(), id: model.space_id().to_owned(), dimensions: model.width() as u32 };
        match self.0.first_mut() {
            Some(first) => *first = row,
            None => self.0.push(row),
        }
    }

    /// The space of items.
    pub(crate) fn items(&self) -> Option<&SpaceRow> {
        self.0.iter().find(|row| row.is_items())
    }

    /// The number of a space by name.
    pub(crate) fn number(&self, name: &str) -> Option<SpaceNumber> {
        self.0.iter().position(|row| row.name == name).map(|place| SpaceNumber(place as u16))
    }

    /// Spaces with their numbers.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (SpaceNumber, &SpaceRow)> {
        self.0.iter().enumerate().map(|(place, row)| (SpaceNumber(place as u16), row))
    }

    /// The name of the space of a vector field.
    pub(crate) fn field_space(field: &str) -> String {
        format!("field:{field}")
    }
}
