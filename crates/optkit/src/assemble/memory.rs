//! Whether a problem can fit this machine at all, asked before anything is allocated: an allocation that fails
//! would end the process without a word of what to change.

use optkit_nn::{Layer, Network, Operation};

use super::Subject;
use super::peak::Exceeds;
use crate::machine;

/// Vectors of n numbers that every run holds at the least: the point, its gradient and step, the trial point, the
/// combined one, and the local solvers' own.
const VECTORS: u128 = 8;

/// Assumed where the system does not tell: 1 TiB.
const UNKNOWN: u64 = 1 << 40;

/// Gradients of a network that are summed side by side, at the least, and the samples that each needs.
const SUMS: (usize, usize) = (16, 64);

/// What a method evaluates, and holds for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Evaluates {
    /// The whole.
    Whole,
    /// Parts besides the whole.
    Parts,
    /// The whole by its local and coarse models: the two-level method.
    Levels,
}

/// Refuses what is larger than the machine. `samples`: how many are trained on, where that is known.
pub(super) fn fits(subject: &Subject, samples: usize, evaluates: Evaluates) -> Result<(), String> {
    let available = machine::memory().unwrap_or(UNKNOWN);
    let needed = least(subject, samples, evaluates);
    if needed <= u128::from(available) {
        return Ok(());
    }
    let n = subject.dim();
    Err(format!(
        "n = {n} needs at least {} of memory, but this machine has {}",
        gigabytes(needed),
        gigabytes(available.into())
    ))
}

/// Refuses what needs more than a run is allowed, by what it cannot do without.
pub(super) fn allows(
    subject: &Subject,
    samples: usize,
    evaluates: Evaluates,
    limit: u64,
) -> Result<(), Exceeds> {
    let needed = least(subject, samples, evaluates);
    if needed <= u128::from(limit) {
        return Ok(());
    }
    let (needed, allowed) = (gigabytes(needed), gigabytes(limit.into()));
    Err(Exceeds {
        reason: format!("a run needs at least {needed} of memory, and `memory` allows {allowed}"),
        help: "allow more, or make the problem or its `batch` smaller".to_owned(),
    })
}

/// How many runs fit the memory side by side, at least 1. [`least`] is right within a factor of three.
pub(super) fn side_by_side(subject: &Subject, samples: usize, evaluates: Evaluates) -> usize {
    let available = machine::memory().unwrap_or(UNKNOWN);
    let each = 3 * least(subject, samples, evaluates).max(1);
    usize::try_from(u128::from(available) / each).unwrap_or(usize::MAX).max(1)
}

/// Bytes that a run cannot do without: a bound from below, within a factor of three of what was measured on wide
/// networks of one hidden layer. On mini-batches an image network holds the activations of the largest batch; passes over
/// all samples go through it in pieces.
fn least(subject: &Subject, samples: usize, evaluates: Evaluates) -> u128 {
    let n = subject.dim() as u128;
    let vectors = 8 * VECTORS * n;
    match subject {
        Subject::Function { .. } => vectors,
        Subject::Network(subject) => {
            let number = if subject.double { 8 } else { 4 };
            // Image networks have one room to work in, for the whole and for all parts.
            let (evaluators, sums) = match subject.by_stages() {
                true => (1, 1),
                false if evaluates == Evaluates::Parts => (2, SUMS.0.min(samples / SUMS.1) as u128),
                false => (1, SUMS.0.min(samples / SUMS.1) as u128),
            };
            // Activations, and derivatives by them.
            let passes = 2 * subject.together(samples) as u128 * activations(&subject.network);
            // Of image networks the two-level method keeps outputs twice, as passes do, and no images.
            let levels = if evaluates == Evaluates::Levels && !subject.by_stages() {
                number * levels(&subject.network, samples as u128, sums)
            } else {
                0
            };
            vectors + evaluators * number * (passes + sums * n) + levels
        }
    }
}

/// Numbers that the two-level method holds besides an evaluator: of every sample the images of three directions and of a
/// total on trial under the lowest layer; and, side by side as gradients are, the moments that the local models are made
/// of and the gradients of a tail.
fn levels(network: &Network, samples: u128, sums: u128) -> u128 {
    const RANK: u128 = 128; // of the sketch of a wide layer's moment
    let moment = |width: u128| width * width.min(RANK);
    let (mut lowest, mut moments) = (None, 0);
    for tensor in network.tensors() {
        let [outputs, inputs] = tensor.shape[..] else { continue };
        let (outputs, inputs) = (outputs as u128, inputs as u128);
        moments += moment(outputs) + if lowest.is_some() { moment(inputs) } else { 0 };
        lowest = lowest.or(Some(outputs));
    }
    4 * samples * lowest.unwrap_or(0) + sums * (moments + network.dim() as u128)
}

/// Activations of one sample that the backward pass comes back to: what goes out of products.
fn activations(network: &Network) -> u128 {
    let products = network
        .graph()
        .nodes()
        .iter()
        .filter(|node| matches!(&node.operation, Operation::Layer(Layer::Dense { .. } | Layer::Conv(_))));
    products.map(|node| node.width() as u128).sum()
}

#[allow(clippy::cast_precision_loss)] // for people
pub(super) fn gigabytes(bytes: u128) -> String {
    if bytes < 1_000_000_000 {
        return format!("{} MB", bytes.div_ceil(1_000_000)); // as much is enough
    }
    format!("{:.1} GB", bytes as f64 / 1e9)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(dim: usize) -> Subject {
        Subject::Function { name: "quadratic".to_owned(), operands: Vec::new(), dim }
    }

    #[test]
    fn what_is_larger_than_the_machine_is_refused_with_both_sizes() {
        assert_eq!(fits(&function(1_000), 0, Evaluates::Parts), Ok(()));
        let refused = fits(&function(usize::MAX / 100), 0, Evaluates::Parts).unwrap_err();
        assert!(refused.contains("needs at least") && refused.contains("GB"), "{refused}");
    }

    /// By hand, of 784-32-10: four images of 32 numbers a sample; moments of 32 + 10 outputs and 32 inputs above the lowest
    /// layer, and gradients, sixteen times.
    #[test]
    fn what_the_two_level_method_holds_is_counted() {
        let dense = |outputs| Layer::Dense { outputs };
        let network = Network::new(vec![784], vec![dense(32), Layer::Relu, dense(10)]).unwrap();
        let n = 785 * 32 + 33 * 10;
        let moments = 32 * 32 + 10 * 10 + 32 * 32;
        assert_eq!(levels(&network, 60_000, 16), 4 * 60_000 * 32 + 16 * (moments + n));
    }

    /// By hand, of a convolution that gives 4x8x8 and a dense layer of 10: values and derivatives of 266 activations a
    /// sample. 1,437 samples in ten batches that overlap are 144 and one of each other batch.
    #[test]
    fn of_image_networks_on_mini_batches_the_largest_counts() {
        let needed = |batch: &str| {
            let text = format!(
                "apts 1\ndata digits = digits() {{ {batch} }}\n\
                 network cnn {{\ninput 1x8x8; conv 3x3 4 pad=1; relu; flatten; dense 10\n}}\n\
                 minimize loss = cross_entropy(cnn(digits.train.x), digits.train.y)\n\
                 solver sgd {{ lr = 0.1 }}\nstop when epochs >= 1\n"
            );
            let source = optkit_lang::Source::new("x.apts", text);
            let planned = crate::problem::from_text(source, &mut |_| Err(String::new()), &[]).unwrap();
            least(&planned.plan.subject, 1437, Evaluates::Parts)
        };
        let of_samples = |samples: u128| 2 * samples * 266 * 4;
        let all = needed("");
        assert_eq!(all - needed("batch = 100"), of_samples(1437 - 100));
        assert_eq!(all - needed("batch = overlapping { parts = 10, overlap = 1% }"), of_samples(1437 - 153));
    }

    #[test]
    fn memory_of_this_machine_is_told_where_it_is_known() {
        if let Some(bytes) = machine::memory() {
            assert!(bytes > 1 << 24, "{bytes}");
            assert!(machine::peak_memory().is_some_and(|peak| peak < bytes));
        }
    }
}
