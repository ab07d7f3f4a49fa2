//! What the codes of diagnostics mean.

/// The explanation of a code, for `optkit explain E0201`; `None` for codes that this crate does not use.
///
/// Codes stay: a code that is no longer needed is not given to another error. E08xx belong to those who check
/// what this crate cannot, such as shapes.
///
/// ```
/// assert!(optkit_lang::explain("E0201").unwrap().contains("range"));
/// assert_eq!(optkit_lang::explain("E9999"), None);
/// ```
#[must_use]
pub fn explain(code: &str) -> Option<&'static str> {
    CODES.binary_search_by_key(&code, |c| c.0).ok().map(|at| CODES[at].1)
}

/// All codes of this crate, ascending, with their explanations.
#[must_use]
pub fn codes() -> &'static [(&'static str, &'static str)] {
    CODES
}

const CODES: &[(&str, &str)] = &[
    (
        "E0101",
        "A line begins with a word that opens no statement. Statements open with a keyword: apts, use, problem, \
         let, param, data, network, minimize, measure, partition, solver, stop when, run. Usually it is a slip: \
         `parm n = 10` for `param n = 10`.",
    ),
    (
        "E0102",
        "A statement, setting or layer does not follow the grammar. The marked place is the furthest point up to \
         which it can be read, and the label says what could stand there. The other statements of the file are \
         checked all the same.",
    ),
    (
        "E0103",
        "A bracket is not closed, closes nothing, or closes one of another sort. A bracket that is still open \
         where a line begins the next statement is taken to be unclosed there.",
    ),
    (
        "E0104",
        "A string or a comment is not closed. Strings end on the line on which they begin; write \\n for a line \
         break in one. Comments that begin with /* end with */.",
    ),
    (
        "E0105",
        "Brackets, conditions or methods are nested deeper than this program reads, or an expression is a chain of \
         hundreds of operators. Name parts of it with `let`.",
    ),
    (
        "E0106",
        "The file is too large for a problem file, or is not text in UTF-8. Data belongs in files of its own.",
    ),
    ("E0107", "The edition in `apts N` is not one that this version reads. This version reads edition 1."),
    ("E0108", "A key has no value: `radius =`. Give it one, or leave the key out for its default."),
    (
        "E0201",
        "A value lies outside the range that makes sense: a radius must be positive, a factor that shrinks must lie \
         between 0 and 1, a list must not be empty. `optkit list methods` shows the settings.",
    ),
    (
        "E0202",
        "A value is of another kind than its key or operation takes: a switch where a number belongs, a string \
         where a method belongs. Switches are `on` and `off`; strings stand in quotes; methods are names with \
         settings in braces.",
    ),
    (
        "E0203",
        "The setting takes one word of a fixed list, and this is not in it. The list is in the message.",
    ),
    (
        "E0204",
        "A constant expression has no finite value, or contains what is not constant. Constants are numbers, \
         switches, strings, quantities, `param`s, `let`s, and operations and functions of them.",
    ),
    (
        "E0205",
        "A value has a unit where none belongs, none where one belongs, or one of another dimension. Durations are \
         written 500 ms, 90 s, 15 min, 12 h; memory 64 KiB, 512 MiB, 4 GiB; shares 5%. The unit stands on the \
         number's line.",
    ),
    (
        "E0301",
        "The method, call, layer or block has no setting of this name. Where another method has it, the message \
         says how to reach it: `local = trust_region { iterations = 5 }`.",
    ),
    ("E0302", "A setting or operand that has no default is missing."),
    ("E0303", "A setting or operand is given twice in one place. Which of them is meant is not guessed."),
    ("E0304", "A name is used that is not declared, or is declared only further down."),
    (
        "E0305",
        "A word is not in the vocabulary: there is no method, function, layer, dataset, loss, measure or partition \
         of this name. `optkit list` shows all of them.",
    ),
    (
        "E0306",
        "A method stands where a method of another kind belongs. `solver` takes solvers; `local` and `global` of \
         `apts` take radius-driven methods; `model` takes models; `subproblem` takes subproblem solvers.",
    ),
    (
        "E0307",
        "A name is declared twice in one file, there are two unnamed solvers (or `minimize`, `stop when`, `run`, \
         `problem`), or a name has a meaning of its own in `stop when`. A declaration replaces another only where \
         that comes from a file brought in by `use`.",
    ),
    (
        "E0308",
        "`order` is shorthand for `model` and `subproblem`. Both `order` and `model` in the braces of one method \
         contradict each other. On `apts`, `order` applies to `local` and `global` where they do not say their own.",
    ),
    (
        "E0309",
        "A call has too many operands, or one by a name that it does not have. Settings stand in braces.",
    ),
    (
        "E0310",
        "A name is declared, but as something else than belongs here: a network where a partition belongs.",
    ),
    ("E0401", "Every problem says what to minimise: `minimize f = quadratic(n = 1000)`."),
    (
        "E0402",
        "Every problem names the solver to run: the unnamed one, or the only one. With several, leave the one to \
         run unnamed.",
    ),
    (
        "E0403",
        "A loss or measure takes the network applied to the inputs, and the targets, of the same samples: \
         `cross_entropy(net(mnist.train.x), mnist.train.y)`.",
    ),
    (
        "E0404",
        "A layer stands among the arguments of another. Layers stand on lines of their own or are separated by \
         semicolons: `dense 32; relu`.",
    ),
    (
        "E0405",
        "`stop when` takes terms joined by `or`: convergence tests (`norm(grad) <= …`, `norm_inf(grad) <= …`), \
         targets (`loss <= …`, `accuracy >= …`) and budgets (`epochs`, `iterations`, `gradients`, `time >= …`). The \
         quantity stands on the left; the right side may use constants and the objective's value.",
    ),
    (
        "E0406",
        "The path of --set leads to nothing that can be set. Paths begin with a declared name, `solver` for the \
         unnamed solver, or `run`: solver.radius, solver.local.iterations, tensors.parts, run.seed. A `param` is \
         set by its name.",
    ),
    (
        "E0407",
        "A block stands, directly or through other blocks, inside itself; or blocks and `repeat` make a network of more \
         layers than this program takes.",
    ),
    ("E0501", "A file named by `use` cannot be read. Paths are relative to the file that uses them."),
    ("E0502", "Files use each other in a circle, or in too long a chain."),
    (
        "E0701",
        "The language has a place for this, and this version gives it no meaning yet. It is an error rather than \
         ignored, so that a file never runs as something else than it says.",
    ),
    (
        "E0901",
        "A default of the program's own vocabulary does not pass the check. This is a mistake in the program, not in \
         the file; please report it.",
    ),
    ("W0601", "Without `apts 1` at its start, later versions cannot tell how the file is meant."),
    ("W0602", "Without `stop when`, only the limits of the program or command line end a run."),
    ("W0603", "Training on the test samples makes every measure on them meaningless."),
    ("W0604", "A declaration that nothing refers to is often a slip in a name elsewhere."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_and_each_is_explained() {
        assert!(CODES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (code, _) in CODES {
            assert!(
                explain(code).is_some_and(|text| text.len() > 40 && text.ends_with(['.', '`'])),
                "{code}"
            );
        }
    }
}
