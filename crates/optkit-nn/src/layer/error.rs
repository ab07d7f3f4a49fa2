//! What can be wrong with a layer, each with its remedy.

/// What is wrong with a layer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LayerError {
    /// A layer of flat vectors behind something with more extents.
    #[error("`{layer}` takes a flat input, but gets {}; put `flatten` before it", product(.shape))]
    NotFlat {
        /// The layer's keyword.
        layer: &'static str,
        /// What comes into it.
        shape: Vec<usize>,
    },
    /// A layer of images behind something else.
    #[error(
        "`{layer}` takes channels, rows and columns, such as 3x32x32, but gets {}; {}",
        product(.shape),
        image_remedy(.shape)
    )]
    NotAnImage {
        /// The layer's keyword.
        layer: &'static str,
        /// What comes into it.
        shape: Vec<usize>,
    },
    /// A layer of channels behind something that has none.
    #[error(
        "`{layer}` takes flat values or channels, rows and columns, but gets {}; {}",
        product(.shape),
        image_remedy(.shape)
    )]
    NoChannels {
        /// The layer's keyword.
        layer: &'static str,
        /// What comes into it.
        shape: Vec<usize>,
    },
    /// A window that is larger than the image under it.
    #[error(
        "`{layer}` looks at {} values, but the image with its padding has only {}; use a smaller window or a larger `pad`",
        product(.window),
        product(.image)
    )]
    WindowTooLarge {
        /// The layer's keyword.
        layer: &'static str,
        /// Rows and columns from the first to the last value that it looks at.
        window: [usize; 2],
        /// Rows and columns that there are.
        image: [usize; 2],
    },
    /// Windows that could hold nothing but padding.
    #[error(
        "`{layer}` pads by {}, more than half of its window of {}; use a smaller `pad`",
        product(.pad),
        product(.window)
    )]
    PadTooLarge {
        /// The layer's keyword.
        layer: &'static str,
        /// The padding.
        pad: [usize; 2],
        /// The window.
        window: [usize; 2],
    },
    /// Channels that do not go into groups.
    #[error("`{layer}`: `groups={groups}` does not divide the {channels} channels of its {side}")]
    Groups {
        /// The layer's keyword.
        layer: &'static str,
        /// How many groups.
        groups: usize,
        /// How many channels.
        channels: usize,
        /// `input` or `output`.
        side: &'static str,
    },
    /// The two ways through a skip end in different shapes.
    #[error(
        "`skip`: its layers give {}, its shortcut gives {}, and they are added; {}",
        product(.body),
        product(.shortcut),
        if *.identity { "make the shapes agree, or add a shortcut: `shortcut auto { conv 1x1 CHANNELS stride=2 }`" } else { "make the shapes agree" }
    )]
    SkipShapes {
        /// Behind the layers of the skip.
        body: Vec<usize>,
        /// Behind its shortcut.
        shortcut: Vec<usize>,
        /// True where the shortcut is the identity.
        identity: bool,
    },
    /// Skips within skips within skips.
    #[error("skips stand inside each other {most} deep; make it less")]
    TooDeep {
        /// The limit.
        most: usize,
    },
    /// More values than an address can count.
    #[error("`{layer}` would need more values than this machine can address")]
    TooLarge {
        /// The layer's keyword.
        layer: &'static str,
    },
    /// A layer without outputs.
    #[error("`{layer}` needs at least 1 output")]
    NoOutputs {
        /// The layer's keyword.
        layer: &'static str,
    },
    /// No layer of that name.
    #[error("there is no layer `{name}`; the layers are {}", super::names())]
    Unknown {
        /// The word given.
        name: String,
    },
    /// Too many or too few operands.
    #[error("`{layer}` takes {expected} operand(s), but {got} are given")]
    Operands {
        /// The layer's keyword.
        layer: &'static str,
        /// How many it takes.
        expected: usize,
        /// How many it got.
        got: usize,
    },
    /// An operand that does not read as what it must be.
    #[error("`{layer}`: `{operand}` must be a whole number of at least 1, but is `{text}`")]
    NotACount {
        /// The layer's keyword.
        layer: &'static str,
        /// The operand's name.
        operand: &'static str,
        /// As written.
        text: String,
    },
    /// A value that is not what it must be.
    #[error("`{layer}`: `{name}` must be {must}, but is `{text}`")]
    Value {
        /// The layer's keyword.
        layer: &'static str,
        /// Name of the operand or setting.
        name: &'static str,
        /// What it may be.
        must: &'static str,
        /// What it is.
        text: String,
    },
    /// A setting that the layer does not have.
    #[error("`{layer}` has no setting `{setting}`; remove it")]
    NoSetting {
        /// The layer's keyword.
        layer: &'static str,
        /// The setting.
        setting: String,
    },
}

/// A shape as the language writes it: `28x28`.
fn product(shape: &[usize]) -> String {
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

/// How something that is no image may become one.
fn image_remedy(shape: &[usize]) -> String {
    match shape {
        [rows, columns] => format!("an image of one channel is 1x{rows}x{columns}"),
        [_] => "put it before `flatten`".to_owned(),
        _ => "an image has three extents".to_owned(),
    }
}
