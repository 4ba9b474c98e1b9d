//! Rolling tuning during a replay: at each moment the weights are those that a store would have had at that time.

use std::sync::Arc;

use super::past_requests::{past, request, sample};
use crate::api::candidate::Scored;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::id::ItemKey;
use crate::offline::evaluate::Log;
use crate::offline::tune::{Drawn, Reservoir, Sample, choose};
use crate::store::Stores;
use crate::store::weights::ActiveWeights;

/// Growth of the log after which the weights are fitted again.
const GROWTH: f64 = 1.25;

/// Samples so far, and the weights fitted to them.
pub(super) struct RollingTuning {
    reservoir: Reservoir,
    samples: Vec<(Drawn, Sample)>,
    /// Events in the log at the last fit.
    fitted: usize,
    /// Under these, a feature's contribution to a score is the feature itself.
    ones: Arc<ActiveWeights>,
    current: Arc<ActiveWeights>,
}

impl RollingTuning {
    /// Nothing fitted yet: the weights that the model ships with.
    pub(super) fn new(stores: &Stores) -> RollingTuning {
        RollingTuning {
            reservoir: Reservoir::new(stores.config.session_gap),
            samples: Vec::new(),
            fitted: 0,
            ones: Arc::new(ActiveWeights::ones(&stores.model())),
            current: Arc::new(ActiveWeights::shipped(&stores.model())),
        }
    }

    /// The requests that the event at `at` answers, to be asked before it is logged.
    pub(super) fn due(&mut self, log: &Log, at: usize) -> Vec<Drawn> {
        log.events.get(at).map(|event| self.reservoir.offer(at, &past(event))).unwrap_or_default()
    }

    /// Asks one of them through `ask`, and keeps its candidates.
    pub(super) fn sample(
        &mut self,
        stores: &Stores,
        (log, drawn): (&Log, Drawn),
        taken: Option<ItemKey>,
        ask: impl FnOnce(&Request) -> Result<Vec<Scored>>,
    ) -> Result<()> {
        let Some(event) = log.events.get(drawn.draw.at) else { return Ok(()) };
        stores.set_weights(self.ones.clone());
        let scored = ask(&request(log, &drawn.draw, event.user, event.query.as_deref(), event.time));
        stores.set_weights(self.current.clone());
        self.samples.push((drawn, sample(drawn.draw.situation, scored?, taken)));
        Ok(())
    }

    /// Fits the weights when the log has grown, and puts them in force.
    pub(super) fn fit(&mut self, stores: &Stores, logged: usize) {
        if logged == 0 || (logged as f64) < self.fitted as f64 * GROWTH {
            return;
        }
        self.fitted = logged;
        let now = self.samples.last().map_or(0, |(drawn, _)| drawn.draw.at).max(logged);
        let RollingTuning { reservoir, samples, .. } = self;
        samples.retain(|(drawn, _)| reservoir.holds(drawn, now));
        let held: Vec<Sample> = samples.iter().map(|(_, sample)| sample.clone()).collect();
        let shipped = ActiveWeights::shipped(&stores.model());
        let sets = choose(&held, |situation| shipped.row(situation));
        self.current = Arc::new(shipped.with(1, &sets));
        stores.set_weights(self.current.clone());
    }
}
