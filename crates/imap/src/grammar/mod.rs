//! The leaves of the grammar, over one complete unit (RFC 9051 section 9).
