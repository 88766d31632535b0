//! The app's own users: one file per flow.
