//! Responses: what a server says (RFC 9051 section 7).
