//! `evaluate` on a store: its log read once, the engine in scratch directories as what is measured.

use std::collections::HashMap;

use super::systems::EngineSystems;
use crate::api::config::Meaning;
use crate::api::evaluation::{Counterfactual, Decisions, Guards, Plan, Questions, Report};
use crate::api::event::Segments;
use crate::api::item::{Item, Kind, Value};
use crate::base::error::{Error, Result};
use crate::base::id::{ItemKey, UserKey};
use crate::offline::evaluate::{self, Log, LogEvent, LogItem, Subject, Vectors};
use crate::store::Stores;
use crate::store::snapshot::Snapshot;

/// Replays the log into scratch copies, and scores what they answer beside the baselines. The store is only read.
pub(crate) fn evaluate(stores: &Stores, plan: &Plan) -> Result<Report> {
    let log = read_log(stores, plan)?;
    let configured = !stores.config.weights.is_empty() || plan.calibrate || stores.weights().version > 0;
    let make = |log: &Log| -> Result<Vec<Box<dyn Subject>>> {
        let mut subjects: Vec<Box<dyn Subject>> = vec![Box::new(EngineSystems::main(stores, log, plan)?)];
        if plan.baselines && configured {
            subjects.push(Box::new(EngineSystems::uncalibrated(stores, log)?));
        }
        for variant in &plan.variants {
            subjects.push(Box::new(EngineSystems::variant(stores, log, plan, variant)?));
        }
        Ok(subjects)
    };
    evaluate::run(log, plan, &make)
}

/// The questions that [`evaluate()`] asks by this plan, without their answers.
pub(crate) fn questions(stores: &Stores, plan: &Plan) -> Result<Questions> {
    evaluate::questions(read_log(stores, plan)?, plan)
}

/// Estimates from logged decisions what another policy would have earned: IPS, SNIPS and, with a model's estimates, DR.
///
/// ```
/// use onelist::evaluation::{Decisions, Guards};
/// let mut decisions = Decisions::default();
/// for i in 0..1000 {
///     decisions.reward.push(f64::from(i % 2));
///     decisions.logged.push(0.5);
///     decisions.target.push(if i % 2 == 1 { 0.9 } else { 0.1 });
/// }
/// let estimated = onelist::counterfactual(&decisions, &Guards::default())?;
/// assert!((estimated.estimates[0].value.mean - 0.9).abs() < 1e-9);
/// # Ok::<(), onelist::Error>(())
/// ```
///
/// # Errors
/// [`Error::InvalidArgument`] for columns that do not fit, missing propensities, or too small an effective sample;
/// [`Error::NonFinite`]; [`Error::LimitExceeded`].
pub fn counterfactual(decisions: &Decisions, guards: &Guards) -> Result<Counterfactual> {
    evaluate::counterfactual(decisions, guards)
}

/// Items, users and events of one commit, with dense numbers.
pub(super) fn read_log(stores: &Stores, plan: &Plan) -> Result<Log> {
    let snapshot = Snapshot::pin(stores)?;
    let mut log = Log::default();
    let numbers = read_items(&snapshot, plan, &mut log)?;
    let ids = snapshot.catalog.view().all_users()?;
    let mut users: HashMap<UserKey, u32> = HashMap::new();
    let mut baskets: HashMap<String, u32> = HashMap::new();
    let mut segments: HashMap<Segments, u32> = HashMap::new();
    for (key, event) in snapshot.catalog.view().all_events()? {
        stores.check_open()?;
        let item = event.item.map(|key| numbers.get(&key).copied());
        if item == Some(None) {
            log.unknown_items += 1;
            continue;
        }
        let user = match users.get(&key) {
            Some(user) => *user,
            None => {
                let id = ids.get(&key).ok_or_else(|| Error::damaged("event", "a user without an id"))?;
                log.users.push(id.clone());
                let number = log.users.len() as u32 - 1;
                users.insert(key, number);
                number
            }
        };
        let (meaning, _) = event.action.meaning(event.value, &stores.config);
        let next = baskets.len() as u32;
        let basket = event.basket.map(|name| *baskets.entry(name).or_insert(next));
        let next = segments.len() as u32;
        let named = (!event.segments.is_empty()).then(|| *segments.entry(event.segments).or_insert(next));
        log.events.push(LogEvent {
            user,
            item: item.flatten(),
            action: event.action,
            query: event.query,
            value: event.value,
            time: event.time,
            negative: meaning == Meaning::Negative,
            basket,
            segments: named,
        });
    }
    let mut sets: Vec<(u32, Segments)> = segments.into_iter().map(|(set, number)| (number, set)).collect();
    sets.sort_unstable();
    log.segments = sets.into_iter().map(|(_, set)| set).collect();
    Ok(log)
}

fn read_items(snapshot: &Snapshot, plan: &Plan, log: &mut Log) -> Result<HashMap<ItemKey, u32>> {
    let field = category_field(snapshot, plan)?;
    let (space, width) = (snapshot.item_space(), snapshot.model().width());
    let mut numbers = HashMap::new();
    let mut categories: HashMap<String, u32> = HashMap::new();
    let mut vectors = Vec::new();
    for row in snapshot.catalog.view().items(ItemKey(0))? {
        let (key, record) = row?;
        let number = log.items.len();
        numbers.insert(key, number as u32);
        if let Some(vector) = snapshot.vector(space, key)? {
            vectors.push((number, vector));
        }
        let categories = tags(&record.item, field.as_deref()).iter().map(|tag| {
            let next = categories.len() as u32;
            *categories.entry(tag.clone()).or_insert(next)
        });
        let categories = categories.collect();
        log.items.push(LogItem { id: record.item.id, available: record.available, categories });
    }
    log.vectors = Vectors::zeros(log.items.len(), width);
    vectors.iter().for_each(|(number, vector)| log.vectors.set(*number, vector));
    Ok(numbers)
}

/// The field whose mix is compared: the plan's, or the first tag field by name.
fn category_field(snapshot: &Snapshot, plan: &Plan) -> Result<Option<String>> {
    let fields = &snapshot.schema.fields;
    match &plan.category {
        Some(name) => match snapshot.schema.field(name)?.kind {
            Kind::Tags => Ok(Some(name.clone())),
            other => {
                Err(Error::argument("category", "a field of tags", format!("`{name}`, a field of {}", other.name())))
            }
        },
        None => Ok(fields.iter().find(|(_, spec)| spec.kind == Kind::Tags).map(|(name, _)| name.clone())),
    }
}

fn tags<'i>(item: &'i Item, field: Option<&str>) -> &'i [String] {
    match field.and_then(|name| item.fields.get(name)) {
        Some(Value::Tags(tags)) => tags,
        _ => &[],
    }
}
