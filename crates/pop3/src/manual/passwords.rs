//! Names and passwords.
//!
//! **Past faults.** Passwords with a space were refused or cut; names that do not exist were refused at USER, or faster than others;
//! passwords stood in logs; USER and PASS were taken without TLS.
//!
//! **Here.** All that stands behind `PASS ` is the password, spaces at its ends too (test `login::a_password_may_have_spaces`). USER has one answer
//! for all names (`login::every_name_gets_the_same_answer`). `Debug`, `Display` and errors hold no password
//! (`login::no_password_is_printed`). Without TLS a server refuses USER and does not tell it in CAPA, and a client does not send it,
//! unless their configurations allow it (`login::no_login_without_tls`). PASS is taken only behind USER, with no command between
//! (`login::pass_only_behind_user`). A refused login counts as an error, and the tenth error ends the session
//! (`limits::the_tenth_error_ends_the_session`).
//!
//! What the session cannot do: compare in constant time, take as long for names that do not exist, and tell `[IN-USE]` only to who
//! knows the password (RFC 2449 section 8.1.2). That is for the application.
