//! Weights read by Python's `safetensors`, and loaded by PyTorch where that is there.
//!
//! Needs a Python with safetensors and numpy: the one that `OPTKIT_PYTHON` names, else `python3`. Where that has not
//! both, the test says so and ends; where `OPTKIT_PYTHON` is set, it fails. Where it has PyTorch besides, a model takes
//! the weights, strictly, and gives them back in half precision.

#[path = "common/python.rs"]
mod python;
#[path = "common/weights_torch.rs"]
mod weights_torch;

use std::path::Path;

use optkit::weights::{Precision, Weights};
use python::printed;
use weights_torch::network;

/// Every array as a line, its name, type, shape and bytes: as numpy reads them, and as PyTorch has them then.
const SCRIPT: &str = r#"
import sys
from safetensors import safe_open
from safetensors.numpy import load_file

def show(who, arrays):
    for name, array in sorted(arrays.items()):
        print(who, name, array.dtype, *array.shape, array.astype(array.dtype.newbyteorder("<")).tobytes().hex())

path, back, fixtures = sys.argv[1:]
show("numpy", load_file(path))
try:
    import torch
except ImportError:
    sys.exit()
sys.path.insert(0, fixtures)
import weights_torch
from safetensors.torch import load_file, save_file

model = weights_torch.model()
model.load_state_dict(load_file(path))
names = [name for name in model.state_dict() if not name.endswith("num_batches_tracked")]
with safe_open(path, "pt") as file:
    assert file.metadata()["order"].split() == names, file.metadata()
show("torch", {name: model.state_dict()[name].numpy() for name in names})
save_file(model.half().state_dict(), back)
"#;

#[test]
fn python_reads_weights_to_the_bit_and_pytorch_takes_them() {
    let place =
        |name: &str| std::env::temp_dir().join(format!("optkit-{name}-{}.safetensors", std::process::id()));
    let (path, back) = (place("weights"), place("half"));
    let network = network();
    let weights = Weights {
        parameters: network.initial(1),
        averages: (1..=network.graph().buffers()).map(|i| f64::from(i as f32 / 7.0)).collect(),
    };
    weights.write(&path, &network, Precision::F32).unwrap();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let printed = printed(SCRIPT, &[&path, &back, &fixtures]);
    let half = std::fs::read(&back);
    std::fs::remove_file(&path).unwrap();
    let _ = std::fs::remove_file(&back); // written where there is PyTorch
    let Some(found) = printed.unwrap() else { return };
    let line = |name: &str, shape: &[usize], values: &[f64]| {
        let shape: Vec<String> = shape.iter().map(usize::to_string).collect();
        let bytes = values.iter().flat_map(|v| (*v as f32).to_le_bytes());
        let hex: String = bytes.map(|byte| format!("{byte:02x}")).collect();
        format!("{name} float32 {} {hex}", shape.join(" "))
    };
    let parameters =
        network.tensors().into_iter().map(|t| line(&t.name, &t.shape, &weights.parameters[t.range]));
    let averages = network.buffers().into_iter().map(|b| line(&b.name, &b.shape, &weights.averages[b.range]));
    let lines: Vec<String> = parameters.chain(averages).collect();
    let has = |who: &str| {
        let found: Vec<&str> =
            found.lines().filter_map(|line| line.strip_prefix(who)?.strip_prefix(' ')).collect();
        assert_eq!(found.len(), lines.len(), "{who}");
        lines.iter().for_each(|line| assert!(found.contains(&line.as_str()), "no {line} of {who}"));
    };
    has("numpy");
    let Ok(half) = half else {
        eprintln!("skipped in part: that Python has no PyTorch");
        return;
    };
    has("torch");
    let half = Weights::from_bytes(&half, &network).unwrap();
    let near = |a: &[f64], b: &[f64]| {
        // Half precision has 11 digits.
        a.iter().zip(b).for_each(|(a, b)| assert!((a - b).abs() <= b.abs() / 2048.0 + 1e-7, "{a} of {b}"));
    };
    near(&half.parameters, &weights.parameters);
    near(&half.averages, &weights.averages);
}
