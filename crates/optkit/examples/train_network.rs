//! Train a network from code, on the embedded digits, with APTS on its layers' tensors.
//!
//! `cargo run --release -p optkit --example train_network`

use std::error::Error;
use std::sync::Arc;

use optkit::data::{Fetch, Locations, load};
use optkit::nn::{Accuracy, Layer, Loss, Network, NetworkObjective, Samples, Targets};
use optkit::{Apts, Deal, Measure, Partition, Preset, Run, StopWhen, Test, Unobserved, run};

fn main() -> Result<(), Box<dyn Error>> {
    let digits = load("digits", None, &Locations::from_environment(None), Fetch::Never)?;
    let features = digits.features();
    let samples = |bytes: &[u8]| Samples::from_bytes(bytes, features, digits.scale).map(Arc::new);
    let labels = |labels: &[u8]| Targets::labels(labels, digits.classes).map(Arc::new);

    let layers = vec![
        Layer::Flatten,
        Layer::Dense { outputs: 32 },
        Layer::Relu,
        Layer::Dense { outputs: digits.classes },
    ];
    let network = Network::new(digits.shape.clone(), layers)?;
    let (train, test) = (&digits.train, &digits.test);
    let mut loss: NetworkObjective = NetworkObjective::new(
        &network,
        Loss::CrossEntropy,
        samples(&train.features)?,
        labels(&train.labels)?,
    )?;
    let mut accuracy = Accuracy::new(&network, samples(&test.features)?, labels(&test.labels)?)?;
    let accuracy: Box<dyn Measure> = Box::new(move |x: &[f64]| accuracy.evaluate(x));

    // Whole tensors, dealt to four parts.
    let tensors: Vec<_> = network.tensors().into_iter().map(|tensor| tensor.range).collect();
    let partition = Partition::from_ranges(network.dim(), &tensors, 4, Deal::InOrder)?;
    let mut apts = Apts::new(partition, Preset::Paper.options());

    let reached = Test::Measure { name: "accuracy".to_owned(), at_least: true, bound: 0.9 };
    let stop = StopWhen::new().or("accuracy >= 90%", reached).or("epochs >= 200", Test::Epochs(200));
    let mut measures = [("accuracy".to_owned(), accuracy)];
    let setup = Run { stop: &stop, measures: &mut measures, observer: &mut Unobserved, interrupt: None };
    let report = run(&mut apts, &mut loss, &network.initial(0), setup)?;
    println!("{} after {} epochs, loss {:.4}", report.status, report.epochs, report.value);
    assert!(report.measures[0].1 >= 0.9);
    Ok(())
}
