/// What a target makes its choices by: bytes made up by the fuzzer, or written into a seed.
#[derive(Clone, Copy)]
pub(crate) struct Input<'d>(&'d [u8]);

impl<'d> Input<'d> {
    pub(crate) fn new(data: &'d [u8]) -> Self {
        Self(data)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte; 0 when there is none left.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    /// A number below `bound`, or 0; of two bytes, so that a place in a longer text can be meant.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let number = u16::from_be_bytes([self.byte(), self.byte()]);
        usize::from(number).checked_rem(bound).unwrap_or(0)
    }

    /// One of `choices`, which are not empty.
    #[expect(clippy::indexing_slicing, reason = "the remainder is below the length")]
    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// The bytes up to the next line feed, which is left out, or to the end.
    pub(crate) fn line(&mut self) -> &'d [u8] {
        let end = self.0.iter().position(|byte| *byte == b'\n');
        let (line, rest) = self.0.split_at(end.unwrap_or(self.0.len()));
        self.0 = rest.split_first().map_or(&[], |(_, rest)| rest);
        line
    }

    /// All lines that are left.
    pub(crate) fn lines(self) -> impl Iterator<Item = &'d [u8]> {
        self.0.split(|byte| *byte == b'\n')
    }

    /// The bytes that are left.
    pub(crate) fn rest(self) -> &'d [u8] {
        self.0
    }
}
