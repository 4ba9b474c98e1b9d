//! From a store to files: one pinned commit, in bounded memory.

use std::collections::HashMap;
use std::path::Path;

use super::lines::{self, CountLine, EventLine, HistoryLine, IdLine, ImpressionLine, ItemLine, ScenarioLine, Sheet};
use super::lines::{TuningLine, TypedFields, UserLine};
use super::manifest::Manifest;
use super::place::Unfinished;
use super::sheet::Writer;
use crate::api::transfer::{ExportFormat, Transferred};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::catalog::{EventMatch, StoredImpression, View};
use crate::store::cooccurrence::Cooccurrence;
use crate::store::snapshot::Snapshot;
use crate::store::{Stores, event_log, tunings};

/// Events that are put into the order of logging at a time: each such part reads the keys of the whole log.
const EVENTS: usize = 500_000;

/// The ids behind the keys of a commit. They are held in memory: about 100 bytes for each user and item.
struct Ids {
    items: HashMap<ItemKey, String>,
    users: HashMap<UserKey, String>,
}

impl Ids {
    fn item(&self, key: ItemKey) -> Result<String> {
        self.items.get(&key).cloned().ok_or_else(|| Error::damaged("export", "an item without an id"))
    }

    fn user(&self, key: UserKey) -> Result<String> {
        self.users.get(&key).cloned().ok_or_else(|| Error::damaged("export", "a user without an id"))
    }
}

/// Where lines go, and what is asked between them.
struct Export<'e> {
    view: View<'e>,
    ids: Ids,
    check: &'e dyn Fn() -> Result<()>,
}

/// Writes all that is stored into a folder, which gets its name once it is whole and on disk. `check` is asked at every
/// line, and may give up.
///
/// # Errors
/// What `check` answers; [`Error::InvalidArgument`] for a path that must not be written; [`Error::Io`].
pub(crate) fn export(
    stores: &Stores,
    path: &Path,
    format: ExportFormat,
    check: &dyn Fn() -> Result<()>,
) -> Result<Transferred> {
    let folder = Unfinished::create(path, &stores.path)?;
    let snapshot = Snapshot::pin(stores)?;
    let view = snapshot.catalog.view();
    let ids = Ids { items: view.all_item_ids()?, users: view.all_users()? };
    let mut manifest = Manifest::new(format);
    let fields = &stores.schema.load().fields;
    manifest.schema = fields.iter().map(|(name, spec)| (name.clone(), spec.kind.name().to_owned())).collect();
    manifest.events_removed = view.events_removed()?;
    manifest.cooccurrence = Cooccurrence::read(view)?.is_some();
    manifest.fitted = snapshot.item.fit.is_some();
    let counters = snapshot.catalog.counters();
    (manifest.next_item, manifest.next_user) = (counters.next_item, counters.next_user);
    let export = Export { view, ids, check };
    for (sheet, write) in SHEETS {
        let mut to = Writer::create(folder.path(), sheet, format)?;
        write(&export, &mut to)?;
        manifest.files.insert(sheet.name.to_owned(), to.finish()?);
    }
    manifest.write(folder.path())?;
    folder.finish()?;
    Ok(manifest.summary())
}

type Write = fn(&Export<'_>, &mut Writer) -> Result<()>;

const SHEETS: [(&Sheet, Write); 9] = [
    (&lines::ITEMS, |export, to| export.items(to)),
    (&lines::IDS, |export, to| export.other_ids(to)),
    (&lines::USERS, |export, to| export.users(to)),
    (&lines::EVENTS, |export, to| export.events(to)),
    (&lines::HISTORIES, |export, to| export.histories(to)),
    (&lines::COUNTS, |export, to| export.counts(to)),
    (&lines::IMPRESSIONS, |export, to| export.impressions(to)),
    (&lines::SCENARIOS, |export, to| export.scenarios(to)),
    (&lines::TUNINGS, |export, to| export.tunings(to)),
];

impl Export<'_> {
    fn items(&self, to: &mut Writer) -> Result<()> {
        for row in self.view.items(ItemKey(0))? {
            (self.check)()?;
            let (key, record) = row?;
            let (first_put, available) = (record.first_put, record.available);
            to.add(&ItemLine { key: key.0, id: record.item.id, first_put, available, fields: record.item.fields })?;
        }
        Ok(())
    }

    /// Ids without an item.
    fn other_ids(&self, to: &mut Writer) -> Result<()> {
        let mut others = Vec::new();
        for (key, id) in &self.ids.items {
            (self.check)()?;
            if self.view.head(*key)?.is_none() {
                others.push((key.0, id));
            }
        }
        others.sort_unstable();
        others.into_iter().try_for_each(|(key, id)| to.add(&IdLine { key, id: id.clone() }))
    }

    fn users(&self, to: &mut Writer) -> Result<()> {
        let mut users: Vec<(UserKey, &String)> = self.ids.users.iter().map(|(key, id)| (*key, id)).collect();
        users.sort_unstable();
        for (key, id) in users {
            (self.check)()?;
            let segments = Some(self.view.user_segments(key)?).filter(|segments| !segments.is_empty());
            let attributes = self.view.user_record(key)?.map(TypedFields);
            to.add(&UserLine { key: key.0, id: id.clone(), segments, attributes })?;
        }
        Ok(())
    }

    fn events(&self, to: &mut Writer) -> Result<()> {
        let mut after = None;
        loop {
            let matched = EventMatch::default();
            let (keys, more) = self.view.event_page(&matched, (after, false), EVENTS, || (self.check)())?;
            for key in keys {
                let found = self.view.event(&key)?;
                let (user, event) = found.ok_or_else(|| Error::internal("an event left a pinned commit"))?;
                after = Some(event_log::place(&event, false));
                let (time, item) = (event.time, event.item.map(|key| self.ids.item(key)).transpose()?);
                let record = event_log::record(self.ids.user(user)?, item, event);
                to.add(&EventLine::of(record.event, time, record.arrived))?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    fn histories(&self, to: &mut Writer) -> Result<()> {
        for row in self.view.histories()? {
            (self.check)()?;
            let (user, item, removed, pair) = row?;
            let (user, item) = (self.ids.user(user)?, self.ids.item(item)?);
            to.add(&HistoryLine { user, item, removed, shown: pair.shown, last_shown: pair.last_shown })?;
        }
        Ok(())
    }

    fn counts(&self, to: &mut Writer) -> Result<()> {
        for row in self.view.shown_counts()? {
            let (item, shown, chosen) = row?;
            // An item that was forgotten while it was shown has counts, and no id.
            if let Ok(item) = self.ids.item(item) {
                to.add(&CountLine { item, shown, chosen })?;
            }
        }
        Ok(())
    }

    fn impressions(&self, to: &mut Writer) -> Result<()> {
        for row in self.view.impressions(None)? {
            (self.check)()?;
            let StoredImpression { impression: shown, chosen } = row?;
            to.add(&ImpressionLine {
                rank_id: shown.rank_id,
                time: shown.time,
                user: shown.user,
                query: shown.query,
                slate: shown.slate.iter().map(|key| self.ids.items.get(key).cloned()).collect(),
                chosen,
                offset: shown.offset,
                explored: shown.explored,
                propensities: shown.propensities,
                new: shown.new,
                features: format!("{:016x}", shown.features),
                model: format!("{:016x}", shown.model),
                weights: shown.weights,
            })?;
        }
        Ok(())
    }

    fn scenarios(&self, to: &mut Writer) -> Result<()> {
        for name in self.view.scenario_names()? {
            let text = self.view.scenario(&name)?.unwrap_or_default();
            let rules = serde_json::from_str(&text).map_err(|e| Error::damaged("scenario", e.to_string()))?;
            to.add(&ScenarioLine { name, rules })?;
        }
        Ok(())
    }

    fn tunings(&self, to: &mut Writer) -> Result<()> {
        let kept = tunings::with_models(self.view)?;
        kept.into_iter().try_for_each(|(tuning, models)| to.add(&TuningLine { tuning, models }))
    }
}
