//! Weights from PyTorch and back (`fixtures/weights_torch.py`), and what is said of files that do not fit.

#[path = "common/weights_torch.rs"]
mod weights_torch;

use std::sync::Arc;

use optkit::Objective;
use optkit::nn::{Accuracy, Loss, NetworkObjective, RunningAverages, Samples, Targets};
use optkit::weights::{Precision, Weights, WeightsFormatError};
use proptest::prelude::*;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use weights_torch::{CLASSES, network};

const SAMPLES: usize = 40;
const FIXTURE: &[u8] = include_bytes!("fixtures/weights_torch.safetensors");

/// The script's `samples`.
fn samples() -> (Arc<Samples>, Arc<Targets>) {
    let image = |i: usize| ((i * 37 + i / 72 * 11) % 128) as f32 / 64.0 - 1.0;
    let labels: Vec<u8> = (0..SAMPLES).map(|i| (i * 3 % CLASSES) as u8).collect();
    let samples = Samples::from_floats((0..SAMPLES * 72).map(image).collect(), 72).unwrap();
    (Arc::new(samples), Arc::new(Targets::labels(&labels, CLASSES).unwrap()))
}

#[test]
fn a_network_trained_by_pytorch_is_the_same_here() {
    let network = network();
    let weights = Weights::from_bytes(FIXTURE, &network).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(FIXTURE).unwrap();
    let known = |name: &str| metadata.metadata().as_ref().unwrap()[name].parse::<f64>().unwrap();
    let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let parameters = network.tensors().into_iter().map(|t| (t.name, norm(&weights.parameters[t.range])));
    let averages = network.buffers().into_iter().map(|b| (b.name, norm(&weights.averages[b.range])));
    for (name, norm) in parameters.chain(averages) {
        let expected = known(&format!("norm {name}"));
        assert!((norm / expected - 1.0).abs() < 1e-12, "{name}: {norm} and {expected}");
    }
    let (samples, targets) = samples();
    let made = NetworkObjective::<f64>::new(&network, Loss::CrossEntropy, samples.clone(), targets.clone());
    let loss = made.unwrap().value(&weights.parameters);
    assert!((loss / known("loss") - 1.0).abs() < 1e-12, "{loss} and {}", known("loss"));
    let running = RunningAverages::new(&network);
    running.set(&weights.averages);
    let mut accuracy = Accuracy::new(&network, samples, targets).unwrap().with_running(&running);
    assert_eq!((accuracy.evaluate(&weights.parameters) * SAMPLES as f64).round(), known("hits"));
}

#[test]
fn what_is_written_is_read_back_to_the_bit() {
    let network = network();
    let third = Weights {
        parameters: (0..network.dim()).map(|i| (i as f64 - 200.0) / 3.0).collect(),
        averages: (0..network.graph().buffers()).map(|i| i as f64 / 3.0).collect(),
    };
    let double = Weights::from_bytes(&third.to_bytes(&network, Precision::F64), &network).unwrap();
    assert_eq!(double, third);
    let single = Weights::from_bytes(&third.to_bytes(&network, Precision::F32), &network).unwrap();
    let rounded = |values: &[f64]| values.iter().map(|v| f64::from(*v as f32)).collect::<Vec<_>>();
    assert_eq!(single.parameters, rounded(&third.parameters));
    assert_eq!(single.averages, rounded(&third.averages));
}

/// The fixture with its tensors changed.
fn changed(change: impl FnOnce(&mut Vec<(String, Dtype, Vec<usize>, Vec<u8>)>)) -> Vec<u8> {
    let file = SafeTensors::deserialize(FIXTURE).unwrap();
    let mut tensors: Vec<_> = file
        .iter()
        .map(|(name, t)| (name.to_owned(), t.dtype(), t.shape().to_vec(), t.data().to_vec()))
        .collect();
    tensors.sort();
    change(&mut tensors);
    let views = tensors.iter().map(|(name, dtype, shape, data)| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), data).unwrap())
    });
    safetensors::serialize(views, None).unwrap()
}

fn refusal(bytes: &[u8]) -> WeightsFormatError {
    Weights::from_bytes(bytes, &network()).unwrap_err()
}

#[test]
fn what_does_not_fit_is_said_with_its_place_and_its_remedy() {
    let renamed = changed(|tensors| {
        tensors.iter_mut().for_each(|tensor| tensor.0 = tensor.0.replacen('7', "fc", 1));
    });
    assert_eq!(
        refusal(&renamed).to_string(),
        "its tensors are not those of the network: it lacks `7.weight` and `7.bias`, and the network has no `fc.bias` and \
         `fc.weight`; name them as PyTorch would in a `Sequential` of the same layers"
    );
    let without = changed(|tensors| tensors.retain(|tensor| !tensor.0.starts_with("3.")));
    let said = refusal(&without).to_string();
    assert!(said.contains("it lacks `3.body.0.weight`, `3.body.1.weight` and 9 more;"), "{said}");
    let turned = changed(|tensors| {
        tensors.iter_mut().find(|tensor| tensor.0 == "7.weight").unwrap().2.reverse();
    });
    let said = refusal(&turned).to_string();
    assert!(said.starts_with("`7.weight` is [6, 5], and the network's is [5, 6];"), "{said}");
    let whole = changed(|tensors| {
        tensors.iter_mut().filter(|tensor| tensor.0 == "7.bias").for_each(|tensor| tensor.1 = Dtype::I32);
    });
    let said = refusal(&whole).to_string();
    assert!(
        said.starts_with("`7.bias` holds numbers of the kind I32;") && said.contains(".float()"),
        "{said}"
    );
    let number = |name: &str, value: f32| {
        changed(|tensors| {
            let tensor = tensors.iter_mut().find(|tensor| tensor.0 == name).unwrap();
            tensor.3[4..8].copy_from_slice(&value.to_le_bytes());
        })
    };
    let said = refusal(&number("0.weight", f32::NAN)).to_string();
    assert!(said.starts_with("`0.weight` has the value NaN at index 1, and must be finite"), "{said}");
    let said = refusal(&number("1.running_var", -1.0)).to_string();
    assert!(
        said.contains("`1.running_var` has the value -1 at index 1, and must be finite and not negative"),
        "{said}"
    );
    assert!(Weights::from_bytes(&number("1.running_mean", -1.0), &network()).is_ok());
    let pickled = refusal(b"PK\x03\x04 and so on, as of torch.save");
    assert!(pickled.to_string().contains("safetensors.torch.save_file"), "{pickled}");
}

proptest! {
    /// Damaged files are refused or read, and never panic.
    #[test]
    fn no_file_makes_it_panic(at in 0..FIXTURE.len(), byte in any::<u8>(), end in 0..FIXTURE.len()) {
        let mut bytes = FIXTURE.to_vec();
        bytes[at] = byte;
        let _ = Weights::from_bytes(&bytes, &network());
        prop_assert!(Weights::from_bytes(&FIXTURE[..end], &network()).is_err());
    }
}
