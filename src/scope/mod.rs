//! The shared words: who is acting, and on whose behalf. Imports nothing of ours.
