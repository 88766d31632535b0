//! Stores that each break one rule of the contract: the kit must name it.

pub mod session;
