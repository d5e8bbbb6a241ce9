//! The nouns of IMAP (RFC 9051 section 9); none can be built wrong.
