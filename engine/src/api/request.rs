//! What `rank` is asked: every option of a request, with its default, its check and whether it makes another list.

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::time::Duration;

use serde::Deserialize;
use xxhash_rust::xxh3::Xxh3;

use crate::api::controls::{Cap, ExcludeSeen, Mix, Personalization, SeenWhen, check_fraction};
use crate::api::decode;
use crate::api::event::{Action, check_segments};
use crate::api::exploration::{Exploration, NewItems};
use crate::api::filter::Filter;
use crate::api::history::HistoryEvent;
use crate::api::item::check_vector;
use crate::api::rule::{Rule, check_name, check_rules};
use crate::base::error::{Error, Result};
use crate::base::id::check_id;
use crate::base::limits::{self, at_most};
use crate::base::time::Timestamp;

/// One question. Everything is optional: what is given chooses the cell of the grid.
///
/// ```
/// use onelist::Request;
/// let search = Request::new().query("red shoes");
/// let recommend = Request::new().user("u7").limit(20);
/// ```
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Request {
    /// What is searched for. Beyond 4 KiB it is cut off, and the ranking says so.
    pub query: Option<String>,
    /// Whose stored history counts. An unknown user has none.
    pub user: Option<String>,
    /// Events that count for this request only, oldest first, after the stored ones.
    #[serde(deserialize_with = "decode::list")]
    pub history: Vec<HistoryEvent>,
    /// Seeds of "more like this"; they are not in the answer.
    pub like: Vec<String>,
    /// Items that the list moves away from: each candidate loses half of its best cosine with one of them. They are
    /// not in the answer.
    pub unlike: Vec<String>,
    /// Rank only these items.
    pub among: Option<Vec<String>>,
    /// Which segments the user is in, by name: each value stands for the one that the user's events gave last. Lists that
    /// search for nothing have items of these segments among their candidates. At most 8, as for [`crate::Event`].
    pub segments: BTreeMap<String, String>,
    /// Vectors of the caller's own to search with, by the name of the vector field.
    pub vectors: BTreeMap<String, Vec<f32>>,
    /// Only items that match.
    pub filter: Option<Filter>,
    /// Leave these items out.
    pub exclude: Vec<String>,
    /// Leave out what the user (or the stateless history) has had.
    #[serde(deserialize_with = "decode::one")]
    pub exclude_seen: ExcludeSeen,
    /// How much the history counts.
    pub personalization: Personalization,
    /// How unlike each other the hits are to be, from 0 (relevance alone, the default) to 1: maximal marginal relevance
    /// over the item vectors (Carbonell and Goldstein, SIGIR 1998), among the best some hundred candidates.
    pub diversity: f32,
    /// At most so many hits of one value of a field.
    pub caps: Vec<Cap>,
    /// Lets the mix of the list follow that of the history.
    pub match_history_mix: Option<Mix>,
    /// Rules of this request. They come before those of the scenario.
    pub rules: Vec<Rule>,
    /// The name of stored rules; see [`crate::Engine::set_scenario`].
    pub scenario: Option<String>,
    /// The adapter of the request's domain, by the name of [`crate::Engine::load_adapter`].
    pub adapter: Option<String>,
    /// Draws the order at random on a share of requests; the configuration's when not given.
    pub explore: Option<Exploration>,
    /// Places of the list for new items; the configuration's when not given.
    pub new_items: Option<NewItems>,
    /// Whether the ranking is logged as an impression, where the configuration logs them (default: yes). Say no for
    /// rankings that nobody is shown.
    pub log_impression: bool,
    /// How many hits (default 10). 0 is an empty list.
    pub limit: usize,
    /// How many of the best to pass over.
    pub offset: usize,
    /// The page after the one whose [`next_page_token`](crate::Ranking::next_page_token) this is: nothing of that page and of those before it
    /// comes again, whatever was logged or put since. The rest of the request must be the same, other than `history`,
    /// `limit`, `candidates`, `fields`, `explain` and `now`; `offset` must be 0.
    pub page_token: Option<String>,
    /// How many candidates to score; the configuration's number when not given.
    pub candidates: Option<usize>,
    /// Only these fields in the hits; all of them when not given.
    pub fields: Option<Vec<String>>,
    /// Say why each hit stands where it stands.
    pub explain: bool,
    /// The time of the request: the clock when not given. The history, `exclude_seen`, ages and decay go by it; the
    /// counts behind popularity hold everything that was logged.
    #[serde(deserialize_with = "decode::moment")]
    pub now: Option<Timestamp>,
    /// Seconds that the answer may take: after them the call ends with [`Error::DeadlineExceeded`]. Of several requests in one
    /// call the shortest time counts. Without it there is no limit.
    pub timeout: Option<f64>,
}

impl Default for Request {
    fn default() -> Self {
        Request {
            query: None,
            user: None,
            history: Vec::new(),
            like: Vec::new(),
            unlike: Vec::new(),
            among: None,
            segments: BTreeMap::new(),
            vectors: BTreeMap::new(),
            filter: None,
            exclude: Vec::new(),
            exclude_seen: ExcludeSeen::No,
            personalization: Personalization::default(),
            diversity: 0.0,
            caps: Vec::new(),
            match_history_mix: None,
            rules: Vec::new(),
            scenario: None,
            adapter: None,
            explore: None,
            new_items: None,
            log_impression: true,
            limit: 10,
            offset: 0,
            page_token: None,
            candidates: None,
            fields: None,
            explain: false,
            now: None,
            timeout: None,
        }
    }
}

impl Request {
    /// A first visit: no query, no history, ten hits.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the query.
    pub fn query(mut self, query: impl Into<String>) -> Self {
        self.query = Some(query.into());
        self
    }

    /// Sets the user.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.user = Some(user.into());
        self
    }

    /// Sets a stateless history of views, oldest first.
    pub fn history<T: Into<String>>(mut self, items: impl IntoIterator<Item = T>) -> Self {
        self.history = items.into_iter().map(HistoryEvent::new).collect();
        self
    }

    /// Sets the seeds of "more like this".
    pub fn like<T: Into<String>>(mut self, items: impl IntoIterator<Item = T>) -> Self {
        self.like = items.into_iter().map(Into::into).collect();
        self
    }

    /// Leaves these items out.
    pub fn exclude<T: Into<String>>(mut self, items: impl IntoIterator<Item = T>) -> Self {
        self.exclude = items.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what the list moves away from.
    pub fn unlike<T: Into<String>>(mut self, items: impl IntoIterator<Item = T>) -> Self {
        self.unlike = items.into_iter().map(Into::into).collect();
        self
    }

    /// Ranks only these items.
    pub fn among<T: Into<String>>(mut self, items: impl IntoIterator<Item = T>) -> Self {
        self.among = Some(items.into_iter().map(Into::into).collect());
        self
    }

    /// Names a segment that the user is in.
    pub fn segment(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.segments.insert(name.into(), value.into());
        self
    }

    /// Searches with a vector of the caller's own.
    pub fn vector(mut self, field: impl Into<String>, vector: Vec<f32>) -> Self {
        self.vectors.insert(field.into(), vector);
        self
    }

    /// Sets the filter.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = Some(filter);
        self
    }

    /// Leaves out what the user has had.
    pub fn exclude_seen(mut self) -> Self {
        self.exclude_seen = ExcludeSeen::Yes;
        self
    }

    /// Leaves out what the user has had by these actions (none: by any), in the last so many days (`None`: ever).
    pub fn exclude_seen_when(mut self, actions: impl IntoIterator<Item = Action>, within_days: Option<f64>) -> Self {
        self.exclude_seen = ExcludeSeen::When(SeenWhen { actions: actions.into_iter().collect(), within_days });
        self
    }

    /// Sets how much the history counts.
    pub fn personalization(mut self, level: Personalization) -> Self {
        self.personalization = level;
        self
    }

    /// Sets how unlike each other the hits are to be, from 0 to 1.
    pub fn diversity(mut self, diversity: f32) -> Self {
        self.diversity = diversity;
        self
    }

    /// Adds a cap: at most `most` hits of one value of `field`.
    pub fn cap(mut self, field: impl Into<String>, most: usize) -> Self {
        self.caps.push(Cap::new(field, most));
        self
    }

    /// Lets the mix of a field in the list follow that of the history, at a strength from 0 to 1.
    pub fn match_history_mix(mut self, field: impl Into<String>, strength: f32) -> Self {
        self.match_history_mix = Some(Mix::new(field, strength));
        self
    }

    /// Adds a rule.
    pub fn rule(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// Ranks by the stored rules of this name, too.
    pub fn scenario(mut self, name: impl Into<String>) -> Self {
        self.scenario = Some(name.into());
        self
    }

    /// Sets the seconds that the answer may take.
    pub fn timeout(mut self, seconds: f64) -> Self {
        self.timeout = Some(seconds);
        self
    }

    /// Names the adapter of the request's domain.
    pub fn adapter(mut self, name: impl Into<String>) -> Self {
        self.adapter = Some(name.into());
        self
    }

    /// Draws the order at random on a share of requests.
    pub fn explore(mut self, exploration: Exploration) -> Self {
        self.explore = Some(exploration);
        self
    }

    /// Keeps places for new items.
    pub fn new_items(mut self, new_items: NewItems) -> Self {
        self.new_items = Some(new_items);
        self
    }

    /// Leaves no impression: for rankings that nobody is shown.
    pub fn unlogged(mut self) -> Self {
        self.log_impression = false;
        self
    }

    /// Sets the number of hits.
    pub fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Passes over the best `offset` hits.
    pub fn offset(mut self, offset: usize) -> Self {
        self.offset = offset;
        self
    }

    /// Asks for the page after the one that gave this token.
    pub fn page_token(mut self, token: impl Into<String>) -> Self {
        self.page_token = Some(token.into());
        self
    }

    /// Asks for explanations.
    pub fn explain(mut self) -> Self {
        self.explain = true;
        self
    }

    /// Sets the time of the request.
    pub fn now(mut self, now: Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// What makes two requests one list: everything but the page, what happens meanwhile (the time, and the history that the
    /// caller keeps), and what only changes how hits are found and described.
    pub(crate) fn list_hash(&self) -> u64 {
        // Named one by one, so that the compiler asks for a part that is added.
        let Request {
            query,
            user,
            history: _,
            like,
            unlike,
            among,
            segments,
            vectors,
            filter,
            exclude,
            exclude_seen,
            personalization,
            diversity,
            caps,
            match_history_mix,
            rules,
            scenario,
            adapter,
            explore,
            new_items,
            log_impression: _,
            limit: _,
            offset: _,
            page_token: _,
            candidates: _,
            fields: _,
            explain: _,
            now: _,
            timeout: _,
        } = self;
        let mut hash = Hashed(Xxh3::new());
        // What can be long goes in by its bytes.
        hash.texts(like);
        hash.texts(unlike);
        hash.texts(exclude);
        hash.texts(among.as_deref().unwrap_or_default());
        for (name, vector) in vectors {
            hash.text(name);
            vector.iter().for_each(|component| hash.0.update(&component.to_bits().to_le_bytes()));
        }
        // What is cut off is not searched for.
        let query = query.as_deref().map(|query| &query[..query.floor_char_boundary(limits::MAX_QUERY_BYTES)]);
        let about = (query, user, among.is_some(), vectors.len(), segments, filter, exclude_seen, rules, scenario);
        let how = (personalization, diversity, caps, match_history_mix, explore, new_items, adapter);
        // The debug form tells all values apart, and is never stored. A hasher takes any text.
        let _ = write!(hash, "{about:?}{how:?}");
        hash.0.digest()
    }

    /// Checks counts, lengths and numbers.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`], [`Error::InvalidId`], [`Error::InvalidArgument`], [`Error::NonFinite`] or
    /// [`Error::ZeroNorm`].
    pub(crate) fn check(&self) -> Result<()> {
        at_most("limit", limits::MAX_RESULTS, self.limit)?;
        at_most("offset + limit", limits::MAX_RESULTS, self.offset.saturating_add(self.limit))?;
        at_most("candidates", limits::MAX_CANDIDATES, self.candidates.unwrap_or(0))?;
        at_most("events in history", limits::MAX_HISTORY_ARGUMENT, self.history.len())?;
        at_most("ids in like", limits::MAX_LIKE, self.like.len())?;
        at_most("ids in unlike", limits::MAX_UNLIKE, self.unlike.len())?;
        at_most("ids in among", limits::MAX_AMONG, self.among.as_ref().map_or(0, Vec::len))?;
        at_most("ids in exclude", limits::MAX_EXCLUDE, self.exclude.len())?;
        at_most("vectors of one request", limits::MAX_VECTOR_FIELDS, self.vectors.len())?;
        check_segments(&self.segments)?;
        if let Some(user) = &self.user {
            check_id("user", user)?;
        }
        for (name, vector) in &self.vectors {
            check_vector(name, vector)?;
        }
        if self.history.iter().any(|e| e.value.is_some_and(|v| !v.is_finite())) {
            return Err(Error::NonFinite { what: "history value".to_owned(), index: 0 });
        }
        self.check_controls()?;
        self.time_limit()?;
        self.filter.as_ref().map_or(Ok(()), Filter::check)
    }

    /// The time that the answer may take.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] for a time that is none.
    pub(crate) fn time_limit(&self) -> Result<Option<Duration>> {
        let limit = |seconds: f64| {
            let limit = Duration::try_from_secs_f64(seconds).ok().filter(|limit| !limit.is_zero());
            limit.ok_or_else(|| Error::argument("timeout", "seconds above 0", seconds.to_string()))
        };
        self.timeout.map(limit).transpose()
    }

    fn check_controls(&self) -> Result<()> {
        self.exclude_seen.check()?;
        check_fraction("diversity", self.diversity)?;
        at_most("caps", limits::MAX_CAPS, self.caps.len())?;
        self.caps.iter().try_for_each(Cap::check)?;
        self.match_history_mix.as_ref().map_or(Ok(()), Mix::check)?;
        self.explore.as_ref().map_or(Ok(()), Exploration::check)?;
        self.new_items.as_ref().map_or(Ok(()), NewItems::check)?;
        check_rules(&self.rules)?;
        self.scenario.as_deref().map_or(Ok(()), check_name)?;
        if let Some(token) = &self.page_token {
            at_most("bytes of page_token", limits::MAX_PAGE_TOKEN_BYTES, token.len())?;
            if self.offset > 0 {
                return Err(Error::argument("offset", "0 beside `page_token`, which tells where to go on", "another"));
            }
        }
        Ok(())
    }
}

/// Hashes what is written, without keeping it.
struct Hashed(Xxh3);

impl Hashed {
    fn text(&mut self, text: &str) {
        self.0.update(&(text.len() as u64).to_le_bytes());
        self.0.update(text.as_bytes());
    }

    fn texts(&mut self, texts: &[String]) {
        self.0.update(&(texts.len() as u64).to_le_bytes());
        texts.iter().for_each(|text| self.text(text));
    }
}

impl Write for Hashed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::rule::Which;

    fn refused(request: Request) -> Option<(&'static str, String)> {
        request.check().err().map(|error| (error.name(), error.to_string()))
    }

    /// Requests at a limit, which are taken, and one step beyond it; with words of the error.
    fn at_and_over() -> Vec<(&'static str, [Request; 2])> {
        let ids = |count: usize| vec!["x"; count];
        let of =
            |set: &dyn Fn(Request, usize) -> Request, limit: usize| [limit, limit + 1].map(|n| set(Request::new(), n));
        let caps = |request: Request, n: usize| (0..n).fold(request, |request, _| request.cap("brand", 1));
        let rule = || Rule::Exclude(Which::ids(["a"]));
        let rules = |request: Request, n: usize| (0..n).fold(request, |request, _| request.rule(rule()));
        let segments =
            |request: Request, n: usize| (0..n).fold(request, |request, n| request.segment(format!("{n}"), "x"));
        let vectors =
            |request: Request, n: usize| (0..n).fold(request, |request, n| request.vector(format!("{n}"), vec![1.0]));
        vec![
            ("limit", of(&|request, n| request.limit(n), limits::MAX_RESULTS)),
            ("offset", of(&|request, n| request.limit(1).offset(n - 1), limits::MAX_RESULTS)),
            ("candidates", of(&|request, n| Request { candidates: Some(n), ..request }, limits::MAX_CANDIDATES)),
            ("history", of(&|request, n| request.history(ids(n)), limits::MAX_HISTORY_ARGUMENT)),
            ("like", of(&|request, n| request.like(ids(n)), limits::MAX_LIKE)),
            ("unlike", of(&|request, n| request.unlike(ids(n)), limits::MAX_UNLIKE)),
            ("among", of(&|request, n| request.among(ids(n)), limits::MAX_AMONG)),
            (
                "exclude",
                of(
                    &|mut request, n| {
                        request.exclude = vec![String::new(); n];
                        request
                    },
                    limits::MAX_EXCLUDE,
                ),
            ),
            ("segments", of(&segments, limits::MAX_SEGMENTS)),
            ("vectors", of(&vectors, limits::MAX_VECTOR_FIELDS)),
            ("caps", of(&caps, limits::MAX_CAPS)),
            ("rules", of(&rules, limits::MAX_RULES)),
            ("scenario", of(&|request, n| request.scenario("x".repeat(n)), limits::MAX_SCENARIO_NAME_BYTES)),
            ("page_token", of(&|request, n| request.page_token("x".repeat(n)), limits::MAX_PAGE_TOKEN_BYTES)),
        ]
    }

    #[test]
    fn every_count_is_taken_up_to_its_limit_and_refused_beyond() {
        for (what, [at, over]) in at_and_over() {
            assert_eq!(refused(at), None, "{what}");
            let (name, text) = refused(over).expect(what);
            assert!(name == "LimitExceeded" && text.contains(what), "{what}: {text}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        let history = |value: f64| {
            let mut request = Request::new().history(["a"]);
            request.history[0].value = Some(value);
            request
        };
        let vector = |vector: Vec<f32>| Request::new().vector("image", vector);
        let deep = (0..40).fold(Filter::exists("a"), |filter, _| filter.not());
        for (request, name, place) in [
            (Request::new().user(""), "InvalidId", "user"),
            (Request::new().user("x".repeat(limits::MAX_ID_BYTES + 1)), "InvalidId", "user"),
            (history(f64::NAN), "NonFinite", "history"),
            (history(f64::INFINITY), "NonFinite", "history"),
            (vector(vec![1.0, f32::NAN]), "NonFinite", "image"),
            (vector(vec![0.0, 0.0]), "ZeroNorm", "image"),
            (vector(Vec::new()), "ZeroNorm", "image"),
            (vector(vec![1.0; limits::MAX_DIMENSIONS + 1]), "LimitExceeded", "dimensions"),
            (Request::new().segment("", "x"), "InvalidArgument", "segments"),
            (Request::new().diversity(1.5), "InvalidArgument", "diversity"),
            (Request::new().match_history_mix("brand", f32::NAN), "InvalidArgument", "match_history_mix"),
            (Request::new().scenario(""), "InvalidArgument", "scenario"),
            (Request::new().page_token("abc").offset(1), "InvalidArgument", "offset"),
            (Request::new().filter(deep), "LimitExceeded", "filter"),
        ] {
            let (found, text) = refused(request).expect(place);
            assert!(found == name && text.contains(place), "{place}: {found}: {text}");
        }
        assert_eq!(refused(history(-1e300)), None);
        assert_eq!(refused(Request::new()), None);
    }
}
