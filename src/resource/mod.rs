//! The layers that protect an API with access tokens.
