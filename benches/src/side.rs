//! Both sides run in processes of their own: their memory is their own then, and ONNX Runtime allows one environment in
//! a process. The parent asks them in turns, so that a busy moment of the machine meets both.
//!
//! A command is one line of JSON with the key `do`; so is its answer.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use crate::Result;
use crate::arguments::Arguments;

/// A side that answers commands.
pub trait Side {
    /// Does what a command says, and measures it.
    ///
    /// # Errors
    /// What went wrong; the run ends then.
    fn answer(&mut self, command: &Value) -> Result<Value>;
}

/// Answers commands until standard input ends.
///
/// # Errors
/// When the streams fail. An error of a command is an answer.
pub fn serve(side: &mut dyn Side) -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let command: Value = serde_json::from_str(&line?)?;
        let answer = side.answer(&command).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        let mut out = std::io::stdout().lock();
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

/// A number of a command or an answer.
///
/// # Errors
/// When there is none of that name.
pub fn number(from: &Value, name: &str) -> Result<f64> {
    from[name].as_f64().ok_or_else(|| format!("no number `{name}` in {from}").into())
}

/// The numbers of an answer.
///
/// # Errors
/// When there are none of that name.
pub fn numbers(from: &Value, name: &str) -> Result<Vec<f64>> {
    let all = from[name].as_array().ok_or_else(|| format!("no numbers `{name}` in an answer"))?;
    all.iter().map(|value| value.as_f64().ok_or_else(|| format!("`{name}` holds {value}").into())).collect()
}

/// A side in its process.
pub struct Process {
    name: &'static str,
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Process {
    /// Starts a side for one size of the catalogue. `folder` is where it keeps its files.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(name: &'static str, items: usize, folder: &Path, run: &Arguments) -> Result<Process> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--side", name, "--items", &items.to_string()]);
        command.arg("--data").arg(&run.data).arg("--scratch").arg(folder);
        if let Some(library) = &run.onnxruntime {
            command.arg("--onnxruntime").arg(library);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let to = child.stdin.take();
        let from = BufReader::new(child.stdout.take().ok_or("a process without standard output")?);
        Ok(Process { name, child, to, from })
    }

    /// Sends a command and waits for its answer.
    ///
    /// # Errors
    /// The side's error, or that it ended.
    pub fn ask(&mut self, command: &Value) -> Result<Value> {
        let to = self.to.as_mut().ok_or("the process was ended")?;
        writeln!(to, "{command}")?;
        to.flush()?;
        let mut line = String::new();
        if self.from.read_line(&mut line)? == 0 {
            return Err(format!("the {} side ended while it did {command}", self.name).into());
        }
        let answer: Value = serde_json::from_str(&line)?;
        match answer["error"].as_str() {
            Some(error) => Err(format!("the {} side failed at {command}: {error}", self.name).into()),
            None => Ok(answer),
        }
    }

    /// Ends the process and waits for it.
    ///
    /// # Errors
    /// When it ends with an error.
    pub fn end(mut self) -> Result<()> {
        self.to = None;
        let status = self.child.wait()?;
        if status.success() { Ok(()) } else { Err(format!("the {} side ended with {status}", self.name).into()) }
    }
}

impl Drop for Process {
    /// A run that failed does not leave a side behind: its standard input ends, and with it the side.
    fn drop(&mut self) {
        self.to = None;
        let _ = self.child.wait();
    }
}
