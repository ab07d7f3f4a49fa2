//! What two mini-batches share, as an objective.

mod common;

use std::sync::Arc;

use common::batch;
use optkit_core::{Archive, Objective, Pass, Samples as Seen};
use optkit_nn::{Augmentation, Conv, Dealing, Layer, Loss, Network, NetworkObjective, Samples, Targets};

const COUNT: usize = 300;
const OVERLAPPING: Dealing = Dealing::Overlapping { parts: 4, overlap: 0.2 };

/// Dense layers, and a network on images without normalisations but with masks; both on images that are moved and mirrored
/// anew in every epoch.
fn networks() -> [Network; 2] {
    let dense = vec![Layer::Flatten, Layer::Dense { outputs: 9 }, Layer::Tanh, Layer::Dense { outputs: 5 }];
    let images = vec![
        Layer::Conv(Conv { pad: [1, 1], ..Conv::new(4, [3, 3]) }),
        Layer::Tanh,
        Layer::Dropout { rate: 0.3 },
        Layer::PoolAvgGlobal,
        Layer::Dense { outputs: 5 },
    ];
    [dense, images].map(|layers| Network::new(vec![1, 6, 6], layers).unwrap())
}

fn objective(network: &Network, dealing: Dealing) -> NetworkObjective {
    let bytes = common::bytes(common::Storage::DenseBytes, COUNT, 36, 5);
    let moved = Augmentation { crop: 1, flip: true };
    let samples = Samples::from_images(&bytes, [1, 6, 6], 1.0 / 128.0, None, moved).unwrap();
    let targets = Targets::labels(&common::labels(COUNT, 5, 5), 5).unwrap();
    let made = NetworkObjective::new(network, Loss::CrossEntropy, Arc::new(samples), Arc::new(targets));
    made.unwrap().dealt(dealing, 3)
}

fn bits(f: &mut NetworkObjective, x: &[f64]) -> Vec<u64> {
    let mut gradient = x.to_vec();
    let value = f.value_gradient(x, &mut gradient);
    gradient.iter().chain([&value]).map(|v| v.to_bits()).collect()
}

/// Without repetitions a batch is what it shares with itself, to the bit: kernels, order, moved images and masks.
#[test]
fn a_batch_is_what_it_shares_with_itself() {
    for network in &networks() {
        let x = network.initial(1);
        let mut f = objective(network, Dealing::Of(80));
        for k in [1, 3] {
            f.select(batch(2, k));
            let expected = bits(&mut f, &x);
            f.select(batch(0, 0));
            assert_eq!(f.select_shared(batch(2, k), batch(2, k)), Some(if k == 3 { 60 } else { 80 }));
            assert_eq!(bits(&mut f, &x), expected);
        }
    }
}

/// What a batch shares with each of another epoch's makes it up, as its own epoch moves and masks its samples: the loss is the
/// mean of the losses.
#[test]
fn what_a_batch_shares_with_all_of_another_epoch_is_the_batch_in_its_own_epoch() {
    for network in &networks() {
        let x = network.initial(1);
        let mut f = objective(network, Dealing::Of(80));
        let mut losses = Vec::new();
        for epoch in [1, 2] {
            f.select(batch(epoch, 0));
            let (value, mut sum, mut all) = (f.value(&x), 0.0, 0);
            for other in 0..f.batches() {
                let shared = f.select_shared(batch(epoch, 0), batch(0, other)).expect("of 80 samples some");
                sum += shared as f64 * f.value(&x);
                all += shared;
            }
            assert_eq!(all, 80);
            assert!((sum / 80.0 - value).abs() < 1e-6 * value, "{} and {value}", sum / 80.0);
            losses.push(value);
        }
        assert_ne!(losses[0], losses[1]);
    }
}

/// Where there is nothing to be shared, what was evaluated stays, and so does what is seen.
#[test]
fn nothing_shared_changes_nothing() {
    for network in &networks() {
        let x = network.initial(1);
        let mut f = objective(network, Dealing::Of(80));
        f.select(batch(0, 1));
        let value = f.value(&x);
        let before = f.work();
        for (pass, other) in [
            (batch(0, 1), batch(0, 2)),
            (Pass::default(), batch(0, 1)),
            (batch(0, 1), Pass { epoch: 0, samples: Seen::First(10) }),
        ] {
            assert_eq!(f.select_shared(pass, other), None);
        }
        assert_eq!(f.value(&x), value);
        assert_eq!(f.work(), before, "the value is still known");
        let mut whole = objective(network, Dealing::Of(COUNT));
        assert_eq!((whole.batches(), whole.select_shared(batch(0, 0), batch(0, 0))), (1, None));
    }
}

/// Shared samples cost their share, and a state saved on them is taken up to the bit; so is what follows.
#[test]
fn a_saved_objective_goes_on_with_the_shared_samples() {
    for network in &networks() {
        let x = network.initial(1);
        let y: Vec<f64> = x.iter().map(|x| x + 0.01).collect();
        let mut f = objective(network, OVERLAPPING);
        let shared = f.select_shared(batch(1, 2), batch(1, 1)).unwrap();
        assert!((20..100).contains(&shared), "of 75 + 3·15 samples: {shared}");
        bits(&mut f, &x);
        f.value(&y);
        assert!((f.work().gradient_equivalents - 1.5 * shared as f64 / COUNT as f64).abs() < 1e-12);
        let mut archive = Archive::default();
        f.save(&mut archive);
        let mut other = objective(network, OVERLAPPING);
        other.load(&archive).unwrap();
        let both = [f, other].map(|mut f| {
            let mut seen = vec![bits(&mut f, &y), bits(&mut f, &x)];
            f.select(batch(1, 2));
            seen.push(bits(&mut f, &y));
            seen.push(vec![f.work().gradient_equivalents.to_bits()]);
            seen
        });
        assert_eq!(both[0], both[1]);
        // A state of batches that share nothing, as if they did.
        let mut apart = Archive::default();
        let mut f = objective(network, Dealing::Of(80));
        f.select(batch(1, 2));
        f.save(&mut apart);
        apart.scope("batches", |archive| {
            archive.put_integer("shared.epoch", 1);
            archive.put_integer("shared.batch", 1);
        });
        assert!(objective(network, Dealing::Of(80)).load(&apart).is_err());
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for network in &networks() {
        let x = network.initial(1);
        let run = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let mut f = objective(network, OVERLAPPING);
                f.select_shared(batch(1, 0), batch(0, 3)).unwrap();
                bits(&mut f, &x)
            })
        };
        assert_eq!(run(1), run(3));
    }
}
