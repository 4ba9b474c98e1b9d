//! What is measured, in which order, and how it becomes rows.

use std::path::Path;

use serde_json::{Value, json};

use crate::Result;
use crate::arguments::Arguments;
use crate::cell::Cell;
use crate::measure::{load, percentile};
use crate::side::{Process, number, numbers};
use crate::table::{Budget, Row, Unit};

/// Requests of one cell; those before them that are not counted; and how many one side answers before the other one's
/// turn.
const REQUESTS: usize = 400;
const WARM_UP: usize = 64;
const TURN: usize = 50;
/// Processes that open a store.
const OPENS: usize = 5;
/// Callers that log at the same time.
const CALLERS: usize = 16;

/// One size of the catalogue, measured.
pub struct Report {
    pub rows: Vec<Row>,
    pub budgets: Vec<Budget>,
}

/// Both sides at work on one size.
struct Run<'a> {
    items: usize,
    arguments: &'a Arguments,
    engine: Process,
    direct: Process,
    report: Report,
}

/// Measures one size of the catalogue; the stores are under `folder`.
///
/// # Errors
/// When a side fails.
pub fn size(items: usize, folder: &Path, arguments: &Arguments) -> Result<Report> {
    let (engine_folder, direct_folder) = (folder.join("engine"), folder.join("direct"));
    std::fs::create_dir_all(&engine_folder)?;
    std::fs::create_dir_all(&direct_folder)?;
    let mut engine = Process::start("engine", items, &engine_folder, arguments)?;
    let opened = engine.ask(&json!({ "do": "open" }))?;
    let library = opened["onnxruntime"].as_str().ok_or("the engine does not say which library it loaded")?;
    let arguments = &Arguments { onnxruntime: Some(library.into()), ..arguments.clone() };
    let direct = Process::start("direct", items, &direct_folder, arguments)?;
    let report = Report { rows: Vec::new(), budgets: Vec::new() };
    let mut run = Run { items, arguments, engine, direct, report };
    run.put()?;
    run.log()?;
    run.direct.ask(&json!({ "do": "open" }))?;
    run.ranks()?;
    run.after_writes()?;
    run.own_vectors()?;
    let Run { mut engine, mut direct, mut report, .. } = run;
    let closed = engine.ask(&json!({ "do": "close" }))?;
    let disk = direct.ask(&json!({ "do": "disk" }))?;
    engine.end()?;
    direct.end()?;
    opens(items, folder, arguments, &mut report)?;
    let per_item = |answer: &Value| Ok::<f64, crate::Error>(number(answer, "disk")? / items as f64);
    let direct = Some(per_item(&disk)?);
    let files = "files of all three libraries, one graph file instead of two";
    report.rows.push(Row::new(items, "disk for each item", per_item(&closed)?, direct, Unit::Bytes, files));
    Ok(report)
}

impl Run<'_> {
    fn row(&mut self, what: impl Into<String>, values: (f64, Option<f64>), unit: Unit, compared: &str) {
        eprintln!("  {} done (load {})", self.report.rows.len() + 1, load());
        self.report.rows.push(Row::new(self.items, what, values.0, values.1, unit, compared));
    }

    fn count(&self, full: usize) -> usize {
        if self.arguments.quick { full.div_ceil(8) } else { full }
    }

    fn put(&mut self) -> Result<()> {
        let items = self.items as f64;
        let rate = |answer: &Value| Ok::<f64, crate::Error>(items / number(answer, "seconds")?);
        let embed = rate(&self.direct.ask(&json!({ "do": "embed" }))?)?;
        let built = self.direct.ask(&json!({ "do": "graph" }))?;
        let put = self.engine.ask(&json!({ "do": "put" }))?;
        let (engine, graph) = (rate(&put)?, rate(&built)?);
        let text = rate(&self.direct.ask(&json!({ "do": "text" }))?)?;
        let rows = rate(&self.direct.ask(&json!({ "do": "rows" }))?)?;
        let all = 1.0 / (1.0 / embed + 1.0 / graph + 1.0 / text + 1.0 / rows);
        let unit = Unit::Rate;
        self.row("put, until both indexes are on disk", (engine, Some(graph)), unit, "usearch builds the same graph");
        self.row("  the same", (engine, Some(embed)), unit, "ONNX Runtime embeds, as many sessions as cores");
        self.row("  the same", (engine, Some(text)), unit, "tantivy indexes, one thread, one commit");
        self.row("  the same", (engine, Some(rows)), unit, "LMDB writes the rows, 1,000 in a commit");
        self.row("  the same", (engine, Some(all)), unit, "all four, one after the other");
        self.processor("put, processor time for each item", &put, &built)?;
        self.budget("put / usearch alone", engine / graph, "at least 0.8", engine / graph >= 0.8);
        Ok(())
    }

    /// Processor time for each item: what the clock would say on an idle machine, times the cores.
    fn processor(&mut self, what: &str, engine: &Value, direct: &Value) -> Result<()> {
        let each = |answer: &Value| Ok::<f64, crate::Error>(number(answer, "processor")? * 1e6 / self.items as f64);
        let values = (each(engine)?, Some(each(direct)?));
        self.row(what, values, Unit::Micros, "usearch builds the same graph");
        Ok(())
    }

    fn log(&mut self) -> Result<()> {
        let rate = |answer: &Value| Ok::<f64, crate::Error>(number(answer, "events")? / number(answer, "seconds")?);
        let engine = rate(&self.engine.ask(&json!({ "do": "history" }))?)?;
        let direct = rate(&self.direct.ask(&json!({ "do": "history" }))?)?;
        let unit = Unit::Rate;
        self.row("log, 1,000 events in a call", (engine, Some(direct)), unit, "LMDB, a commit for each 1,000");
        let calls = self.count(2000);
        let engine_one = rate(&self.engine.ask(&json!({ "do": "log", "callers": 1, "calls": calls }))?)?;
        let direct_one = rate(&self.direct.ask(&json!({ "do": "log", "commits": calls, "events": 1 }))?)?;
        self.row("log, 1 caller, 1 event in a call", (engine_one, Some(direct_one)), unit, "LMDB, a commit for each");
        let many = json!({ "do": "log", "callers": CALLERS, "calls": self.count(1000) });
        let engine_many = self.engine.ask(&many)?;
        let group = number(&engine_many, "events")? / number(&engine_many, "commits")?.max(1.0);
        let engine_many = rate(&engine_many)?;
        let together = json!({ "do": "log", "commits": self.count(1000), "events": CALLERS });
        let direct_many = rate(&self.direct.ask(&together)?)?;
        let what = format!("log, {CALLERS} callers, 1 event in a call");
        let compared = format!("LMDB, a commit for each 16 events; the engine's commits hold {group:.1}");
        self.row(what, (engine_many, Some(direct_many)), unit, &compared);
        let factor = engine_many / engine_one;
        self.budget("log, 16 callers / 1 caller", factor, "at least 8", factor >= 8.0);
        Ok(())
    }

    /// All cells, without and with a filter, both sides in turns.
    fn ranks(&mut self) -> Result<()> {
        for filtered in [false, true] {
            for cell in Cell::ALL {
                let (engine, direct) = self.in_turns(&json!({ "cell": cell.name(), "filtered": filtered }))?;
                let suffix = if filtered { ", 1 % filter" } else { "" };
                let candidates =
                    |answers: &[Value]| answers.last().map_or(0.0, |a| a["candidates"].as_f64().unwrap_or(0.0));
                let compared =
                    format!("the same calls; candidates {:.0} | {:.0}", candidates(&engine), candidates(&direct));
                let (e, d) = (all(&engine, "micros")?, all(&direct, "micros")?);
                for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
                    let values = (percentile(&e, share), Some(percentile(&d, share)));
                    self.row(format!("rank {name}: {}{suffix}", cell.name()), values, Unit::Micros, &compared);
                }
                if cell == Cell::BOTH {
                    self.stages(&engine, &direct)?;
                }
                if cell == Cell::BOTH && !filtered {
                    let [e50, d50, e99] = [percentile(&e, 0.5), percentile(&d, 0.5), percentile(&e, 0.99)];
                    self.budget("rank p50 / its direct calls", e50 / d50, "at most 1.5", e50 <= 1.5 * d50);
                    self.budget("rank p50, ms", e50 / 1000.0, "less than 6, idle", e50 < 6000.0);
                    self.budget("rank p99, ms", e99 / 1000.0, "less than 15, idle", e99 < 15_000.0);
                }
            }
        }
        Ok(())
    }

    /// The medians of the four stages.
    fn stages(&mut self, engine: &[Value], direct: &[Value]) -> Result<()> {
        let compared = [
            ("context", "LMDB: history; tokens; ONNX Runtime: context; tantivy: the filter's keys"),
            ("retrieve", "tantivy: BM25 top; usearch: two searches; with a filter exactly, from LMDB"),
            ("rank", "LMDB: 4 reads a candidate; tantivy: BM25 of the rest; ONNX Runtime: scores"),
            ("respond", "LMDB: the records of ten hits, from JSON"),
        ];
        for (stage, calls) in compared {
            let middle = |answers: &[Value]| Ok::<f64, crate::Error>(percentile(&all(answers, stage)?, 0.5));
            let values = (middle(engine)?, Some(middle(direct)?));
            self.row(format!("  of which {stage}"), values, Unit::Micros, calls);
        }
        let features = percentile(&all(engine, "features")?, 0.5);
        let compared = "no direct side: part of its rank; scaled to 300 from as many as there were";
        self.row("  features of 300 candidates, in rank", (features, None), Unit::Micros, compared);
        self.budget("features of 300 candidates, ms", features / 1000.0, "less than 0.5", features < 500.0);
        Ok(())
    }

    /// Answers of both sides to the same requests.
    fn in_turns(&mut self, what: &Value) -> Result<(Vec<Value>, Vec<Value>)> {
        let request = |from: usize, count: usize| json!({ "do": "rank", "cell": what["cell"], "filtered": what["filtered"], "from": from, "count": count });
        let warm_up = request(REQUESTS, self.count(WARM_UP));
        self.engine.ask(&warm_up)?;
        self.direct.ask(&warm_up)?;
        let (mut engine, mut direct) = (Vec::new(), Vec::new());
        for from in (0..self.count(REQUESTS)).step_by(TURN) {
            engine.push(self.engine.ask(&request(from, TURN))?);
            direct.push(self.direct.ask(&request(from, TURN))?);
        }
        Ok((engine, direct))
    }

    /// What was written a moment ago has to be in the answer.
    fn after_writes(&mut self) -> Result<()> {
        let count = self.count(200);
        let log = json!({ "do": "log_then_rank", "count": count });
        let (engine, direct) = (self.engine.ask(&log)?, self.direct.ask(&log)?);
        self.latency("log one event, rank", &engine, &direct, "LMDB commit, then the calls of a rank")?;
        let put = json!({ "do": "put_then_rank", "count": count });
        let (engine, direct) = (self.engine.ask(&put)?, self.direct.ask(&put)?);
        let found = number(&engine, "found")?;
        let compared =
            format!("commits of LMDB and tantivy, usearch add, the calls of a rank; found {found} of {count}");
        self.latency("put one item, rank", &engine, &direct, &compared)?;
        let median = percentile(&numbers(&engine, "micros")?, 0.5) / 1000.0;
        self.budget("put one item and rank it, ms", median, "less than 10", median < 10.0 && found as usize == count);
        Ok(())
    }

    fn latency(&mut self, what: &str, engine: &Value, direct: &Value, compared: &str) -> Result<()> {
        let (engine, direct) = (numbers(engine, "micros")?, numbers(direct, "micros")?);
        for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
            let values = (percentile(&engine, share), Some(percentile(&direct, share)));
            self.row(format!("{what} {name}"), values, Unit::Micros, compared);
        }
        Ok(())
    }

    /// Clustered vectors of the caller's own: no text, no model at ingest.
    fn own_vectors(&mut self) -> Result<()> {
        let put = json!({ "do": "put_vectors" });
        let (direct, engine) = (self.direct.ask(&put)?, self.engine.ask(&put)?);
        let rate = |answer: &Value| Ok::<f64, crate::Error>(self.items as f64 / number(answer, "seconds")?);
        let (graph, rates) = ("usearch builds the same graph", (rate(&engine)?, Some(rate(&direct)?)));
        self.row("put clustered vectors, 128-d", rates, Unit::Rate, graph);
        self.processor("  processor time for each item", &engine, &direct)?;
        let rank = json!({ "do": "rank_vectors", "from": 0, "count": self.count(REQUESTS) });
        let (direct, engine) = (self.direct.ask(&rank)?, self.engine.ask(&rank)?);
        self.latency("rank by a given vector", &engine, &direct, "one search of usearch, top 100")
    }

    fn budget(&mut self, what: &str, measured: f64, wanted: &str, holds: bool) {
        self.report.budgets.push(Budget {
            items: self.items,
            what: what.to_owned(),
            measured,
            wanted: wanted.to_owned(),
            holds,
        });
    }
}

/// Opens both stores in new processes, as a program that starts does, and looks at their memory after some requests.
fn opens(items: usize, folder: &Path, arguments: &Arguments, report: &mut Report) -> Result<()> {
    let (mut micros, mut memory) = ([Vec::new(), Vec::new()], [0.0, 0.0]);
    for _ in 0..OPENS {
        for (side, name) in ["engine", "direct"].into_iter().enumerate() {
            let mut process = Process::start(name, items, &folder.join(name), arguments)?;
            let opened = process.ask(&json!({ "do": "open" }))?;
            micros[side].push(number(&opened, "micros")?);
            let rank = json!({ "do": "rank", "cell": Cell::BOTH.name(), "filtered": false, "from": 0, "count": 200 });
            process.ask(&rank)?;
            let now = number(&process.ask(&json!({ "do": "memory" }))?, "bytes")?;
            memory[side] = now - number(&opened, "before")?;
            process.end()?;
        }
    }
    let [engine, direct] = [percentile(&micros[0], 0.5), percentile(&micros[1], 0.5)];
    let compared = "library, sessions, tokenizer, LMDB, tantivy and usearch, one after the other, no checksum";
    report.rows.push(Row::new(items, "open, in a new process", engine, Some(direct), Unit::Micros, compared));
    let compared = "the same objects; mapped pages count on both sides";
    let [engine_bytes, direct_bytes] = memory;
    report.rows.push(Row::new(
        items,
        "memory after 200 ranks",
        engine_bytes,
        Some(direct_bytes),
        Unit::Bytes,
        compared,
    ));
    report.budgets.push(Budget {
        items,
        what: "open, ms".to_owned(),
        measured: engine / 1000.0,
        wanted: "less than 300".to_owned(),
        holds: engine < 300_000.0,
    });
    Ok(())
}

/// The numbers of several answers.
fn all(answers: &[Value], name: &str) -> Result<Vec<f64>> {
    Ok(answers.iter().map(|answer| numbers(answer, name)).collect::<Result<Vec<_>>>()?.concat())
}
