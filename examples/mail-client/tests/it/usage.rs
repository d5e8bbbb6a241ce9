//! Wrong usage ends with 2, before anything is connected to.

use crate::{program, run};

#[test]
fn wrong_usage() {
    let send = ["send", "--server", "127.0.0.1:1", "--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"];
    let cases: &[(&[&str], &[&str])] = &[
        (&[], &[]),
        (&["sned"], &[]),
        (&["send"], &[]),
        (&["inspect"], &[]),
        (&["trace", "inspect", "x.eml"], &[]),
        (&send, &["--raw", "a.eml", "--subject", "x"]),
        (&send, &["--password-stdin"]),
        (&send, &["--tls", "perhaps"]),
        (&send, &["--to", "carol"]),
        (&send, &["--cc", "a@b\r\nBcc: c@d"]),
        (&send, &["--subject", "a\r\nBcc: c@d"]),
        (&send, &["--server", "127.0.0.1:99999"]),
        (&send, &["--text", "-", "--user", "alice", "--password-stdin"]),
        (&["send", "--server", "a:1", "--to", "b@c", "--from"], &["<>"]),
    ];
    for (arguments, more) in cases {
        let ran = run(program().args(*arguments).args(*more));
        assert_eq!(ran.code, Some(2), "{arguments:?} {more:?}: {}", ran.stderr);
    }
}

#[test]
fn what_cannot_be_done_ends_with_1() {
    let send = ["send", "--server", "127.0.0.1:1", "--from", "alice@crepes.fr", "--to", "bob@hamburger.edu"];
    for more in
        [&["--attach", "/nowhere"][..], &["--tls-ca", "/nowhere"], &["--user", "alice"], &["--tls", "none"]]
    {
        let ran = run(program().args(send).args(more));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{more:?}");
        assert!(ran.stderr.starts_with("mail-client: "), "{}", ran.stderr);
    }
}

#[test]
fn help_on_every_level() {
    for arguments in
        [&["-h"][..], &["send", "-h"], &["inspect", "-h"], &["trace", "-h"], &["trace", "send", "-h"]]
    {
        assert_eq!(run(program().args(arguments)).code, Some(0), "{arguments:?}");
    }
}
