//! Problem files: read, checked, planned.

use std::path::Path;

use optkit_lang::{Diagnostic, Diagnostics, Override, Problem, Source, check};

use crate::assemble::{Plan, plan};
use crate::vocabulary;

/// A problem file that can be run.
pub struct Planned {
    /// What the file says.
    pub problem: Problem,
    /// What is to be done.
    pub plan: Plan,
    /// Warnings, with the sources to show them in.
    pub diagnostics: Diagnostics,
}

/// Why a file cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The file cannot be read.
    #[error("cannot read `{path}`: {source}")]
    File {
        /// As the user named it.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
    /// The file is wrong.
    #[error("{} error(s)", .0.list.iter().filter(|d| d.is_error()).count())]
    Wrong(Diagnostics),
}

/// Reads and checks the file at `path`, with `overrides` (`path=value`) applied.
pub fn read(path: &Path, overrides: &[Override]) -> Result<Planned, ReadError> {
    let name = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|source| ReadError::File { path: name.clone(), source })?;
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            return Err(ReadError::Wrong(not_text(
                &name,
                error.as_bytes(),
                error.utf8_error().valid_up_to(),
            )));
        }
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut load = |used: &str| std::fs::read_to_string(folder.join(used)).map_err(|e| e.to_string());
    from_text(Source::new(name, text), &mut load, overrides)
}

/// Checks a text; `load` brings the files that it uses.
pub fn from_text(
    source: Source,
    load: &mut dyn FnMut(&str) -> Result<String, String>,
    overrides: &[Override],
) -> Result<Planned, ReadError> {
    let checked = check(source, load, overrides, &vocabulary());
    let mut diagnostics = checked.diagnostics;
    let Some(problem) = checked.problem else {
        return Err(ReadError::Wrong(diagnostics));
    };
    match plan_all(&problem) {
        Ok(plan) => Ok(Planned { problem, plan, diagnostics }),
        Err(wrong) => {
            wrong.into_iter().for_each(|d| diagnostics.push(d));
            Err(ReadError::Wrong(diagnostics))
        }
    }
}

/// Plans what the file runs: its own solver, and every configuration of its experiments. What is wrong with several of
/// them alike is said once.
fn plan_all(problem: &Problem) -> Result<Plan, Vec<Diagnostic>> {
    let own = plan(problem);
    let configurations = problem.experiments.iter().flat_map(|experiment| &experiment.configurations);
    let others = configurations.filter_map(|configuration| plan(&configuration.problem).err());
    let mut wrong: Vec<Diagnostic> = Vec::new();
    for diagnostic in others.flatten() {
        let known = |d: &Diagnostic| d.title == diagnostic.title && d.labels == diagnostic.labels;
        if !wrong.iter().any(known) && !own.as_ref().is_err_and(|own| own.iter().any(known)) {
            wrong.push(diagnostic);
        }
    }
    match own {
        Ok(plan) if wrong.is_empty() => Ok(plan),
        Ok(_) => Err(wrong),
        Err(own) => Err(own.into_iter().chain(wrong).collect()),
    }
}

fn not_text(name: &str, bytes: &[u8], valid: usize) -> Diagnostics {
    optkit_lang::not_text(name, bytes, valid)
}

/// What a diagnostic code means, with an example: `optkit explain E0201`.
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    optkit_lang::explain(code)
        .or_else(|| EXPLANATIONS.iter().find(|(known, _)| *known == code).map(|(_, text)| *text))
}

/// The codes of what only the numerical crates know.
pub const EXPLANATIONS: &[(&str, &str)] = &[
    (
        "E0801",
        "A function refuses its operands.\n\nOperands have ranges, and some must fit together: `powell_singular(n = 10)` \
         is refused because n must be a multiple of 4. `optkit list functions` shows every function with its operands.",
    ),
    (
        "E0802",
        "Settings of a method do not fit together.\n\nEach is in its own range, but the radius must lie between \
         `min_radius` and `max_radius`, and `shrink_below` must not exceed `grow_above`.",
    ),
    (
        "E0803",
        "A radius inside a slot of `apts` or `schwarz`.\n\nAPTS gives its local solvers its own radius and keeps every \
         step inside it; the global solver's radius is that of APTS. Set `radius`, `min_radius` and `max_radius` on \
         `apts`, or on `schwarz`.",
    ),
    (
        "E0804",
        "`iterations` on a solver of its own.\n\nIn a slot of `apts` it says how many iterations a call makes. A run as \
         a whole is limited by `stop when iterations >= …`.",
    ),
    (
        "E0805",
        "A partition that cannot be made.\n\nParts must be disjoint, cover all variables, and be no more than there are \
         variables (for `weights`: tensors).",
    ),
    (
        "E0806",
        "Variables are counted from 1.\n\n`explicit([[1, 2], [3]])` splits three variables into two parts.",
    ),
    (
        "E0807",
        "`weights` needs a network.\n\nIt deals the parameter tensors of a network to the parts. A classic function has \
         no tensors: use `contiguous`, `random` or `explicit`.",
    ),
    (
        "E0808",
        "A network whose layers do not fit together.\n\nEvery layer takes the shape that the one before it gives; `dense` \
         takes flat input, so `flatten` stands before it where the input is an image.",
    ),
    (
        "E0809",
        "A network that does not fit its data.\n\n`input` must have the shape of a sample, the last layer at \
         least as many outputs as there are classes.",
    ),
    (
        "E0810",
        "A measure of something else.\n\nA measure looks at the network that is trained, on the samples of the data set \
         that it is trained on (`.train` or `.test`). Accuracy is what is measured so far.",
    ),
    ("E0811", "A precision that the backend does not have.\n\nThe dfdx backend computes in f32."),
    (
        "E0812",
        "A backend that is not in this build.\n\nThe dfdx backend is optional: `cargo build --release --features dfdx`.",
    ),
    (
        "E0813",
        "A problem larger than this machine.\n\nA run holds several vectors of n numbers and, for a network, the \
         activations of all samples (image networks on mini-batches: of the largest); the two-level method also images \
         of its directions and moments of the layers. Where these alone exceed the memory, nothing is begun.",
    ),
    (
        "E0814",
        "A subproblem solver and a model that do not go together.\n\n`obs` needs the compact form of a quasi-Newton \
         matrix (`lsr1`); `steihaug` and `more_sorensen` need products (`exact`, `lsr1`); `cauchy` takes any model. \
         Without `subproblem`, the best solver that the model has is taken.",
    ),
    (
        "E0815",
        "A solver in a ball that it does not know.\n\n`cauchy` works in the ∞-norm and the 2-norm; all others in \
         2-norm balls: `two`, and scaled `two_scaled` and `per_tensor`.",
    ),
    (
        "E0816",
        "`ball = per_tensor` without a network.\n\nIt weighs every parameter tensor of a network by its size. A classic \
         function has no tensors: use `two` or `two_scaled`.",
    ),
    (
        "E0817",
        "Mini-batches on a backend that has none.\n\nThe dfdx backend evaluates all samples every time: remove `batch` \
         from the data, or use `backend = native`.",
    ),
    (
        "E0818",
        "Mini-batches with a method that cannot work on them.\n\nWith `batch = 128` every iteration sees other samples. \
         Trust regions, `lbfgs` and the two-level method compare values and gradients of one function from iteration to \
         iteration: they need all samples. `sgd` and `adam` are made for mini-batches; `apts` makes an iteration on each.",
    ),
    (
        "E0819",
        "A setting of `apts` that its local solver has no use for.\n\nWith `local = gauss_newton` steps come from damped \
         local models, recombined by `combine` and repeated by `sweeps`; `control` says what keeps them short, `samples` \
         which samples of a network they see. There is no \
         `global` solver, no `order`, no forced decrease. With `local = trust_region` it is the other way round.\n\n\
         `sweeps = multiplicative { parts = [3, 1..2] }` visits parts of the partition by their numbers, from 1 to as many as \
         there are.",
    ),
    (
        "E0820",
        "A setting of the other L-BFGS.\n\n`lr`, `iterations`, `tolerance_gradient` and `tolerance_change` say how \
         `lbfgs { line_search = torch }` makes one step of many inner iterations. With `strong_wolfe` an iteration is one \
         line search, which has no use for them; `precondition` moves the point before it, which PyTorch's does not do.",
    ),
    (
        "E0821",
        "Local Gauss-Newton models of something that has none.\n\n`local = gauss_newton` needs a function of outputs: a \
         network on the native backend, split into whole layers or tensors, or a sum of squares; or products with the \
         Hessian. Other functions take `local = trust_region`.",
    ),
    (
        "E0822",
        "A loss that the backend does not have.\n\nThe dfdx backend computes `cross_entropy` and `mean_squared`; \
         `binary_cross_entropy` and smoothed labels need `backend = native`.",
    ),
    (
        "E0823",
        "Images that would never change.\n\n`crop` and `flip` draw other images in every epoch, and only mini-batches show \
         them: an evaluation over all samples is of the images as they are. Add `batch`, or remove `crop` and `flip`.",
    ),
    (
        "E0824",
        "Weights that a run cannot begin with.\n\n`run { weights = \"net.safetensors\" }` names a file with every parameter \
         and running average of the network, in its shape, and nothing else; names are PyTorch's for a `Sequential` of \
         the same layers, and `optkit check --cost` prints them. `optkit export` writes such files.",
    ),
    (
        "E0825",
        "More samples than a dataset has.\n\n`train_samples` and `test_samples` take the first so many samples of the \
         training and of the test set. Without them, all are taken.",
    ),
    (
        "E0826",
        "A layer that the backend does not have.\n\nThe dfdx backend computes dense networks: `flatten`, `dense`, `relu`, \
         `sigmoid`, `tanh`, `log_softmax`. Every other layer needs `backend = native`.",
    ),
    (
        "E0827",
        "Secant pairs from samples that nobody shares.\n\nWith `pairs = overlap`, `apts` measures how the gradient changed \
         from one iteration to the next on the samples that their mini-batches share: the data need \
         `batch = overlapping { parts = 20, overlap = 20% }`, where a batch takes at least one sample from each other, and \
         `apts` a global model that learns pairs, which `order = 2` is. With `pairs = batch` it learns within each batch.",
    ),
    (
        "E0828",
        "Less memory than a run takes.\n\n`run { memory = 4 GiB }` limits what a run takes at its peak, as `optkit check` \
         prints it. Image networks are evaluated in micro-batches where that helps; parameters, the vectors of the method \
         and one group of samples must fit. `batch_norm` without `ghost` sees the whole mini-batch, which is not cut.",
    ),
];
