//! Calibrating on the way through a replay: at each moment the weights are those that a store would have had then.

use std::sync::Arc;

use super::calibrate::{past, request, sample};
use crate::calibrate::{Draw, Sample, choose, draw};
use crate::candidate::Scored;
use crate::error::Result;
use crate::evaluate::Log;
use crate::id::ItemKey;
use crate::live_weights::LiveWeights;
use crate::request::Request;
use crate::stores::Stores;

/// Growth of the log after which the weights are fitted again.
const GROWTH: f64 = 1.25;

/// Samples so far, and the weights fitted to them.
pub(super) struct Walk {
    draws: Vec<Draw>,
    next: usize,
    samples: Vec<Sample>,
    /// Events in the log at the last fit.
    fitted: usize,
    /// Under these, what a feature adds to a score is the feature.
    ones: Arc<LiveWeights>,
    live: Arc<LiveWeights>,
}

impl Walk {
    pub(super) fn new(log: &Log, stores: &Stores) -> Walk {
        let shipped = LiveWeights::shipped(&stores.model);
        Walk {
            draws: draw(&log.events.iter().map(past).collect::<Vec<_>>()),
            next: 0,
            samples: Vec::new(),
            fitted: 0,
            ones: Arc::new(LiveWeights::ones(&stores.model)),
            live: Arc::new(shipped),
        }
    }

    /// The requests that the event at `at` answers, to be asked before it is logged.
    pub(super) fn due(&mut self, at: usize) -> Vec<Draw> {
        while self.draws.get(self.next).is_some_and(|draw| draw.at < at) {
            self.next += 1;
        }
        let due: Vec<Draw> = self.draws[self.next..].iter().take_while(|draw| draw.at == at).copied().collect();
        self.next += due.len();
        due
    }

    /// Asks one of them through `ask`, and keeps its candidates.
    pub(super) fn note(
        &mut self,
        stores: &Stores,
        (log, draw): (&Log, Draw),
        taken: Option<ItemKey>,
        ask: impl FnOnce(&Request) -> Result<Vec<Scored>>,
    ) -> Result<()> {
        let Some(event) = log.events.get(draw.at) else { return Ok(()) };
        stores.weights.store(self.ones.clone());
        let scored = ask(&request(log, &draw, event.user, event.query.as_deref(), event.time));
        stores.weights.store(self.live.clone());
        self.samples.push(sample(draw.situation, scored?, taken));
        Ok(())
    }

    /// Fits the weights when the log has grown, and puts them in force.
    pub(super) fn fit(&mut self, stores: &Stores, logged: usize) {
        if logged == 0 || (logged as f64) < self.fitted as f64 * GROWTH {
            return;
        }
        self.fitted = logged;
        let shipped = LiveWeights::shipped(&stores.model);
        let sets = choose(&self.samples, |situation| shipped.row(situation));
        self.live = Arc::new(shipped.with(1, &sets));
        stores.weights.store(self.live.clone());
    }
}
