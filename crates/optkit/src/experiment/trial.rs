//! What a problem file asks for, run by run.

use std::path::{Path, PathBuf};

use optkit_lang::{Configuration, Experiment, Problem};

use crate::run_folder::{RunFolder, safe_name};

/// One run of a study: a configuration with a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trial {
    /// Its place in the study, counted from 0.
    pub index: usize,
    /// The problem file's name, without its ending.
    pub problem: String,
    /// The experiment; none of a single solve.
    pub experiment: Option<String>,
    /// The configuration's label; of a single solve the method's word.
    pub configuration: String,
    /// What was varied: paths with the values as written.
    pub varied: Vec<(String, String)>,
    /// Which trial of the configuration, counted from 1; none of a single solve.
    pub number: Option<u64>,
    /// Its seed.
    pub seed: u64,
    /// Where it is kept.
    pub folder: PathBuf,
}

impl Trial {
    /// Where its log is.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.join("run.jsonl")
    }

    /// In words: `fig1b: parts = 2, order = 1, trial 3`.
    #[must_use]
    pub fn name(&self) -> String {
        match (&self.experiment, self.number) {
            (Some(experiment), Some(number)) => {
                format!("{experiment}: {}, trial {number}", self.configuration)
            }
            _ => format!("{}, seed {}", self.configuration, self.seed),
        }
    }
}

/// Where the problem of a trial comes from.
#[derive(Clone, Copy)]
enum Origin<'a> {
    Single(&'a Problem),
    Of(&'a Experiment, &'a Configuration),
}

/// All runs that are asked for, in their order: experiments, their configurations, trials.
pub struct Study<'a> {
    runs: Vec<(Trial, Origin<'a>)>,
}

/// An experiment that the file does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no experiment `{name}` in this file; {}", known(.declared))]
pub struct UnknownExperiment {
    /// As it was asked for.
    pub name: String,
    /// Those that there are.
    pub declared: Vec<String>,
}

fn known(declared: &[String]) -> String {
    match declared {
        [] => "it declares none".to_owned(),
        names => format!("it has {}", names.join(", ")),
    }
}

impl<'a> Study<'a> {
    /// The experiments called `chosen`, or all of the file where none is; where it has none, its solver alone. `name` is
    /// the file's, and runs are kept below `root`: `root/name/experiment/configuration-trial`.
    pub fn new(
        problem: &'a Problem,
        name: &str,
        root: &Path,
        chosen: &[String],
    ) -> Result<Self, UnknownExperiment> {
        let declared = || problem.experiments.iter().map(|e| e.name.value.clone()).collect::<Vec<_>>();
        if let Some(unknown) = chosen.iter().find(|name| !declared().contains(name)) {
            return Err(UnknownExperiment { name: unknown.clone(), declared: declared() });
        }
        let mut study = Self { runs: Vec::new() };
        let folder = root.join(safe_name(name));
        if problem.experiments.is_empty() {
            study.single(problem, name, &folder);
        }
        let is_chosen = |e: &&Experiment| chosen.is_empty() || chosen.contains(&e.name.value);
        for experiment in problem.experiments.iter().filter(is_chosen) {
            study.experiment(experiment, name, &folder.join(safe_name(&experiment.name.value)));
        }
        Ok(study)
    }

    fn single(&mut self, problem: &'a Problem, name: &str, folder: &Path) {
        let (method, seed) = (&problem.solver().name.value, problem.run.integer("seed").unwrap_or(0));
        let trial = Trial {
            index: 0,
            problem: name.to_owned(),
            experiment: None,
            configuration: method.clone(),
            varied: Vec::new(),
            number: None,
            seed,
            folder: folder.join(format!("{}-seed{seed}", safe_name(method))),
        };
        self.runs.push((trial, Origin::Single(problem)));
    }

    fn experiment(&mut self, experiment: &'a Experiment, name: &str, folder: &Path) {
        for configuration in &experiment.configurations {
            let place = safe_name(&configuration.label);
            for number in 1..=experiment.trials {
                let trial = Trial {
                    index: self.runs.len(),
                    problem: name.to_owned(),
                    experiment: Some(experiment.name.value.clone()),
                    configuration: configuration.label.clone(),
                    varied: configuration.varied.clone(),
                    number: Some(number),
                    seed: experiment.seed.saturating_add(number - 1),
                    folder: folder.join(format!("{place}-{number:02}")),
                };
                self.runs.push((trial, Origin::Of(experiment, configuration)));
            }
        }
    }

    /// The runs, in their order.
    pub fn trials(&self) -> impl ExactSizeIterator<Item = &Trial> {
        self.runs.iter().map(|(trial, _)| trial)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.runs.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// Whether one of them has begun at some time.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.trials().any(|trial| RunFolder::has_begun(&trial.folder))
    }

    /// What run `index` runs.
    #[must_use]
    pub fn problem(&self, index: usize) -> Problem {
        match self.runs[index] {
            (_, Origin::Single(problem)) => problem.clone(),
            (ref trial, Origin::Of(experiment, configuration)) => {
                experiment.trial(configuration, trial.number.unwrap_or(1))
            }
        }
    }

    pub(super) fn trial(&self, index: usize) -> &Trial {
        &self.runs[index].0
    }

    /// The first run of every configuration.
    pub(super) fn configurations(&self) -> impl Iterator<Item = usize> {
        self.runs
            .iter()
            .filter(|(trial, _)| trial.number.is_none_or(|n| n == 1))
            .map(|(trial, _)| trial.index)
    }
}
