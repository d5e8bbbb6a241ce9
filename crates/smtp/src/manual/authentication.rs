//! Passwords.
//!
//! A password that was sent in the clear is known to whoever listened; a server that offers AUTH outside of TLS asks for it.
//!
//! **What we do.** AUTH is offered within TLS alone, unless [`allow_plaintext_auth`](crate::server::Config::allow_plaintext_auth) is
//! set; before, it is answered 538. Once per session, never within a transaction (RFC 4954 section 4). Each failure counts as an error, and
//! the session ends after [`max_errors`](crate::server::Config::max_errors). Responses are [`Secret`](crate::Secret): hidden in logs, zeroed on drop; faults in AUTH
//! lines carry no octets. MAIL's AUTH parameter is `<>` unless the client is authenticated.
//!
//! **Held by** `auth::not_in_the_clear`, `auth::once_and_not_within_a_transaction`, `auth::failures_are_counted`,
//! `auth::nothing_secret_is_shown`, `auth::the_parameter_is_believed_of_the_authenticated_alone`.
