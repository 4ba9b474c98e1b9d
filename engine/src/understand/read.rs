//! Reading a request against a snapshot: the query as terms and as a vector, the history as vectors, what is allowed and
//! what is excluded.

use std::sync::Arc;

use super::allowed::allowed;
use super::controls;
use super::covisits::Relations;
use super::field_vectors;
use super::history::{PastEvent, check_actions, in_visit, liked, past, past_events, recent, stored};
use super::interests::interests;
use super::lookup::{known_items, known_or_said, mean_vector, unknown};
use super::query::{query_text, search_fields};
use super::rules::{self, Labelled};
use super::seen;
use super::segments::SegmentPopularity;
use super::understood::Understood;
use crate::api::config::Meaning;
use crate::api::controls::ExcludeSeen;
use crate::api::cursor;
use crate::api::request::Request;
use crate::base::error::Result;
use crate::base::limits;
use crate::base::time::Timestamp;
use crate::model::{ContextInput, HistoryInput};
use crate::store::snapshot::Snapshot;

impl Understood {
    /// Reads what the request names. Ids that are not known are passed over.
    pub(crate) fn read(snapshot: &Snapshot, request: &Request) -> Result<Understood> {
        request.check()?;
        check_actions(request, &snapshot.stores.config)?;
        let shown = cursor::read(request)?;
        let now = request.now.unwrap_or_else(Timestamp::now);
        let person = request.user.as_deref().map(|id| snapshot.person(id)).transpose()?.flatten();
        let mut warnings = Vec::new();
        let seeds = known_or_said(snapshot, "like", &request.like, &mut warnings)?;
        let seed_vector = mean_vector(snapshot, &seeds)?;
        let named = request.history.iter().rev().take(limits::MAX_HISTORY).map(|event| event.item.as_str());
        warnings.extend(unknown(snapshot, "history", named)?);
        let past = past(snapshot, request, person.as_ref(), now)?;
        let events = past_events(snapshot, &past, now)?;
        let liked = liked(snapshot, &past);
        let relations = Relations::read(snapshot, if liked.is_empty() { &seeds } else { &liked }, now)?;
        let segments = Arc::new(SegmentPopularity::read(snapshot, request, person.as_ref(), now)?);
        let speaks = |event: &&PastEvent| event.meaning == Meaning::Positive && event.vector.iter().any(|x| *x != 0.0);
        let positive = events.iter().rev().filter(speaks);
        let interests = interests(positive.map(|event| event.vector.as_slice()));
        let text = query_text(request, &mut warnings);
        let query = match text {
            Some(text) => snapshot.text.query(text, &search_fields(snapshot))?.map(Arc::new),
            None => None,
        };
        let history: Vec<HistoryInput> = events.iter().map(PastEvent::input).collect();
        let adapter = request.adapter.as_deref().map(|name| snapshot.active.adapter(name)).transpose()?;
        let (vector, space) = (seed_vector.as_deref(), snapshot.item.tensors());
        let input = ContextInput { text, vector, history: &history, space, adapter: adapter.as_deref() };
        let context = snapshot.model().context(&input)?;
        let asked = field_vectors::asked(snapshot, request, &seeds)?;
        let has_query = query.is_some() || context.query.is_some() || !asked.is_empty();
        let vectors = if has_query { asked } else { field_vectors::of_history(snapshot, &liked)? };
        let rules = rules::rules(snapshot, request)?;
        warnings.extend(rules::unknown_ids(snapshot, &rules)?);
        let filter = controls::filter(snapshot, request, &rules)?;
        let allowed = allowed(snapshot, request, filter.as_ref(), &mut warnings)?;
        if text.is_some() && query.is_none() && context.query.is_none() {
            warnings.push("the query has no word to search for; it was left out".to_owned());
        }
        if query.as_ref().is_some_and(|query| query.is_cut()) {
            warnings.push(format!("the query has more than {} words; the rest was left out", limits::MAX_QUERY_TERMS));
        }
        let excluded = known_or_said(snapshot, "exclude", &request.exclude, &mut warnings)?;
        let mut understood = Understood {
            now,
            recent: Arc::new(recent(snapshot, request, person.as_ref(), now)?),
            stored: stored(snapshot, person.as_ref())?.map(Arc::new),
            person,
            has_query,
            query,
            context,
            events,
            liked,
            relations,
            segments,
            interests,
            seed_vector,
            vectors,
            allowed,
            among: request.among.is_some(),
            filter,
            personalization: request.personalization,
            controls: controls::read(snapshot, request, &rules)?,
            shown,
            exclude_seen: request.exclude_seen == ExcludeSeen::Yes,
            in_visit: in_visit(snapshot, &past, now),
            excluded: excluded.into_iter().chain(seeds.iter().copied()).collect(),
            past,
            seeds,
            left_out: None,
            warnings,
            adapter,
        };
        understood.exclude(snapshot, request, &rules)?;
        understood.unlike(snapshot, request)?;
        understood.drop_empty_mix();
        understood.pin(snapshot, &rules)?;
        Ok(understood)
    }

    /// Leaves out what rules and earlier pages name, and what the user interacted with by some action or recently.
    fn exclude(&mut self, snapshot: &Snapshot, request: &Request, rules: &[Labelled]) -> Result<()> {
        self.excluded.extend(known_items(snapshot, rules::excluded(rules))?);
        self.excluded.extend(&self.shown);
        if let ExcludeSeen::When(when) = &request.exclude_seen {
            let seen = seen::seen_when(snapshot, request, when, (self.person.as_ref(), self.now), &mut self.warnings)?;
            self.excluded.extend(seen);
        }
        Ok(())
    }

    /// Reads what the list moves away from, and leaves it out.
    fn unlike(&mut self, snapshot: &Snapshot, request: &Request) -> Result<()> {
        let away = known_or_said(snapshot, "unlike", &request.unlike, &mut self.warnings)?;
        for key in &away {
            self.controls.unlike.extend(snapshot.vector(snapshot.item_space(), *key)?);
        }
        if !away.is_empty() && self.controls.unlike.is_empty() {
            self.warnings.push("none of the items in `unlike` has a vector; the list does not move away".to_owned());
        }
        self.excluded.extend(away);
        Ok(())
    }

    /// Without a history there is no mix to follow.
    fn drop_empty_mix(&mut self) {
        if self.controls.mix.is_some() && self.events.iter().all(|event| event.meaning != Meaning::Positive) {
            self.controls.mix = None;
            self.warnings
                .push("there is no history whose mix could be followed; `match_history_mix` was left out".to_owned());
        }
    }

    /// Keeps the pins of items that the request admits.
    fn pin(&mut self, snapshot: &Snapshot, rules: &[Labelled]) -> Result<()> {
        let mut notes = Vec::new();
        self.controls.pins =
            controls::pins(snapshot, rules, &self.shown, |key| self.admits(snapshot, key), &mut notes)?;
        self.warnings.extend(notes);
        Ok(())
    }
}
