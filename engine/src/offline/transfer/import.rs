//! From files into a store. Into an empty one it is exact: every item, user and event stands where it stood.

use std::path::Path;

use serde::de::DeserializeOwned;

use super::lines::{self, CountLine, EventLine, HistoryLine, IdLine, ImpressionLine, ItemLine, ScenarioLine, Sheet};
use super::lines::{TuningLine, TypedFields, UserLine};
use super::manifest::Manifest;
use super::sheet;
use crate::api::json::rules_from_json;
use crate::api::transfer::Transferred;
use crate::api::user::User;
use crate::background::{cooccurrence, fit_space};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::catalog::{CatalogWrite, Impression, LoggedEvent, StoredImpression, UserItem};
use crate::core::Access;
use crate::ingest::{log_restored, prepare_items, prepare_scenario, prepare_users};
use crate::store::{Stores, lock, tunings};

/// Lines of one transaction.
const ITEMS: usize = 1_000;
const ROWS: usize = 20_000;

/// In a slate, the place of an item that is forgotten.
const FORGOTTEN: ItemKey = ItemKey(u64::MAX);

/// An import that runs.
struct Import<'i> {
    access: &'i Access,
    folder: &'i Path,
    manifest: Manifest,
    /// Nothing was ever put or logged: what the store counted besides can be put back.
    exact: bool,
    check: &'i dyn Fn() -> Result<()>,
}

/// Reads a folder that `export` wrote into a store. `check` is asked now and then, and may give up; what was read by then
/// stays, and reading it again adds nothing twice.
///
/// # Errors
/// What `check` answers; [`Error::InvalidArgument`] for a folder that is no export; [`Error::Damaged`] for a file that is
/// not as it was written, before anything is read; what `put` and `log` answer, with the file and the line.
pub(crate) fn import(access: &Access, folder: &Path, check: &dyn Fn() -> Result<()>) -> Result<Transferred> {
    let manifest = Manifest::read(folder)?;
    for sheet in lines::SHEETS {
        check()?;
        let row = manifest.files.get(sheet.name);
        let row = row.ok_or_else(|| Error::damaged("manifest.json", format!("no file of {}", sheet.name)))?;
        row.check(&sheet::path(folder, sheet, manifest.format))?;
    }
    let stores = &*access.stores;
    let _alone = lock(&stores.forgetting);
    access.writer()?.drain()?;
    let exact = stores.catalog.read()?.view().is_untouched()?;
    let import = Import { access, folder, manifest, exact, check };
    import.run()?;
    Ok(import.manifest.summary())
}

impl Import<'_> {
    fn run(&self) -> Result<()> {
        if self.exact {
            self.ids()?;
        }
        self.items()?;
        self.scenarios()?;
        if self.exact {
            self.histories(true)?;
        }
        self.impressions()?;
        self.events()?;
        self.users()?;
        if self.exact {
            self.histories(false)?;
            self.counts()?;
            let mut kept = Vec::new();
            self.lines(&lines::TUNINGS, |line: TuningLine| {
                kept.push((line.tuning, line.models));
                Ok(())
            })?;
            tunings::restore(self.stores(), kept)?;
        }
        if self.manifest.fitted {
            fit_space::fit_space(self.stores())?;
        }
        if self.manifest.cooccurrence { cooccurrence::rebuild(self.stores()) } else { Ok(()) }
    }

    fn stores(&self) -> &Stores {
        &self.access.stores
    }

    fn lines<T: DeserializeOwned>(&self, sheet: &'static Sheet, mut each: impl FnMut(T) -> Result<()>) -> Result<u64> {
        sheet::read(self.folder, sheet, self.manifest.format, |line| {
            (self.check)()?;
            each(line)
        })
    }

    /// Lines in transactions of their own.
    fn rows<T: DeserializeOwned>(
        &self,
        sheet: &'static Sheet,
        mut each: impl FnMut(&mut CatalogWrite<'_>, T) -> Result<()>,
    ) -> Result<()> {
        let mut batch = Vec::new();
        let mut write_all = |batch: &mut Vec<T>| {
            let mut write = self.stores().catalog.write()?;
            batch.drain(..).try_for_each(|line| each(&mut write, line))?;
            write.commit_bookkeeping()
        };
        self.lines(sheet, |line| {
            batch.push(line);
            if batch.len() >= ROWS { write_all(&mut batch) } else { Ok(()) }
        })?;
        write_all(&mut batch)
    }

    /// Every key as it was.
    fn ids(&self) -> Result<()> {
        self.rows(&lines::ITEMS, |write, line: ItemLine| write.restore_item_id(ItemKey(line.key), &line.id))?;
        self.rows(&lines::IDS, |write, line: IdLine| write.restore_item_id(ItemKey(line.key), &line.id))?;
        self.rows(&lines::USERS, |write, line: UserLine| {
            write.restore_user(UserKey(line.key), &line.id, line.segments.as_ref())
        })?;
        let mut write = self.stores().catalog.write()?;
        let of = &self.manifest;
        write.restore_counters(of.next_item, of.next_user, of.events_removed)?;
        write.commit_bookkeeping()
    }

    fn items(&self) -> Result<()> {
        let mut batch = Vec::new();
        let put = |batch: &mut Vec<ItemLine>| {
            let lines = std::mem::take(batch).into_iter().map(ItemLine::item);
            let (items, times): (Vec<_>, Vec<_>) =
                lines.map(|(item, first, available)| (item, (first, available))).unzip();
            let mut prepared = prepare_items(self.stores(), items)?;
            for (item, (first_put, available)) in prepared.iter_mut().zip(times) {
                (item.first_put, item.available) = (Some(first_put), Some(available));
            }
            self.access.writer()?.put(prepared).map(drop)
        };
        self.lines(&lines::ITEMS, |line| {
            batch.push(line);
            if batch.len() >= ITEMS { put(&mut batch) } else { Ok(()) }
        })?;
        put(&mut batch)
    }

    /// In a store that has events, one that it has is not logged again.
    fn events(&self) -> Result<()> {
        let mut batch: Vec<LoggedEvent> = Vec::new();
        let log = |batch: &mut Vec<LoggedEvent>| {
            let logged = std::mem::take(batch);
            logged.iter().try_for_each(|logged| logged.event.check_form())?;
            log_restored(self.stores(), logged)
        };
        self.lines(&lines::EVENTS, |line: EventLine| {
            let arrived = line.arrived.unwrap_or(line.time);
            batch.push(LoggedEvent { event: line.event(), arrived, dated: !self.exact });
            if batch.len() >= ROWS { log(&mut batch) } else { Ok(()) }
        })?;
        log(&mut batch)
    }

    /// Records of users, after the events: those that are logged later are in the segments of the record.
    fn users(&self) -> Result<()> {
        let mut batch = Vec::new();
        let put = |batch: &mut Vec<User>| self.access.writer()?.put_users(prepare_users(std::mem::take(batch))?);
        self.lines(&lines::USERS, |line: UserLine| {
            let (id, attributes) = (line.id, line.attributes);
            batch.extend(attributes.map(|TypedFields(attributes)| User { id, attributes }));
            if batch.len() >= ROWS { put(&mut batch) } else { Ok(()) }
        })?;
        put(&mut batch)
    }

    /// What was known besides events: `removed` ones before the events are logged, impressions after.
    fn histories(&self, removed: bool) -> Result<()> {
        self.rows(&lines::HISTORIES, |write, line: HistoryLine| {
            let (user, item) = (write.view().user_key(&line.user)?, write.view().item_key(&line.item)?);
            let known = user.zip(item).ok_or_else(|| Error::damaged("histories", "an id that no other file has"));
            let (user, item) = known?;
            match &line.removed {
                Some(row) if removed => write.restore_removed(user, item, row),
                None if removed => Ok(()),
                _ => {
                    let shown = UserItem { shown: line.shown, last_shown: line.last_shown, ..UserItem::default() };
                    write.set_shown(user, item, &shown)
                }
            }
        })
    }

    fn counts(&self) -> Result<()> {
        self.rows(&lines::COUNTS, |write, line: CountLine| {
            let item = write.view().item_key(&line.item)?;
            let item = item.ok_or_else(|| Error::damaged("counts", "an id that no other file has"))?;
            write.set_counts(item, line.shown, line.chosen)
        })
    }

    fn impressions(&self) -> Result<()> {
        self.rows(&lines::IMPRESSIONS, |write, line: ImpressionLine| {
            let hash = |text: &str| {
                u64::from_str_radix(text, 16).map_err(|e| Error::damaged("impressions", format!("hash {text}: {e}")))
            };
            let key = |id: Option<&String>| match id {
                Some(id) => write.view().item_key(id).map(|key| key.unwrap_or(FORGOTTEN)),
                None => Ok(FORGOTTEN),
            };
            let slate = line.slate.iter().map(|id| key(id.as_ref())).collect::<Result<_>>()?;
            let impression = Impression {
                rank_id: line.rank_id,
                user: line.user,
                query: line.query,
                time: line.time,
                slate,
                offset: line.offset,
                explored: line.explored,
                propensities: line.propensities,
                new: line.new,
                features: hash(&line.features)?,
                model: hash(&line.model)?,
                weights: line.weights,
            };
            write.restore_impression(&StoredImpression { impression, chosen: line.chosen }).map(drop)
        })
    }

    fn scenarios(&self) -> Result<()> {
        self.lines(&lines::SCENARIOS, |line: ScenarioLine| {
            let (name, rules) = prepare_scenario(&line.name, &rules_from_json(&line.rules.to_string())?)?;
            self.access.writer()?.set_scenario(name, rules)
        })
        .map(drop)
    }
}
