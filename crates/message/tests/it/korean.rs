//! Korean messages as they have been written for thirty years.

use postroad_message::Message;

const SUBJECT: &str = "삶의 의미를 찾아서";

fn subject_of(field: &[u8]) -> String {
    let octets = [b"Subject: ", field, b"\r\n\r\n"].concat();
    let message = Message::parse(&octets);
    message.subject().unwrap().into_owned()
}

#[test]
fn subjects_in_euc_kr() {
    // The words of the subject in EUC-KR, in B and Q, one of them cut in the middle of a character.
    assert_eq!(subject_of(b"=?EUC-KR?B?u+7AxyDAx7nMuKYgw6O+xryt?="), SUBJECT);
    assert_eq!(subject_of(b"=?ks_c_5601-1987?B?u+7AxyDAx7nMuKYgw6O+xryt?="), SUBJECT);
    assert_eq!(subject_of(b"=?euc-kr?B?u+7A?=\r\n =?euc-kr?B?xyDAx7nMuKYgw6O+xryt?="), SUBJECT);
    assert_eq!(
        subject_of(
            b"=?euc-kr?Q?=BB=EE=C0?=\r\n =?EUC-KR?Q?=C7_=C0=C7=B9=CC=B8=A6?= =?euc-kr?B?IMOjvsa8rQ==?="
        ),
        SUBJECT
    );
}

#[test]
fn subjects_in_cp949() {
    for label in ["cp949", "ms949", "x-windows-949", "windows-949", "uhc"] {
        let field = format!("=?{label}?B?jGO55rCix88=?=");
        assert_eq!(subject_of(field.as_bytes()), "똠방각하", "{label}");
    }
}

#[test]
fn subjects_in_utf_8() {
    assert_eq!(subject_of(b"=?utf-8?B?7IK27J2YIOydmOuvuOulvCDssL7slYTshJw=?="), SUBJECT);
    assert_eq!(subject_of(b"=?utf-8?B?7IK27J2YIOydmOuvuOulvCDssL4=?=\r\n\t=?UTF-8?B?7JWE7ISc?="), SUBJECT);
    assert_eq!(subject_of(SUBJECT.as_bytes()), SUBJECT);
}

#[test]
fn bodies() {
    let body = |header: &str, body: &[u8]| {
        let octets = [header.as_bytes(), b"\r\n\r\n", body].concat();
        Message::parse(&octets).root().text().unwrap().into_owned()
    };
    for charset in ["euc-kr", "ks_c_5601-1987", "KSC5601", "cp949"] {
        let header =
            format!("Content-Type: text/plain; charset=\"{charset}\"\r\nContent-Transfer-Encoding: base64");
        assert_eq!(body(&header, b"u+7AxyDAx7nMuKYgw6O+xryt\r\n"), SUBJECT, "{charset}");
    }
    let eight = "Content-Type: text/plain; charset=euc-kr\r\nContent-Transfer-Encoding: 8bit";
    assert_eq!(body(eight, b"\xbb\xee\xc0\xc7\r\n"), "삶의\r\n");
    let seven = "Content-Type: text/plain; charset=iso-2022-kr";
    assert_eq!(body(seven, b"\x1b$)C\r\n\x0e;n@G\x0f!\r\n"), "\r\n삶의!\r\n");
    let utf_8 = "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable";
    assert_eq!(body(utf_8, b"=EC=82=B6=\r\n=EC=9D=98"), "삶의");
}

#[test]
fn file_names() {
    for parameter in [
        "filename*=utf-8''%EC%B9%B4%ED%8E%98.txt",
        "filename*=EUC-KR'ko'%C4%AB%C6%E4.txt",
        "filename=\"=?EUC-KR?B?xKvG5C50eHQ=?=\"",
        "filename==?utf-8?B?7Lm07Y6YLnR4dA==?=",
        "filename=\"카페.txt\"",
    ] {
        let octets = format!("Content-Disposition: attachment;\r\n {parameter}\r\n\r\n");
        let message = Message::parse(octets.as_bytes());
        assert_eq!(message.root().filename().as_deref(), Some("카페.txt"), "{parameter}");
    }
}
