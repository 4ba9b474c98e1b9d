//! The command line.

use std::path::PathBuf;

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Parser, ValueExt};

use super::half::Half;
use super::{Result, tasks};

/// What `--help` prints, before the names of the tasks.
pub const USAGE: &str = r#"usage: make quality ARGS="[TASK]... [OPTION]..."

Measures the lists of the engine on real data and prints the reports. Without a TASK it runs all of them. A run without
options, or with --html alone, replaces the sections of its tasks in docs/RESULTS.md.

Output:
  --no-report          leave docs/RESULTS.md as it is
  --html FOLDER        write a page for each task too

What is scored:
  --validation         the halves on which weights were chosen, in place of those that are reported
  --rest               the queries that --validation leaves out
  --targets N          at most so many targets
  --check N            targets of the point-in-time check; 0 skips it

What is measured:
  --leave-out          what each source and feature is worth
  --as-shipped         no tuning: the weights that ship
  --fit-space          fit the vector space to the catalog before
  --fraction N         places for new items in cold-items and warm-items (0.3)
  --min-fit N          least fit of an item in these places (0.53); -1 fills them in every list
  --model FOLDER       a trained model in place of the one that ships
  --against FOLDER     another model beside it, in place of the baselines; may be repeated
  --answers FOLDER     external systems beside it, by their answers (benches/rivals)

Files in place of a measurement:
  --questions FOLDER   what external systems learn from and are asked
  --export FILE        the training rows of the requests before the first target, by stratified sampling
  --requests N         how many requests --export takes (40000)
"#;

/// Requests of a training file, unless `--requests` asks for others.
const REQUESTS: usize = 40_000;

/// What the command line asks for.
#[derive(Debug, Default, PartialEq)]
pub struct Arguments {
    /// Names of tasks; none for all.
    pub tasks: Vec<String>,
    /// Where pages are written.
    pub html: Option<PathBuf>,
    /// What differs from the measurement that is reported.
    pub run: Variation,
    no_report: bool,
}

/// How a run differs from the one that docs/RESULTS.md reports; the default does not.
#[derive(Debug, PartialEq)]
pub struct Variation {
    /// What is scored.
    pub half: Half,
    /// Leave out each source and feature in turn.
    pub leave_out: bool,
    /// Fit the vector space to the catalog.
    pub fit_space: bool,
    /// Most targets.
    pub targets: Option<usize>,
    /// Targets of the point-in-time check.
    pub check: Option<usize>,
    /// A trained model.
    pub model: Option<PathBuf>,
    /// Other models, measured beside it.
    pub against: Vec<PathBuf>,
    /// Tune nothing.
    pub as_shipped: bool,
    /// Where training rows are written.
    pub export: Option<PathBuf>,
    /// Requests of these rows.
    pub requests: usize,
    /// Fraction of the places of a list that new items get.
    pub fraction: Option<f64>,
    /// Least fit of an item in these places.
    pub min_fit: Option<f64>,
    /// Where the questions for external systems are written.
    pub questions: Option<PathBuf>,
    /// Where the answers of external systems are.
    pub answers: Option<PathBuf>,
}

impl Default for Variation {
    fn default() -> Self {
        Variation {
            half: Half::default(),
            leave_out: false,
            fit_space: false,
            targets: None,
            check: None,
            model: None,
            against: Vec::new(),
            as_shipped: false,
            export: None,
            requests: REQUESTS,
            fraction: None,
            min_fit: None,
            questions: None,
            answers: None,
        }
    }
}

impl Arguments {
    /// Reads the arguments; `None` when they ask for help.
    ///
    /// # Errors
    /// A message that names the argument.
    pub fn read(mut parser: Parser) -> Result<Option<Arguments>> {
        let mut all = Arguments::default();
        while let Some(argument) = parser.next()? {
            match argument {
                Short('h') | Long("help") => return Ok(None),
                Long("no-report") => all.no_report = true,
                Long("html") => all.html = Some(parser.value()?.into()),
                Long(option) => {
                    let option = option.to_owned();
                    all.run.set(&option, &mut parser)?;
                }
                Value(name) => all.tasks.push(task(name.string()?)?),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(Some(all))
    }

    /// Whether a task was asked for.
    pub fn wants(&self, task: &str) -> bool {
        self.tasks.is_empty() || self.tasks.iter().any(|wanted| wanted == task)
    }

    /// Whether docs/RESULTS.md takes the figures: only those that another run of the same command would print.
    pub fn reports(&self) -> bool {
        !self.no_report && self.run == Variation::default()
    }
}

impl Variation {
    fn set(&mut self, option: &str, parser: &mut Parser) -> Result<()> {
        match option {
            "validation" => self.half = Half::Validation,
            "rest" => self.half = Half::Rest,
            "leave-out" => self.leave_out = true,
            "fit-space" => self.fit_space = true,
            "as-shipped" => self.as_shipped = true,
            "targets" => self.targets = Some(parser.value()?.parse()?),
            "check" => self.check = Some(parser.value()?.parse()?),
            "fraction" => self.fraction = Some(parser.value()?.parse()?),
            "min-fit" => self.min_fit = Some(parser.value()?.parse()?),
            "model" => self.model = Some(parser.value()?.into()),
            "against" => self.against.push(parser.value()?.into()),
            "answers" => self.answers = Some(parser.value()?.into()),
            "questions" => self.questions = Some(parser.value()?.into()),
            "export" => self.export = Some(parser.value()?.into()),
            "requests" => self.requests = parser.value()?.parse()?,
            _ => return Err(Long(option).unexpected().into()),
        }
        Ok(())
    }
}

/// The name of a task, if there is one of this name.
fn task(name: String) -> Result<String> {
    match tasks::ALL.iter().any(|task| task.name == name) {
        true => Ok(name),
        false => Err(format!("no task is called {name}; tasks: {}", tasks::names()).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Option<Arguments>> {
        Arguments::read(Parser::from_args(line.split_whitespace()))
    }

    #[test]
    fn only_the_plain_command_is_reported() {
        let reports = |line| read(line).unwrap().unwrap().reports();
        assert!(reports(""));
        assert!(reports("scifact retail --html pages"));
        for changed in ["--validation", "--targets 10", "--check 0", "--against engine/model", "--no-report"] {
            assert!(!reports(changed), "{changed}");
        }
    }

    #[test]
    fn options_take_their_values() {
        let all = read("warm-items --fraction 0.2 --min-fit=-1 --against a --against b").unwrap().unwrap();
        assert!(all.wants("warm-items") && !all.wants("retail"));
        assert_eq!((all.run.fraction, all.run.min_fit), (Some(0.2), Some(-1.0)));
        assert_eq!(all.run.against, ["a", "b"].map(PathBuf::from));
        assert_eq!(read("--help").unwrap(), None);
    }

    #[test]
    fn a_wrong_argument_is_named() {
        for (line, named) in [("nonsense", "nonsense"), ("--nonsense", "nonsense"), ("--targets ten", "ten")] {
            let error = read(line).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
        assert!(read("--targets").unwrap_err().to_string().contains("--targets"));
    }
}
