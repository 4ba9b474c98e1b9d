//! Calls by name, with arguments and answers in JSON: how the bindings offer what is not called often enough to need a
//! conversion of its own. A method that is added to the table is known to Python and C at once.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Engine;
use crate::api::decode::shortened;
use crate::api::event::Action;
use crate::api::field_change::OnUnfit;
use crate::api::field_type::Kind;
use crate::api::json;
use crate::api::stored_events::{EventFilter, EventQuery};
use crate::api::token::Token;
use crate::api::transfer::ExportFormat;
use crate::api::tuning::Tuning;
use crate::api::user;
use crate::base::error::{Error, Result};
use crate::base::time::Timestamp;

/// What a name stands for: reads the arguments, calls the method, writes the answer.
type Method = fn(&Engine, Arguments<'_>) -> Result<String>;

/// Every method that can be called by name, in order of name.
const METHODS: &[(&str, Method)] = &[
    ("apply_retention", |db, given| given.none().and_then(|()| answer(&db.apply_retention()?))),
    ("backup", |db, given| answer(&db.backup(given.read::<Folder>()?.path)?)),
    ("cancel", |db, given| given.none().and_then(|()| answer(&db.cancel()))),
    ("compact", |db, given| given.none().and_then(|()| answer(&db.compact()?))),
    ("count_events", |db, given| answer(&db.count_events(&given.read::<Events>()?.filter()?.0)?)),
    ("delete_events", |db, given| {
        let (filter, given) = given.read::<Events>()?.filter()?;
        match (given.all, filter.is_empty()) {
            (true, true) => answer(&db.delete_all_events()?),
            (true, false) => Err(Error::argument("all", "no other condition with it", "some")),
            (false, _) => answer(&db.delete_events(&filter)?),
        }
    }),
    ("delete_scenario", |db, given| answer(&db.delete_scenario(&given.read::<Name>()?.name)?)),
    ("delete_users", |db, given| answer(&db.delete_users(&given.read::<Ids>()?.ids)?)),
    ("drop_field", |db, given| answer(&db.drop_field(&given.read::<Name>()?.name)?)),
    ("evaluate", |db, given| {
        let report = db.evaluate(&json::plan_from_json(given.text)?)?;
        answer(&[report.text(), json::report_to_json(&report)?, report.html()])
    }),
    ("events", |db, given| {
        let (filter, given) = given.read::<Events>()?.filter()?;
        let limit = given.limit.unwrap_or_else(default_limit);
        let (newest_first, after) = (given.newest_first, given.after);
        answer(&db.events(&EventQuery { filter, newest_first, after, limit })?)
    }),
    ("export", |db, given| {
        let given: Export = given.read()?;
        answer(&db.export(given.path, given.format)?)
    }),
    ("export_training", |db, given| {
        let Training { path, plan } = given.read()?;
        let plan = json::training_plan_from_json(&plan.to_string())?;
        json::training_summary_to_json(&db.export_training(path, &plan)?)
    }),
    ("fit_space", |db, given| given.none().and_then(|()| answer(&db.fit_space()?))),
    ("flush", |db, given| given.none().and_then(|()| answer(&db.flush()?))),
    ("forget", |db, given| answer(&db.forget(&given.read::<User>()?.user)?)),
    ("forget_item", |db, given| answer(&db.forget_item(&given.read::<Id>()?.id)?)),
    ("get_users", |db, given| answer(&db.get_users(&given.read::<Ids>()?.ids)?)),
    ("import_from", |db, given| answer(&db.import_from(given.read::<Folder>()?.path)?)),
    ("impressions", |db, given| {
        let page: Page = given.read()?;
        json::impressions_to_json(&db.impressions(page.after.as_deref(), page.limit)?)
    }),
    ("load_adapter", |db, given| {
        let Adapter { name, path } = given.read()?;
        json::adapter_to_json(&db.load_adapter(&name, path)?)
    }),
    ("load_model", |db, given| json::model_to_json(&db.load_model(given.read::<Folder>()?.path)?)),
    ("merge_users", |db, given| {
        let users: Merge = given.read()?;
        answer(&db.merge_users(&users.from, &users.into)?)
    }),
    ("models", |db, given| given.none().and_then(|()| json::models_to_json(&db.models()?))),
    ("new_item_exposure", |db, given| {
        given.none().and_then(|()| json::new_item_exposure_to_json(&db.new_item_exposure()?))
    }),
    ("promote_model", |db, given| answer(&db.promote_model(given.read::<Version>()?.version)?)),
    ("put_users", |db, given| answer(&db.put_users(given.read::<Users>()?.users)?)),
    ("questions", |db, given| json::questions_to_json(&db.questions(&json::plan_from_json(given.text)?)?)),
    ("rebuild_cooccurrence", |db, given| given.none().and_then(|()| answer(&db.rebuild_cooccurrence()?))),
    ("rename_field", |db, given| {
        let names: Renamed = given.read()?;
        answer(&db.rename_field(&names.name, &names.to)?)
    }),
    ("retype_field", |db, given| {
        let retyped: Retyped = given.read()?;
        answer(&db.retype_field(&retyped.name, retyped.kind, retyped.on_unfit)?)
    }),
    ("roll_back_model", |db, given| given.none().and_then(|()| answer(&db.roll_back_model()?))),
    ("scenarios", |db, given| given.none().and_then(|()| json::scenarios_to_json(&db.scenarios()?))),
    ("schema", |db, given| given.none().and_then(|()| answer(&db.schema()?))),
    ("shadow_model_on_past", |db, given| {
        let asked: Shadow = given.read()?;
        json::shadow_to_json(&db.shadow_model_on_past(asked.version, asked.sample)?)
    }),
    ("stats", |db, given| given.none().and_then(|()| json::stats_to_json(&db.stats()?))),
    ("token", |db, given| given.none().and_then(|()| answer(&db.token()?))),
    ("tune", |db, given| {
        let until = given.read::<Until>()?.until.unwrap_or(Timestamp::MAX);
        answer(&written(&db.tune_until(until)?)?)
    }),
    ("tunings", |db, given| {
        given.none()?;
        answer(&db.tunings()?.0.iter().map(written).collect::<Result<Vec<_>>>()?)
    }),
    ("unload_adapter", |db, given| answer(&db.unload_adapter(&given.read::<Name>()?.name)?)),
    ("unload_model", |db, given| answer(&db.unload_model(given.read::<Version>()?.version)?)),
    ("update", |db, given| answer(&db.update_rows(json::rows_argument(given.method, "items", given.text)?)?)),
    ("use_tuning", |db, given| answer(&db.use_tuning(given.read::<Version>()?.version)?)),
    ("users", |db, given| {
        let page: Page = given.read()?;
        answer(&db.users(page.after.as_deref(), page.limit)?)
    }),
    ("verify_signals", |db, given| {
        given.none()?;
        let found = db.verify_signals()?;
        answer(&(found.before == found.after))
    }),
    ("verify_vectors", |db, given| given.none().and_then(|()| answer(&(db.verify_vectors()?.wrong == 0)))),
    ("wait_for", |db, given| {
        let wait: Wait = given.read()?;
        answer(&db.wait_for(wait.token, wait.limit()?)?)
    }),
];

/// The arguments of a call: the name that errors begin with, and a JSON object.
struct Arguments<'a> {
    method: &'a str,
    text: &'a str,
}

impl Arguments<'_> {
    fn read<T: serde::de::DeserializeOwned>(&self) -> Result<T> {
        json::arguments_from_json(self.method, self.text)
    }

    fn none(&self) -> Result<()> {
        self.read::<Nothing>().map(|_| ())
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Name {
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Export {
    path: PathBuf,
    #[serde(default)]
    format: ExportFormat,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Folder {
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct User {
    user: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Id {
    id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    from: String,
    into: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ids {
    ids: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Users {
    users: Vec<user::User>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Version {
    version: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shadow {
    version: u64,
    sample: usize,
}

/// A commit, and for how many seconds it is waited for.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wait {
    token: Token,
    timeout: f64,
}

impl Wait {
    fn limit(&self) -> Result<Duration> {
        let wrong = |_| Error::argument("timeout", "seconds, 0 or more", self.timeout.to_string());
        Duration::try_from_secs_f64(self.timeout).map_err(wrong)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Renamed {
    name: String,
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Adapter {
    name: String,
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Retyped {
    name: String,
    kind: Kind,
    #[serde(default)]
    on_unfit: OnUnfit,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Training {
    path: PathBuf,
    plan: serde_json::Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Until {
    #[serde(default)]
    until: Option<Timestamp>,
}

/// A page of what is read in an order.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default)]
    after: Option<String>,
    #[serde(default = "default_limit")]
    limit: usize,
}

/// Conditions on events, and a page of them.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Events {
    user: Option<String>,
    item: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    action: Option<String>,
    batch: Option<String>,
    newest_first: bool,
    after: Option<String>,
    limit: Option<usize>,
    all: bool,
}

impl Events {
    /// The conditions, and the rest.
    fn filter(mut self) -> Result<(EventFilter, Events)> {
        let action = self.action.take().map(|name| Action::named(&name));
        let (user, item, batch) = (self.user.take(), self.item.take(), self.batch.take());
        Ok((EventFilter { user, item, since: self.since, until: self.until, action, batch }, self))
    }
}

fn default_limit() -> usize {
    1000
}

/// A tuning for a terminal, and as JSON.
fn written(tuning: &Tuning) -> Result<[String; 2]> {
    Ok([tuning.to_text(), json::tuning_to_json(tuning)?])
}

fn answer(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::internal(format!("writing JSON: {error}")))
}

impl Engine {
    /// Calls a method by its name: `arguments` is a JSON object of its arguments by name, the answer is JSON. For bindings
    /// and tools; from Rust the methods themselves are simpler. [`Engine::methods`] lists the names.
    ///
    /// ```no_run
    /// # let db = onelist::Engine::open("shop.onelist", onelist::Config::default())?;
    /// assert_eq!(db.call("delete_scenario", r#"{"name": "spring"}"#)?, "false");
    /// # Ok::<(), onelist::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a name that is not known, or [`Error::UnknownField`] for an argument; otherwise what
    /// the method answers.
    pub fn call(&self, method: &str, arguments: &str) -> Result<String> {
        let Ok(place) = METHODS.binary_search_by_key(&method, |(name, _)| name) else {
            let known = Engine::methods().collect::<Vec<_>>().join(", ");
            return Err(Error::argument("method", format!("one of {known}"), shortened(method)));
        };
        METHODS[place].1(self, Arguments { method, text: arguments })
    }

    /// The names that [`Engine::call`] takes, in order.
    pub fn methods() -> impl Iterator<Item = &'static str> {
        METHODS.iter().map(|(name, _)| *name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_unique() {
        let names: Vec<_> = Engine::methods().collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }
}
