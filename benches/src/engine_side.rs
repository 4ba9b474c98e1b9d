//! The engine's side: what an application calls.

use std::path::PathBuf;
use std::time::Instant;

use onelist::{Action, Config, Engine, Event, Filter, Item, Request, Timestamp, Value as Field};
use serde_json::{Value, json};

use crate::Result;
use crate::bar::{bar, spinner};
use crate::cell::Cell;
use crate::data::{Dataset, OWN_WIDTH, READERS, Visit, clustered, item_id, user_id};
use crate::measure::{disk_bytes, processor_seconds, resident_bytes, timed};
use crate::side::{Side, number};

/// Items of one `put` and events of one `log`, where many are written.
const BATCH: usize = 1000;
/// Candidates that the time for features is scaled to: requests have a few more or less.
const FEATURES_OF: f64 = 300.0;

/// An engine and what it is fed with.
pub struct EngineSide {
    data: Dataset,
    folder: PathBuf,
    onnxruntime: Option<PathBuf>,
    /// The store of items with text, once it is open.
    db: Option<Engine>,
    /// The store of items with nothing but a vector, with those vectors.
    vectors: Option<(Engine, Vec<f32>)>,
    /// Numbers of the items that were put one by one, so that each is new.
    singles: usize,
}

impl EngineSide {
    /// Nothing is open yet.
    pub fn new(data: Dataset, folder: PathBuf, onnxruntime: Option<PathBuf>) -> EngineSide {
        EngineSide { data, folder, onnxruntime, db: None, vectors: None, singles: 0 }
    }

    fn config(&self) -> Config {
        let mut config = Config::default();
        config.onnxruntime = self.onnxruntime.clone();
        config
    }

    fn db(&self) -> Result<&Engine> {
        self.db.as_ref().ok_or_else(|| "the store is not open".into())
    }

    fn open(&mut self) -> Result<Value> {
        let before = resident_bytes();
        let (db, micros) = timed(|| Ok(Engine::open(self.folder.join("store"), self.config())?))?;
        let library = db.stats()?.model.onnxruntime;
        self.db = Some(db);
        Ok(json!({ "micros": micros, "onnxruntime": library, "before": before }))
    }

    /// Puts all items in batches until both indexes hold them and are on disk.
    fn put(&self) -> Result<Value> {
        let db = self.db()?;
        let (start, processor) = (Instant::now(), processor_seconds());
        let bar = bar("engine: put", self.data.items.len());
        for first in (0..self.data.items.len()).step_by(BATCH) {
            let last = (first + BATCH).min(self.data.items.len());
            db.put((first..last).map(|item| self.item(item_id(item), item)).collect())?;
            bar.set_position(last as u64);
        }
        let put = start.elapsed().as_secs_f64();
        db.flush()?;
        bar.finish_and_clear();
        let processor = processor_seconds() - processor;
        Ok(json!({ "seconds": start.elapsed().as_secs_f64(), "put_seconds": put, "processor": processor }))
    }

    fn item(&self, id: String, row: usize) -> Item {
        let row = &self.data.items[row];
        let category = &self.data.categories[row.category];
        Item::new(id).text("title", &row.title).tags("tags", [category]).number("price", row.price)
    }

    fn history(&self) -> Result<Value> {
        let (db, now) = (self.db()?, Timestamp::now().seconds());
        let (_, micros) = timed(|| {
            for batch in self.data.visits.chunks(BATCH) {
                db.log(batch.iter().map(|visit| event(visit, now)).collect())?;
            }
            Ok(())
        })?;
        Ok(json!({ "seconds": micros / 1e6, "events": self.data.visits.len() }))
    }

    /// Single events from several callers at the same time, each durable before the next.
    fn log(&self, callers: usize, calls: usize) -> Result<Value> {
        let db = self.db()?;
        let before = db.stats()?.seq;
        let call = |caller: usize| -> std::result::Result<(), onelist::Error> {
            for number in 0..calls {
                let visit = self.data.single_visit(number * callers + caller);
                db.log(vec![Event::new(user_id(visit.user), Action::View).item(item_id(visit.item))])?;
            }
            Ok(())
        };
        let (_, micros) = timed(|| {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..callers).map(|caller| scope.spawn(move || call(caller))).collect();
                for thread in threads {
                    thread.join().map_err(|_| "a caller panicked")??;
                }
                Ok(())
            })
        })?;
        let commits = db.stats()?.seq - before;
        Ok(json!({ "events": callers * calls, "seconds": micros / 1e6, "commits": commits }))
    }

    fn request(&self, cell: Cell, filtered: bool, number: usize) -> Request {
        let mut request = Request::new();
        if cell.query {
            request = request.query(&self.data.queries[number % self.data.queries.len()]);
        }
        if cell.history {
            request = request.user(user_id(number % READERS));
        }
        if filtered {
            let category = &self.data.categories[number % self.data.categories.len()];
            request = request.filter(Filter::equal("tags", category.as_str()));
        }
        request
    }

    fn rank(&self, cell: Cell, filtered: bool, from: usize, count: usize) -> Result<Value> {
        let db = self.db()?;
        let (mut micros, mut candidates) = (Vec::new(), 0);
        let (mut stages, mut features): ([Vec<u64>; 4], _) = (Default::default(), Vec::new());
        for number in from..from + count {
            let request = self.request(cell, filtered, number);
            let (ranking, took) = timed(|| Ok(db.rank(&request)?))?;
            if ranking.hits.is_empty() {
                return Err(format!("no hits for {request:?}").into());
            }
            micros.push(took);
            candidates += ranking.candidates;
            let took = ranking.took;
            features.push(took.features_us as f64 * FEATURES_OF / ranking.candidates.max(1) as f64);
            for (stage, us) in stages.iter_mut().zip([took.context_us, took.retrieve_us, took.rank_us, took.respond_us])
            {
                stage.push(us);
            }
        }
        let [context, retrieve, rank, respond] = stages;
        Ok(json!({
            "micros": micros, "candidates": candidates as f64 / count.max(1) as f64,
            "context": context, "retrieve": retrieve, "rank": rank, "respond": respond, "features": features,
        }))
    }

    /// One event, and a ranking for its user that has to feel it.
    fn log_then_rank(&self, count: usize) -> Result<Value> {
        let db = self.db()?;
        let mut micros = Vec::new();
        for number in 0..count {
            let item = item_id(number * 6607 % self.data.items.len());
            let request = self.request(Cell::BOTH, false, number);
            let (_, took) = timed(|| {
                db.log(vec![Event::new(user_id(number % READERS), Action::Click).item(item)])?;
                Ok(db.rank(&request)?)
            })?;
            micros.push(took);
        }
        Ok(json!({ "micros": micros }))
    }

    /// One new item, and a search for its title that has to find it.
    fn put_then_rank(&mut self, count: usize) -> Result<Value> {
        let (mut micros, mut found) = (Vec::new(), 0);
        for _ in 0..count {
            let row = self.singles * 31 % self.data.items.len();
            let id = format!("single-{}", self.singles);
            // A word of its own, or an older item with the same title could rightly stand in its place.
            let title = format!("{} single{}", self.data.items[row].title, self.singles);
            self.singles += 1;
            let item = self.item(id.clone(), row).text("title", &title);
            let request = Request::new().query(&title).user(user_id(row % READERS));
            let db = self.db()?;
            let (ranking, took) = timed(|| {
                db.put(vec![item])?;
                Ok(db.rank(&request)?)
            })?;
            micros.push(took);
            found += usize::from(ranking.hits.iter().any(|hit| hit.id == id));
        }
        Ok(json!({ "micros": micros, "found": found }))
    }

    /// Puts items with a vector of the caller's own and nothing else, and waits for the graph to be on disk.
    fn put_vectors(&mut self) -> Result<Value> {
        let all = clustered(self.data.items.len())?;
        let db = Engine::open(self.folder.join("vectors"), self.config())?;
        let bar = bar("engine: put vectors", self.data.items.len());
        let (start, processor) = (Instant::now(), processor_seconds());
        for (batch, rows) in all.chunks(BATCH * OWN_WIDTH).enumerate() {
            let item = |(row, vector): (usize, &[f32])| {
                Item::new(item_id(batch * BATCH + row)).with("embedding", Field::Vector(vector.to_vec()))
            };
            db.put(rows.chunks(OWN_WIDTH).enumerate().map(item).collect())?;
            bar.inc((rows.len() / OWN_WIDTH) as u64);
        }
        db.flush()?;
        let (seconds, processor) = (start.elapsed().as_secs_f64(), processor_seconds() - processor);
        bar.finish_and_clear();
        self.vectors = Some((db, all));
        Ok(json!({ "seconds": seconds, "processor": processor }))
    }

    fn rank_vectors(&self, from: usize, count: usize) -> Result<Value> {
        let (db, all) = self.vectors.as_ref().ok_or("the store of vectors is not open")?;
        let mut micros = Vec::new();
        for number in from..from + count {
            let at = number * 7919 % self.data.items.len() * OWN_WIDTH;
            let request = Request::new().vector("embedding", all[at..at + OWN_WIDTH].to_vec());
            micros.push(timed(|| Ok(db.rank(&request)?))?.1);
        }
        Ok(json!({ "micros": micros }))
    }

    fn close(&mut self) -> Result<Value> {
        let spinner = spinner("engine: close");
        let (_, micros) = timed(|| Ok(self.db()?.close()?))?;
        if let Some((db, _)) = self.vectors.take() {
            db.close()?;
        }
        self.db = None;
        spinner.finish_and_clear();
        Ok(json!({ "seconds": micros / 1e6, "disk": disk_bytes(&self.folder.join("store"))? }))
    }
}

fn event(visit: &Visit, now: f64) -> Event {
    let action = if visit.bought { Action::Buy } else { Action::Click };
    let time = Timestamp::from_seconds(now - visit.days * 86_400.0);
    Event::new(user_id(visit.user), action).item(item_id(visit.item)).at(time)
}

impl Side for EngineSide {
    fn answer(&mut self, command: &Value) -> Result<Value> {
        let whole = |name| number(command, name).map(|number| number as usize);
        match command["do"].as_str().unwrap_or_default() {
            "open" => self.open(),
            "put" => self.put(),
            "history" => self.history(),
            "log" => self.log(whole("callers")?, whole("calls")?),
            "rank" => {
                let cell = command["cell"].as_str().and_then(Cell::named).ok_or("an unknown cell")?;
                self.rank(cell, command["filtered"] == true, whole("from")?, whole("count")?)
            }
            "log_then_rank" => self.log_then_rank(whole("count")?),
            "put_then_rank" => self.put_then_rank(whole("count")?),
            "put_vectors" => self.put_vectors(),
            "rank_vectors" => self.rank_vectors(whole("from")?, whole("count")?),
            "memory" => Ok(json!({ "bytes": resident_bytes() })),
            "close" => self.close(),
            other => Err(format!("the engine's side knows no `{other}`").into()),
        }
    }
}
