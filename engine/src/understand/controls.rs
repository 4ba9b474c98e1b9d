//! What a request asks of the order of its list, resolved against a snapshot: ids as keys, filters as sets of keys.

use roaring::RoaringTreemap;

use super::lookup::known;
use super::rules::Labelled;
use crate::api::controls::{Cap, Mix, semantic_levels};
use crate::api::exploration::{Exploration, NewItems};
use crate::api::filter::Filter;
use crate::api::item::Kind;
use crate::api::request::Request;
use crate::api::rule::{Rule, Which};
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::limits::{self, at_most};
use crate::store::snapshot::Snapshot;

/// An item that a rule gives a position.
#[derive(Debug, Clone)]
pub(crate) struct Pin {
    pub label: String,
    pub key: ItemKey,
    /// From 1.
    pub position: usize,
}

/// An amount for the scores of a set of items.
#[derive(Debug, Clone)]
pub(crate) struct Lift {
    pub label: String,
    pub keys: RoaringTreemap,
    /// Negative for a burial.
    pub amount: f32,
}

/// A cap, of a rule (then with its label) or of the request itself.
#[derive(Debug, Clone)]
pub(crate) struct NamedCap {
    pub label: Option<String>,
    pub cap: Cap,
}

/// What is to be done with the scored candidates.
#[derive(Debug, Default)]
pub(crate) struct Controls {
    /// Vectors to move away from, unit length.
    pub unlike: Vec<Vec<f32>>,
    pub lifts: Vec<Lift>,
    pub diversity: f32,
    pub mix: Option<Mix>,
    pub caps: Vec<NamedCap>,
    /// No two of one item.
    pub pins: Vec<Pin>,
    /// Labels of the filters that every hit has passed.
    pub required: Vec<String>,
    /// Lists whose order is drawn at random.
    pub explore: Option<Exploration>,
    /// What is new, and which share of the list it gets.
    pub new_items: Option<NewItems>,
}

impl Controls {
    /// Whether nothing but scores (and pins, afterwards) orders the list.
    pub(crate) fn order_by_score(&self) -> bool {
        self.diversity == 0.0 && self.mix.is_none() && self.caps.is_empty()
    }

    /// Whether the candidates stay in the order of the model's scores.
    pub(crate) fn are_plain(&self) -> bool {
        self.unlike.is_empty()
            && self.lifts.is_empty()
            && self.diversity == 0.0
            && self.mix.is_none()
            && self.caps.is_empty()
            && self.pins.is_empty()
            && self.required.is_empty()
            && self.explore.is_none()
            && self.new_items.is_none()
    }
}

/// The request's filter with what its rules require and exclude by filter. An empty store knows no field, and has
/// nothing to filter.
///
/// # Errors
/// [`Error::LimitExceeded`] when all of it has more conditions than a filter may have; what [`Filter::resolve`] refuses.
pub(super) fn filter(snapshot: &Snapshot, request: &Request, rules: &[Labelled]) -> Result<Option<Filter>> {
    let mut all: Vec<Filter> = request.filter.iter().cloned().collect();
    for Labelled { rule, .. } in rules {
        match rule {
            Rule::Require(filter) => all.push(filter.clone()),
            Rule::Exclude(Which::Matching(filter)) => all.push(filter.clone().not()),
            _ => {}
        }
    }
    if all.is_empty() {
        return Ok(None);
    }
    if snapshot.schema.fields.is_empty() {
        return Ok(Some(Filter::Or(Vec::new())));
    }
    if all.len() > 1 {
        let conditions = all.iter().map(Filter::conditions).sum();
        at_most("conditions of a filter and of the rules beside it", limits::MAX_FILTER_LEAVES, conditions)?;
    }
    let resolved = all.iter().map(|filter| filter.resolve(&snapshot.schema)).collect::<Result<Vec<_>>>()?;
    Ok(match <[Filter; 1]>::try_from(resolved) {
        Ok([only]) => Some(only),
        Err(several) => Some(Filter::And(several)),
    })
}

/// Everything but the pins, which are looked at when it is known what the request admits.
pub(super) fn read(snapshot: &Snapshot, request: &Request, rules: &[Labelled]) -> Result<Controls> {
    let config = &snapshot.stores.config;
    let mut controls = Controls {
        diversity: request.diversity,
        mix: request.calibrate_mix.clone().filter(|mix| mix.strength > 0.0),
        explore: request.explore.or(config.explore).filter(|explore| explore.share + explore.swaps > 0.0),
        new_items: request.new_items.or(config.new_items).filter(NewItems::says_what_is_new),
        caps: request.caps.iter().map(|cap| NamedCap { label: None, cap: cap.clone() }).collect(),
        ..Controls::default()
    };
    for Labelled { label, rule } in rules {
        let label = label.clone();
        match rule {
            Rule::Boost { which, amount } => {
                controls.lifts.push(Lift { label, keys: keys(snapshot, which)?, amount: *amount });
            }
            Rule::Bury { which, amount } => {
                controls.lifts.push(Lift { label, keys: keys(snapshot, which)?, amount: -amount });
            }
            Rule::Cap(cap) => controls.caps.push(NamedCap { label: Some(label), cap: cap.clone() }),
            Rule::Require(_) => controls.required.push(label),
            Rule::Pin { .. } | Rule::Exclude(_) => {}
        }
    }
    at_most("caps", limits::MAX_CAPS, controls.caps.len())?;
    let fields = controls.caps.iter().map(|named| &named.cap.field).chain(controls.mix.iter().map(|mix| &mix.field));
    fields.into_iter().try_for_each(|field| check_groups(snapshot, field))?;
    Ok(controls)
}

/// Refuses a field whose values are no groups. An empty store knows no field, and has nothing to group.
fn check_groups(snapshot: &Snapshot, field: &str) -> Result<()> {
    if snapshot.schema.fields.is_empty() || semantic_levels(field).is_some() {
        return Ok(());
    }
    match snapshot.schema.field(field)?.kind {
        kind @ (Kind::Geo | Kind::Vector) => {
            let expected = "a field of text, tags, numbers, booleans or dates";
            Err(Error::argument(format!("groups of `{field}`"), expected, kind.name()))
        }
        _ => Ok(()),
    }
}

/// The items that a rule speaks of.
fn keys(snapshot: &Snapshot, which: &Which) -> Result<RoaringTreemap> {
    match which {
        Which::Ids(ids) => Ok(known(snapshot, ids)?.into_iter().map(|key| key.0).collect()),
        Which::Matching(_) if snapshot.schema.fields.is_empty() => Ok(RoaringTreemap::new()),
        Which::Matching(filter) => {
            let visible = |key, generation| snapshot.is_current(key, Some(generation));
            snapshot.text.matching(&filter.resolve(&snapshot.schema)?, &snapshot.schema, &visible)
        }
    }
}

/// The pins whose items the request lets into the list; of the others it is noted why they are left out. Of several
/// pins of one item the first stays; an item that an earlier page has shown is passed over.
pub(super) fn pins(
    snapshot: &Snapshot,
    rules: &[Labelled],
    shown: &[ItemKey],
    admits: impl Fn(ItemKey) -> bool,
    degraded: &mut Vec<String>,
) -> Result<Vec<Pin>> {
    let view = snapshot.catalog.view();
    let mut pins: Vec<Pin> = Vec::new();
    for Labelled { label, rule } in rules {
        let Rule::Pin { item, position } = rule else { continue };
        let key = view.item_key(item)?;
        let live = key.map(|key| view.head(key)).transpose()?.flatten().is_some();
        let Some(key) = key.filter(|_| live) else {
            degraded.push(format!("{label} was left out: `{item}` is not in the catalog"));
            continue;
        };
        if shown.binary_search(&key).is_ok() || pins.iter().any(|pin| pin.key == key) {
            continue;
        }
        if !admits(key) {
            degraded.push(format!("{label} was left out: `{item}` is excluded, or the filter does not let it through"));
            continue;
        }
        pins.push(Pin { label: label.clone(), key, position: *position });
    }
    Ok(pins)
}
