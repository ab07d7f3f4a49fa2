//! What can go wrong, each with the value, the place and the remedy.

/// Why a log cannot be read, or a figure not be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
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
    /// Not what [`Chart::svg`](crate::Chart::svg) gives.
    #[error("the figure cannot be turned into an image: {reason}; give it the text of an SVG file")]
    Svg {
        /// What the renderer says.
        reason: String,
    },
    /// No pixel, or too many.
    #[error(
        "scale {scale} makes an image of {width} x {height} pixels; choose one for which both lie in 1 to 20000"
    )]
    Size {
        /// What was asked for.
        scale: f32,
        /// In pixels.
        width: f32,
        /// In pixels.
        height: f32,
    },
}
