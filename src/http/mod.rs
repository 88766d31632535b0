//! Bodies, forms, negotiation, error pages.
