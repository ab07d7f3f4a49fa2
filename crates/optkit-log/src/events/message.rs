//! The protocol buffers of events, as far as logs need them (tensorflow/core/util/event.proto, framework/summary.proto).
//!
//! ```text
//! Event   { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5 }
//! Summary { repeated Value value = 1 }
//! Value   { string tag = 1; float simple_value = 2; TensorProto tensor = 8; SummaryMetadata metadata = 9 }
//! ```

/// An event.
pub(super) struct Event<'a> {
    /// Seconds since 1970.
    pub(super) wall_time: f64,
    pub(super) step: u64,
    pub(super) what: &'a What<'a>,
}

/// What an event holds.
pub(super) enum What<'a> {
    /// The version of the format.
    Version(&'a str),
    /// Numbers by their tags.
    Scalars(&'a [(String, f64)]),
    /// For the plugin `text`.
    Text { tag: &'a str, text: &'a str },
}

impl Event<'_> {
    pub(super) fn encoded(&self) -> Vec<u8> {
        let mut event = Message::default();
        event.double(1, self.wall_time);
        event.integer(2, self.step);
        match self.what {
            What::Version(version) => event.bytes(3, version.as_bytes()),
            What::Scalars(scalars) => event.message(5, |summary| {
                for (tag, value) in *scalars {
                    summary.message(1, |entry| {
                        entry.bytes(1, tag.as_bytes());
                        #[allow(clippy::cast_possible_truncation)] // the format's own precision
                        entry.float(2, *value as f32);
                    });
                }
            }),
            What::Text { tag, text } => event.message(5, |summary| {
                summary.message(1, |entry| {
                    entry.bytes(1, tag.as_bytes());
                    entry.message(8, |tensor| {
                        tensor.integer(1, STRINGS);
                        tensor.message(2, |_| {}); // of no dimension
                        tensor.bytes(8, text.as_bytes());
                    });
                    entry.message(9, |metadata| metadata.message(1, |plugin| plugin.bytes(1, b"text")));
                });
            }),
        }
        event.0
    }
}

/// `DT_STRING`.
const STRINGS: u64 = 7;

/// A message that is written field by field.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn integer(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn double(&mut self, field: u64, value: f64) {
        self.varint(field << 3 | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn float(&mut self, field: u64, value: f32) {
        self.varint(field << 3 | 5);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint(field << 3 | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn message(&mut self, field: u64, fill: impl FnOnce(&mut Self)) {
        let mut inner = Self::default();
        fill(&mut inner);
        self.bytes(field, &inner.0);
    }
}

/// Of an event: its step, and the tag of its first value if it has one; none where it is no event.
pub(super) fn step_and_tag(event: &[u8]) -> Option<(u64, Option<Vec<u8>>)> {
    let (mut step, mut tag) = (0, None);
    let mut fields = Fields(event);
    while let Some((field, value)) = fields.next()? {
        match (field, value) {
            (2, Value::Integer(value)) => step = value,
            (5, Value::Bytes(summary)) => {
                if let Some((1, Value::Bytes(entry))) = Fields(summary).next()?
                    && let Some((1, Value::Bytes(name))) = Fields(entry).next()?
                {
                    tag = Some(name.to_vec());
                }
            }
            _ => {}
        }
    }
    Some((step, tag))
}

enum Value<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The fields of a message, read one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    /// The next one; `Some(None)` behind the last, `None` where this is no message.
    fn next(&mut self) -> Option<Option<(u64, Value<'a>)>> {
        if self.0.is_empty() {
            return Some(None);
        }
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Value::Integer(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        Some(Some((key >> 3, value)))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.take(1)?[0];
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn steps_and_tags_come_back(step in any::<u64>(), tag in "[a-z/]{1,40}", value in any::<f64>()) {
            let scalars = [(tag.clone(), value), ("second".to_owned(), 1.0)];
            let found = |what: &What<'_>| step_and_tag(&Event { wall_time: 1.5e9, step, what }.encoded());
            prop_assert_eq!(found(&What::Scalars(&scalars)), Some((step, Some(tag.clone().into_bytes()))));
            let text = What::Text { tag: &tag, text: "…" };
            prop_assert_eq!(found(&text), Some((step, Some(tag.clone().into_bytes()))));
            prop_assert_eq!(found(&What::Version("brain.Event:2")), Some((step, None)));
        }

        #[test]
        fn noise_is_no_event_or_one_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let read = step_and_tag(&bytes);
            prop_assert!(read.is_none() || read.is_some_and(|(_, tag)| tag.is_none_or(|t| t.len() <= bytes.len())));
        }
    }
}
