//! The other side: the same work by calling LMDB, tantivy, usearch and ONNX Runtime directly.

mod answer;
mod catalog;
mod graph;
mod model;
mod text;

use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use half::f16;
use serde_json::{Value, json};

use crate::Result;
use crate::bar::bar;
use crate::cell::Cell;
use crate::data::{Dataset, OWN_WIDTH, READERS, Visit, clustered, user_id};
use crate::measure::{disk_bytes, processor_seconds, resident_bytes, timed};
use crate::side::{Side, number};

use answer::Question;
use catalog::Catalog;
use graph::Graph;
use model::{Model, WIDTH};
use text::Text;

/// Items and events of one commit, where many are written: as many as the engine's side gives to one call.
const BATCH: usize = 1000;

/// Everything that a request needs.
pub struct Opened {
    catalog: Catalog,
    text: Text,
    graph: Graph,
    model: Model,
}

/// What has been built so far.
pub struct DirectSide {
    data: Dataset,
    folder: PathBuf,
    library: PathBuf,
    model: Option<Model>,
    /// The item vectors, row by row, until everything is built.
    vectors: Vec<f16>,
    graph: Option<Graph>,
    catalog: Option<Catalog>,
    opened: Option<Opened>,
    /// The graph of the caller's own vectors, with those vectors.
    own: Option<(Graph, Vec<f32>)>,
    singles: u64,
    commits: u64,
}

impl DirectSide {
    /// Nothing is open yet. `library` is the shared library of ONNX Runtime.
    pub fn new(data: Dataset, folder: PathBuf, library: PathBuf) -> DirectSide {
        DirectSide {
            data,
            folder,
            library,
            model: None,
            vectors: Vec::new(),
            graph: None,
            catalog: None,
            opened: None,
            own: None,
            singles: 0,
            commits: 0,
        }
    }

    fn opened(&self) -> Result<&Opened> {
        self.opened.as_ref().ok_or_else(|| "nothing is open".into())
    }

    /// The catalog, which moves when everything is opened for answering.
    fn catalog(&self) -> Result<&Catalog> {
        let opened = self.opened.as_ref().map(|opened| &opened.catalog);
        self.catalog.as_ref().or(opened).ok_or_else(|| "the rows are not written".into())
    }

    /// Texts to item vectors.
    fn embed(&mut self) -> Result<Value> {
        let model = Model::open(&self.library)?;
        let texts: Vec<String> = (0..self.data.items.len()).map(|item| self.data.text(item)).collect();
        let (vectors, micros) = timed(|| model.embed(&texts))?;
        (self.model, self.vectors) = (Some(model), vectors);
        Ok(json!({ "seconds": micros / 1e6 }))
    }

    /// The graph of the item vectors, and its file.
    fn graph(&mut self) -> Result<Value> {
        let processor = processor_seconds();
        let (graph, build) = timed(|| Graph::build(&self.vectors, WIDTH))?;
        let processor = processor_seconds() - processor;
        let (_, save) = timed(|| graph.save(&graph_file(&self.folder)))?;
        self.graph = Some(graph);
        Ok(json!({ "seconds": build / 1e6, "save_seconds": save / 1e6, "processor": processor }))
    }

    fn text(&self) -> Result<Value> {
        let (_, micros) = timed(|| Text::build(&self.folder.join("text"), &self.data))?;
        Ok(json!({ "seconds": micros / 1e6 }))
    }

    /// The rows of all items, in commits of a thousand.
    fn rows(&mut self) -> Result<Value> {
        let catalog = Catalog::open(&self.folder.join("catalog"))?;
        let (now, count) = (millis()?, self.data.items.len());
        let bar = bar("direct: LMDB writes", count);
        let (_, micros) = timed(|| {
            for first in (0..count).step_by(BATCH) {
                let last = (first + BATCH).min(count);
                let vectors = &self.vectors[first * WIDTH..last * WIDTH];
                catalog.put(&self.data, first..last, first as u64, vectors, now)?;
                bar.set_position(last as u64);
            }
            Ok(())
        })?;
        bar.finish_and_clear();
        self.catalog = Some(catalog);
        Ok(json!({ "seconds": micros / 1e6 }))
    }

    fn history(&self) -> Result<Value> {
        let (catalog, now) = (self.catalog()?, millis()?);
        let (_, micros) = timed(|| {
            for (batch, visits) in self.data.visits.chunks(BATCH).enumerate() {
                catalog.log(visits, now, (batch * BATCH) as u64)?;
            }
            Ok(())
        })?;
        Ok(json!({ "seconds": micros / 1e6, "events": self.data.visits.len() }))
    }

    /// Takes what was built for answering, or opens what an earlier process has built.
    fn open(&mut self) -> Result<Value> {
        self.vectors = Vec::new();
        let before = resident_bytes();
        let (model, graph, catalog) = (self.model.take(), self.graph.take(), self.catalog.take());
        let folder = self.folder.clone();
        let (opened, micros) = timed(|| {
            Ok(Opened {
                model: model.map_or_else(|| Model::open(&self.library), Ok)?,
                graph: graph.map_or_else(|| Graph::load(&graph_file(&folder), WIDTH), Ok)?,
                catalog: catalog.map_or_else(|| Catalog::open(&folder.join("catalog")), Ok)?,
                text: Text::open(&folder.join("text"))?,
            })
        })?;
        self.opened = Some(opened);
        Ok(json!({ "micros": micros, "before": before }))
    }

    /// Durable commits of `events` events each.
    fn log(&mut self, commits: usize, events: usize) -> Result<Value> {
        let now = millis()?;
        let first = self.commits;
        self.commits += (commits * events) as u64;
        let catalog = self.catalog()?;
        let (_, micros) = timed(|| {
            for commit in 0..commits {
                let visit = |event: usize| self.data.single_visit(commit * events + event);
                let visits: Vec<Visit> = (0..events).map(visit).collect();
                catalog.log(&visits, now, 1 << 40 | (first + (commit * events) as u64))?;
            }
            Ok(())
        })?;
        Ok(json!({ "events": commits * events, "seconds": micros / 1e6 }))
    }

    fn question(&self, cell: Cell, filtered: bool, number: usize) -> Result<Question<'_>> {
        Ok(Question {
            query: cell.query.then(|| self.data.queries[number % self.data.queries.len()].as_str()),
            user: cell.history.then(|| user_id(number % READERS)),
            tag: filtered.then(|| self.data.categories[number % self.data.categories.len()].as_str()),
            now: millis()?,
        })
    }

    fn rank(&self, cell: Cell, filtered: bool, from: usize, count: usize) -> Result<Value> {
        let opened = self.opened()?;
        let (mut micros, mut candidates) = (Vec::new(), 0);
        let mut stages: [Vec<f64>; 4] = Default::default();
        for number in from..from + count {
            let question = self.question(cell, filtered, number)?;
            let (answer, took) = timed(|| opened.answer(&question))?;
            micros.push(took);
            candidates += answer.candidates;
            stages.iter_mut().zip(answer.stages).for_each(|(stage, micros)| stage.push(micros));
        }
        let [context, retrieve, rank, respond] = stages;
        Ok(json!({
            "micros": micros, "candidates": candidates as f64 / count.max(1) as f64,
            "context": context, "retrieve": retrieve, "rank": rank, "respond": respond,
        }))
    }

    fn log_then_rank(&mut self, count: usize) -> Result<Value> {
        let opened = self.opened()?;
        let mut micros = Vec::new();
        for number in 0..count {
            let item = number * 6607 % self.data.items.len();
            let visit = Visit { user: number % READERS, item, bought: false, days: 0.0 };
            let question = self.question(Cell::BOTH, false, number)?;
            let (_, took) = timed(|| {
                opened.catalog.log(&[visit], question.now, 1 << 50 | number as u64)?;
                opened.answer(&question)
            })?;
            micros.push(took);
        }
        Ok(json!({ "micros": micros }))
    }

    /// One new item in every index, and a search for its title.
    fn put_then_rank(&mut self, count: usize) -> Result<Value> {
        let mut opened = self.opened.take().ok_or("nothing is open")?;
        let mut micros = Vec::new();
        for _ in 0..count {
            let row = self.singles as usize * 31 % self.data.items.len();
            let key = self.data.items.len() as u64 + self.singles;
            self.singles += 1;
            let title = &self.data.items[row].title;
            let user = Some(user_id(row % READERS));
            let question = Question { query: Some(title), user, tag: None, now: millis()? };
            let (_, took) = timed(|| {
                let vector = opened.model.embed_one(&self.data.text(row))?;
                opened.catalog.put(&self.data, row..row + 1, key, &vector, question.now)?;
                opened.graph.add(key, &vector)?;
                opened.text.add(&self.data, row, key)?;
                opened.answer(&question)
            })?;
            micros.push(took);
        }
        self.opened = Some(opened);
        Ok(json!({ "micros": micros }))
    }

    fn put_vectors(&mut self) -> Result<Value> {
        let all = clustered(self.data.items.len())?;
        let halves: Vec<f16> = all.iter().map(|x| f16::from_f32(*x)).collect();
        let processor = processor_seconds();
        let (graph, micros) = timed(|| Graph::build(&halves, OWN_WIDTH))?;
        self.own = Some((graph, all));
        Ok(json!({ "seconds": micros / 1e6, "processor": processor_seconds() - processor }))
    }

    fn rank_vectors(&self, from: usize, count: usize) -> Result<Value> {
        let (graph, all) = self.own.as_ref().ok_or("the vectors are not built")?;
        let mut micros = Vec::new();
        for number in from..from + count {
            let at = number * 7919 % self.data.items.len() * OWN_WIDTH;
            micros.push(timed(|| graph.nearest(&all[at..at + OWN_WIDTH], 100))?.1);
        }
        Ok(json!({ "micros": micros }))
    }
}

impl Side for DirectSide {
    fn answer(&mut self, command: &Value) -> Result<Value> {
        let whole = |name| number(command, name).map(|number| number as usize);
        match command["do"].as_str().unwrap_or_default() {
            "embed" => self.embed(),
            "graph" => self.graph(),
            "text" => self.text(),
            "rows" => self.rows(),
            "history" => self.history(),
            "open" => self.open(),
            "log" => self.log(whole("commits")?, whole("events")?),
            "rank" => {
                let cell = command["cell"].as_str().and_then(Cell::named).ok_or("an unknown cell")?;
                self.rank(cell, command["filtered"] == true, whole("from")?, whole("count")?)
            }
            "log_then_rank" => self.log_then_rank(whole("count")?),
            "put_then_rank" => self.put_then_rank(whole("count")?),
            "put_vectors" => self.put_vectors(),
            "rank_vectors" => self.rank_vectors(whole("from")?, whole("count")?),
            "memory" => Ok(json!({ "bytes": resident_bytes() })),
            "disk" => Ok(json!({ "disk": disk_bytes(&self.folder)? })),
            other => Err(format!("the direct side knows no `{other}`").into()),
        }
    }
}

fn graph_file(folder: &Path) -> PathBuf {
    folder.join("items.usearch")
}

fn millis() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis() as u64)
}
