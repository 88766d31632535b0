//! HTML pages and mail bodies, their theme, and how a host replaces them.
