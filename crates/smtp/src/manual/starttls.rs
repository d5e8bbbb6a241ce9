//! Octets in the clear before TLS.
//!
//! Whoever stands between client and server can put octets behind the client's STARTTLS line. A server that reads both in one go, and
//! keeps the rest in its buffer across the handshake, takes them for commands of the client within TLS (CVE-2011-0411; "Why TLS is better
//! without STARTTLS", USENIX Security 2021). The same is done to clients behind the 220.
//!
//! **What we do.** Any octet in the input behind the STARTTLS line is [`InjectedBeforeTls`](crate::PeerFault::InjectedBeforeTls), and
//! ends the session. From STARTTLS until [`tls_established`](crate::server::Server::tls_established) the session says `Paused`, so nothing is
//! read; octets that come all the same end the session too. Then everything is forgotten that was said in the clear: EHLO, the extensions, half a line
//! (RFC 3207 section 4.2).
//!
//! **Held by** `starttls::octets_behind_the_line_end_the_session`, `starttls::octets_in_a_later_segment_end_the_session`,
//! `starttls::all_is_forgotten`.
