/// What verifying one imported hash may cost. Each hash says itself what it costs, so that without
/// bounds whoever can smuggle in a row could make the application work for hours at a login.
///
/// A hash that costs more is never right, and is verified like that of nobody. Hashes made here,
/// at the present [`HashCost`](super::super::HashCost), are always within the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportLimits {
    /// Memory of argon2 and scrypt, in KiB; 256 MiB.
    pub memory: u32,
    /// How much memory they may fill in all passes, in KiB: argon2 fills its memory once per pass,
    /// scrypt once per `p`; 2 GiB, about a second.
    pub filled: u64,
    /// The cost of bcrypt, a power of two; 15, about two seconds.
    pub bcrypt: u32,
    /// HMACs of PBKDF2; five million, about two seconds.
    pub pbkdf2: u64,
}

impl Default for ImportLimits {
    fn default() -> Self {
        Self { memory: 256 * 1024, filled: 2 * 1024 * 1024, bcrypt: 15, pbkdf2: 5_000_000 }
    }
}

impl ImportLimits {
    /// Whether something may take `memory`, in KiB, and fill it so many times.
    pub(super) fn allow(&self, memory: u64, passes: u64) -> bool {
        memory <= u64::from(self.memory)
            && memory.checked_mul(passes).is_some_and(|filled| filled <= self.filled)
    }

    /// Wide enough for what fills so much memory (KiB) so many times.
    pub(in crate::account::password) fn including(self, memory: u32, passes: u32) -> Self {
        Self {
            memory: self.memory.max(memory),
            filled: self.filled.max(u64::from(memory) * u64::from(passes)),
            ..self
        }
    }
}
