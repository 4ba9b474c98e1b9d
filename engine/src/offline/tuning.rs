//! Tuning a store (`Engine::tune`): past events become requests to a scratch copy; the weights are fitted to its answers.

use crossbeam::channel::{Sender, bounded};

use super::past_requests::{past, request, sample};
use super::replay::{Asked, Replay};
use super::store_log::read_log;
use crate::api::evaluation::Plan;
use crate::api::tuning::{RequestContext, Tuning};
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::base::watch;
use crate::core::Access;
use crate::offline::evaluate::Log;
use crate::offline::tune::{Draw, Past, Sample, choose, draw};
use crate::store::Stores;
use crate::store::tunings;

/// Requests that wait to be scored: so many states of the scratch copy are pinned at a time.
const WAITING: usize = 8;

/// Fits the weights to the events before a time. Stops with [`Error::Closed`] when the engine closes.
pub(crate) fn tune(access: &Access, until: Timestamp) -> Result<Tuning> {
    let stores = &access.stores;
    if !stores.config.weights.is_empty() {
        let found = "weights that the configuration fixes";
        return Err(Error::argument("tune", "an engine opened without `weights`", found));
    }
    access.writer()?.drain()?;
    let catalog = stores.catalog.read()?;
    let tried = catalog.view().events_logged(&catalog.counters())?;
    drop(catalog);
    let mut log = read_log(stores, &Plan::default())?;
    log.events.retain(|event| event.time < until);
    let active = stores.active();
    let samples = collect(stores, &log)?;
    let sets = choose(&samples, |context| active.weights.row(context));
    stores.check_open()?;
    tunings::add(stores, &active, log.events.len() as u64, tried, sets)
}

/// Replays a log, and collects the candidates of the events that are drawn.
fn collect(stores: &Stores, log: &Log) -> Result<Vec<Sample>> {
    let past: Vec<Past> = log.events.iter().map(past).collect();
    let draws = draw(&past, stores.config.session_gap);
    if draws.is_empty() {
        return Ok(Vec::new());
    }
    let mut replay = Replay::new(stores, log, 2)?;
    let copy = replay.stores()?;
    // This thread replays the log; another scores the requests.
    let (ask, asked) = bounded(WAITING);
    std::thread::scope(|scope| {
        let watched = watch::current();
        let score = move || asked.iter().map(Waiting::score).collect::<Result<Vec<Sample>>>();
        let scorer = scope.spawn(move || watch::within(watched, score));
        let replayed = draws.iter().enumerate().try_for_each(|(done, draw)| {
            watch::report("replay", done, draws.len());
            ask_for(&mut replay, &copy, draw, &ask)
        });
        // The thread ends once the channel is closed.
        drop(ask);
        let samples = scorer.join().map_err(|_| Error::internal("the thread that scores samples panicked"))??;
        replayed.map(|()| samples)
    })
}

/// Replays the log up to a draw, and sends its request to the scorer.
fn ask_for<'s>(replay: &mut Replay, copy: &'s Stores, draw: &Draw, ask: &Sender<Waiting<'s>>) -> Result<()> {
    replay.advance(draw.at)?;
    let log = replay.log();
    let Some(event) = log.events.get(draw.at) else { return Ok(()) };
    let taken = event.item.and_then(|item| replay.key(item));
    let request = request(log, draw, event.user, event.query.as_deref(), event.time);
    let asked = replay.pin(copy, request)?;
    // The thread ends after an error of its own, which `join` returns.
    ask.send(Waiting { context: draw.context, taken, asked }).map_err(|_| Error::Closed)
}

/// A request on its way to be scored.
struct Waiting<'s> {
    context: RequestContext,
    taken: Option<ItemKey>,
    asked: Asked<'s>,
}

impl Waiting<'_> {
    fn score(self) -> Result<Sample> {
        Ok(sample(self.context, self.asked.score()?, self.taken))
    }
}
