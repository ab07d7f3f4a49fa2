//! From statements to a [`Problem`]: names, words, kinds and ranges.

mod block;
mod call;
mod constant;
mod experiment;
mod load;
mod names;
mod network;
mod objective;
mod overrides;
mod presence;
mod report;
mod settings;
mod shape;
mod stop;
mod value;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use optkit_core::vocabulary::{Kind, Range, Setting, Slot, Support, Vocabulary};

use constant::Constant;
use names::{Declared, Names};

use crate::ast::{Block, Statement, StatementKind};
use crate::scan::MOST_FINDINGS;
use crate::{
    Data, Diagnostic, Diagnostics, Measure, Method, Network, Objective, Partition, Problem, Report, Settings,
    Source, Span, Spanned, Stop,
};

/// A setting given outside the file: `--set path=value`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// `solver.radius`, `tensors.parts`, `run.seed`, or the name of a `param`.
    pub path: String,
    /// The value as it would stand in the file.
    pub value: String,
}

impl Override {
    /// `path=value` as it is given on a command line; `None` without `=`.
    ///
    /// ```
    /// let set = optkit_lang::Override::parse("solver.radius = 0.1").unwrap();
    /// assert_eq!((set.path.as_str(), set.value.as_str()), ("solver.radius", "0.1"));
    /// ```
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (path, value) = text.split_once('=')?;
        Some(Self { path: path.trim().to_owned(), value: value.trim().to_owned() })
    }
}

/// What [`check`] found.
#[derive(Clone, Debug)]
pub struct Checked {
    /// The problem; `Some` exactly where there is no error.
    pub problem: Option<Problem>,
    /// Errors and warnings, with the sources that they point into.
    pub diagnostics: Diagnostics,
}

/// Read `source` and all that it uses, and check it against `vocabulary`.
///
/// `load` reads a used file by its path, relative to the folder of `source`; its error is shown as it is.
/// `overrides` are applied in their order before anything is checked, so they pass the same checks. All errors
/// are found in one run; the check neither touches files nor panics, whatever the text.
///
/// ```
/// use optkit_core::vocabulary::{Entry, Kind, Operand, Slot, Support, Vocabulary};
/// use optkit_lang::{Source, check};
///
/// let n = Operand { name: "n", kind: Kind::Integer(1, 1_000_000), default: None, doc: "variables" };
/// let word = Entry {
///     name: "", doc: "", operands: &[], settings: &[], slots: &[Slot::Solver], support: Support::Available,
/// };
/// let vocabulary = Vocabulary {
///     functions: vec![Entry { name: "quadratic", operands: Box::leak(Box::new([n])), slots: &[], ..word }],
///     methods: vec![Entry { name: "trust_region", ..word }],
///     ..Vocabulary::default()
/// };
/// let text = "apts 1\nminimize f = quadratic(n = 10)\nsolver trust_region\nstop when norm(grad) <= 1e-6 * (1 + f)";
/// let mut no_files = |path: &str| Err(format!("no file {path}"));
/// let checked = check(Source::new("bowl.apts", text), &mut no_files, &[], &vocabulary);
/// let problem = checked.problem.expect("no errors");
/// assert_eq!(problem.objective.name, "f");
/// assert_eq!(problem.solver().name.value, "trust_region");
/// ```
pub fn check(
    source: Source,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    overrides: &[Override],
    vocabulary: &Vocabulary,
) -> Checked {
    let mut diagnostics = Diagnostics::default();
    let statements = load::load(source, load, &mut diagnostics);
    let mut statements = load::merge(statements, &mut diagnostics.list);
    overrides::apply(overrides, &mut statements, vocabulary, &mut diagnostics);
    let found = std::mem::take(&mut diagnostics.list);
    let mut checker = Checker::new(&statements, &diagnostics.sources, vocabulary, found);
    let problem = checker.problem(&statements);
    diagnostics.list = checker.diagnostics;
    // a stable sort: findings at one place stay in the order in which they were made
    diagnostics.list.sort_by_key(|d| d.labels.first().map_or(Span::default(), |l| l.0));
    let problem = problem.filter(|_| !diagnostics.has_errors());
    if diagnostics.list.len() > MOST_FINDINGS {
        diagnostics.list.truncate(MOST_FINDINGS);
        let last = diagnostics.list.last_mut().expect("just truncated to more than nothing");
        last.notes.push(format!("only the first {MOST_FINDINGS} findings are shown"));
    }
    Checked { problem, diagnostics }
}

/// What `statements` say, and what is wrong with them.
fn problem_of(
    statements: &[Statement],
    sources: &[Source],
    vocabulary: &Vocabulary,
) -> (Option<Problem>, Vec<Diagnostic>) {
    let mut checker = Checker::new(statements, sources, vocabulary, Vec::new());
    let problem = checker.problem(statements);
    (problem, checker.diagnostics)
}

/// The settings of `problem`.
const PROBLEM: &[Setting] = &[
    Setting {
        name: "reference",
        kind: Kind::Text,
        default: Some(""),
        doc: "where the problem comes from",
        support: Support::Available,
    },
    Setting {
        name: "known_minimum",
        kind: Kind::Real(Range {
            least: f64::NEG_INFINITY,
            open_below: true,
            most: f64::INFINITY,
            open_above: true,
        }),
        default: Some(""),
        doc: "the smallest value of the objective",
        support: Support::Available,
    },
];

struct Checker<'a> {
    vocabulary: &'a Vocabulary,
    sources: &'a [Source],
    names: Names,
    /// Solvers by their names, each with the names that its settings mention.
    solvers: BTreeMap<String, BTreeSet<String>>,
    /// Blocks by their names.
    blocks: BTreeMap<String, Arc<Block>>,
    /// What blocks are given, by where it is declared: its name, and whether any use of the block used it.
    formals: BTreeMap<Span, (String, bool)>,
    constants: BTreeMap<String, Constant>,
    /// Constants whose value could not be found; that has been reported.
    unknown_constants: BTreeSet<String>,
    /// Methods within methods at this point.
    nesting: usize,
    diagnostics: Vec<Diagnostic>,
}

/// What the statements said so far.
#[derive(Default)]
struct Draft {
    title: Option<String>,
    problem: Settings,
    data: Vec<Data>,
    networks: Vec<Network>,
    objective: Option<Objective>,
    measures: Vec<Measure>,
    partitions: Vec<Partition>,
    solvers: Vec<(String, Method)>,
    stop: Option<Stop>,
    run: Option<Settings>,
    experiments: Vec<experiment::Draft>,
    reports: Vec<Report>,
}

impl<'a> Checker<'a> {
    fn new(
        statements: &[Statement],
        sources: &'a [Source],
        vocabulary: &'a Vocabulary,
        mut found: Vec<Diagnostic>,
    ) -> Self {
        let names = Names::of(statements, &mut found);
        let solvers = statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Solver { value, .. } => {
                let mut mentioned = BTreeSet::new();
                value.mentions(&mut mentioned);
                Some((overrides::name_of(s)?, mentioned))
            }
            _ => None,
        });
        let blocks = statements.iter().filter_map(|s| match &s.kind {
            StatementKind::Block(block) => Some((block.name.value.clone(), block.clone())),
            _ => None,
        });
        Self {
            vocabulary,
            sources,
            names,
            solvers: solvers.collect(),
            blocks: blocks.collect(),
            formals: BTreeMap::new(),
            constants: BTreeMap::new(),
            unknown_constants: BTreeSet::new(),
            nesting: 0,
            diagnostics: found,
        }
    }
}

impl Checker<'_> {
    fn push(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Whether enough errors are found to stop looking for more.
    fn is_full(&self) -> bool {
        self.diagnostics.len() >= MOST_FINDINGS
    }

    fn not_yet(&mut self, what: &str, span: Span) {
        self.push(
            Diagnostic::error("E0701", format!("not supported yet: {what}"))
                .label(span, "a later version gives this a meaning")
                .help("leave it out for now"),
        );
    }

    /// The text at `span`.
    fn text_of(&self, span: Span) -> String {
        let text = self.sources.get(span.source).and_then(|s| s.text.get(span.start..span.end));
        text.unwrap_or_default().to_owned()
    }

    fn problem(&mut self, statements: &[Statement]) -> Option<Problem> {
        let mut draft = Draft::default();
        for statement in statements {
            if self.is_full() {
                return None;
            }
            self.statement(statement, &mut draft);
        }
        if !self.diagnostics.iter().any(|d| d.code == "E0106") {
            // a file that was not read at all lacks nothing
            self.check_edition(statements);
            self.check_presence(statements, &draft);
        }
        self.check_targets(&draft.stop.clone().unwrap_or_default(), &draft.measures);
        let run = match draft.run.take() {
            Some(run) => run,
            None => self.run_defaults(),
        };
        let mut experiments = Vec::new();
        if !self.diagnostics.iter().any(Diagnostic::is_error) {
            self.warn_of_unused(&draft);
            for experiment in &draft.experiments {
                experiments.extend(self.spell_out(experiment, statements));
            }
        }
        Some(Problem {
            title: draft.title,
            reference: draft.problem.text("reference").map(str::to_owned),
            known_minimum: draft.problem.real("known_minimum"),
            data: draft.data,
            networks: draft.networks,
            objective: draft.objective?,
            measures: draft.measures,
            partitions: draft.partitions,
            solvers: draft.solvers,
            stop: draft.stop.unwrap_or_default(),
            run,
            experiments,
            reports: draft.reports,
        })
    }

    fn statement(&mut self, statement: &Statement, draft: &mut Draft) {
        use StatementKind as K;
        let vocabulary = self.vocabulary;
        match &statement.kind {
            K::Edition(edition) if edition.value != "1" => self.push(
                Diagnostic::error("E0107", format!("edition {} is unknown", edition.value))
                    .label(edition.span, "this version reads edition 1")
                    .help("write `apts 1`, or use a newer version"),
            ),
            K::Edition(_) | K::Use(_) | K::Broken { .. } => {}
            K::Problem { title, body } => {
                draft.title = Some(title.value.clone());
                draft.problem =
                    self.settings(Spanned::new("problem", statement.keyword), Some(body), PROBLEM);
            }
            K::Constant { name, value, .. } => self.declare_constant(name, value),
            K::Data { name, value } => {
                if let Some(dataset) = self.call(value, &vocabulary.datasets, "dataset") {
                    draft.data.push(Data { name: name.clone(), dataset });
                }
            }
            K::Network { name, layers } => draft.networks.push(self.network(name, layers)),
            K::Block(block) => self.block(block),
            K::Objective { name, value } => draft.objective = self.objective(name.as_ref(), value),
            K::Measure { name, expression } => draft.measures.extend(self.measure(name, expression)),
            K::Partition { name, value } => {
                if let Some(call) = self.call(value, &vocabulary.partitions, "partition") {
                    draft.partitions.push(Partition { name: name.clone(), call });
                }
            }
            K::Solver { name, value } => {
                let name = name.as_ref().map_or("solver", |n| &n.value);
                draft
                    .solvers
                    .extend(self.method(value, Slot::Solver, "solver").map(|m| (name.to_owned(), m)));
            }
            K::Stop(expression) => draft.stop = Some(self.stop(expression)),
            K::Run(body) => {
                let owner = Spanned::new("run", statement.keyword);
                draft.run = Some(self.settings(owner, Some(body), &vocabulary.run));
            }
            K::Experiment { name, body, varied } => {
                let experiment = self.experiment(name.as_ref(), statement.keyword, body, varied);
                draft.experiments.extend(experiment);
            }
            K::Report { path, body } => draft.reports.push(self.report(path, body)),
            K::Planned { what, .. } => self.not_yet(what, statement.keyword),
        }
    }

    fn declare_constant(&mut self, name: &Spanned<String>, value: &crate::ast::Written) {
        let constant = match &value.body {
            Some(body) => {
                self.push(
                    Diagnostic::error("E0204", format!("`{}` is not a constant", name.value))
                        .label(body.span, "a method or call with settings")
                        .help("constants are numbers, switches, strings and quantities"),
                );
                None
            }
            None => self.constant(&value.expression),
        };
        match constant {
            Some(constant) => {
                self.constants.insert(name.value.clone(), constant);
            }
            None => {
                self.unknown_constants.insert(name.value.clone());
            }
        }
    }

    /// The settings of a `run` that the file does not have.
    fn run_defaults(&mut self) -> Settings {
        let run: Vec<Setting> = self.vocabulary.run.clone();
        self.settings(Spanned::new("run", Span::default()), None, &run)
    }
}
