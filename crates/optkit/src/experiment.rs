//! Runs in folders of their own: the experiments of a problem file, side by side and resumable one by one, or a single
//! solve that outlives its process.
//!
//! [`Study`] lists what a file asks for, a [`Trial`] each; [`execute`] carries them out under a budget of threads and
//! tells a [`Watch`]. A trial's result depends on nothing but its problem and its seed: not on the number of threads,
//! not on what runs beside it, not on interruptions, however they came about.
//!
//! ```
//! use optkit::experiment::{Execution, Study, Unwatched, execute};
//! use optkit::lang::Source;
//!
//! let text = "apts 1  minimize f = quadratic(n = 20)  solver trust_region { order = 1 }
//!     stop when norm(grad) <= 1e-6 or iterations >= 5000
//!     experiment radii { vary solver.radius in [0.1, 1, 10] }";
//! let source = Source::new("bowl.apts", text);
//! let problem = optkit::problem::from_text(source, &mut |_| Err(String::new()), &[])?.problem;
//!
//! let folder = std::env::temp_dir().join(format!("optkit-experiment-{}", std::process::id()));
//! let study = Study::new(&problem, "bowl", &folder, &[])?;
//! let ended = execute(&study, &Execution { threads: 2, ..Execution::default() }, &mut Unwatched)?;
//! assert_eq!(ended.len(), 3);
//! for (trial, end) in study.trials().zip(&ended) {
//!     println!("{}: {:?}", trial.configuration, end.verdict());
//! }
//! assert!(folder.join("bowl/radii/trust_region,radius=0.1-01/run.json").exists());
//! # std::fs::remove_dir_all(folder)?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod execute;
mod one_run;
mod pace;
mod record_run;
mod standing;
mod trial;
mod watch;

pub use execute::{Execution, Mode, execute};
pub use trial::{Study, Trial, UnknownExperiment};
pub use watch::{End, Ran, Start, Unwatched, Warning, Watch};
