//! How good the lists are, on real data: [`Engine::evaluate`] on each set, as tables (and as pages).
//!
//!     make quality
//!
//! docs/MODEL.md quotes it. Arguments: names of tasks (scifact, judgments, retail, rebuys, cold, warm, movies, ml100k,
//! tags, strangers, newcomers, newcomers100k); none runs all. `--validation` scores the halves on which weights are
//! chosen instead of those that are reported, `--leave-out` shows what each source and feature is worth, `--html
//! FOLDER` writes a page for each task, `--targets N` draws as many, `--fit-space` fits the vector space to the catalog
//! before, `--check N` compares the answers to N targets with those of another future (0: not at all), `--model FOLDER`
//! takes a trained model, `--against FOLDER` (as often as wanted) measures other ones beside it on the same questions,
//! in place of the baselines, `--as-shipped` calibrates none of them, `--rest` scores the queries that `--validation`
//! leaves out, `--export FILE` writes what a model may be trained on: the rows of the requests before the first target,
//! 40,000 of them (or `--requests N`), some of each kind from the whole log. `--share N` and `--least-fit N` set the
//! places for new items of `cold` and `warm` (0.3 and 0.53; a least fit of -1 gives each list its share). `--questions
//! FOLDER` writes what systems from elsewhere learn from and are asked, and the items as the store has them; `--answers
//! FOLDER` measures their answers beside `rank` (benches/rivals).

mod data;
mod elsewhere;
// The demo reads the same files, and more of them.
#[allow(dead_code)]
#[path = "../../examples/demo/movielens.rs"]
mod movielens;
mod tasks;

use std::path::{Path, PathBuf};

use onelist::evaluation::{SplitAt, Variant};
use onelist::{Engine, Plan, Protocol, TrainingPlan};
use sha2::{Digest, Sha256};

use tasks::Task;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() {
    if let Err(error) = run() {
        eprintln!("quality: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<()> {
    let options = Options::read(std::env::args().skip(1))?;
    let folder = data::folder()?;
    for (name, make) in tasks::ALL {
        if options.tasks.is_empty() || options.tasks.iter().any(|task| task == name) {
            measure(name, make(&folder, options.half)?, &options)?;
        }
    }
    Ok(())
}

/// What the command line asks for.
struct Options {
    tasks: Vec<String>,
    half: Half,
    leave_out: bool,
    fit_space: bool,
    html: Option<PathBuf>,
    targets: Option<usize>,
    check: Option<usize>,
    model: Option<PathBuf>,
    against: Vec<PathBuf>,
    as_shipped: bool,
    export: Option<PathBuf>,
    requests: usize,
    share: Option<f64>,
    least_fit: Option<f64>,
    questions: Option<PathBuf>,
    answers: Option<PathBuf>,
}

impl Options {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Options> {
        let mut options = Options {
            tasks: Vec::new(),
            half: Half::Report,
            leave_out: false,
            fit_space: false,
            html: None,
            targets: None,
            check: None,
            model: None,
            against: Vec::new(),
            as_shipped: false,
            export: None,
            requests: REQUESTS,
            share: None,
            least_fit: None,
            questions: None,
            answers: None,
        };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--validation" => options.half = Half::Validation,
                "--as-shipped" => options.as_shipped = true,
                "--rest" => options.half = Half::Rest,
                "--leave-out" => options.leave_out = true,
                "--fit-space" => options.fit_space = true,
                "--html" => options.html = Some(arguments.next().ok_or("--html needs a folder")?.into()),
                "--model" => options.model = Some(arguments.next().ok_or("--model needs a folder")?.into()),
                "--against" => options.against.push(arguments.next().ok_or("--against needs a folder")?.into()),
                "--export" => options.export = Some(arguments.next().ok_or("--export needs a file")?.into()),
                "--requests" => options.requests = arguments.next().ok_or("--requests needs a number")?.parse()?,
                "--share" => options.share = Some(arguments.next().ok_or("--share needs a number")?.parse()?),
                "--least-fit" => {
                    options.least_fit = Some(arguments.next().ok_or("--least-fit needs a number")?.parse()?)
                }
                "--questions" => options.questions = Some(arguments.next().ok_or("--questions needs a folder")?.into()),
                "--answers" => options.answers = Some(arguments.next().ok_or("--answers needs a folder")?.into()),
                "--targets" => options.targets = Some(arguments.next().ok_or("--targets needs a number")?.parse()?),
                "--check" => options.check = Some(arguments.next().ok_or("--check needs a number")?.parse()?),
                name if tasks::ALL.iter().any(|(task, _)| *task == name) => options.tasks.push(name.to_owned()),
                other => {
                    let names: Vec<&str> = tasks::ALL.iter().map(|(task, _)| *task).collect();
                    let known = names.join(", ");
                    return Err(format!(
                        "{other} is no task and no option (benches/quality/main.rs lists these); tasks: {known}"
                    )
                    .into());
                }
            }
        }
        Ok(options)
    }

    fn adjust(&self, mut plan: Plan) -> Plan {
        plan.leave_out = self.leave_out;
        // Searches have no events that name a query here: there is nothing to fit them to.
        plan.calibrate = plan.next_item && !self.as_shipped;
        plan.check_targets = self.check.unwrap_or(plan.check_targets);
        plan.max_targets = self.targets.unwrap_or(plan.max_targets);
        if let Some(new_items) = &mut plan.new_items {
            new_items.share = self.share.unwrap_or(new_items.share);
            new_items.least_fit = self.least_fit.or(new_items.least_fit);
        }
        plan.baselines &= self.against.is_empty();
        plan.variants.extend(self.against.iter().map(|folder| other(folder)));
        plan
    }
}

/// Another model as a system of the report.
fn other(folder: &Path) -> Variant {
    Variant { name: format!("rank with {}", folder.display()), weights: Vec::new(), model: Some(folder.to_owned()) }
}

/// Puts and logs everything, evaluates, and prints.
fn measure(name: &str, mut task: Task, options: &Options) -> Result<()> {
    let dir = tempfile::tempdir()?;
    task.config.model.clone_from(&options.model);
    let db = Engine::open(dir.path(), task.config)?;
    db.put(task.items.clone())?;
    db.log(task.events.clone())?;
    if let Some(folder) = &options.questions {
        return elsewhere::write(folder, name, &db, &options.adjust(task.plan), &task.items, &task.events);
    }
    if let Some(folder) = &options.answers {
        task.plan.external = elsewhere::read(folder, name)?;
    }
    if options.fit_space {
        db.fit_space()?;
    }
    if let Some(file) = &options.export {
        return export(&db, file, options.requests, &task.plan);
    }
    let report = db.evaluate(&options.adjust(task.plan))?;
    println!("\n== {} ==\n{}", task.title, report.text());
    if let Some(folder) = &options.html {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(format!("{name}.html")), report.html())?;
    }
    db.close()?;
    Ok(())
}

/// Requests of a training file; `--requests` asks for others.
const REQUESTS: usize = 40_000;
/// Candidates of each of them that were not taken.
const NEGATIVES: usize = 60;

/// Writes the rows that a model may be trained on before it is measured.
fn export(db: &Engine, file: &Path, requests: usize, plan: &Plan) -> Result<()> {
    let mut training = TrainingPlan::default();
    (training.requests, training.spread, training.negatives) = (requests, true, Some(NEGATIVES));
    if let Protocol::GlobalTimeSplit { at: SplitAt::Time(time) } = plan.protocol {
        training.until = Some(time);
    }
    println!("{:?}", db.export_training(file, &training)?);
    db.close()?;
    Ok(())
}

/// Which part of the data is scored.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Half {
    /// The part on which weights were chosen.
    Validation,
    /// The part that is reported.
    Report,
    /// Of queries, those that `Validation` leaves out; elsewhere what is reported.
    Rest,
}

impl Half {
    /// Whether a query belongs to this half: the report takes all of them where the issue asks for all.
    fn takes(self, query: &str) -> bool {
        // The split of the exporter's figures (`model_zero/figures/data.py`): the first byte of SHA-256 is even.
        let even = Sha256::digest(query.as_bytes())[0] % 2 == 0;
        match self {
            Half::Validation => even,
            Half::Report => true,
            Half::Rest => !even,
        }
    }
}
