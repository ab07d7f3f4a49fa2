//! The command line's definition: help, completions and man page come from here.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use optkit_log::Target;

/// What to begin with.
const FIRST: &str =
    "A first run, which needs no data from outside:\n  optkit solve problems/digits_fcnn.apts";

/// Minimise what a problem file says, the way it says.
#[derive(Parser)]
#[command(name = "optkit", version, after_help = FIRST, long_version = crate::facts::long_version(), max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run a problem file
    ///
    /// Prints the problem, one line an epoch (or iteration), and a summary. A file with experiments runs all of them,
    /// side by side, each run in a folder of its own below `runs`; the same command goes on where it was interrupted.
    ///
    /// Exit code 0: ended as the file asked; 1: a budget ended a run that was to converge or reach a target; 2: usage,
    /// file or system error; 3: numerical failure; 4: data missing; 130: interrupted (Ctrl-C, SIGTERM and SIGUSR1 end
    /// after the current iteration, with the summary and a checkpoint). Of several runs, the gravest.
    Solve(Solve),
    /// Check a problem file without running it
    Check(Check),
    /// List the words of the language
    List {
        /// What to list
        what: What,
    },
    /// List, show, compare or clean up runs that are kept in folders
    Runs {
        #[command(subcommand)]
        action: RunsAction,
    },
    /// List or fetch datasets
    Data {
        #[command(subcommand)]
        action: DataAction,
    },
    /// Write the weights of a network that a run has trained
    ///
    /// The file is of the safetensors format, with PyTorch's names, shapes and layout: parameters, and the running
    /// averages of batch normalisations. It is read by `load_state_dict` in PyTorch and by `run { weights = "…" }` in a
    /// problem file.
    Export(Export),
    /// Draw run logs: one page, or a picture or table for every figure
    ///
    /// A page (….html) holds everything: curves, final table, trust region, work, time. Pictures (….svg, ….png) and
    /// tables (….csv) hold what --show and --against ask for, a file each; where there are several, the name of the
    /// figure is put into the file's.
    Plot(Plot),
    /// Explain a diagnostic code such as E0201
    Explain {
        /// The code
        code: String,
    },
    /// Print a shell completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

/// What a file may be changed by from outside.
#[derive(Args)]
pub(crate) struct Changes {
    /// The problem file
    pub(crate) file: PathBuf,
    /// Set a value by its path in the file: --set solver.radius=0.1 (may be repeated)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub(crate) set: Vec<String>,
    /// Seed of initial parameters and random deals (the file's `run { seed }`)
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub(crate) seed: Option<u64>,
    /// Threads; results do not depend on it
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
    /// Folder to look for datasets in first, and to fetch them to
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct Solve {
    #[command(flatten)]
    pub(crate) changes: Changes,
    /// Stop after N epochs; replaces the file's limit of that kind
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub(crate) epochs: Option<u64>,
    /// Stop after N iterations; replaces the file's limit of that kind
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = count)]
    pub(crate) iterations: Option<u64>,
    /// Stop after this much training time (90s, 15min, 2h); replaces the file's limit of that kind
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = duration)]
    pub(crate) time: Option<Duration>,
    /// Run only this experiment of the file (may be repeated)
    #[arg(long = "experiment", value_name = "NAME")]
    pub(crate) experiments: Vec<String>,
    /// Keep runs in folders below DIR; for experiments `runs` unless given, other runs are kept only where asked for
    #[arg(long, value_name = "DIR")]
    pub(crate) runs: Option<PathBuf>,
    /// Time between checkpoints (30s, 10min), and keep the run in a folder
    #[arg(long, value_name = "T", allow_negative_numbers = true, value_parser = duration)]
    pub(crate) checkpoint: Option<Duration>,
    /// Go on from the last checkpoint; an error where there is none
    #[arg(long, conflicts_with = "again")]
    pub(crate) resume: bool,
    /// Run anew what was interrupted or has ended
    #[arg(long)]
    pub(crate) again: bool,
    /// Write a log: run.jsonl, run.csv or tensorboard:DIR (may be repeated)
    #[arg(long, value_name = "TARGET")]
    pub(crate) log: Vec<Target>,
    /// Print nothing but errors
    #[arg(long, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// Print JSON Lines: the problem, one object an epoch or iteration, the summary
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Check {
    #[command(flatten)]
    pub(crate) changes: Changes,
    /// Show, for every subdomain, its tensors and its share of a whole evaluation
    #[arg(long)]
    pub(crate) cost: bool,
    /// Measure a loss and a loss with gradient, whole and per subdomain (needs the data)
    #[arg(long)]
    pub(crate) time: bool,
    /// Compare gradients, and Hessian products where there are any, with differences (needs the data)
    #[arg(long)]
    pub(crate) derivatives: bool,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct Export {
    /// The run's folder, of which the newest checkpoint is taken, or a checkpoint
    #[arg(value_name = "RUN")]
    pub(crate) from: PathBuf,
    /// Where to: out.safetensors
    #[arg(value_name = "FILE", value_parser = weights)]
    pub(crate) out: PathBuf,
    /// Precision of the numbers in the file
    #[arg(long, value_name = "P", default_value = "f32")]
    pub(crate) precision: Precision,
}

/// Precision of numbers in a file, in the words of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Precision {
    /// Single, as PyTorch's
    F32,
    /// Double: all bits
    F64,
}

#[derive(Args)]
pub(crate) struct Plot {
    /// Logs (run.jsonl), folders of logs, patterns in quotes ('runs/*/run.jsonl'), or - for standard input
    #[arg(value_name = "LOG", required = true)]
    pub(crate) logs: Vec<PathBuf>,
    /// What to draw: keys of the log such as loss, accuracy, radius (loss and every measure)
    #[arg(long, value_name = "KEYS", value_delimiter = ',')]
    pub(crate) show: Vec<String>,
    /// Against what (epochs, gradients and time)
    #[arg(long, value_name = "AXES", value_delimiter = ',')]
    pub(crate) against: Vec<Against>,
    /// What is drawn around the mean of several trials
    #[arg(long, value_name = "BAND", default_value = "min_max")]
    pub(crate) band: Band,
    /// Where to: x.html, x.svg, x.png or x.csv (plot.html; may be repeated)
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Vec<Output>,
    /// The page's title
    #[arg(long)]
    pub(crate) title: Option<String>,
}

/// A kind of file with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Output {
    /// One HTML page.
    Page(PathBuf),
    /// SVG.
    Drawing(PathBuf),
    /// PNG.
    Image(PathBuf),
    /// CSV.
    Table(PathBuf),
}

impl Output {
    pub(crate) fn path(&self) -> &PathBuf {
        let (Self::Page(path) | Self::Drawing(path) | Self::Image(path) | Self::Table(path)) = self;
        path
    }
}

impl FromStr for Output {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let path = PathBuf::from(name);
        let kind = match path.extension().and_then(|ending| ending.to_str()) {
            Some("html") => Self::Page,
            Some("svg") => Self::Drawing,
            Some("png") => Self::Image,
            Some("csv") => Self::Table,
            _ => return Err("name a file ….html, ….svg, ….png or ….csv".to_owned()),
        };
        Ok(kind(path))
    }
}

/// The horizontal axis of a figure, in the words of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Against {
    /// Passes over the data, or iterations of functions
    Epochs,
    /// Iterations of the method
    Iterations,
    /// Gradient equivalents
    Gradients,
    /// Seconds of training
    Time,
}

/// What is drawn around a mean, in the words of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum Band {
    /// The best and the worst trial
    MinMax,
    /// One standard deviation to each side
    Std,
    /// Nothing
    None,
}

#[derive(Subcommand)]
pub(crate) enum DataAction {
    /// Show the datasets and where they were found
    List {
        /// Folder to look in first
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
    },
    /// Fetch a dataset, or verify the one that is there
    Get {
        /// The dataset: mnist, fashion_mnist
        name: String,
        /// Folder to look in first and to fetch to
        #[arg(long, value_name = "DIR")]
        data_dir: Option<PathBuf>,
        /// Show no progress
        #[arg(long)]
        quiet: bool,
    },
}

#[derive(Subcommand)]
pub(crate) enum RunsAction {
    /// List the runs below folders
    List {
        #[command(flatten)]
        runs: Runs,
    },
    /// Show one run: what it is, how it ended, and where its files are
    Show {
        /// The run's folder
        run: PathBuf,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Compare configurations: mean and standard deviation over the trials that have ended
    Compare {
        #[command(flatten)]
        runs: Runs,
    },
    /// Free space: says what it would delete, and deletes it with --yes
    ///
    /// Without an option for what: the checkpoints of runs that have ended. Runs that are in use stay.
    Clean {
        /// Folders with runs, at any depth
        #[arg(value_name = "DIR", default_value = DEFAULT_RUNS)]
        folders: Vec<PathBuf>,
        /// Delete whole runs that have ended
        #[arg(long)]
        finished: bool,
        /// Delete whole runs that were interrupted, killed, or failed
        #[arg(long)]
        unfinished: bool,
        /// Do it
        #[arg(long)]
        yes: bool,
    },
}

/// Where runs are kept unless another place is named.
pub(crate) const DEFAULT_RUNS: &str = "runs";

#[derive(Args)]
pub(crate) struct Runs {
    /// Folders with runs, at any depth
    #[arg(value_name = "DIR", default_value = DEFAULT_RUNS)]
    pub(crate) folders: Vec<PathBuf>,
    /// Print JSON Lines
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum What {
    /// Solvers, their models and subproblem solvers, partitions
    Methods,
    /// Classic test functions
    Functions,
    /// Layers, losses and measures of networks
    Layers,
    /// Datasets
    Datasets,
}

/// A whole number.
fn count(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("`{text}` is no whole number of zero or more"))
}

/// The name of a file of weights.
fn weights(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    match path.extension().and_then(|ending| ending.to_str()) {
        Some("safetensors") => Ok(path),
        _ => Err("name a file ….safetensors".to_owned()),
    }
}

/// `90`, `90s`, `15min`, `2 h`.
fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == 'e' || c == '-'));
    let (number, unit) = text.split_at(digits.unwrap_or(text.len()));
    let seconds = match unit.trim() {
        "" | "s" => 1.0,
        "ms" => 1e-3,
        "min" => 60.0,
        "h" => 3600.0,
        other => return Err(format!("unknown unit `{other}`; use ms, s, min or h, as in 90s or 15min")),
    };
    let number: f64 =
        number.parse().map_err(|_| format!("`{text}` is no time; write it like 90s or 15min"))?;
    if number < 0.0 {
        return Err("must be a time of zero or more".to_owned());
    }
    Duration::try_from_secs_f64(number * seconds).map_err(|_| "is longer than a clock can count".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_take_units() {
        assert_eq!(duration("90"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5 min"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("20ms"), Ok(Duration::from_millis(20)));
        assert!(duration("5 days").unwrap_err().contains("ms, s, min or h"));
        assert!(duration("-1s").unwrap_err().contains("zero or more"));
        assert!(duration("1e30h").unwrap_err().contains("longer"));
        assert!(duration("").unwrap_err().contains("no time"));
    }
}
