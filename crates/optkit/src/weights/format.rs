//! Bytes of a file of weights: a safetensors file whose tensors are those of a network.

use std::collections::BTreeSet;
use std::ops::Range;

use optkit_nn::Network;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use super::half::{from_bf16, from_f16};
use super::{Weights, WeightsFormatError as Error};
use crate::checkpoint::is_checkpoint;

/// Counters of PyTorch's normalisations.
const COUNTER: &str = ".num_batches_tracked";

/// Numbers of the files that are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precision {
    /// Single precision, as PyTorch's: what networks compute in unless told otherwise.
    #[default]
    F32,
    /// Double precision: all bits of what the optimizer holds.
    F64,
}

/// A tensor of a network: a parameter, or running averages.
struct Place {
    name: String,
    shape: Vec<usize>,
    range: Range<usize>,
    of: Of,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Parameters,
    Averages,
    /// Averages that are no negative numbers.
    Variances,
}

fn places(network: &Network) -> Vec<Place> {
    let parameters = network.tensors().into_iter().map(|tensor| Place {
        name: tensor.name,
        shape: tensor.shape,
        range: tensor.range,
        of: Of::Parameters,
    });
    let averages = network.buffers().into_iter().map(|buffer| Place {
        of: if buffer.name.ends_with(".running_var") { Of::Variances } else { Of::Averages },
        name: buffer.name,
        shape: buffer.shape,
        range: buffer.range,
    });
    parameters.chain(averages).collect()
}

impl Weights {
    /// The bytes of a file for `network`. Its metadata say `format`: `pt`, as PyTorch's do, and `order`: its names in the
    /// order of a `state_dict`.
    ///
    /// # Panics
    /// Where these are not weights of `network`.
    #[must_use]
    pub fn to_bytes(&self, network: &Network, precision: Precision) -> Vec<u8> {
        let (dim, buffers) = (network.dim(), network.graph().buffers());
        let lengths = (self.parameters.len(), self.averages.len());
        assert!(lengths == (dim, buffers), "{lengths:?} weights of a network that has {:?}", (dim, buffers));
        let (parameters, averages) = (bytes(&self.parameters, precision), bytes(&self.averages, precision));
        let (dtype, size) = match precision {
            Precision::F32 => (Dtype::F32, 4),
            Precision::F64 => (Dtype::F64, 8),
        };
        let tensors = places(network).into_iter().map(|place| {
            let all = if place.of == Of::Parameters { &parameters } else { &averages };
            let own = &all[size * place.range.start..size * place.range.end];
            let view =
                TensorView::new(dtype, place.shape, own).expect("a tensor is as long as its shape says");
            (place.name, view)
        });
        let metadata = [("format", "pt".to_owned()), ("order", order(network))];
        let metadata = metadata.map(|(name, text)| (name.to_owned(), text)).into();
        safetensors::serialize(tensors, Some(metadata)).expect("names of layers fit a header")
    }

    /// Reads the bytes of a file for `network`.
    pub fn from_bytes(bytes: &[u8], network: &Network) -> Result<Self, Error> {
        let unreadable = |error: safetensors::SafeTensorError| Error::NotSafetensors {
            reason: error.to_string(),
            pickled: bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\x80\x02"),
        };
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(unreadable)?;
        if is_checkpoint(&metadata) {
            return Err(Error::Checkpoint);
        }
        let file = SafeTensors::deserialize(bytes).map_err(unreadable)?;
        let places = places(network);
        same_names(&places, &file)?;
        let mut weights =
            Self { parameters: vec![0.0; network.dim()], averages: vec![0.0; network.graph().buffers()] };
        for Place { name, shape, range, of } in places {
            let tensor = file.tensor(&name).map_err(unreadable)?;
            if tensor.shape() != shape {
                return Err(Error::Shape { name, found: tensor.shape().to_vec(), expected: shape });
            }
            let all = if of == Of::Parameters { &mut weights.parameters } else { &mut weights.averages };
            let to = &mut all[range];
            read(&tensor, to)
                .ok_or_else(|| Error::Kind { name: name.clone(), found: tensor.dtype().to_string() })?;
            let holds = |x: &f64| x.is_finite() && (of != Of::Variances || *x >= 0.0);
            if let Some(index) = to.iter().position(|x| !holds(x)) {
                let must = if of == Of::Variances { "finite and not negative" } else { "finite" };
                return Err(Error::Value { name, index, value: to[index], must });
            }
        }
        Ok(weights)
    }
}

/// The names module by module, parameters before averages, as PyTorch counts them.
fn order(network: &Network) -> String {
    let nodes = network.graph().nodes().iter();
    let named = nodes.flat_map(|node| {
        node.tensors.iter().chain(&node.buffers).map(move |slot| format!("{}.{}", node.name, slot.kind))
    });
    named.collect::<Vec<_>>().join(" ")
}

/// Every name of the network is one of the file, and the other way round.
fn same_names(places: &[Place], file: &SafeTensors<'_>) -> Result<(), Error> {
    let has: BTreeSet<&str> = file.names().into_iter().filter(|name| !name.ends_with(COUNTER)).collect();
    let needs: BTreeSet<&str> = places.iter().map(|place| place.name.as_str()).collect();
    let missing = places.iter().map(|place| &place.name).filter(|name| !has.contains(name.as_str()));
    let missing: Vec<String> = missing.cloned().collect();
    let unknown: Vec<String> = has.difference(&needs).map(|&name| name.to_owned()).collect();
    if missing.is_empty() && unknown.is_empty() { Ok(()) } else { Err(Error::Names { missing, unknown }) }
}

fn bytes(numbers: &[f64], precision: Precision) -> Vec<u8> {
    match precision {
        #[allow(clippy::cast_possible_truncation)] // rounding is what single precision is
        Precision::F32 => numbers.iter().flat_map(|x| (*x as f32).to_le_bytes()).collect(),
        Precision::F64 => numbers.iter().flat_map(|x| x.to_le_bytes()).collect(),
    }
}

/// `to` ← the numbers of `tensor`, which are as many; none where they are of another kind.
fn read(tensor: &TensorView<'_>, to: &mut [f64]) -> Option<()> {
    fn each<const N: usize>(data: &[u8], to: &mut [f64], number: impl Fn([u8; N]) -> f64) {
        to.iter_mut().zip(data.as_chunks::<N>().0).for_each(|(to, bytes)| *to = number(*bytes));
    }
    let data = tensor.data();
    match tensor.dtype() {
        Dtype::F64 => each(data, to, f64::from_le_bytes),
        Dtype::F32 => each(data, to, |bytes| f64::from(f32::from_le_bytes(bytes))),
        Dtype::F16 => each(data, to, |bytes| from_f16(u16::from_le_bytes(bytes))),
        Dtype::BF16 => each(data, to, |bytes| from_bf16(u16::from_le_bytes(bytes))),
        _ => return None,
    }
    Some(())
}
