//! Every iterate of PyTorch's own optimizers, to 10⁻¹². `fixtures/torch_descent.py` wrote the fixture and says what is
//! in it.

use optkit_core::{Counted, Flow, Objective, Optimizer, from_fn};
use optkit_descent::{Adam, AdamOptions, Sgd, SgdOptions, TorchLbfgs, TorchLbfgsOptions};
use serde_json::Value;

/// The fixture's function.
fn chain(n: usize) -> impl Objective {
    Counted::new(from_fn(
        n,
        |x| {
            let links: f64 =
                x.windows(2).map(|w| (w[1] - w[0] * w[0]).powi(2) + 0.25 * (1.0 - w[0]).powi(2)).sum();
            links + x.iter().enumerate().map(|(i, x)| (1.5 * x + 0.1 * i as f64).cos()).sum::<f64>() / 5.0
        },
        |x, g| {
            for (i, (g, x)) in g.iter_mut().zip(x).enumerate() {
                *g = -0.3 * (1.5 * x + 0.1 * i as f64).sin();
            }
            for i in 0..x.len() - 1 {
                let r = x[i + 1] - x[i] * x[i];
                g[i + 1] += 2.0 * r;
                g[i] -= 4.0 * r * x[i] + 0.5 * (1.0 - x[i]);
            }
        },
    ))
}

fn method(name: &str, settings: &Value) -> Box<dyn Optimizer> {
    let real = |key: &str, default: f64| settings.get(key).map_or(default, |v| v.as_f64().unwrap());
    let whole = |key: &str| settings.get(key).map(|v| v.as_u64().unwrap());
    let on = |key: &str| settings.get(key).is_some_and(|v| v.as_bool().unwrap());
    let beta = |i: usize, default: f64| settings.get("betas").map_or(default, |v| v[i].as_f64().unwrap());
    let adam = |defaults: AdamOptions| AdamOptions {
        lr: real("lr", defaults.lr),
        beta1: beta(0, defaults.beta1),
        beta2: beta(1, defaults.beta2),
        epsilon: real("eps", defaults.epsilon),
        weight_decay: real("weight_decay", defaults.weight_decay),
        amsgrad: on("amsgrad"),
    };
    let narrow = |n: u64| u32::try_from(n).unwrap();
    match name {
        "sgd" => Box::new(Sgd::new(SgdOptions {
            momentum: real("momentum", 0.0),
            nesterov: on("nesterov"),
            dampening: real("dampening", 0.0),
            weight_decay: real("weight_decay", 0.0),
            ..SgdOptions::new(real("lr", f64::NAN))
        })),
        "adam" => Box::new(Adam::new(adam(AdamOptions::default()))),
        "adamw" => Box::new(Adam::decoupled(adam(AdamOptions::adamw()))),
        "lbfgs" => Box::new(TorchLbfgs::new(TorchLbfgsOptions {
            memory: usize::try_from(whole("history_size").unwrap()).unwrap(),
            lr: real("lr", 1.0),
            iterations: narrow(whole("max_iter").unwrap()),
            max_evaluations: whole("max_eval").map(narrow),
            ..TorchLbfgsOptions::default()
        })),
        other => panic!("the fixture has a method `{other}`"),
    }
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn every_iterate_is_pytorchs() {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/torch_descent.json")).unwrap();
    let start = numbers(&fixture["start"]);
    let (mut worst, mut compared) = (0.0_f64, 0);
    for run in fixture["runs"].as_array().unwrap() {
        let name = run["method"].as_str().unwrap();
        let mut f = chain(start.len());
        let mut optimizer = method(name, &run["settings"]);
        optimizer.start(&mut f, &start, None).unwrap();
        let calls = numbers(&run["calls"]);
        let mut again = 0.0;
        for (k, expected) in run["points"].as_array().unwrap().iter().enumerate() {
            let expected = numbers(expected);
            let at = format!("{name} {}, step {}", run["settings"], k + 1);
            let scale = expected.iter().fold(1.0_f64, |a, x| a.max(x.abs()));
            let ended = matches!(optimizer.step(&mut f), Flow::Done(_));
            for (x, expected) in optimizer.current().x.iter().zip(&expected) {
                let error = (x - expected).abs() / scale;
                assert!(error <= 1e-12, "{at}: {x} and {expected}, {error:e}");
                worst = worst.max(error);
                compared += 1;
            }
            if ended {
                // PyTorch would stay here for ever.
                let last = numbers(run["points"].as_array().unwrap().last().unwrap());
                assert!(optimizer.current().x.iter().zip(&last).all(|(x, l)| (x - l).abs() <= 1e-12), "{at}");
                break;
            }
            // PyTorch evaluates at the start of every step what the step before has left behind.
            again += f64::from(u8::from(name == "lbfgs" && k > 0));
            let known = f.work().gradient_equivalents + again;
            assert_eq!(known, calls[k], "{at}: evaluations");
        }
    }
    println!("{compared} numbers, worst relative difference {worst:e}");
    assert!(compared > 5000);
}
