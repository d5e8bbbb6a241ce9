//! Dots and line ends.
//!
//! A message is fenced by `CRLF.CRLF`, and a line of it that begins with a dot is given another (RFC 1939 section 3).
//!
//! **Past faults.** Clients handed out messages with their dots doubled, so that signatures broke; servers did not stuff a dot that was the
//! first octet of a message, or the first octet of a chunk; clients dropped the last CRLF; programs took `LF.LF` for the end, so
//! that one message could be made to look like two responses.
//!
//! **Here.** Stuffing and unstuffing keep their state across chunks of any size, and the beginning of a message is the beginning
//! of a line (tests `dots::a_dot_as_the_first_octet`, `dots::every_chunk_size_of_a_message_of_dots`). Only `CRLF.CRLF` is an end
//! (`dots::lf_dot_lf_does_not_end_a_message`). A message without a line end at its end is given one; nothing else is added or taken
//! away (`dots::a_missing_line_end_is_added_and_no_other`). A server makes CRLF of a bare LF unless it is told otherwise, for who
//! reads the message may take LF for a line end, and what stands behind it for a dot
//! (`dots::a_bare_lf_cannot_end_the_message_for_a_lenient_client`).
//!
//! TOP counts what it sends by the octets that were pushed: header, blank line, and so many lines of the body and not of the whole
//! (`maildrop::top_counts_lines_of_the_body`).
