//! What is drawn: experiments, the configurations in them, the trials of each.

use crate::Log;

/// All trials of one configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// What the legend calls it.
    pub label: String,
    /// Its trials.
    pub runs: Vec<Log>,
}

/// One experiment: the configurations that are compared in one picture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figure {
    /// Its heading; may be empty.
    pub name: String,
    /// In the order of the legend.
    pub series: Vec<Series>,
}

/// What a figure is drawn against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Passes over the data; iterations for functions.
    Epochs,
    /// Iterations of the method.
    Iterations,
    /// Work, in gradient equivalents.
    Gradients,
    /// Seconds of training.
    Time,
}

/// What is drawn around the mean of several trials.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Band {
    /// The best and the worst value of any trial, at every point of the axis, dashed.
    #[default]
    MinMax,
    /// One standard deviation (of the sample, n − 1) to each side, dashed.
    Std,
    /// Nothing.
    None,
}

/// What a report shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Keys of the log: `loss`, `gradient_norm`, measures by their names. Empty: `loss` and every measure there is.
    pub show: Vec<String>,
    /// One column of figures each.
    pub against: Vec<Axis>,
    /// Around the mean of several trials.
    pub band: Band,
}

/// Loss and all measures, against epochs, gradient equivalents and seconds.
impl Default for Settings {
    fn default() -> Self {
        Self {
            show: Vec::new(),
            against: vec![Axis::Epochs, Axis::Gradients, Axis::Time],
            band: Band::MinMax,
        }
    }
}

impl Settings {
    /// The keys that are drawn for these figures: those asked for, or `loss` and every measure.
    #[must_use]
    pub fn quantities(&self, figure: &Figure) -> Vec<String> {
        if !self.show.is_empty() {
            return self.show.clone();
        }
        let mut names = vec!["loss".to_owned()];
        for run in figure.runs() {
            for measure in run.measures() {
                if !names.iter().any(|name| name == measure) {
                    names.push(measure.to_owned());
                }
            }
        }
        names
    }
}

/// Where a report comes from: printed at its end.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provenance {
    /// The page's title.
    pub title: String,
    /// The problem file with all defaults filled in.
    pub problem_text: String,
    /// Names and values: versions, CPU, threads, checksums.
    pub environment: Vec<(String, String)>,
}

impl Figure {
    /// Every run of every series.
    pub fn runs(&self) -> impl Iterator<Item = &Log> {
        self.series.iter().flat_map(|series| &series.runs)
    }
}

/// Groups logs by the experiment and the series that their first lines name, both in order of appearance.
///
/// A log that names no series is one of its own, called after its file: by as few of the last parts of its path as tell
/// the logs apart, without a file name that all of them share (`adam/run.jsonl` and `gd/run.jsonl` are `adam` and `gd`).
///
/// ```
/// use optkit_report::{Log, group};
/// let read = |name: &str, series: &str| {
///     let line = format!(r#"{{"problem": {{}}, "experiment": "fig1a", "series": "{series}"}}"#);
///     Log::read(name, line.as_bytes())
/// };
/// let figures = group(vec![read("1.jsonl", "adam")?, read("2.jsonl", "gd")?, read("3.jsonl", "adam")?]);
/// assert_eq!(figures.len(), 1);
/// assert_eq!(figures[0].series[0].runs.len(), 2);
/// # Ok::<(), optkit_report::ReportError>(())
/// ```
#[must_use]
pub fn group(logs: Vec<Log>) -> Vec<Figure> {
    let mut figures: Vec<Figure> = Vec::new();
    let labels = labels(&logs);
    for (log, label) in logs.into_iter().zip(labels) {
        let name = log.experiment.clone().unwrap_or_default();
        let at = figures.iter().position(|figure| figure.name == name).unwrap_or_else(|| {
            figures.push(Figure { name, series: Vec::new() });
            figures.len() - 1
        });
        let series = &mut figures[at].series;
        let at = series.iter().position(|series| series.label == label).unwrap_or_else(|| {
            series.push(Series { label, runs: Vec::new() });
            series.len() - 1
        });
        series[at].runs.push(log);
    }
    figures
}

/// What each log's series is called.
fn labels(logs: &[Log]) -> Vec<String> {
    let mut unnamed: Vec<&str> =
        logs.iter().filter(|log| log.series.is_none()).map(|log| log.source.as_str()).collect();
    unnamed.sort_unstable();
    unnamed.dedup();
    let named = after_their_places(&unnamed);
    logs.iter()
        .map(|log| match (&log.series, unnamed.binary_search(&log.source.as_str())) {
            (Some(series), _) => series.clone(),
            (None, Ok(at)) => named[at].clone(),
            (None, Err(_)) => log.source.clone(),
        })
        .collect()
}

/// Short names of files, no two of them the same where no two files are.
fn after_their_places(sources: &[&str]) -> Vec<String> {
    let mut paths: Vec<Vec<String>> = sources.iter().map(|source| parts(source)).collect();
    let last = paths.first().and_then(|path| path.last()).cloned();
    if paths.len() > 1 && paths.iter().all(|path| path.len() > 1 && path.last() == last.as_ref()) {
        for path in &mut paths {
            path.pop();
        }
    }
    let longest = paths.iter().map(Vec::len).max().unwrap_or(0);
    let tails = |count: usize| -> Vec<String> {
        paths.iter().map(|path| path[path.len().saturating_sub(count)..].join("/")).collect()
    };
    let distinct = |names: &[String]| {
        let mut sorted: Vec<&String> = names.iter().collect();
        sorted.sort_unstable();
        sorted.windows(2).all(|pair| pair[0] != pair[1])
    };
    (1..=longest)
        .map(tails)
        .find(|names| distinct(names))
        .unwrap_or_else(|| sources.iter().map(|source| (*source).to_owned()).collect())
}

/// The parts of a path, the last without its ending.
fn parts(source: &str) -> Vec<String> {
    let path = std::path::Path::new(source);
    let mut parts: Vec<String> =
        path.components().map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
    if let (Some(last), Some(stem)) = (parts.last_mut(), path.file_stem()) {
        *last = stem.to_string_lossy().into_owned();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::after_their_places;

    #[test]
    fn files_are_called_by_what_tells_them_apart() {
        let names = |sources: &[&str]| after_their_places(sources);
        assert_eq!(names(&["runs/adam.jsonl", "gd.jsonl"]), ["adam", "gd"]);
        assert_eq!(names(&["runs/adam/run.jsonl", "runs/gd/run.jsonl"]), ["adam", "gd"]);
        assert_eq!(names(&["a/x/1.jsonl", "b/x/1.jsonl", "b/x/2.jsonl"]), ["a/x/1", "b/x/1", "b/x/2"]);
        assert_eq!(names(&["run.csv", "run.jsonl"]), ["run.csv", "run.jsonl"]);
        assert_eq!(names(&["run.jsonl"]), ["run"]);
        assert_eq!(names(&[]), [""; 0]);
    }
}
