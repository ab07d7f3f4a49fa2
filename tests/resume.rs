//! A run taken up after any of its iterations goes on bit for bit: for every method in the tables, with every word that
//! its settings take, so that a new one is tested unasked.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};

use optkit::assemble::{Assembly, LoadPlanError};
use optkit::data::{Fetch, Locations};
use optkit::lang::Source;
use optkit::vocab::{Entry, Kind, Slot, Support};
use optkit::{
    Apts, AptsOptions, Archive, Checkpoint, Flow, Iteration, Objective, Observer, Optimizer, Partition, Run,
    RunReport, Status, StopWhen, TrustRegion, Unobserved, Work, from_fn, problem, resume, run, vocabulary,
};
use optkit_tests::Wavy;

/// A step through all combinations of settings that meets every pair of choices, sooner or later.
const STRIDE: usize = 7919;

/// What a method must be given.
fn needs(entry: &Entry) -> &'static str {
    match entry.name {
        "sgd" => "lr = 1e-4",
        _ => entry.setting("partition").map_or("", |_| "partition = parts"),
    }
}

/// The words that a method may be written as: bare, and with each of its settings.
fn written(entry: &Entry, deep: bool) -> Vec<String> {
    let fixed = needs(entry);
    let mut texts =
        vec![if fixed.is_empty() { entry.name.to_owned() } else { format!("{} {{ {fixed} }}", entry.name) }];
    for (name, values) in choices(entry, deep) {
        let with = |value| format!("{} {{ {fixed}, {name} = {value} }}", entry.name).replace("{ ,", "{");
        texts.extend(values.iter().map(with));
    }
    texts
}

/// The settings of `entry` that change what it does, with values to try.
fn choices(entry: &Entry, deep: bool) -> Vec<(&'static str, Vec<String>)> {
    let methods = vocabulary().methods;
    let of = |slot: Slot| {
        let fits = |e: &&Entry| e.slots.contains(&slot) && e.support == Support::Available;
        methods.iter().filter(fits).flat_map(|e| written(e, false)).collect::<Vec<_>>()
    };
    let values = |name: &str, kind: Kind| match kind {
        Kind::Real(_) if ["momentum", "weight_decay", "beta1"].contains(&name) => vec!["0.5".to_owned()],
        Kind::Word(words) => words.iter().map(|&word| word.to_owned()).collect(),
        Kind::Switch => vec!["on".to_owned(), "off".to_owned()],
        Kind::Integer(least, most) if most < least + 4 => (least..=most).map(|n| n.to_string()).collect(),
        Kind::Integer(least, _) => vec![least.max(2).to_string()],
        Kind::Indices(..) => vec!["[2, 1]".to_owned(), "2".to_owned()],
        // One level down: a solver in a slot, with its model or its subproblem solver.
        Kind::Method(slot) if deep || slot != Slot::RadiusDriven => of(slot),
        _ => Vec::new(),
    };
    let available = entry.settings.iter().filter(|s| s.support == Support::Available);
    available.map(|s| (s.name, values(s.name, s.kind))).filter(|(_, values)| !values.is_empty()).collect()
}

/// Combinations of the settings of `entry`, spread over all of them: `which` of that order.
fn combinations(entry: &Entry, fixed: &str, which: Range<usize>) -> Vec<String> {
    let choices = choices(entry, true);
    let all: usize = choices.iter().map(|(_, values)| values.len() + 1).product();
    let last = which.end.min(which.start + all);
    (which.start..last)
        .map(|i| {
            let mut index = (i * STRIDE) % all;
            let mut text = format!("{} {{ {fixed}", entry.name);
            for (name, values) in &choices {
                let choice = index % (values.len() + 1);
                index /= values.len() + 1;
                if let Some(value) = choice.checked_sub(1).and_then(|i| values.get(i)) {
                    text.push_str(&format!(", {name} = {value}"));
                }
            }
            text.replace("{ ,", "{") + " }"
        })
        .collect()
}

/// Settings that go with `local = gauss_newton` only.
const OF_GAUSS_NEWTON: [&str; 4] = ["combine", "sweeps", "control", "samples"];
/// Settings that do not go with it.
const OF_TRUST_REGIONS: [&str; 9] =
    ["partition", "local", "order", "ball", "fdl", "ratio", "global", "radius", "pairs"];
/// Settings for mini-batches, which the tests of those resume.
const OF_BATCHES: [&str; 1] = ["pairs"];

/// `entry` without some of its settings.
fn without(entry: &Entry, names: &[&str]) -> Entry {
    let kept: Vec<_> = entry.settings.iter().filter(|s| !names.contains(&s.name)).copied().collect();
    Entry { settings: kept.leak(), ..*entry }
}

/// The solvers of the tables, each with what it must be given; `apts` with trust regions on its parts.
fn solvers() -> Vec<(Entry, &'static str)> {
    let solver = |e: &Entry| e.slots.contains(&Slot::Solver) && e.support == Support::Available;
    let all = vocabulary().methods.into_iter().filter(solver);
    all.map(|e| (without(&e, &[&OF_GAUSS_NEWTON[..], &OF_BATCHES].concat()), needs(&e))).collect()
}

/// `apts` with Gauss-Newton models of its parts.
fn two_level() -> Vec<(Entry, &'static str)> {
    let methods = vocabulary().methods;
    let apts = methods.iter().find(|e| e.name == "apts").expect("a solver of the tables");
    vec![(without(apts, &OF_TRUST_REGIONS), "partition = parts, local = gauss_newton")]
}

fn assembled(text: &str) -> Option<Assembly> {
    let mut no_file = |_: &str| Err("no file".to_owned());
    let planned = problem::from_text(Source::new("test.apts", text), &mut no_file, &[]);
    match planned.ok()?.plan.load(&Locations::from_environment(None), Fetch::Never) {
        Ok(assembly) => Some(assembly),
        Err(LoadPlanError::Fit(_)) => None, // a method that the objective is not for
        Err(error) => panic!("nothing to fetch: {error}"),
    }
}

/// What an iteration shows, to the bit.
#[derive(Clone, Debug, PartialEq)]
struct Seen {
    iteration: u64,
    counts: [u64; 6],
    work: [u64; 4],
    numbers: Vec<u64>,
    measures: Vec<(String, u64)>,
}

fn bits(values: &[f64]) -> impl Iterator<Item = u64> {
    values.iter().map(|value| value.to_bits())
}

fn work_bits(work: Work) -> [u64; 4] {
    [work.values, work.gradients, work.hessian_products, work.gradient_equivalents.to_bits()]
}

impl Seen {
    fn of(it: &Iteration<'_>) -> Self {
        let step = it.step;
        let scalars =
            [step.value, step.radius, step.ratio, it.point.value, it.best.value, it.gradient_norm_inf];
        let gradient = it.point.gradient.expect("observers see a point that is prepared");
        let numbers = bits(&scalars).chain(bits(it.point.x)).chain(bits(it.best.x)).chain(bits(gradient));
        Self {
            iteration: step.iteration,
            counts: [
                u64::from(step.accepted),
                u64::from(step.trials_accepted),
                u64::from(step.trials_rejected),
                u64::from(step.local_iterations),
                u64::from(it.best.gradient.is_some()),
                it.point.x.len() as u64,
            ],
            work: work_bits(it.work),
            numbers: numbers.collect(),
            measures: it.measures.iter().map(|(name, value)| (name.clone(), value.to_bits())).collect(),
        }
    }
}

/// Keeps what every iteration showed, and a checkpoint of each as a file would hold it.
#[derive(Default)]
struct Recorder {
    seen: Vec<Seen>,
    checkpoints: Vec<Vec<u8>>,
}

impl Observer for Recorder {
    fn observe(&mut self, iteration: &Iteration<'_>) -> ControlFlow<()> {
        self.seen.push(Seen::of(iteration));
        self.checkpoints.push(iteration.checkpoint().to_bytes());
        ControlFlow::Continue(())
    }
}

/// A report without its times.
fn outcome(report: &RunReport) -> (String, u64, [u64; 4], Vec<u64>) {
    let numbers = [report.value, report.gradient_norm, report.gradient_norm_inf];
    let numbers =
        bits(&numbers).chain(bits(&report.point)).chain(report.measures.iter().map(|m| m.1.to_bits()));
    (report.status.to_string(), report.iterations, work_bits(report.work), numbers.collect())
}

/// The names of the entries in which two checkpoints differ, but for their times, to the bit.
fn differing(a: &[u8], b: &[u8]) -> Vec<String> {
    let read = |bytes| Checkpoint::from_bytes(bytes).expect("written a moment ago");
    let entries = |checkpoint: &Checkpoint| -> BTreeMap<String, Vec<u64>> {
        let archive: &Archive = checkpoint.archive();
        let arrays = archive.arrays().map(|(name, values)| (name.to_owned(), bits(values).collect()));
        let integers = archive.integers().map(|(name, value)| (name.to_owned(), vec![value]));
        arrays.chain(integers).filter(|(name, _)| !name.contains("nanoseconds")).collect()
    };
    let (a, b) = (entries(&read(a)), entries(&read(b)));
    let names: BTreeSet<_> = a.keys().chain(b.keys()).collect();
    names.into_iter().filter(|&name| a.get(name) != b.get(name)).cloned().collect()
}

/// Runs what `make` makes, then takes it up after every iteration.
fn check(what: &str, stop: &StopWhen, make: &dyn Fn() -> Assembly) -> u64 {
    let mut whole = Recorder::default();
    let mut made = make();
    let setup = Run { stop, measures: &mut made.measures, observer: &mut whole, interrupt: None };
    let Ok(uninterrupted) = run(made.optimizer.as_mut(), made.objective.as_mut(), &made.start, setup) else {
        return 0; // refused at the start, as a file's reader would be told
    };
    for (i, bytes) in whole.checkpoints.iter().enumerate() {
        let mut rest = Recorder::default();
        let mut made = make();
        let setup = Run { stop, measures: &mut made.measures, observer: &mut rest, interrupt: None };
        let from = Checkpoint::from_bytes(bytes).expect("written a moment ago");
        let resumed = resume(made.optimizer.as_mut(), made.objective.as_mut(), &from, setup)
            .unwrap_or_else(|error| panic!("{what}, after {}: {error}", i + 1));
        let at = format!("{what}, taken up after {}", i + 1);
        assert_eq!(rest.seen.len(), whole.seen.len() - i - 1, "{at}");
        for (resumed, seen) in rest.seen.iter().zip(&whole.seen[i + 1..]) {
            assert_eq!(resumed, seen, "{at}");
        }
        for (resumed, kept) in rest.checkpoints.iter().zip(&whole.checkpoints[i + 1..]) {
            assert_eq!(differing(resumed, kept), [""; 0], "{at}");
        }
        assert_eq!(outcome(&resumed), outcome(&uninterrupted), "{at}");
    }
    whole.seen.len() as u64
}

/// Every one of `solvers` on `head`, in `which` of the combinations of its settings.
fn check_all(solvers: &[(Entry, &str)], head: &str, stop: &StopWhen, which: Range<usize>) {
    for (entry, fixed) in solvers {
        let mut iterations = 0;
        let mut runs = 0;
        for solver in combinations(entry, fixed, which.clone()) {
            let text = format!("apts 1\n{head}\nsolver {solver}\nstop when iterations >= 1\n");
            if assembled(&text).is_none() {
                continue; // settings that do not fit together
            }
            let made = check(&solver, stop, &|| assembled(&text).expect("a moment ago it was"));
            iterations += made;
            runs += u64::from(made > 0);
        }
        assert!(runs > 4, "{}: {runs} runs on\n{head}", entry.name);
        assert!(iterations > 2 * runs, "{}: {iterations} iterations in {runs} runs on\n{head}", entry.name);
    }
}

/// In the `i`-th 160 combinations of the settings; on sums of squares the two-level method too.
fn resumes_on(f: &str, i: usize, is_sum_of_squares: bool) {
    let stop = StopWhen::new().gradient_norm_inf(1e-9).iterations(9);
    let head = format!("minimize f = {f}\npartition parts = contiguous {{ parts = 2 }}");
    check_all(&solvers(), &head, &stop, 160 * i..160 * (i + 1));
    if is_sum_of_squares {
        check_all(&two_level(), &head, &stop, 80 * i..80 * (i + 1));
    }
    // Products with the Hessian, and no residuals.
    let head = "minimize f = styblinski_tang(n = 7)\npartition parts = contiguous { parts = 2 }";
    check_all(&two_level(), head, &stop, 80 * i..80 * (i + 1));
}

#[test]
fn every_method_resumes_bitwise_on_a_function() {
    resumes_on("rosenbrock(n = 6)", 0, true);
}

#[test]
#[ignore = "slow: cargo test -- --ignored"]
fn every_method_resumes_bitwise_on_more_functions() {
    resumes_on("quadratic(n = 7)", 1, false);
    resumes_on("powell_singular(n = 8)", 2, true);
}

#[test]
fn every_method_resumes_bitwise_on_a_network() {
    let stop = StopWhen::new().iterations(4);
    let head = "data digits = digits()\n\
        network net { input 8x8; flatten; dense 4; relu; dense 10 }\n\
        minimize loss = cross_entropy(net(digits.test.x), digits.test.y)\n\
        measure accuracy = accuracy(net(digits.test.x), digits.test.y)\n\
        partition parts = weights(net) { parts = 3, by = tensor }";
    check_all(&solvers(), head, &stop, 0..40);
    check_all(&two_level(), head, &stop, 0..40);
}

/// An assembly of a user's own.
fn own(
    objective: impl Objective + 'static,
    optimizer: impl Optimizer + 'static,
    start: Vec<f64>,
) -> Assembly {
    Assembly {
        objective: Box::new(objective),
        optimizer: Box::new(optimizer),
        start,
        measures: Vec::new(),
        samples: None,
        data_checksum: None,
    }
}

#[test]
fn a_users_own_function_resumes_bitwise() {
    // From far away to the end of precision, through rejected steps and points without a finite gradient.
    let steep = || {
        let edge = |x: &[f64]| x[0] + x[1] > 1.5;
        from_fn(
            2,
            |x| x[0].exp() - 2.0 * x[0] + (x[1] - 0.3).powi(4),
            move |x, g| {
                g[0] = if edge(x) { f64::NAN } else { x[0].exp() - 2.0 };
                g[1] = 4.0 * (x[1] - 0.3).powi(3);
            },
        )
    };
    let stop = StopWhen::new().iterations(25);
    let single = || own(steep(), TrustRegion::default(), vec![-8.0, 2.0]);
    assert!(check("trust region", &stop, &single) > 5);
    for fdl in [true, false] {
        let options = AptsOptions { fdl, radius: 4.0, ..AptsOptions::default() };
        let split =
            || own(steep(), Apts::new(Partition::contiguous(2, 2).unwrap(), options), vec![-8.0, 2.0]);
        assert!(check("apts", &stop, &split) > 5);
        for seed in 0..4 {
            let wavy = || {
                let f = Wavy::new(11, seed);
                let start = f.start();
                own(f, Apts::new(Partition::random(11, 4, seed).unwrap(), options), start)
            };
            assert!(check("apts on a wavy function", &stop, &wavy) > 5);
        }
    }
}

/// Counts, but saves nothing of it.
struct Forgetful(f64);

impl Objective for Forgetful {
    fn dim(&self) -> usize {
        1
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.0 += 0.5;
        x[0].powi(4)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.0 += 1.0;
        gradient[0] = 4.0 * x[0].powi(3);
        x[0].powi(4)
    }
    fn work(&self) -> Work {
        Work { gradient_equivalents: self.0, ..Work::default() }
    }
}

#[test]
fn work_and_budgets_go_on_where_an_objective_saves_no_counter() {
    let mut kept = None;
    let mut keep = |it: &Iteration<'_>| {
        kept = Some((it.checkpoint(), it.work.gradient_equivalents));
        if it.step.iteration < 4 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    };
    let stop = StopWhen::new().or("gradients >= 20", optkit::Test::Gradients(20.0));
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut keep, interrupt: None };
    run(&mut TrustRegion::default(), &mut Forgetful(0.0), &[3.0], setup).unwrap();
    let (checkpoint, spent) = kept.unwrap();
    assert!(spent > 2.0);
    // In another process the counter may stand anywhere.
    for counter in [0.0, 1e3] {
        let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
        let report =
            resume(&mut TrustRegion::default(), &mut Forgetful(counter), &checkpoint, setup).unwrap();
        assert!(matches!(report.status, Status::Budget { .. }), "{}", report.status);
        let used = report.work.gradient_equivalents;
        assert!((20.0..25.0).contains(&used), "{used} from {spent}");
        assert!(report.iterations > 4);
    }
}

#[test]
fn a_larger_budget_continues_a_run_that_a_smaller_one_ended() {
    let text = "apts 1\nminimize f = rosenbrock(n = 4)\nsolver trust_region { model = gradient }\n";
    let steps = |most: u64| StopWhen::new().iterations(most);
    let mut first = Recorder::default();
    let mut made = assembled(text).unwrap();
    let stop = steps(5);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut first, interrupt: None };
    run(made.optimizer.as_mut(), made.objective.as_mut(), &made.start, setup).unwrap();
    let end = Checkpoint::from_bytes(first.checkpoints.last().unwrap()).unwrap();

    let mut whole = assembled(text).unwrap();
    let stop = steps(12);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let whole = run(whole.optimizer.as_mut(), whole.objective.as_mut(), &whole.start, setup).unwrap();
    let mut made = assembled(text).unwrap();
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let resumed = resume(made.optimizer.as_mut(), made.objective.as_mut(), &end, setup).unwrap();
    assert_eq!(outcome(&resumed), outcome(&whole));
    // The method itself agrees that it stands where it stood.
    assert!(matches!(made.optimizer.step(made.objective.as_mut()), Flow::Continue(s) if s.iteration == 13));
}
