//! The evaluation over all micro-batches, on the device and in the thread that owns it.

use dfdx::prelude::*;
#[cfg(not(feature = "dfdx-cuda"))]
use rayon::prelude::*;

use super::DfdxError;
use super::block::{Block, BlockTarget};
use super::chain::Chain;
use super::pass::{Device, DeviceError, MicroBatch, Parameters, Target};

/// Groups of micro-batches that may run in parallel. A constant, and each sums its gradients in order, so that a
/// result does not depend on the number of threads.
const LANES: usize = 8;

/// Everything that lies on the device.
pub(super) struct Engine {
    chain: Chain,
    parameters: Parameters,
    lanes: Vec<Lane>,
    samples: usize,
}

/// Micro-batches that are evaluated one after another.
struct Lane {
    batches: Vec<MicroBatch>,
    loss: f64,
    gradient: Vec<f64>,
    scratch: Vec<f32>,
}

impl Engine {
    /// Moves `blocks` onto the device.
    pub(super) fn new(chain: Chain, blocks: Vec<Block>) -> Result<Self, DfdxError> {
        let failed = |e: DeviceError| DfdxError::Device { reason: e.to_string() };
        let device = open().map_err(failed)?;
        let parameters = Parameters::new(&chain, &device).map_err(failed)?;
        let samples = blocks.iter().map(|block| block.rows).sum();
        let a_lane = blocks.len().div_ceil(LANES);
        let mut lanes: Vec<Lane> = Vec::with_capacity(LANES);
        for (i, block) in blocks.into_iter().enumerate() {
            if i % a_lane == 0 {
                let gradient = vec![0.0; chain.dim()];
                lanes.push(Lane { batches: Vec::new(), loss: 0.0, gradient, scratch: Vec::new() });
            }
            let batch = upload(&device, block).map_err(failed)?;
            lanes.last_mut().expect("just pushed").batches.push(batch);
        }
        Ok(Self { chain, parameters, lanes, samples })
    }

    /// Mean loss at θ; its forward pass is kept.
    pub(super) fn value(&mut self, theta: &[f32]) -> f64 {
        self.parameters.set(&self.chain, theta);
        self.each_lane(|lane, chain, parameters| {
            lane.loss = 0.0;
            for batch in &mut lane.batches {
                batch.forward(chain, parameters);
                lane.loss += batch.loss(chain);
            }
        });
        self.mean_loss()
    }

    /// Mean loss and its gradient at θ; `known` where the kept forward pass is the one at θ.
    pub(super) fn value_gradient(&mut self, theta: &[f32], known: bool, gradient: &mut [f64]) -> f64 {
        if !known {
            self.parameters.set(&self.chain, theta);
        }
        self.each_lane(|lane, chain, parameters| {
            lane.loss = 0.0;
            lane.gradient.fill(0.0);
            for batch in &mut lane.batches {
                if !known {
                    batch.forward(chain, parameters);
                }
                lane.loss += batch.backward(chain, parameters, &mut lane.scratch, &mut lane.gradient);
            }
        });
        gradient.fill(0.0);
        for lane in &self.lanes {
            optkit_core::vector::axpy(1.0 / self.samples as f64, &lane.gradient, gradient);
        }
        self.mean_loss()
    }

    fn mean_loss(&self) -> f64 {
        self.lanes.iter().map(|lane| lane.loss).sum::<f64>() / self.samples as f64
    }

    /// Lanes in parallel, each with dfdx's products inside it; a GPU takes them one after another.
    fn each_lane(&mut self, evaluate: impl Fn(&mut Lane, &Chain, &Parameters) + Sync) {
        let (chain, parameters) = (&self.chain, &self.parameters);
        #[cfg(not(feature = "dfdx-cuda"))]
        self.lanes.par_iter_mut().for_each(|lane| evaluate(lane, chain, parameters));
        #[cfg(feature = "dfdx-cuda")]
        self.lanes.iter_mut().for_each(|lane| evaluate(lane, chain, parameters));
    }
}

/// The CPU. Its cache of allocations stays off, as dfdx has it: it is not safe to share between threads, and
/// saves no time here.
#[cfg(not(feature = "dfdx-cuda"))]
#[expect(clippy::unnecessary_wraps, reason = "the CUDA device can fail")]
fn open() -> Result<Device, DeviceError> {
    Ok(Device::default())
}

/// The first CUDA device.
#[cfg(feature = "dfdx-cuda")]
fn open() -> Result<Device, DeviceError> {
    Device::try_build(0, 0)
}

fn upload(device: &Device, block: Block) -> Result<MicroBatch, DeviceError> {
    let rows = block.rows;
    let columns = block.inputs.len() / rows;
    Ok(MicroBatch {
        inputs: device.try_tensor_from_vec(block.inputs, (rows, columns))?,
        target: match block.target {
            BlockTarget::Labels(labels) => Target::Labels(device.try_tensor_from_vec(labels, (rows,))?),
            BlockTarget::Values(values) => {
                let outputs = values.len() / rows;
                Target::Values(device.try_tensor_from_vec(values, (rows, outputs))?)
            }
        },
        ones: device.try_ones_like(&(1_usize, rows))?,
        kept: Vec::new(),
    })
}
