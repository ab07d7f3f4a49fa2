//! Words of the language that a later version gives meaning.

use optkit_core::vocabulary::{Entry, Slot, Support, Vocabulary};

/// `vocabulary` with the words added that the language reserves and no table has yet.
///
/// Using one of them is the error "not supported yet" instead of "there is no such word". A word leaves this list
/// by itself once a table has it.
///
/// ```
/// use optkit_core::vocabulary::Vocabulary;
/// let vocabulary = optkit_lang::with_planned(Vocabulary::default());
/// assert!(Vocabulary::find(&vocabulary.methods, "lbfgs").is_some());
/// ```
#[must_use]
pub fn with_planned(mut vocabulary: Vocabulary) -> Vocabulary {
    add(&mut vocabulary.methods, METHODS);
    add(&mut vocabulary.layers, LAYERS);
    add(&mut vocabulary.datasets, DATASETS);
    vocabulary
}

/// Whether a later version gives `owner` the setting `key`.
pub(crate) fn is_planned_setting(owner: &str, key: &str) -> bool {
    SETTINGS.contains(&(owner, key))
}

/// Functions of expressions that constants cannot use yet.
pub(crate) const FUNCTIONS: [&str; 12] =
    ["count", "rows", "columns", "sin", "cos", "tan", "tanh", "log1p", "expm1", "log1pexp", "floor", "ceil"];

const SETTINGS: [(&str, &str); 2] = [("trust_region", "scaling"), ("weights", "overlap")];

fn add(table: &mut Vec<Entry>, planned: &[Entry]) {
    for entry in planned {
        if Vocabulary::find(table, entry.name).is_none() {
            table.push(*entry);
        }
    }
}

const fn word(name: &'static str, doc: &'static str, slots: &'static [Slot]) -> Entry {
    Entry { name, doc, operands: &[], settings: &[], slots, support: Support::Planned }
}

const SOLVER: &[Slot] = &[Slot::Solver];
const MODEL: &[Slot] = &[Slot::Model];
const SUBPROBLEM: &[Slot] = &[Slot::Subproblem];

const METHODS: &[Entry] = &[
    word("sgd", "stochastic gradient descent", SOLVER),
    word("adam", "Adam", SOLVER),
    word("lbfgs", "limited-memory BFGS", SOLVER),
    word("lsr1", "limited-memory symmetric rank-one model", MODEL),
    word("gauss_newton", "Gauss-Newton model", MODEL),
    word("exact", "the Hessian itself", MODEL),
    word("dogleg", "dogleg between the Cauchy and the Newton step", SUBPROBLEM),
    word("steihaug", "truncated conjugate gradients", SUBPROBLEM),
    word("gltr", "truncated Lanczos", SUBPROBLEM),
    word("more_sorensen", "the exact solution by factorisation", SUBPROBLEM),
    word("obs", "orthonormal basis SR1", SUBPROBLEM),
];

const LAYERS: &[Entry] = &[
    word("conv", "convolution", &[]),
    word("batch_norm", "batch normalisation", &[]),
    word("pool_max", "largest value of each window", &[]),
    word("pool_avg", "mean of each window", &[]),
    word("dropout", "dropout", &[]),
];

const DATASETS: &[Entry] = &[
    word("csv", "a table of comma-separated values", &[]),
    word("table", "a table of values separated by blanks", &[]),
    word("cifar10", "CIFAR-10", &[]),
];
