//! What a vector space is: its name, its width, and what makes its vectors comparable.

/// What a space is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SpaceSpec {
    /// `item` for the model's vectors, else the name of the field.
    pub name: String,
    /// Width of the vectors, 1 to [`MAX_DIMENSIONS`](crate::base::limits::MAX_DIMENSIONS).
    pub dimensions: usize,
    /// The model's space id, or `field:<name>:<dims>`. A checkpoint of another id is not used.
    pub id: String,
}
