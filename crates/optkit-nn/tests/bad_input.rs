//! Mistakes are found when the objective is made, and named.

use std::sync::Arc;

use optkit_core::{Objective, Subset};
use optkit_nn::{Accuracy, Layer, Loss, Network, NetworkObjective, Samples, SamplesError, Targets};

fn network(inputs: usize, outputs: usize) -> Network {
    Network::new(vec![inputs], vec![Layer::Dense { outputs }]).unwrap()
}

fn objective(network: &Network, loss: Loss, targets: Targets) -> Result<NetworkObjective, SamplesError> {
    let samples = Samples::from_floats(vec![0.5; 12], 4).unwrap();
    NetworkObjective::new(network, loss, Arc::new(samples), Arc::new(targets))
}

#[test]
fn what_does_not_fit_is_refused() {
    let labels = |n: usize| Targets::labels(&vec![1; n], 2).unwrap();
    let error = |network: &Network, loss: Loss, targets: Targets| {
        objective(network, loss, targets).err().expect("must be refused").to_string()
    };
    let ce = Loss::CrossEntropy;
    assert_eq!(
        error(&network(5, 2), ce, labels(3)),
        "the network takes 5 values a sample, but the samples have 4"
    );
    assert_eq!(
        error(&network(4, 3), ce, labels(3)),
        "the network gives 3 outputs, but the targets need 2; end it in `dense 2`"
    );
    assert_eq!(error(&network(4, 2), ce, labels(4)), "there are 3 samples, but targets for 4");
    let values = Targets::values(vec![0.0; 6], 2).unwrap();
    assert!(error(&network(4, 2), ce, values.clone()).contains("use `mean_squared`"));
    assert!(objective(&network(4, 2), Loss::MeanSquared, values.clone()).is_ok());
    let flat = Network::new(vec![2, 2], vec![Layer::Flatten]).unwrap();
    let four = Targets::labels(&[0, 1, 3], 4).unwrap();
    assert!(error(&flat, ce, four).contains("no parameters"));
    let samples = Arc::new(Samples::from_floats(vec![0.5; 12], 4).unwrap());
    assert!(Accuracy::new(&network(4, 2), samples, Arc::new(values)).is_err());
}

#[test]
fn a_subset_of_another_problem_is_unsupported() {
    let f = objective(&network(4, 2), Loss::CrossEntropy, Targets::labels(&[0, 1, 0], 2).unwrap()).unwrap();
    assert!(f.decompose(&[]).is_err());
    assert!(f.decompose(&[Subset::from_indices(11, &[3]).unwrap()]).is_err());
    assert!(f.decompose(&[Subset::from_indices(10, &[3]).unwrap()]).is_ok());
}

#[test]
fn where_the_loss_is_not_finite_so_is_the_value() {
    for layer in [Layer::Relu, Layer::Sigmoid, Layer::Tanh] {
        let network =
            Network::new(vec![4], vec![Layer::Dense { outputs: 3 }, layer, Layer::Dense { outputs: 2 }]);
        let network = network.unwrap();
        let mut f = objective(&network, Loss::CrossEntropy, Targets::labels(&[0, 1, 0], 2).unwrap()).unwrap();
        let mut gradient = vec![0.0; f.dim()];
        for bad in [f64::NAN, f64::INFINITY, 1e300] {
            for index in [0, f.dim() - 1] {
                let mut theta = network.initial(1);
                theta[index] = bad;
                let value = f.value_gradient(&theta, &mut gradient);
                let saturated = index == 0 && !bad.is_nan();
                assert!(saturated || !value.is_finite(), "{bad} at {index}: {value}");
            }
        }
        assert!(f.value(&network.initial(1)).is_finite(), "it recovers");
    }
}

#[test]
fn descriptions_survive_serde_and_are_checked() {
    let network = network(4, 2);
    let text = serde_json::to_string(&network).unwrap();
    assert_eq!(text, r#"{"input":[4],"layers":[{"dense":{"outputs":2}}]}"#);
    assert_eq!(serde_json::from_str::<Network>(&text).unwrap(), network);
    assert!(serde_json::from_str::<Network>(&text.replace("[4]", "[4,2]")).is_err());
}
