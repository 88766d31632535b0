//! Clock, randomness, keyring, secrets.
