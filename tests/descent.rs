//! Descent methods through the facade: the classics, sweeps as preconditioners, budgets.

use optkit::assemble::Assembly;
use optkit::data::{Fetch, Locations};
use optkit::functions::{CATALOG, TestFunction, build};
use optkit::lang::Source;
use optkit::vector::norm_inf;
use optkit::{
    Flow, Lbfgs, LbfgsOptions, Objective, Partition, PreconditionerOptions, Run, RunReport,
    SchwarzPreconditioner, Status, StopWhen, Test, Unobserved, problem, run,
};
use optkit_tests::Wavy;

/// A test function as a plain objective: no Hessian products.
struct Plain<'a>(&'a mut dyn TestFunction);

impl Objective for Plain<'_> {
    fn dim(&self) -> usize {
        self.0.dim()
    }
    fn value(&mut self, x: &[f64]) -> f64 {
        self.0.value(x)
    }
    fn value_gradient(&mut self, x: &[f64], gradient: &mut [f64]) -> f64 {
        self.0.value_gradient(x, gradient)
    }
}

fn solved(f: &mut dyn TestFunction, start: &[f64]) -> (RunReport, bool) {
    let mut gradient = vec![0.0; f.dim()];
    f.value_gradient(start, &mut gradient);
    let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(5000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report =
        run(&mut Lbfgs::default(), &mut Plain(f), start, setup).expect("a start of the function's own");
    let listed = f.minima().iter().any(|m| (report.value - m.value).abs() <= 1e-6 * m.value.abs().max(1.0));
    let flat = report.gradient_norm_inf <= 1e-6 || report.gradient_norm_inf <= 1e-12 * norm_inf(&gradient);
    (report, flat || listed)
}

/// Nearly all of the catalog is solved without a setting, and what is not is said to be so.
#[test]
fn lbfgs_solves_the_classics() {
    let (mut count, mut all, mut unsolved) = (0, 0, Vec::new());
    for row in CATALOG {
        let mut f = build(row.entry.name, &[]).expect("defaults are valid");
        let start = f.start();
        let (report, good) = solved(f.as_mut(), &start);
        all += 1;
        count += u32::from(good);
        assert!(report.point.iter().all(|x| x.is_finite()), "{}", row.entry.name);
        let lies = matches!(report.status, Status::Converged { .. }) && report.gradient_norm_inf > 1e-6;
        assert!(!lies, "{}: {}", row.entry.name, report.status);
        if !good {
            let size = report.gradient_norm_inf;
            unsolved.push(format!(
                "{}: {}, f = {:e}, ‖g‖∞ = {size:e}",
                row.entry.name, report.status, report.value
            ));
        }
    }
    println!("{count} of {all} solved\n{}", unsolved.join("\n"));
    assert!(count >= 48, "{count} of {all}:\n{}", unsolved.join("\n"));
}

/// Gradient equivalents and iterations until ‖∇f‖∞ ≤ 10⁻⁶.
fn effort(mut method: Lbfgs, mut f: Wavy) -> (f64, u64) {
    let start = f.start();
    let stop = StopWhen::new().gradient_norm_inf(1e-6).iterations(2000);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let report = run(&mut method, &mut f, &start, setup).unwrap();
    assert!(matches!(report.status, Status::Converged { .. }), "{}", report.status);
    (report.work.gradient_equivalents, report.iterations)
}

fn preconditioned(n: usize, parts: usize) -> Lbfgs {
    let partition = Partition::contiguous(n, parts).unwrap();
    let sweep = SchwarzPreconditioner::new(partition, PreconditionerOptions::default());
    Lbfgs::new(LbfgsOptions::default()).with_preconditioner(Box::new(sweep))
}

#[test]
fn a_sweep_before_every_search_saves_iterations() {
    let (mut plain, mut with) = (0, 0);
    for seed in 0..12 {
        plain += effort(Lbfgs::default(), Wavy::new(24, seed)).1;
        with += effort(preconditioned(24, 4), Wavy::new(24, seed)).1;
    }
    println!("{plain} iterations without, {with} with the sweep");
    assert!(2 * with < plain, "{with} of {plain}");
}

fn assembled(solver: &str) -> Assembly {
    let text = format!(
        "apts 1\ndata digits = digits()\n\
         network net {{ input 8x8; flatten; dense 16; tanh; dense 10 }}\n\
         minimize loss = cross_entropy(net(digits.train.x), digits.train.y)\n\
         partition tensors = weights(net) {{ parts = 2, by = tensor, deal = in_order }}\n\
         solver {solver}\nstop when iterations >= 1\n"
    );
    let mut no_file = |_: &str| Err("no file".to_owned());
    let planned = problem::from_text(Source::new("test.apts", text.as_str()), &mut no_file, &[]);
    let plan = match planned {
        Ok(planned) => planned.plan,
        Err(error) => panic!("{solver}: {error}"),
    };
    plan.load(&Locations::default(), Fetch::Never).expect("the digits are embedded")
}

fn after(solver: &str, stop: &StopWhen) -> RunReport {
    let Assembly { mut objective, mut optimizer, start, .. } = assembled(solver);
    let setup = Run { stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    run(optimizer.as_mut(), objective.as_mut(), &start, setup).unwrap()
}

#[test]
fn a_sweep_on_a_network_counts_its_work_and_lowers_the_loss_of_an_iteration() {
    let stop = StopWhen::new().iterations(15);
    let plain = after("lbfgs", &stop);
    let swept = after("lbfgs { precondition = schwarz { partition = tensors, radius = 0.1 } }", &stop);
    println!(
        "{:.4} after {:.1} gradients, {:.4} after {:.1}",
        plain.value, plain.work.gradient_equivalents, swept.value, swept.work.gradient_equivalents
    );
    assert!(swept.value < 0.7 * plain.value, "{} and {}", swept.value, plain.value);
    // Each of 15 sweeps costs something, and no more than its local iterations on two whole networks would.
    let more = swept.work.gradient_equivalents - plain.work.gradient_equivalents;
    assert!(more > 15.0 && more < 15.0 * 2.0 * 5.0 * 3.0, "{more}");
    assert!(swept.work.gradients > plain.work.gradients);
}

/// What a budget of gradients allows is not exceeded, whatever an iteration would cost.
#[test]
fn a_budget_of_gradients_is_kept() {
    for solver in ["sgd { lr = 0.1 }", "adam", "adamw", "lbfgs", "lbfgs { line_search = torch }"] {
        for budget in [1.0, 7.0, 30.0] {
            let stop = StopWhen::new().or("gradients", Test::Gradients(budget));
            let report = after(solver, &stop);
            assert!(matches!(report.status, Status::Budget { .. }), "{solver}: {}", report.status);
            assert_eq!(report.work.gradient_equivalents, budget, "{solver}");
        }
    }
}

#[test]
fn adam_trains_a_network() {
    let report = after("adam { lr = 0.02 }", &StopWhen::new().iterations(60));
    assert!(report.value < 0.25, "{}", report.value);
    let Assembly { mut objective, mut optimizer, start, .. } = assembled("adam { lr = 0.02 }");
    optimizer.start(objective.as_mut(), &start, None).unwrap();
    assert!(matches!(optimizer.step(objective.as_mut()), Flow::Continue(_)));
}

#[test]
fn files_are_told_what_does_not_fit() {
    let refused = |solver: &str, code: &str| {
        let text = format!(
            "apts 1\nminimize f = rosenbrock(n = 4)\npartition halves = contiguous {{ parts = 2 }}\n\
             solver {solver}\nstop when iterations >= 1\n"
        );
        let mut no_file = |_: &str| Err("no file".to_owned());
        let Err(problem::ReadError::Wrong(found)) =
            problem::from_text(Source::new("test.apts", text.as_str()), &mut no_file, &[])
        else {
            panic!("`{solver}` was taken");
        };
        assert!(found.list.iter().any(|d| d.code == code), "{solver}: {:?}", found.list);
        assert!(problem::explain(code).is_some());
    };
    refused("sgd", "E0302");
    refused("sgd { lr = 0.1, nesterov = on }", "E0802");
    refused("lbfgs { lr = 0.5 }", "E0820");
    let schwarz = "precondition = schwarz { partition = halves }";
    refused(&format!("lbfgs {{ line_search = torch, {schwarz} }}"), "E0820");
    refused("lbfgs { precondition = schwarz { partition = halves, min_radius = 2 } }", "E0802");
    refused(
        "lbfgs { precondition = schwarz { partition = halves, local = trust_region { radius = 1 } } }",
        "E0803",
    );
    refused("lbfgs { precondition = trust_region }", "E0306");
    refused("schwarz { partition = halves }", "E0306");
}
