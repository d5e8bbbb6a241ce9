//! Commands: what a client says (RFC 9051 section 6). Parse and print side by side.
