//! ONNX Runtime and the tokenizer, called directly: the shipped model with the session options of the engine.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use half::f16;
use ort::environment::Environment;
use ort::logging::LogLevel;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{HasSelectedOutputs, OutputSelector, RunOptions, Session, SessionInputValue};
use ort::value::TensorRef;
use tokenizers::Tokenizer;

use crate::bar::bar;
use crate::measure::threads;
use crate::{Result, words};

/// Width of content vectors and of item vectors, features of a candidate, and tokens of a text at most: the manifest's.
pub const CONTENT: usize = 256;
pub const WIDTH: usize = 192;
pub const FEATURES: usize = 21;
const MOST_TOKENS: usize = 256;
/// Texts of one window, as many as the engine's side puts at once; of one run; and tokens of one run.
const WINDOW: usize = 1000;
const RUN_TEXTS: usize = 256;
const RUN_TOKENS: usize = 4096;

/// What a run computes: the outputs that are read.
#[derive(Clone, Copy)]
enum Call {
    Text,
    Item,
    Context,
    Scores,
}

const OUTPUTS: [&[&str]; 4] = [&["text_emb"], &["item_vec", "item_sid"], &["context_vec"], &["scores"]];

/// A session with the options of every call.
struct Slot {
    session: Session,
    options: Vec<RunOptions<HasSelectedOutputs>>,
}

/// The sessions, the tokenizer, and the environment that they live in.
pub struct Model {
    slots: Vec<Mutex<Slot>>,
    tokenizer: Tokenizer,
    unknown: Option<u32>,
    _environment: Environment,
}

/// A history as tensors of one row, oldest first.
#[derive(Default)]
pub struct History {
    pub vectors: Vec<f32>,
    pub actions: Vec<i64>,
    pub gaps: Vec<i64>,
}

type Inputs<'a> = Vec<(&'static str, SessionInputValue<'a>)>;

impl Model {
    /// Loads the library at `library`, and opens as many sessions as there are threads.
    ///
    /// # Errors
    /// When the library or the model cannot be loaded.
    pub fn open(library: &Path) -> Result<Model> {
        let environment = ort::init_from(library)?.with_name("bench").with_telemetry(false).build()?;
        environment.set_log_level(LogLevel::Fatal);
        let folder = words::model_folder();
        let slots = (0..threads()).map(|_| slot(&environment, &folder.join("base.onnx")).map(Mutex::new));
        let slots = slots.collect::<Result<Vec<_>>>()?;
        let tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).map_err(|e| e.to_string())?;
        let unknown = tokenizer.token_to_id("[UNK]");
        Ok(Model { slots, tokenizer, unknown, _environment: environment })
    }

    /// The known tokens of a text.
    pub fn tokens(&self, text: &str) -> Result<Vec<i64>> {
        let encoding = self.tokenizer.encode_fast(text, false).map_err(|e| e.to_string())?;
        let known = encoding.get_ids().iter().filter(|id| Some(**id) != self.unknown);
        Ok(known.take(MOST_TOKENS).map(|id| i64::from(*id)).collect())
    }

    /// Texts to item vectors, row by row, on as many threads as there are sessions. Texts of like length share a run.
    pub fn embed(&self, texts: &[String]) -> Result<Vec<f16>> {
        let windows: Vec<&[String]> = texts.chunks(WINDOW).collect();
        let (next, done) = (AtomicUsize::new(0), Mutex::new(vec![Vec::new(); windows.len()]));
        let bar = bar("direct: ONNX Runtime embeds", texts.len());
        let work = |slot: &Mutex<Slot>| -> Result<()> {
            while let Some((at, window)) = nth(&windows, next.fetch_add(1, Ordering::Relaxed)) {
                let vectors = self.embed_window(&mut lock(slot), window)?;
                bar.inc(window.len() as u64);
                lock(&done)[at] = vectors;
            }
            Ok(())
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = self.slots.iter().map(|slot| scope.spawn(|| work(slot))).collect();
            threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a thread panicked")?)
        })?;
        bar.finish_and_clear();
        Ok(done.into_inner().unwrap_or_else(PoisonError::into_inner).concat())
    }

    /// One text to its item vector.
    pub fn embed_one(&self, text: &str) -> Result<Vec<f16>> {
        let slot = self.slots.first().ok_or("no session")?;
        self.embed_window(&mut lock(slot), &[text.to_owned()])
    }

    fn embed_window(&self, slot: &mut Slot, texts: &[String]) -> Result<Vec<f16>> {
        let tokens = texts.iter().map(|text| self.tokens(text)).collect::<Result<Vec<_>>>()?;
        let mut order: Vec<usize> = (0..texts.len()).filter(|text| !tokens[*text].is_empty()).collect();
        order.sort_by_key(|text| tokens[*text].len());
        let mut vectors = vec![f16::ZERO; texts.len() * WIDTH];
        while !order.is_empty() {
            let mut length = 0;
            // The longest of a run is its last, and says how wide all rows are.
            while length < order.len().min(RUN_TEXTS)
                && (length == 0 || (length + 1) * tokens[order[length]].len() <= RUN_TOKENS)
            {
                length += 1;
            }
            let rest = order.split_off(length);
            let found = embed_run(slot, &order, &tokens)?;
            for (text, vector) in order.iter().zip(found.chunks(WIDTH)) {
                let place = &mut vectors[text * WIDTH..(text + 1) * WIDTH];
                place.iter_mut().zip(vector).for_each(|(to, from)| *to = f16::from_f32(*from));
            }
            order = rest;
        }
        Ok(vectors)
    }

    /// The vectors of a query and of a history, each of `WIDTH` values; zeros for what is not there.
    pub fn context(&self, tokens: &[i64], history: &History) -> Result<(Vec<f32>, Vec<f32>)> {
        let (mask, one) = (vec![1.0_f32; tokens.len()], [1.0_f32]);
        let history_mask = vec![1.0_f32; history.actions.len()];
        let mut inputs = history.inputs(&history_mask)?;
        if !tokens.is_empty() {
            inputs.push(("text_ids", TensorRef::from_array_view(([1, tokens.len()], tokens))?.into()));
            inputs.push(("text_mask", TensorRef::from_array_view(([1, tokens.len()], &mask[..]))?.into()));
            inputs.push(("query_text", TensorRef::from_array_view(([1], &one[..]))?.into()));
            inputs.push(("query_mask", TensorRef::from_array_view(([1], &one[..]))?.into()));
        }
        let mut vectors = self.run(Call::Context, inputs)?;
        let history = vectors.split_off(WIDTH);
        Ok((vectors, history))
    }

    /// Scores of candidates, whose vectors and features are given row by row.
    pub fn score(
        &self,
        query: Option<&[f32]>,
        history: &History,
        vectors: &[f32],
        features: &[f32],
    ) -> Result<Vec<f32>> {
        let (rows, one) = (features.len() / FEATURES, [1.0_f32]);
        let history_mask = vec![1.0_f32; history.actions.len()];
        let mut inputs = history.inputs(&history_mask)?;
        inputs.push(("cand_vec", TensorRef::from_array_view(([1, rows, WIDTH], vectors))?.into()));
        inputs.push(("cand_feat", TensorRef::from_array_view(([1, rows, FEATURES], features))?.into()));
        if let Some(query) = query {
            inputs.push(("query_vec", TensorRef::from_array_view(([1, WIDTH], query))?.into()));
            inputs.push(("query_mask", TensorRef::from_array_view(([1], &one[..]))?.into()));
        }
        self.run(Call::Scores, inputs)
    }

    fn run(&self, call: Call, inputs: Inputs<'_>) -> Result<Vec<f32>> {
        run(&mut lock(self.slots.first().ok_or("no session")?), call, inputs)
    }
}

impl History {
    fn inputs<'a>(&'a self, mask: &'a [f32]) -> Result<Inputs<'a>> {
        let length = self.actions.len();
        if length == 0 {
            return Ok(Vec::new());
        }
        Ok(vec![
            ("history_vec", TensorRef::from_array_view(([1, length, WIDTH], &self.vectors[..]))?.into()),
            ("history_action", TensorRef::from_array_view(([1, length], &self.actions[..]))?.into()),
            ("history_gap", TensorRef::from_array_view(([1, length], &self.gaps[..]))?.into()),
            ("history_mask", TensorRef::from_array_view(([1, length], mask))?.into()),
        ])
    }
}

fn embed_run(slot: &mut Slot, order: &[usize], tokens: &[Vec<i64>]) -> Result<Vec<f32>> {
    let longest = order.iter().map(|text| tokens[*text].len()).max().unwrap_or(1);
    let (mut ids, mut mask) = (vec![0_i64; order.len() * longest], vec![0.0_f32; order.len() * longest]);
    for (row, text) in order.iter().enumerate() {
        let (start, text) = (row * longest, &tokens[*text]);
        ids[start..start + text.len()].copy_from_slice(text);
        mask[start..start + text.len()].fill(1.0);
    }
    let shape = [order.len(), longest];
    let inputs = vec![
        ("text_ids", TensorRef::from_array_view((shape, &ids[..]))?.into()),
        ("text_mask", TensorRef::from_array_view((shape, &mask[..]))?.into()),
    ];
    let content = run(slot, Call::Text, inputs)?;
    let inputs = vec![("content", TensorRef::from_array_view(([order.len(), CONTENT], &content[..]))?.into())];
    run(slot, Call::Item, inputs)
}

/// Runs the graph and copies the first output.
fn run(slot: &mut Slot, call: Call, inputs: Inputs<'_>) -> Result<Vec<f32>> {
    let outputs = slot.session.run_with_options(inputs, &slot.options[call as usize])?;
    let (_, values) = outputs[OUTPUTS[call as usize][0]].try_extract_tensor::<f32>()?;
    Ok(values.to_vec())
}

fn slot(environment: &Environment, file: &Path) -> Result<Slot> {
    // The builder's errors hold a pointer and cannot cross threads; their text can.
    let session = Session::builder(environment)
        .and_then(|b| b.with_optimization_level(GraphOptimizationLevel::Level3).map_err(ort::Error::from))
        .and_then(|b| b.with_intra_threads(1).map_err(ort::Error::from))
        .and_then(|b| b.with_inter_threads(1).map_err(ort::Error::from))
        .and_then(|b| b.with_intra_op_spinning(false).map_err(ort::Error::from))
        .and_then(|b| b.with_memory_pattern(false).map_err(ort::Error::from))
        .and_then(|b| b.with_log_level(LogLevel::Fatal).map_err(ort::Error::from))
        .and_then(|mut b| b.commit_from_file(file))?;
    let options = OUTPUTS.iter().map(|names| {
        let selected = names.iter().fold(OutputSelector::no_default(), |all, name| all.with(*name));
        Ok(RunOptions::new()?.with_outputs(selected))
    });
    Ok(Slot { options: options.collect::<Result<Vec<_>>>()?, session })
}

fn nth<T>(all: &[T], at: usize) -> Option<(usize, &T)> {
    all.get(at).map(|one| (at, one))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
