//! JSON Web Keys, Signatures and thumbprints: no I/O.
