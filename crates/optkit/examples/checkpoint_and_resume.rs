//! Write checkpoints while a run goes on, and take the run up from the last one: the same result, bit for bit.
//!
//! `cargo run -p optkit --example checkpoint_and_resume`

use std::error::Error;

use optkit::{
    Apts, AptsOptions, Checkpoint, CheckpointEvery, Partition, PartitionError, Run, StopWhen, Unobserved,
    functions, resume, run,
};

/// What the run is of, in words that are compared before it is taken up.
const PROBLEM: &str = "rosenbrock(n = 12), apts on 3 contiguous parts";

fn method() -> Result<Apts, PartitionError> {
    Ok(Apts::new(Partition::contiguous(12, 3)?, AptsOptions::default()))
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("optkit-example-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let path = folder.join("run.safetensors");
    let stop = StopWhen::new().iterations(60);

    // The whole run, a checkpoint after every 25th iteration.
    let mut f = functions::build("rosenbrock", &[("n", 12.0)])?;
    let start = f.start();
    let mut observer = CheckpointEvery::new(&path, 25).of_problem(PROBLEM);
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut observer, interrupt: None };
    let whole = run(&mut method()?, f.as_mut(), &start, setup)?;
    if let Some(reason) = observer.error() {
        return Err(reason.to_string().into());
    }

    // As if the process had died after iteration 50: everything is made anew, and the file read.
    let checkpoint = Checkpoint::read(&path)?;
    checkpoint.is_of_problem(PROBLEM)?;
    println!("taken up after iteration {}, f = {:.6}", checkpoint.iterations(), checkpoint.value());
    let mut f = functions::build("rosenbrock", &[("n", 12.0)])?;
    let setup = Run { stop: &stop, measures: &mut [], observer: &mut Unobserved, interrupt: None };
    let resumed = resume(&mut method()?, f.as_mut(), &checkpoint, setup)?;

    println!("whole:   {}, f = {:.17e}", whole.status, whole.value);
    println!("resumed: {}, f = {:.17e}", resumed.status, resumed.value);
    assert_eq!(checkpoint.iterations(), 50);
    assert_eq!((resumed.point, resumed.work), (whole.point, whole.work));
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
