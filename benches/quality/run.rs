//! One task: a store is filled, and measured as the command line asks.

use std::path::Path;

use onelist::evaluation::{Report, SplitAt, Variant};
use onelist::{Engine, Plan, Protocol, TrainingPlan};

use super::arguments::{Arguments, Variation};
use super::tasks::{Setup, Task};
use super::{Result, external};

/// Puts and logs everything, and evaluates. `None` when files were written in place of a measurement.
pub fn run(task: &Task, mut setup: Setup, arguments: &Arguments) -> Result<Option<Report>> {
    let run = &arguments.run;
    let dir = tempfile::tempdir()?;
    setup.config.model.clone_from(&run.model);
    let db = Engine::open(dir.path(), setup.config)?;
    db.put(setup.items.clone())?;
    db.log(setup.events.clone())?;
    if let Some(folder) = &run.questions {
        let plan = adjusted(setup.plan, run);
        external::write(folder, task.name, &db, &plan, &setup.items, &setup.events)?;
        return Ok(None);
    }
    if let Some(folder) = &run.answers {
        setup.plan.external = external::read(folder, task.name)?;
    }
    if run.fit_space {
        db.fit_space()?;
    }
    if let Some(file) = &run.export {
        export(&db, file, run.requests, &setup.plan)?;
        return Ok(None);
    }
    let report = db.evaluate(&adjusted(setup.plan, run))?;
    if let Some(folder) = &arguments.html {
        std::fs::create_dir_all(folder)?;
        std::fs::write(folder.join(format!("{}.html", task.name)), report.html())?;
    }
    db.close()?;
    Ok(Some(report))
}

/// The plan of a task as the command line varies it.
fn adjusted(mut plan: Plan, run: &Variation) -> Plan {
    plan.leave_out = run.leave_out;
    // The searches have no events that name a query: there is nothing to tune on.
    plan.calibrate = plan.next_item && !run.as_shipped;
    plan.check_targets = run.check.unwrap_or(plan.check_targets);
    plan.max_targets = run.targets.unwrap_or(plan.max_targets);
    if let Some(new_items) = &mut plan.new_items {
        new_items.share = run.fraction.unwrap_or(new_items.share);
        new_items.least_fit = run.min_fit.or(new_items.least_fit);
    }
    plan.baselines &= run.against.is_empty();
    plan.variants.extend(run.against.iter().map(|folder| with_model(folder)));
    plan
}

/// Another model as a system of the report.
fn with_model(folder: &Path) -> Variant {
    Variant { name: format!("rank with {}", folder.display()), weights: Vec::new(), model: Some(folder.to_owned()) }
}

/// Candidates of each exported request that were not taken.
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
