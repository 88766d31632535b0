/// The layer that would have put the value there is not around this handler: a fault of the host,
/// answered 500.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is not around this handler")]
pub struct MissingLayer(pub(crate) &'static str);
