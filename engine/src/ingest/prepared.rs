//! An item that is ready to be written.

use std::sync::Arc;

use half::f16;

use crate::api::config::Config;
use crate::api::field_change::{Changed, FieldChange};
use crate::api::item::{Item, Value};
use crate::api::schema::Schema;
use crate::api::update::Update;
use crate::base::error::{Error, Result};
use crate::base::id::{Generation, SemanticId};
use crate::base::time::Timestamp;
use crate::model::ItemVectors;
use crate::store::item_space::ItemSpace;
use crate::vector::to_half;

/// An item that passed every check, with its vectors.
pub(crate) struct PreparedItem {
    pub item: Item,
    /// Since when it is available, from the configured date field.
    pub available: Option<Timestamp>,
    /// When it was first put into the store that it comes from.
    pub first_put: Option<Timestamp>,
    /// Its vector and semantic id from the model, when it has text.
    pub placed: Option<Placed>,
    /// The space of that vector.
    pub space: Arc<str>,
    /// The caller's vectors by field name, unit length.
    pub vectors: Vec<(String, Arc<[f16]>)>,
    /// What is stored of it already; its vector is not made then.
    pub known: Option<Known>,
    /// The change that it comes from, and the version that was changed.
    pub update: Option<(Update, Generation)>,
}

impl PreparedItem {
    /// Whether nothing of it is to be written.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.known.is_some_and(|known| known.unchanged)
    }

    /// Lets the writer embed it: its space is no longer any.
    pub(super) fn be_embedded(&mut self) {
        self.space = Arc::from("");
    }

    /// A stored item that the writer changes; it is embedded again unless its text is known to be the same.
    pub(super) fn changed(item: Item, config: &Config, known: Option<Known>) -> Result<PreparedItem> {
        let (available, vectors) = (available(config, &item)?, own_vectors(&item));
        Ok(PreparedItem {
            item,
            available,
            first_put: None,
            placed: None,
            space: Arc::from(""),
            vectors,
            known,
            update: None,
        })
    }

    /// Brings it into the form of a change of a field that is going on.
    pub(super) fn follow(&mut self, change: &FieldChange, config: &Config) -> Result<()> {
        match change.apply(&mut self.item.fields, &mut None) {
            Changed::Not | Changed::Refused => Ok(()),
            Changed::Written | Changed::Dropped => self.was_changed(config),
        }
    }

    /// Fits it into a schema that may have learnt fields since it was prepared.
    pub(super) fn fit(&mut self, schema: &Schema, config: &Config) -> Result<()> {
        if schema.fit(&mut self.item, config.date_field.as_deref()) {
            self.was_changed(config)?;
        }
        Ok(())
    }

    /// What was made of the fields is made anew.
    fn was_changed(&mut self, config: &Config) -> Result<()> {
        self.item.check()?;
        self.be_embedded();
        (self.known, self.available) = (None, available(config, &self.item)?);
        self.vectors = own_vectors(&self.item);
        Ok(())
    }
}

/// An item's vector and semantic id from the model.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    /// Unit length.
    pub vector: Arc<[f16]>,
    pub sid: SemanticId,
    /// Squared distance of the vector from the centres of its semantic id; `None` when drift is not measured.
    pub error: Option<f32>,
}

/// The stored version that an item was compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// The version. What was found holds as long as it is the current one.
    pub generation: Generation,
    /// Whether nothing of the item is to be written. Otherwise its text is the same, and with it its vector.
    pub unchanged: bool,
}

impl Placed {
    pub(super) fn of(vectors: &ItemVectors, space: &ItemSpace) -> Placed {
        let error = space.tensors().map(|tensors| tensors.error(&vectors.item, vectors.sid));
        Placed { vector: to_half(&vectors.item), sid: vectors.sid, error }
    }
}

/// An item that another store checked and embedded into the same space.
pub(crate) fn prepare_stored(
    item: Item,
    available: Timestamp,
    placed: Option<Placed>,
    space: &ItemSpace,
) -> PreparedItem {
    let vectors = own_vectors(&item);
    PreparedItem {
        item,
        available: Some(available),
        first_put: None,
        placed,
        space: Arc::from(space.id.as_str()),
        vectors,
        known: None,
        update: None,
    }
}

/// The caller's vectors of an item.
pub(super) fn own_vectors(item: &Item) -> Vec<(String, Arc<[f16]>)> {
    let vectors = item.fields.iter().filter_map(|(name, value)| match value {
        Value::Vector(vector) => Some((name.clone(), to_half(vector))),
        _ => None,
    });
    vectors.collect()
}

/// Since when an item is available, by the configured date field.
pub(super) fn available(config: &Config, item: &Item) -> Result<Option<Timestamp>> {
    let Some(field) = &config.date_field else { return Ok(None) };
    match item.fields.get(field) {
        None => Ok(None),
        Some(Value::Date(time)) if *time == Timestamp::MAX => {
            let what = format!("item `{}`, field `{field}`", item.id);
            let expected = "a date before the end of the year 9999 (it is Config::date_field)";
            Err(Error::argument(what, expected, time.described()))
        }
        Some(Value::Date(time)) => Ok(Some(*time)),
        Some(other) => Err(Error::FieldType {
            item: item.id.clone(),
            field: field.clone(),
            expected: "date (it is Config::date_field)".to_owned(),
            found: other.kind().name().to_owned(),
        }),
    }
}
