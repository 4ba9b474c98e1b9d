//! Vectors of the catalog's own fields (`image`, `audio`, any name) that candidates are searched by and compared with:
//! those that the request gives, those of the seeds of `like`, and where nothing is asked for, those of the history.

use std::collections::HashSet;

use crate::api::item::Kind;
use crate::api::request::Request;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::catalog::SpaceNumber;
use crate::store::Spaces;
use crate::store::snapshot::Snapshot;

/// Items of the history that are looked at in each field.
const READ: usize = 50;
/// Weight of an item against the one after it.
const DECAY: f32 = 0.9;
/// Items that stand for all of a field.
const SAMPLE: u64 = 64;
/// Below this length a mean has no direction: what it is made of cancelled out.
const SHORTEST: f32 = 1e-3;

/// A vector in the space of a field.
#[derive(Debug, Clone)]
pub(crate) struct FieldVector {
    pub space: SpaceNumber,
    pub name: String,
    pub vector: Vec<f32>,
    /// The cosine that counts as nothing, and is what an item without the field gets. It is zero for a vector that was asked
    /// with.
    pub usual: f32,
}

/// The vectors that the request gives, and those of the seeds of `like`.
pub(super) fn asked(snapshot: &Snapshot, request: &Request, seeds: &[ItemKey]) -> Result<Vec<FieldVector>> {
    let mut vectors = Vec::new();
    for (field, vector) in &request.vectors {
        let spec = snapshot.schema.field(field)?;
        if spec.kind != Kind::Vector {
            return Err(Error::argument(format!("vectors.{field}"), "a vector field", spec.kind.name()));
        }
        let expected = spec.dimensions.unwrap_or_default() as usize;
        if expected != vector.len() {
            return Err(Error::DimMismatch { space: field.clone(), expected, found: vector.len() });
        }
        vectors.extend(of_field(snapshot, field, crate::vector::normalised(field, vector)?));
    }
    for (field, _) in snapshot.schema.vector_fields().filter(|(field, _)| !request.vectors.contains_key(*field)) {
        let Some(space) = snapshot.spaces.number(&Spaces::field_space(field)) else { continue };
        for seed in seeds {
            if let Some(vector) = snapshot.vector(space, *seed)? {
                vectors.extend(of_field(snapshot, field, vector));
            }
        }
    }
    Ok(vectors)
}

/// One vector in each field: the mean of the items that the history speaks for (newest first), the newest counting most.
///
/// Vectors of an encoder often share most of their direction, so that any two pictures look alike to a cosine. What the
/// mean has in common with items drawn from the whole catalog is taken off each cosine, and an item without a picture
/// stands beside one whose picture says nothing.
pub(super) fn of_history(snapshot: &Snapshot, liked: &[ItemKey]) -> Result<Vec<FieldVector>> {
    let mut vectors = Vec::new();
    for (field, _) in snapshot.schema.vector_fields() {
        let Some(space) = snapshot.spaces.number(&Spaces::field_space(field)) else { continue };
        let Some(vector) = mean(snapshot, space, liked)? else { continue };
        let usual = usual(snapshot, space, &vector)?;
        vectors.extend(of_field(snapshot, field, vector).map(|own| FieldVector { usual, ..own }));
    }
    Ok(vectors)
}

fn of_field(snapshot: &Snapshot, field: &str, vector: Vec<f32>) -> Option<FieldVector> {
    let name = Spaces::field_space(field);
    Some(FieldVector { space: snapshot.spaces.number(&name)?, name, vector, usual: 0.0 })
}

/// The mean of the newest items that have the field, each once, at length one.
fn mean(snapshot: &Snapshot, space: SpaceNumber, liked: &[ItemKey]) -> Result<Option<Vec<f32>>> {
    let mut sum: Vec<f32> = Vec::new();
    let (mut weight, mut known) = (1.0, HashSet::new());
    for key in liked.iter().filter(|key| known.insert(**key)).take(READ) {
        if let Some(vector) = snapshot.vector(space, *key)? {
            sum.resize(vector.len(), 0.0);
            sum.iter_mut().zip(&vector).for_each(|(sum, x)| *sum += weight * x);
        }
        weight *= DECAY;
    }
    let length = sum.iter().map(|x| x * x).sum::<f32>().sqrt();
    sum.iter_mut().for_each(|x| *x /= length.max(SHORTEST));
    Ok((length > SHORTEST).then_some(sum))
}

/// The mean cosine with items that lie evenly among the keys of the field. They depend on the catalog alone, so a
/// candidate's feature does not depend on other candidates.
fn usual(snapshot: &Snapshot, space: SpaceNumber, vector: &[f32]) -> Result<f32> {
    let (view, end) = (snapshot.catalog.view(), snapshot.catalog.counters().next_item);
    let (mut sum, mut found) = (0.0, 0);
    for place in 0..SAMPLE {
        let from = ItemKey((u128::from(end) * u128::from(place) / u128::from(SAMPLE)) as u64);
        if let Some(row) = view.vectors(space, from)?.next() {
            sum += crate::vector::dot_bytes(vector, row?.1);
            found += 1;
        }
    }
    Ok(if found == 0 { 0.0 } else { sum / found as f32 })
}
