//! The fields of a store: what they are, and changes of them.

use serde_json::json;

use crate::api::field_change::{Changed, FieldChange, FieldChanged, FieldInfo, FieldInfos, OnUnfit};
use crate::api::filter::Filter;
use crate::api::item::{Kind, check_field_name};
use crate::api::rows::Rows;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::ingest::refused;
use crate::store::Stores;
use crate::store::field_notes::{FIELD_NOTES, FieldNotes};
use crate::store::snapshot::Snapshot;

use super::Engine;

impl Engine {
    /// The fields of the store, by name: type, options, since when they are there, and how many items have them.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// for (name, field) in db.schema()? {
    ///     println!("{name}: {} in {} items", field.kind.name(), field.items);
    /// }
    /// # Ok::<(), onelist::Error>(())
    /// ```
    pub fn schema(&self) -> Result<FieldInfos> {
        let access = self.core.access()?;
        let snapshot = Snapshot::pin(&access.stores)?;
        let notes: FieldNotes = snapshot.catalog.view().meta(FIELD_NOTES)?.unwrap_or_default();
        let config = &access.stores.config;
        let visible = |key, generation| snapshot.is_current(key, Some(generation));
        let mut infos = FieldInfos::new();
        for (name, spec) in &snapshot.schema.fields {
            let items = snapshot.text.matching(&Filter::exists(name), &snapshot.schema, &visible)?.len();
            let has_text = matches!(spec.kind, Kind::Text | Kind::Tags);
            let info = FieldInfo {
                kind: spec.kind,
                items,
                boost: has_text.then(|| config.boost_of(name)),
                embed: has_text.then(|| config.embeds(name)),
                dimensions: spec.dimensions,
                since: notes.0.get(name).and_then(|note| note.since),
            };
            infos.insert(name.clone(), info);
        }
        Ok(infos)
    }

    /// Gives a field another name, in every item and with its options (which take effect at the next `open`). It works through
    /// the items in portions; other writes go on meanwhile, and items that are put with the old name are renamed as well. A call
    /// that was interrupted is finished by calling it again.
    ///
    /// # Errors
    /// [`crate::Error::UnknownField`], or [`crate::Error::InvalidArgument`] when a field has the new name already or another
    /// change of a field is not finished.
    pub fn rename_field(&self, from: &str, to: &str) -> Result<FieldChanged> {
        check_field_name(to)?;
        if let Some(done) = self.elsewhere("rename_field", json!({"name": from, "to": to}))? {
            return Ok(done);
        }
        self.change_field(FieldChange::Rename { from: from.to_owned(), to: to.to_owned() })
    }

    /// Removes a field from every item and from the schema, as [`Engine::rename_field`] goes about it.
    ///
    /// # Errors
    /// [`crate::Error::UnknownField`], or [`crate::Error::InvalidArgument`] when another change of a field is not finished.
    pub fn drop_field(&self, name: &str) -> Result<FieldChanged> {
        if let Some(done) = self.elsewhere("drop_field", json!({"name": name}))? {
            return Ok(done);
        }
        self.change_field(FieldChange::Drop { name: name.to_owned() })
    }

    /// Gives a field another type and converts the value of every item, as [`Engine::rename_field`] goes about it: `"11"` to 11,
    /// text in ISO 8601 or seconds to dates, one value to a list, a list of numbers to a vector, and back. Filters see each item
    /// in the new type from the moment it is converted.
    ///
    /// # Errors
    /// With [`OnUnfit::Refuse`], the values that have no form in the new type: nothing is changed then, and up to twenty items
    /// are named, by their number in the order of `scan` ([`crate::Error::BadRows`]). And those of [`Engine::drop_field`].
    pub fn retype_field(&self, name: &str, kind: Kind, on_unfit: OnUnfit) -> Result<FieldChanged> {
        let given = json!({"name": name, "kind": kind, "on_unfit": on_unfit});
        if let Some(done) = self.elsewhere("retype_field", given)? {
            return Ok(done);
        }
        let change = FieldChange::Retype { name: name.to_owned(), kind, on_unfit };
        if on_unfit == OnUnfit::Refuse {
            all_fit(&self.core.access()?.stores, &change)?;
        }
        self.change_field(change)
    }

    fn change_field(&self, change: FieldChange) -> Result<FieldChanged> {
        self.core.access()?.writer()?.change_field(change)
    }
}

/// Refuses a change with the items whose values do not fit.
fn all_fit(stores: &Stores, change: &FieldChange) -> Result<()> {
    let catalog = stores.catalog.read()?;
    let (mut rows, mut dimensions) = (Rows::new("items"), None);
    for row in catalog.view().items(ItemKey(0))? {
        let (_, record) = row?;
        let mut fields = record.item.fields.clone();
        match change.apply(&mut fields, &mut dimensions) {
            Changed::Refused => {
                let (id, field) = (record.item.id.clone(), change.field().to_owned());
                rows.refuse(Some(id), Some(field), refused(change, &record.item));
            }
            _ => rows.read.push(()),
        }
    }
    rows.into_all().map(|_| ())
}
