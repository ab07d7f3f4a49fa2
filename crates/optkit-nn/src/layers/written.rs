//! Operands and settings of a layer line, read from what is written.

use crate::LayerError;

/// What stands behind a layer's name.
pub(crate) struct Written<'a> {
    pub(crate) layer: &'static str,
    pub(crate) operands: &'a [&'a str],
    pub(crate) settings: &'a [(&'a str, &'a str)],
}

/// Most rows or columns of a window, stride or padding: more than any image has, and few enough to be multiplied.
const MOST: usize = 1 << 20;

impl Written<'_> {
    /// What is given for `setting`.
    fn given(&self, setting: &str) -> Option<&str> {
        self.settings.iter().find(|(key, _)| *key == setting).map(|(_, text)| *text)
    }

    fn wrong(&self, name: &'static str, must: &'static str, text: &str) -> LayerError {
        LayerError::Value { layer: self.layer, name, must, text: text.to_owned() }
    }

    /// Operand `index`, called `name`, as a whole number of at least 1.
    pub(crate) fn count(&self, index: usize, name: &'static str) -> Result<usize, LayerError> {
        let text = self.operands[index];
        match text.parse() {
            Ok(count) if count > 0 => Ok(count),
            _ => Err(LayerError::NotACount { layer: self.layer, operand: name, text: text.to_owned() }),
        }
    }

    /// Operand `index`, called `name`, as rows and columns.
    pub(crate) fn window(&self, index: usize, name: &'static str) -> Result<[usize; 2], LayerError> {
        self.read_pair(self.operands[index], name, 1)
    }

    /// Operand `index`, called `name`, as a number that `holds`.
    pub(crate) fn number_operand(
        &self,
        index: usize,
        name: &'static str,
        must: &'static str,
        holds: fn(f64) -> bool,
    ) -> Result<f64, LayerError> {
        self.read_number(self.operands[index], name, must, holds)
    }

    /// The setting `name` as rows and columns of at least `least` each.
    pub(crate) fn pair(
        &self,
        name: &'static str,
        default: [usize; 2],
        least: usize,
    ) -> Result<[usize; 2], LayerError> {
        self.given(name).map_or(Ok(default), |text| self.read_pair(text, name, least))
    }

    fn read_pair(&self, text: &str, name: &'static str, least: usize) -> Result<[usize; 2], LayerError> {
        let (rows, columns) = text.split_once('x').unwrap_or((text, text));
        match (rows.parse(), columns.parse()) {
            (Ok(rows), Ok(columns))
                if (least..=MOST).contains(&rows) && (least..=MOST).contains(&columns) =>
            {
                Ok([rows, columns])
            }
            _ if least == 0 => Err(self.wrong(name, "one whole number or two, such as `1` or `0x3`", text)),
            _ => Err(self.wrong(name, "one whole number of at least 1 or two, such as `3` or `1x7`", text)),
        }
    }

    /// The setting `name` as a whole number of at least 1; none where it is not given.
    pub(crate) fn whole(&self, name: &'static str) -> Result<Option<usize>, LayerError> {
        let Some(text) = self.given(name) else { return Ok(None) };
        match text.parse() {
            Ok(count) if count > 0 => Ok(Some(count)),
            _ => Err(self.wrong(name, "a whole number of at least 1", text)),
        }
    }

    /// The setting `name` as a number that `holds`.
    pub(crate) fn number(
        &self,
        name: &'static str,
        default: f64,
        must: &'static str,
        holds: fn(f64) -> bool,
    ) -> Result<f64, LayerError> {
        self.given(name).map_or(Ok(default), |text| self.read_number(text, name, must, holds))
    }

    fn read_number(
        &self,
        text: &str,
        name: &'static str,
        must: &'static str,
        holds: fn(f64) -> bool,
    ) -> Result<f64, LayerError> {
        match text.parse() {
            Ok(number) if holds(number) => Ok(number),
            _ => Err(self.wrong(name, must, text)),
        }
    }

    /// The setting `name` as `on` or `off`.
    pub(crate) fn switch(&self, name: &'static str, default: bool) -> Result<bool, LayerError> {
        match self.given(name) {
            None => Ok(default),
            Some("on" | "true") => Ok(true),
            Some("off" | "false") => Ok(false),
            Some(text) => Err(self.wrong(name, "`on` or `off`", text)),
        }
    }

    /// The setting `name` as one of `words`.
    pub(crate) fn word(
        &self,
        name: &'static str,
        words: &'static [&'static str],
        must: &'static str,
    ) -> Result<Option<&'static str>, LayerError> {
        let Some(text) = self.given(name) else { return Ok(None) };
        words
            .iter()
            .find(|word| **word == text)
            .map_or_else(|| Err(self.wrong(name, must, text)), |word| Ok(Some(*word)))
    }
}
