//! Forward and backward over one micro-batch.
//!
//! Affine maps and their gradients are dfdx's matrix products, called one by one: so the gradient of the samples
//! is never formed, and a backward pass at a known point starts from the kept z = Wa + b instead of repeating the
//! products. What lies between two affine maps, and the loss, is differentiated by dfdx's tape.

use dfdx::prelude::*;

use super::chain::{Activation, Chain, Dense};

/// Where tensors live.
#[cfg(not(feature = "dfdx-cuda"))]
pub(super) type Device = dfdx::tensor::Cpu;
/// Where tensors live.
#[cfg(feature = "dfdx-cuda")]
pub(super) type Device = dfdx::tensor::Cuda;

/// What can go wrong there.
pub(super) type DeviceError = <Device as HasErr>::Err;

/// A matrix on any device; one row a sample.
type Values<D, T> = Tensor<(usize, usize), f32, D, T>;
pub(super) type Matrix<T = NoneTape> = Values<Device, T>;
type Vector<T = NoneTape> = Tensor<(usize,), f32, Device, T>;
type Recorded = OwnedTape<f32, Device>;

/// What the network should give for a micro-batch.
pub(super) enum Target {
    /// The class of each sample, for cross entropy.
    Labels(Tensor<(usize,), usize, Device>),
    /// All outputs, for the mean square.
    Values(Matrix),
}

/// Some samples with what the last forward pass left behind.
pub(super) struct MicroBatch {
    /// The samples with a column of ones, which carries the first layer's bias: rows × (inputs + 1).
    pub(super) inputs: Matrix,
    pub(super) target: Target,
    /// 1 × rows of ones: its product with a matrix sums the columns.
    pub(super) ones: Matrix,
    /// z of every dense layer at the point of the last forward pass.
    pub(super) kept: Vec<Matrix>,
}

/// θ as tensors.
pub(super) struct Parameters {
    /// W of every dense layer; the first with b as its last column.
    weights: Vec<Matrix>,
    /// b of every dense layer but the first.
    biases: Vec<Vector>,
}

impl Parameters {
    /// Zeros.
    pub(super) fn new(chain: &Chain, device: &Device) -> Result<Self, DeviceError> {
        let columns = |l: usize| chain.dense[l].inputs + usize::from(l == 0);
        let weight = |l: usize| device.try_zeros_like(&(chain.dense[l].outputs, columns(l)));
        Ok(Self {
            weights: (0..chain.dense.len()).map(weight).collect::<Result<_, _>>()?,
            biases: chain.dense[1..]
                .iter()
                .map(|dense| device.try_zeros_like(&(dense.outputs,)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// Takes over θ.
    pub(super) fn set(&mut self, chain: &Chain, theta: &[f32]) {
        let first = &chain.dense[0];
        let mut with_bias = Vec::with_capacity(first.weight.len() + first.bias.len());
        for (row, b) in theta[first.weight.clone()].chunks_exact(first.inputs).zip(&theta[first.bias.clone()])
        {
            with_bias.extend_from_slice(row);
            with_bias.push(*b);
        }
        self.weights[0].copy_from(&with_bias);
        for (l, dense) in chain.dense.iter().enumerate().skip(1) {
            self.weights[l].copy_from(&theta[dense.weight.clone()]);
            self.biases[l - 1].copy_from(&theta[dense.bias.clone()]);
        }
    }

    /// z of layer `l` for its input.
    fn affine(&self, l: usize, input: Matrix) -> Matrix {
        let product = input.matmul(transposed(self.weights[l].clone()));
        if l == 0 {
            return product;
        }
        let shape = *product.shape();
        product + self.biases[l - 1].clone().broadcast_like::<_, Axis<0>>(&shape)
    }
}

impl MicroBatch {
    /// All affine maps at θ, kept for [`backward`](Self::backward) and [`loss`](Self::loss).
    pub(super) fn forward(&mut self, chain: &Chain, parameters: &Parameters) {
        self.kept.clear();
        let mut input = self.inputs.clone();
        for (l, dense) in chain.dense.iter().enumerate() {
            let z = parameters.affine(l, input);
            self.kept.push(z.clone());
            input = if l + 1 < chain.dense.len() { activate(z, &dense.after) } else { z };
        }
    }

    /// Sum of the samples' losses at the kept point, in f64.
    pub(super) fn loss(&self, chain: &Chain) -> f64 {
        let (z, dense) = self.last(chain);
        total(&self.sample_losses(activate(z.clone(), &dense.after)))
    }

    /// The same sum, its gradient added to `gradient` (length n, in the order of θ).
    pub(super) fn backward(
        &self,
        chain: &Chain,
        parameters: &Parameters,
        scratch: &mut Vec<f32>,
        gradient: &mut [f64],
    ) -> f64 {
        let (z, dense) = self.last(chain);
        let losses = self.sample_losses(activate(z.leaky_trace(), &dense.after));
        let loss = total(&losses);
        let mut behind = losses.sum::<Rank0, _>().backward().get(z); // ∂loss/∂z
        for (l, dense) in chain.dense.iter().enumerate().rev() {
            if l == 0 {
                let slope = transposed(behind).matmul(self.inputs.clone());
                add_with_bias(&slope, dense.inputs, scratch, dense.weight.clone(), gradient);
                break;
            }
            let z = &self.kept[l - 1];
            let (input, tape) = activate(z.leaky_trace(), &chain.dense[l - 1].after).split_tape();
            add(
                &transposed(behind.clone()).matmul(input.clone()),
                scratch,
                &mut gradient[dense.weight.clone()],
            );
            add(&self.ones.clone().matmul(behind.clone()), scratch, &mut gradient[dense.bias.clone()]);
            let before = behind.matmul(parameters.weights[l].clone()); // ∂loss/∂input
            behind = pull_back(input, tape, &before).get(z);
        }
        loss
    }

    fn last<'a>(&'a self, chain: &'a Chain) -> (&'a Matrix, &'a Dense) {
        let z = self.kept.last().expect("a forward pass came first");
        (z, chain.dense.last().expect("a chain has a dense layer"))
    }

    /// The loss of each sample, given the network's outputs.
    fn sample_losses<T>(&self, outputs: Matrix<T>) -> Vector<T>
    where
        T: Tape<f32, Device> + Merge<NoneTape>,
    {
        match &self.target {
            Target::Labels(labels) => outputs.log_softmax::<Axis<1>>().select(labels.clone()).negate(),
            Target::Values(values) => (outputs - values.clone()).square().mean::<_, Axis<1>>(),
        }
    }
}

/// Applies layers without parameters; records them where `input` carries a tape.
pub(super) fn activate<D, T>(input: Values<D, T>, layers: &[Activation]) -> Values<D, T>
where
    D: dfdx::tensor_ops::Device<f32>,
    T: Tape<f32, D>,
{
    layers.iter().fold(input, |value, layer| match layer {
        Activation::Relu => value.relu(),
        Activation::Sigmoid => value.sigmoid(),
        Activation::Tanh => value.tanh(),
        Activation::LogSoftmax => value.log_softmax::<Axis<1>>(),
    })
}

/// Gradients of everything on `tape`, which ends in `output`, given the gradient of `output`.
#[cfg(not(feature = "dfdx-cuda"))]
fn pull_back(output: Matrix, mut tape: Recorded, seed: &Matrix) -> Gradients<f32, Device> {
    let mut values = vec![0.0; seed.shape().num_elements()];
    seed.copy_into(&mut values);
    let end = output.device().zeros::<Rank0>();
    // The tape runs backwards: this operation, added last, comes before the others.
    tape.add_backward_op(move |gradients| {
        gradients.get_or_alloc_mut(&output)?.copy_from_slice(&values);
        Ok(())
    });
    end.put_tape(tape).backward()
}

/// Gradients of everything on `tape`, which ends in `output`, given the gradient of `output`.
#[cfg(feature = "dfdx-cuda")]
fn pull_back(output: Matrix, tape: Recorded, seed: &Matrix) -> Gradients<f32, Device> {
    pull_back_product(output, tape, seed)
}

/// The same as the gradients of Σᵢ outputᵢ·seedᵢ, since dfdx lets nobody write to gradients that lie on a GPU.
#[cfg(any(test, feature = "dfdx-cuda"))]
fn pull_back_product(output: Matrix, tape: Recorded, seed: &Matrix) -> Gradients<f32, Device> {
    (output.put_tape(tape) * seed.clone()).sum::<Rank0, _>().backward()
}

fn transposed(matrix: Matrix) -> Matrix {
    matrix.permute::<_, Axes2<1, 0>>()
}

/// Σᵢ vᵢ in f64.
fn total<T>(losses: &Vector<T>) -> f64 {
    losses.as_vec().into_iter().map(f64::from).sum()
}

/// `into` += `part`.
fn add(part: &Matrix, scratch: &mut Vec<f32>, into: &mut [f64]) {
    scratch.resize(into.len(), 0.0);
    part.copy_into(scratch);
    for (sum, v) in into.iter_mut().zip(&*scratch) {
        *sum += f64::from(*v);
    }
}

/// The same for a matrix whose last column belongs to the bias, which lies behind the weight in `gradient`.
fn add_with_bias(
    part: &Matrix,
    inputs: usize,
    scratch: &mut Vec<f32>,
    weight: std::ops::Range<usize>,
    gradient: &mut [f64],
) {
    let &(outputs, columns) = part.shape();
    scratch.resize(outputs * columns, 0.0);
    part.copy_into(scratch);
    let (weights, biases) = gradient[weight.start..weight.end + outputs].split_at_mut(weight.len());
    for ((row, weights), bias) in
        scratch.chunks_exact(columns).zip(weights.chunks_exact_mut(inputs)).zip(biases)
    {
        for (sum, v) in weights.iter_mut().zip(row) {
            *sum += f64::from(*v);
        }
        *bias += f64::from(row[inputs]);
    }
}

#[cfg(all(test, not(feature = "dfdx-cuda")))]
mod tests {
    use super::*;

    #[test]
    fn both_ways_to_pull_a_gradient_back_agree() {
        let device = Device::default();
        let values = |phase: f32| (0..12).map(|i| (i as f32 * 0.7 + phase).sin()).collect::<Vec<_>>();
        let z: Matrix = device.tensor_from_vec(values(0.0), (4, 3));
        let seed: Matrix = device.tensor_from_vec(values(1.0), (4, 3));
        for layers in [
            &[Activation::Relu][..],
            &[Activation::Sigmoid, Activation::LogSoftmax],
            &[Activation::Tanh],
            &[],
        ] {
            let recorded = || activate(z.leaky_trace(), layers).split_tape();
            let ((a, tape), (b, other)) = (recorded(), recorded());
            let written = pull_back(a, tape, &seed).get(&z).as_vec();
            let by_product = pull_back_product(b, other, &seed).get(&z).as_vec();
            assert_eq!(written, by_product, "{layers:?}");
        }
    }
}
