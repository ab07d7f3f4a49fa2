//! What evaluations of an image network hold in memory, counted from its stages before anything is allocated.
//!
//! ```text
//! bytes(s samples, k sets of outputs) = fixed + k · (parameters + s · outputs) + s · (gradients + outputs made again)
//! ```
//!
//! Outputs that may be computed again are, where all of them take more than so many bytes ([`SPARING`]).

use optkit_core::Subset;

use super::objective::SPARING;
use super::plan::{Operation, Plan};
use super::scope::Scope;
use crate::{Loss, Network};

/// Samples that a measure looks at together: their activations stay small.
pub(crate) const MEASURED: usize = 256;

/// The memory of an image network's evaluations.
///
/// ```
/// use optkit_nn::{Conv, Footprint, Layer, Loss, Network};
///
/// let conv = Layer::Conv(Conv { pad: [1, 1], ..Conv::new(16, [3, 3]) });
/// let network = Network::new(vec![3, 8, 8], vec![conv, Layer::Relu, Layer::Flatten, Layer::Dense { outputs: 10 }])?;
/// let of = Footprint::new(&network, Loss::CrossEntropy, &[], false).expect("it has a convolution");
/// assert!(of.bytes(200, 1) > of.bytes(100, 1) && of.bytes(100, 2) > of.bytes(100, 1));
/// // A chain of dense layers is walked block by block.
/// let chain = Network::new(vec![4], vec![Layer::Dense { outputs: 2 }])?;
/// assert!(Footprint::new(&chain, Loss::CrossEntropy, &[], false).is_none());
/// # Ok::<(), optkit_nn::NetworkError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Footprint {
    /// Of a number.
    size: usize,
    dim: usize,
    /// Weights as forward passes read them, which are kept with the outputs.
    forward: usize,
    /// The most weights of a stage, whose gradient and whose transposed copy take turns.
    of_a_stage: usize,
    /// What parts hold: all parameters, their own weights as passes read them, all weights as the way back does, and
    /// derivatives by all; and where each of them is.
    parts: usize,
    /// Outputs of a sample, all of them.
    outputs: usize,
    /// Of these, what may be computed again, and the most of that at a time.
    spared: usize,
    again: usize,
    /// Where the largest values of windows were, of a sample.
    places: usize,
    /// Derivatives by outputs of a sample.
    gradients: usize,
}

impl Footprint {
    /// Of `network` with `loss`, as a whole and in `parts` of its parameters; in double precision or single. None where
    /// it is no image network: chains of dense layers and activations are walked block by block.
    #[must_use]
    pub fn new(network: &Network, loss: Loss, parts: &[Subset], double: bool) -> Option<Self> {
        network.not_a_chain()?;
        let plan = Plan::new(network, Some(loss));
        let size = if double { 8 } else { 4 };
        let whole = Scope::whole(&plan);
        let mut buffers = whole.buffers.clone();
        for part in parts {
            for (k, &room) in Scope::part(&plan, part).buffers.iter().enumerate() {
                match buffers.get_mut(k) {
                    Some(buffer) => *buffer = room.max(*buffer),
                    None => buffers.push(room),
                }
            }
        }
        let (mut forward, mut backward, mut most, mut places) = (0, 0, 0, 0);
        for (i, stage) in plan.stages.iter().enumerate() {
            match &stage.operation {
                Operation::Convolution { convolution, .. } => {
                    let [up, down] = convolution.packed();
                    forward += up;
                    let down = if whole.passes_on(i) { down } else { 0 };
                    backward += down;
                    most = up.max(down).max(most);
                }
                Operation::PoolMax(_) => places += plan.values[i + 1].len(),
                _ => {}
            }
        }
        let lens = || plan.values.iter().map(super::plan::Value::len);
        let spared: usize = lens().zip(&plan.spared).filter(|&(_, &spared)| spared).map(|(len, _)| len).sum();
        Some(Self {
            size,
            dim: plan.dim,
            forward: size * forward,
            of_a_stage: size * most,
            parts: if parts.is_empty() {
                0
            } else {
                let own: usize = parts.iter().map(Subset::len).sum();
                (size + 8) * plan.dim + size * (forward + backward + own)
            },
            outputs: size * plan.len(),
            spared: size * spared,
            again: size * at_a_time(&plan, &whole),
            places: size_of::<u16>() * places,
            gradients: size * buffers.iter().sum::<usize>(),
        })
    }

    /// Bytes held by losses and gradients of `samples` samples at a time whose outputs are kept at `sets` points.
    #[must_use]
    pub fn bytes(&self, samples: usize, sets: usize) -> usize {
        let set = self.point() + samples * (self.kept(samples) + self.places);
        self.of_a_stage + self.parts + sets * set + samples * (self.gradients + self.made_again(samples))
    }

    /// Bytes of a point as passes read it: what is left of an evaluation in pieces, but for moments.
    #[must_use]
    pub fn point(&self) -> usize {
        self.size * self.dim + self.forward
    }

    /// Bytes held by a measure.
    #[must_use]
    pub fn measure(&self) -> usize {
        let of_samples = MEASURED * (self.kept(MEASURED) + self.made_again(MEASURED) + self.places);
        self.point() + of_samples
    }

    fn is_spared(&self, samples: usize) -> bool {
        self.outputs * samples > SPARING
    }

    fn kept(&self, samples: usize) -> usize {
        self.outputs - if self.is_spared(samples) { self.spared } else { 0 }
    }

    fn made_again(&self, samples: usize) -> usize {
        if self.is_spared(samples) { self.again } else { 0 }
    }
}

/// The most values of a sample that are made again at a time, in a pass forward or back.
fn at_a_time(plan: &Plan, whole: &Scope) -> usize {
    let spared = |value: usize| if plan.spared[value] { plan.values[value].len() } else { 0 };
    let (mut there, mut most) = (0, 0);
    for (i, stage) in plan.stages.iter().enumerate() {
        there += spared(i + 1);
        most = most.max(there);
        let over = stage.inputs().filter(|&value| plan.last_reader[value] == i);
        there -= over.map(spared).sum::<usize>();
    }
    let mut present = vec![false; plan.values.len()];
    for back in &whole.back {
        for value in plan.stages[back.stage].inputs().chain([back.stage + 1]) {
            present[value] |= plan.spared[value];
        }
        let now = present.iter().enumerate().filter(|&(_, &p)| p).map(|(value, _)| spared(value)).sum();
        most = most.max(now);
        present[back.stage + 1] = false;
    }
    most
}
