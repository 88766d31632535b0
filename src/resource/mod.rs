#![doc = include_str!("resource.md")]

mod authority;
mod refusal;
mod require_scope;
mod verify_token;

pub use authority::StoreAuthority;
pub use require_scope::{RequireScope, RequireScopeLayer};
pub use verify_token::{VerifyToken, VerifyTokenLayer};

pub use self::refusal::GuardFuture;
