//! `inspect`. The mails of the RFCs, Korean ones, nested ones and broken ones are in `tests/mails`, each with the JSON that is expected of
//! it. `BLESS=1 cargo test -p mail-client` writes what is printed now as what is expected: look at the difference before it is committed.

use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::{file, program, run, run_with_input};

fn mails() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/mails");
    let mut all: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
    all.sort();
    assert!(all.len() > 40);
    all
}

fn mail(name: &str) -> String {
    format!("{}/tests/mails/{name}.eml", env!("CARGO_MANIFEST_DIR"))
}

fn inspect(name: &str) -> Value {
    let ran = run(program().args(["inspect", "--json", &mail(name)]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn every_mail_is_read_as_expected() {
    let ran = run(program().args(["inspect", "--json"]).args(mails()));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    let lines: Vec<&str> = ran.stdout.lines().collect();
    assert_eq!(lines.len(), mails().len());
    for (line, path) in lines.iter().zip(mails()) {
        let printed: Value = serde_json::from_str(line).unwrap();
        let expected = path.with_extension("json");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&expected, serde_json::to_string_pretty(&printed).unwrap() + "\n").unwrap();
        }
        let text = std::fs::read_to_string(&expected).unwrap();
        let expected: Value = serde_json::from_str(&text).unwrap();
        for (key, value) in expected.as_object().unwrap() {
            assert_eq!(&printed[key], value, "{key} of {}", path.display());
        }
        assert_eq!(printed, expected, "{}", path.display());
    }
}

#[test]
fn the_keys_are_those_that_scripts_rely_on() {
    let printed = inspect("korean-euc-kr");
    let keys = |value: &Value| {
        let mut keys: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys.join(" ")
    };
    assert_eq!(
        keys(&printed),
        "attachments bcc cc date defects from headers html_body in_reply_to message_id parts references reply_to sender subject text_body to"
    );
    assert_eq!(
        keys(&printed["parts"][0]),
        "content_id content_type decoded_octets depth description disposition encoding filename header_octets id lines octets offset \
         parameters sha256 text"
    );
    assert_eq!(keys(&printed["headers"][0]), "name raw value");
    assert_eq!(keys(&printed["defects"][0]), "code offset severity");
    assert_eq!(keys(&printed["from"][0]), "address name");
    assert_eq!(keys(&inspect("rfc5322-a-1-3-groups")["to"][0]), "group members");
}

#[test]
fn korean_in_its_old_charsets() {
    let printed = inspect("korean-euc-kr");
    assert_eq!(printed["subject"], "인생의 의미를 (1)");
    assert_eq!(printed["from"][0]["name"], "앨리스");
    assert_eq!(printed["parts"][1]["text"], "케첩을 좋아하세요?\r\n피클은요?");
    assert_eq!(printed["parts"][2]["text"], "햏 똠방각하\r\n");
    assert_eq!(printed["parts"][2]["filename"], "카페 메뉴.txt");
    assert_eq!(printed["parts"][3]["filename"], "차림표.pdf");
    assert_eq!(printed["attachments"], serde_json::json!(["2", "3"]));
    assert_eq!(printed["date"], "2026-11-23T09:00:00+09:00");
    // printf '%%PDF-' | sha256sum
    assert_eq!(
        printed["parts"][3]["sha256"],
        "38523c087796e5d5dd1cf9bad1fb026781a838dd9dd2cf8af58b9f6502a46778"
    );
    assert_eq!(inspect("korean-iso-2022-kr")["parts"][0]["text"], "카페에서\r\n");
}

#[test]
fn standard_input_and_files_that_cannot_be_read() {
    let mut command = program();
    let ran = run_with_input(command.args(["inspect", "--json", "-"]), b"Subject: x\n\nbody\n");
    assert_eq!(ran.code, Some(0));
    let printed: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&printed["subject"], &printed["parts"][0]["text"]), (&"x".into(), &"body\n".into()));

    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.eml");
    let there = file(folder.path(), "there.eml", "Subject: there\r\n\r\n");
    let ran = run(program().args(["inspect", "--json"]).arg(&missing).arg(&there));
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(1), 1));
    assert!(ran.stderr.contains("missing.eml") && ran.stdout.contains("there"));
}

#[test]
fn for_people() {
    let ran = run(program().args(["inspect", &mail("korean-euc-kr")]));
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    assert_eq!(
        ran.stdout,
        "Date:        2026-11-23T09:00:00+09:00\n\
         From:        앨리스 <alice@crepes.fr>\n\
         To:          bob@hamburger.edu\n\
         Subject:     인생의 의미를 (1)\n\
         Message-ID:  <life@crepes.fr>\n\
         \n\
         -     multipart/mixed, 519 octets\n  \
           1     text/plain; charset=EUC-KR, 8bit, 29 octets, [text], [html]\n  \
           2     text/plain; charset=cp949, base64, 13 octets, attachment \"카페 메뉴.txt\"\n  \
           3     application/pdf, base64, 5 octets, attachment \"차림표.pdf\"\n\
         \n\
         warning  encoded-word-in-quotes at octet 446\n\
         warning  encoded-word-in-quotes at octet 704\n"
    );
    // Nobody's name moves the cursor.
    let mut command = program();
    let escape = b"Content-Type: text/plain; name*=utf-8''%1B%5B2J\r\nFrom: a@b\r\n\r\n";
    let ran = run_with_input(command.args(["inspect", "-"]), escape);
    assert!(!ran.stdout.contains('\x1b'), "{}", ran.stdout);
}

#[test]
fn whoever_has_seen_enough_may_close_the_pipe() {
    let many: Vec<PathBuf> = mails().into_iter().cycle().take(2000).collect();
    let mut command = program();
    let mut child = command.args(["inspect", "--json"]).args(many).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
