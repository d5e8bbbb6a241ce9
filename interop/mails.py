"""Messages of every kind that hurts, each different, each the same whenever it is made."""

import base64
import email.policy
import hashlib
from email.message import EmailMessage

KINDS = ("korean", "attachment", "eight-bit", "long lines", "dots", "no newline at the end", "no body", "nested", "html", "odd header")


def noise(seed, size):
    """Octets that nothing makes smaller."""
    out = b""
    block = hashlib.sha256(str(seed).encode()).digest()
    while len(out) < size:
        block = hashlib.sha256(block).digest()
        out += block * 64
    return out[:size]


def head(number, more=""):
    return (
        f"From: Alice <alice@crepes.fr>\r\nTo: Bob <bob@hamburger.edu>\r\nSubject: number {number}\r\n"
        f"Date: Mon, 23 Nov 2026 09:{number // 60 % 60:02}:{number % 60:02} +0900\r\nMessage-ID: <mixed.{number}@crepes.fr>\r\n{more}"
    ).encode()


def built(number):
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = "앨리스 <alice@crepes.fr>"
    mail["To"] = "밥 <bob@hamburger.edu>, carol@hamburger.edu"
    mail["Cc"] = "Dave <dave@hamburger.edu>"
    mail["Date"] = "Mon, 23 Nov 2026 09:00:00 +0900"
    mail["Message-ID"] = f"<mixed.{number}@crepes.fr>"
    mail["Subject"] = f"인생의 의미를 찾아서 {number}"
    return mail


def finish(mail, number):
    if mail.is_multipart():
        mail.set_boundary(f"boundary-{number}")
        for index, part in enumerate(part for part in mail.walk() if part is not mail and part.get_content_maintype() == "multipart"):
            part.set_boundary(f"inner-{number}-{index}")
    return mail.as_bytes()


def mixed(number, attachment=2_000):
    """The message of this number, as octets with CRLF."""
    kind = KINDS[number % len(KINDS)]
    if kind == "korean":
        mail = built(number)
        mail.set_content(f"삶은 무엇인가 {number}\n케첩을 좋아하세요?\n", cte="base64")
        return finish(mail, number)
    if kind == "attachment":
        mail = built(number)
        mail.set_content("See the menu.\n")
        mail.add_attachment(noise(number, attachment), maintype="application", subtype="octet-stream", filename="카페 메뉴.bin")
        return finish(mail, number)
    if kind == "eight-bit":
        text = f"여덟 비트 {number}\r\n".encode() + bytes(range(0x80, 0x100)) + b"\r\n"
        return head(number, "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n") + b"\r\n" + text
    if kind == "long lines":
        return head(number) + b"\r\n" + b"long " * (1000 + number) + b"\r\n" + b"x" * 9000 + b"\r\n"
    if kind == "dots":
        return head(number) + b"\r\n.\r\n..\r\n.leading\r\n\r\n\r\n.\r\n"
    if kind == "no newline at the end":
        return head(number) + b"\r\nthe last line has no end"
    if kind == "no body":
        return head(number) + b"\r\n"
    if kind == "nested":
        inner = head(number * 1000 + 1, "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n") + b"\r\ninner text\r\n"
        return (
            head(number, f"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b{number}\r\n")
            + f"\r\npreamble\r\n--b{number}\r\nContent-Type: text/plain\r\n\r\nouter text\r\n--b{number}\r\nContent-Type: message/rfc822\r\n\r\n".encode()
            + inner + f"\r\n--b{number}--\r\nepilogue\r\n".encode()
        )
    if kind == "html":
        mail = built(number)
        mail.set_content("as text\n")
        mail.add_alternative(f"<p>as <b>HTML</b> <img src='cid:i{number}'>", subtype="html")
        mail.get_payload()[1].add_related(noise(number, 500), "image", "png", cid=f"<i{number}>")
        return finish(mail, number)
    return head(number, "X-Odd:\r\nX-Folded: one\r\n\ttwo\r\n   three\r\nX-Raw: \ub0a0\uac83\r\nsubject: a second one\r\n") + b"\r\nodd\r\n"


def large(number, size=3_000_000):
    """One with an attachment of so many octets."""
    lines = base64.encodebytes(noise(number, size)).replace(b"\n", b"\r\n")
    return (
        head(number, "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=large\r\n")
        + b"\r\n--large\r\nContent-Type: text/plain\r\n\r\nLarge.\r\n--large\r\nContent-Type: application/octet-stream\r\n"
        + b"Content-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=large.bin\r\n\r\n" + lines + b"--large--\r\n"
    )
