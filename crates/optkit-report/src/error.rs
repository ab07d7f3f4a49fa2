//! What can be wrong with a log, with the place and the remedy.

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LogError {
    /// The system's word.
    #[error("{source_name}: cannot be read: {error}")]
    Read {
        /// The log's name.
        source_name: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// No line at all.
    #[error("{source_name} is empty; `optkit solve FILE --json > {source_name}` writes a log")]
    Empty {
        /// The log's name.
        source_name: String,
    },
    /// A line that is not JSON, and not the last one of a run that was cut off.
    #[error(
        "{source_name}:{line}: not a JSON object: {reason}; a log has one object a line, so remove or repair this one"
    )]
    NotJson {
        /// The log's name.
        source_name: String,
        /// Counted from 1.
        line: usize,
        /// What the parser says.
        reason: String,
    },
    /// A first line that does not describe a problem.
    #[error(
        "{source_name}:1: the first line of a log has the key `problem`, this one has {found}; write it with `optkit \
         solve FILE --json`"
    )]
    NoProblem {
        /// The log's name.
        source_name: String,
        /// The keys that are there.
        found: String,
    },
    /// A line that belongs to a log, but lacks what every such line has, or holds it in another form.
    #[error(
        "{source_name}:{line}: {reason}; remove the line, or write the log anew with `optkit solve FILE --json`"
    )]
    Malformed {
        /// The log's name.
        source_name: String,
        /// Counted from 1.
        line: usize,
        /// What is missing or of another form.
        reason: String,
    },
    /// Written by a later version.
    #[error(
        "{source_name}: has schema {found}, and this version reads schema {known}; read it with a newer optkit"
    )]
    Schema {
        /// The log's name.
        source_name: String,
        /// What the log says.
        found: u64,
        /// What is read here.
        known: u64,
    },
}
