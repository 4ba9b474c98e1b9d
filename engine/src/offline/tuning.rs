//! `calibrate` on a store: past events become requests to a scratch copy, whose answers the weights are fitted to.

use crossbeam::channel::{Sender, bounded};

use super::past_requests::{past, request, sample};
use super::replay::{Asked, Replay};
use super::store_log::read_log;
use crate::api::calibration::{Calibration, Situation};
use crate::api::evaluation::Plan;
use crate::base::error::{Error, Result};
use crate::base::id::ItemKey;
use crate::base::time::Timestamp;
use crate::core::Access;
use crate::offline::evaluate::Log;
use crate::offline::tune::{Draw, Past, Sample, choose, draw};
use crate::store::Stores;
use crate::store::weights;

/// Requests that wait to be scored: so many states of the scratch copy are pinned at a time.
const WAITING: usize = 8;

/// Fits the weights to the events before a time. Gives up with [`Error::Closed`] when the engine closes.
pub(crate) fn calibrate(access: &Access, until: Timestamp) -> Result<Calibration> {
    let stores = &access.stores;
    if !stores.config.weights.is_empty() {
        let found = "weights that the configuration fixes";
        return Err(Error::argument("calibrate", "an engine opened without `weights`", found));
    }
    access.writer.drain()?;
    let catalog = stores.catalog.read()?;
    let tried = catalog.view().events_logged(&catalog.counters())?;
    drop(catalog);
    let mut log = read_log(stores, &Plan::default())?;
    log.events.retain(|event| event.time < until);
    let live = stores.live();
    let samples = collect(stores, &log)?;
    let sets = choose(&samples, |situation| live.weights.row(situation));
    stores.check_open()?;
    weights::add(stores, &live, log.events.len() as u64, tried, sets)
}

/// Replays a log, and notes the candidates of those events that are drawn.
fn collect(stores: &Stores, log: &Log) -> Result<Vec<Sample>> {
    let past: Vec<Past> = log.events.iter().map(past).collect();
    let draws = draw(&past, stores.config.session_gap);
    if draws.is_empty() {
        return Ok(Vec::new());
    }
    let mut replay = Replay::new(stores, log, 2)?;
    let copy = replay.stores()?;
    // The log is replayed on this thread, and what is asked on the way is scored on another.
    let (ask, asked) = bounded(WAITING);
    std::thread::scope(|scope| {
        let scorer = scope.spawn(move || asked.iter().map(Waiting::score).collect::<Result<Vec<Sample>>>());
        let walked = draws.iter().try_for_each(|draw| walk(&mut replay, &copy, draw, &ask));
        // The thread ends when nothing more can come.
        drop(ask);
        let samples = scorer.join().map_err(|_| Error::internal("the thread that scores samples panicked"))??;
        walked.map(|()| samples)
    })
}

/// Replays the log up to a draw, and asks for it.
fn walk<'s>(replay: &mut Replay, copy: &'s Stores, draw: &Draw, ask: &Sender<Waiting<'s>>) -> Result<()> {
    replay.advance(draw.at)?;
    let log = replay.log();
    let Some(event) = log.events.get(draw.at) else { return Ok(()) };
    let taken = event.item.and_then(|item| replay.key(item));
    let request = request(log, draw, event.user, event.query.as_deref(), event.time);
    let asked = replay.pin(copy, request)?;
    // The thread is gone after an error of its own, which it answers with.
    ask.send(Waiting { situation: draw.situation, taken, asked }).map_err(|_| Error::Closed)
}

/// A request on its way to be scored.
struct Waiting<'s> {
    situation: Situation,
    taken: Option<ItemKey>,
    asked: Asked<'s>,
}

impl Waiting<'_> {
    fn score(self) -> Result<Sample> {
        Ok(sample(self.situation, self.asked.score()?, self.taken))
    }
}
