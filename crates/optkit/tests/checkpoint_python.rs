//! A checkpoint read from Python with the `safetensors` package, as the documentation says.
//!
//! Needs a Python with safetensors and numpy: the one that `OPTKIT_PYTHON` names, else `python3`. Where that has not
//! both, the test says so and ends; where `OPTKIT_PYTHON` is set, it fails.

#[path = "common/python.rs"]
mod python;

use std::ops::ControlFlow;

use optkit::{Iteration, Run, StopWhen, TrustRegion, functions, run};
use python::printed;

/// Every array as a line: its name, type, shape and bytes; then the metadata.
const SCRIPT: &str = r#"
import sys
from safetensors import safe_open
from safetensors.numpy import load_file

for name, array in sorted(load_file(sys.argv[1]).items()):
    print(name, array.dtype, *array.shape, array.astype(array.dtype.newbyteorder("<")).tobytes().hex())
with safe_open(sys.argv[1], framework="numpy") as file:
    for key, value in sorted(file.metadata().items()):
        print("metadata", key, value)
"#;

fn hex(numbers: &[f64]) -> String {
    numbers.iter().flat_map(|x| x.to_le_bytes()).map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn python_reads_a_checkpoint_to_the_bit() {
    let path = std::env::temp_dir().join(format!("optkit-checkpoint-{}.safetensors", std::process::id()));
    let mut f = functions::build("rosenbrock", &[("n", 4.0)]).unwrap();
    let (start, mut point) = (f.start(), Vec::new());
    let mut keep = |iteration: &Iteration<'_>| {
        if iteration.step.iteration < 7 {
            return ControlFlow::Continue(());
        }
        point = iteration.point.x.to_vec();
        iteration.checkpoint().of_problem("rosenbrock(n = 4)").write(&path).unwrap();
        ControlFlow::Break(())
    };
    let stop = StopWhen::new().iterations(100);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut keep, interrupt: None };
    run(&mut TrustRegion::default(), f.as_mut(), &start, setup).unwrap();
    let printed = printed(SCRIPT, &[&path]);
    std::fs::remove_file(&path).unwrap();
    let Some(found) = printed.unwrap() else { return };
    let has = |line: &str| assert!(found.lines().any(|found| found == line), "{line} is not in\n{found}");
    has(&format!("run.point float64 4 {}", hex(&point)));
    has(&format!("optimizer.iteration uint64 {}", "07".to_owned() + &"00".repeat(7)));
    has("metadata format optkit checkpoint");
    has("metadata method trust_region");
    has("metadata problem rosenbrock(n = 4)");
    let version = found.lines().find_map(|line| line.strip_prefix("metadata format_version "));
    assert!(version.is_some_and(|version| version.parse::<u32>().is_ok()), "{found}");
}
