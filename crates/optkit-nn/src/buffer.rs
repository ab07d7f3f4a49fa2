//! Arrays that begin on a cache line, so that vector loads never straddle two.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line, and of the widest vector.
const LINE: usize = 64;

/// A zero-filled array whose first entry lies on a cache line; empty by default.
#[derive(Debug, Default)]
pub(crate) struct Buffer<S> {
    storage: Vec<S>,
    start: usize,
    len: usize,
}

/// Where buffers of so many numbers come from: [`Buffer::new`], or what [counts](bytes) them.
pub(crate) type Make<'a, S> = &'a mut dyn FnMut(usize) -> Buffer<S>;

/// Bytes of all buffers that `made` asks for; it gets empty ones.
pub(crate) fn bytes<S: Copy + Default>(made: impl FnOnce(Make<'_, S>)) -> usize {
    let mut bytes = 0;
    made(&mut |len| {
        bytes += if len == 0 { 0 } else { len * size_of::<S>() + LINE };
        Buffer::default()
    });
    bytes
}

impl<S: Copy + Default> Buffer<S> {
    pub(crate) fn new(len: usize) -> Self {
        if len == 0 {
            return Self::default();
        }
        let slack = LINE / size_of::<S>();
        let storage = vec![S::default(); len + slack];
        // `align_offset` may say "impossible"; alignment is for speed only, so any start is right.
        let start = storage.as_ptr().align_offset(LINE);
        let start = if start <= slack { start } else { 0 };
        Self { storage, start, len }
    }

    /// Room for at least `len` entries; where it grows, what was there is lost.
    pub(crate) fn fit(&mut self, len: usize) {
        if self.len < len {
            // The old one goes first.
            *self = Self::default();
            *self = Self::new(len);
        }
    }
}

impl<S> Deref for Buffer<S> {
    type Target = [S];
    fn deref(&self) -> &[S] {
        &self.storage[self.start..self.start + self.len]
    }
}

impl<S> DerefMut for Buffer<S> {
    fn deref_mut(&mut self) -> &mut [S] {
        &mut self.storage[self.start..self.start + self.len]
    }
}
