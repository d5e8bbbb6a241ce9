//! What is spoken of IMAP's extensions, and what has tried it. Nothing is in this module but a table.
//!
//! *Types*: commands, responses, codes and items are read and printed. *Client*: the session sends it, if the server offers it, and gives what
//! comes of it. *Server*: `yes`, the session serves it by itself; `asks`, by a token that the application answers; `row`, it is an item of
//! a row that the application writes; `no`, the session answers BAD. What is asked or written is announced only if the application
//! says so in [`Config::extensions`](crate::server::Config::extensions).
//!
//! *Tried by* names test modules of this crate: `transcripts` and `client_transcripts` (the dialogues of the RFC), `model` and `pair_model`
//! (several clients on one mailbox), `commands`, `responses` and `rows` (reading and printing, by examples of the RFC and at random), and
//! others by their names.
//!
//! | Extension | RFC | Types | Client | Server | Tried by |
//! |---|---|---|---|---|---|
//! | IMAP4rev1 | 3501 | yes | yes | yes | `transcripts`, `client_transcripts`, `model`, `pair_model`, `split`, `client_split` |
//! | IMAP4rev2 | 9051 | yes | yes | yes | the same |
//! | LITERAL+, LITERAL- | 7888 | yes | yes | yes | `transcripts`, `framer`, `pair`, `client`, `split` |
//! | STARTTLS, LOGINDISABLED | 9051 | yes | yes | asks | `transcripts`, `client_transcripts`, `server`, `client_hostile` |
//! | SASL-IR | 4959 | yes | yes | yes | `transcripts`, `client`, `sasl` |
//! | ID | 2971 | yes | yes | yes | `transcripts`, `split` |
//! | ENABLE | 5161 | yes | yes | yes | `transcripts`, `client`, `server` |
//! | IDLE | 2177 | yes | yes | yes | `transcripts`, `client_transcripts`, `pair`, `model` |
//! | NAMESPACE | 2342 | yes | yes | asks | `transcripts` |
//! | UNSELECT | 3691 | yes | yes | yes | `transcripts`, `split` |
//! | UIDPLUS | 4315 | yes | yes | asks | `transcripts`, `client`, `server` |
//! | MOVE | 6851 | yes | yes | asks | `transcripts`, `model`, `pair_model`, `client` |
//! | ESEARCH | 4731 | yes | yes | yes | `transcripts`, `server`, `model` |
//! | SEARCHRES | 5182 | yes | yes | yes | `transcripts`, `server`, `model` |
//! | MULTIAPPEND | 3502 | yes | yes | asks | `transcripts`, `pair`, `client` |
//! | APPENDLIMIT | 7889 | yes | yes | yes | `transcripts`, `client`, `server` |
//! | CHILDREN | 3348 | yes | yes | asks | `transcripts` |
//! | LIST-EXTENDED | 5258 | yes | yes | asks | `transcripts` |
//! | LIST-STATUS | 5819 | yes | yes | asks | `transcripts` |
//! | SPECIAL-USE, CREATE-SPECIAL-USE | 6154 | yes | yes | asks | `transcripts` |
//! | STATUS=SIZE | 8438 | yes | yes | asks | `commands`, `responses`, `transcripts` |
//! | WITHIN | 5032 | yes | yes | asks | `commands`, `transcripts` |
//! | UTF8=ACCEPT | 6855 | yes | yes | yes | `client`, `names`, `server_extensions` |
//! | BINARY | 3516 | yes | yes | row | `commands`, `rows`, `client`, `transcripts` |
//! | PREVIEW | 8970 | yes | yes | row | `commands`, `rows`, `transcripts` |
//! | OBJECTID | 8474 | yes | yes | row | `commands`, `rows`, `transcripts` |
//! | SAVEDATE | 8514 | yes | yes | row | `commands`, `rows`, `transcripts` |
//! | CONDSTORE | 7162 | yes | yes | yes; the application keeps the numbers | `commands`, `rows`, `view`, `transcripts`, `server_extensions` |
//! | QRESYNC | 7162 | yes | yes | asks | `commands`, `view`, `transcripts`, `server_extensions` |
//! | SORT, SORT=DISPLAY, ESORT | 5256, 5957, 5267 | yes | yes | asks; the feature `message` sorts | `commands`, `responses`, `transcripts`, `server_extensions` |
//! | THREAD | 5256 | yes | yes | asks; the feature `message` threads | `commands`, `responses`, `transcripts`, `server_extensions` |
//! | QUOTA, QUOTASET | 9208 | yes | yes | asks | `commands`, `responses`, `transcripts`, `server_extensions` |
//! | UNAUTHENTICATE | 8437 | yes | yes | yes, but within compression | `commands`, `client`, `transcripts`, `server_extensions` |
//! | COMPRESS=DEFLATE | 4978 | yes | no: told by `NotNow` | asks | `commands`, `transcripts`, `server_extensions` |
//! | PARTIAL, CONTEXT, FILTERS, SEARCH=FUZZY | 9394, 5267, 5466, 6203 | yes | the keys and options | the keys and options, where they are announced | `commands` |
//! | UIDONLY | 9586 | UIDFETCH, codes | no | no; [`view`](crate::view) knows it | `view`, `rows` |
//! | ACL, METADATA, NOTIFY, CATENATE, REPLACE, MULTISEARCH, URLAUTH and others | | names, codes | what a server says of them is kept | no | `responses`, `client_hostile` |
