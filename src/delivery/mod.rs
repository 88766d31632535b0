//! The outbox: what leaves the application, written with what caused it.
