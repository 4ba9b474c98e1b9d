//! The command line.

use std::path::{Path, PathBuf};

use crate::Result;

/// What `--help` prints.
pub const USAGE: &str = "usage: bench [--items 10000,100000] [--data DIR] [--scratch DIR] [--quick]

  --items    sizes of the catalogue, separated by commas (default 10000,100000). 1000000 may be among them: that
             takes one to two hours on two cores, and some 6 GB of disk
  --data     the folder with the retail data (default: ONELIST_DATA, or ../shared/data); without it all titles are
             synthetic
  --scratch  where the stores are made and removed again (default: the system's folder for temporary files). It should
             be on a disk: durable writes to memory say nothing
  --quick    fewer requests, for trying the program out: its p99 means nothing";

#[derive(Clone)]
/// A whole run, or one side of it in a process of its own.
pub struct Arguments {
    pub items: Vec<usize>,
    pub data: PathBuf,
    pub scratch: PathBuf,
    pub quick: bool,
    /// `engine` or `direct`: answer commands on standard input. Only the program itself starts these.
    pub side: Option<String>,
    /// The shared library of ONNX Runtime that the engine found.
    pub onnxruntime: Option<PathBuf>,
}

impl Arguments {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// A message that says what is wrong.
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Arguments> {
        let mut all = Arguments {
            items: vec![10_000, 100_000],
            data: default_data(),
            scratch: std::env::temp_dir(),
            quick: false,
            side: None,
            onnxruntime: None,
        };
        while let Some(name) = arguments.next() {
            if name == "--quick" {
                all.quick = true;
                continue;
            }
            let value = arguments.next().ok_or_else(|| format!("{name}: unknown, or without a value\n{USAGE}"))?;
            match name.as_str() {
                "--items" => all.items = sizes(&value)?,
                "--data" => all.data = value.into(),
                "--scratch" => all.scratch = value.into(),
                "--side" => all.side = Some(value),
                "--onnxruntime" => all.onnxruntime = Some(value.into()),
                _ => return Err(format!("unknown argument {name}\n{USAGE}").into()),
            }
        }
        Ok(all)
    }
}

fn sizes(text: &str) -> Result<Vec<usize>> {
    let size = |part: &str| match part.trim().replace('_', "").parse::<usize>() {
        Ok(size) if (1_000..=10_000_000).contains(&size) => Ok(size),
        _ => Err(format!("--items: expected numbers of 1000 to 10000000, found `{part}`").into()),
    };
    text.split(',').map(size).collect()
}

fn default_data() -> PathBuf {
    match std::env::var_os("ONELIST_DATA") {
        Some(folder) if !folder.is_empty() => folder.into(),
        _ => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data"),
    }
}
