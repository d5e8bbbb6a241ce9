"""curl, and Python's smtplib, poplib and imaplib, against the small examples; and the minimal client."""

import imaplib
import poplib
import re
import smtplib
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from harness import PATIENCE, PROGRAMS, program, run

MAIL = b"""From: Alice <alice@localhost>\r
To: bob@localhost\r
Subject: Searching for the meaning of life.\r
Date: Mon, 23 Nov 2026 09:00:00 +0900\r
Message-ID: <life.3@crepes.fr>\r
\r
.\r
Do you like ketchup?\r
"""


class Minimal:
    """`minimal-server` on free ports."""

    def __enter__(self):
        self.process = subprocess.Popen([PROGRAMS / "minimal-server", *["127.0.0.1:0"] * 3], stdout=subprocess.PIPE)
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        self.ports = {}
        while len(self.ports) < 3:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError("the server did not start")
            listening = re.match(rb"listening (\w+) 127\.0\.0\.1:(\d+)\n", line)
            if listening:
                self.ports[listening[1].decode()] = int(listening[2])
        watchdog.cancel()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(PATIENCE)
        self.process.stdout.close()

    def url(self, protocol, path=""):
        return f"{protocol}://127.0.0.1:{self.ports[protocol]}/{path}"


class Curl(unittest.TestCase):
    def test_smtp_pop3_and_imap(self):
        curl = [program("curl"), "--silent", "--show-error", "--fail", "--max-time", "50"]
        login = ["--user", "bob:pickles"]
        with Minimal() as server, tempfile.TemporaryDirectory() as folder:
            mail = Path(folder) / "mail.eml"
            mail.write_bytes(MAIL)
            send = [*curl, server.url("smtp", "crepes.fr"), "--mail-from", "alice@localhost", "--upload-file", mail]
            run(*send, "--mail-rcpt", "bob@localhost")
            # 55: the server refused the recipient
            run(*send, "--mail-rcpt", "carol@localhost", expect=55)

            self.assertEqual(run(*curl, *login, server.url("pop3", "1")), MAIL)
            self.assertEqual(run(*curl, *login, server.url("imap", "INBOX;UID=1")), MAIL)
            text = run(*curl, *login, server.url("imap", "INBOX;UID=1;SECTION=TEXT"))
            self.assertEqual(text, b".\r\nDo you like ketchup?\r\n")
            fetched = run(*curl, *login, server.url("imap", "INBOX"), "--request", "FETCH 1 (FLAGS ENVELOPE)")
            self.assertIn(b'"Searching for the meaning of life." (("Alice" NIL "alice" "localhost"))', fetched)
            found = run(*curl, *login, server.url("imap", "INBOX?SUBJECT%20meaning"))
            self.assertEqual(found, b"* SEARCH 1\r\n")
            self.assertEqual(run(*curl, *login, server.url("imap")), b"* LIST () NIL INBOX\r\n")
            run(*curl, *login, "--request", "DELE", "--head", server.url("pop3", "1"))
            self.assertEqual(run(*curl, *login, server.url("pop3")).strip(), b"")
            # 67: the server refused the password
            run(*curl, "--user", "bob:ketchup", server.url("imap", "INBOX"), expect=67)


class Python(unittest.TestCase):
    def test_what_one_deletes_the_other_hears(self):
        with Minimal() as server:
            imap = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=PATIENCE)
            imap.login("bob", "pickles")
            self.assertEqual(imap.select(), ("OK", [b"0"]))
            with smtplib.SMTP("127.0.0.1", server.ports["smtp"], timeout=PATIENCE) as smtp:
                for _ in range(2):
                    self.assertEqual(smtp.sendmail("alice@localhost", ["bob@localhost", "alice@localhost"], MAIL), {})
            imap.noop()
            self.assertEqual(imap.response("EXISTS"), ("EXISTS", [b"0", b"2"]))
            _, fetched = imap.fetch("2", "(RFC822 FLAGS)")
            self.assertEqual(fetched[0][1], MAIL)
            self.assertEqual(imap.search(None, "UNSEEN"), ("OK", [b"1"]))
            pop = poplib.POP3("127.0.0.1", server.ports["pop3"], timeout=PATIENCE)
            pop.user("bob")
            pop.pass_("pickles")
            self.assertEqual(pop.stat(), (2, 2 * len(MAIL)))
            pop.dele(1)
            pop.quit()
            imap.noop()
            self.assertEqual(imap.response("EXPUNGE"), ("EXPUNGE", [b"1"]))
            imap.store("1", "+FLAGS", r"(\Deleted)")
            self.assertEqual(imap.expunge(), ("OK", [b"1"]))
            imap.logout()


class Embedding(unittest.TestCase):
    """The line server that learnt to take mail, by the session and by the codec."""

    def test_smtplib(self):
        for name in ("embedding-session", "embedding-codec"):
            with self.subTest(name), subprocess.Popen([PROGRAMS / name], stdout=subprocess.PIPE) as process:
                try:
                    lines = [process.stdout.readline().decode() for _ in range(2)]
                    ports = {line.split()[1]: int(line.rsplit(":")[-1]) for line in lines}
                    with smtplib.SMTP("127.0.0.1", ports["smtp"], timeout=PATIENCE) as smtp:
                        refused = smtp.sendmail("alice@crepes.fr", ["board@localhost", "bob@localhost"], MAIL)
                        self.assertEqual([code for code, _ in refused.values()], [550])
                        smtp.sendmail("alice@crepes.fr", ["board@localhost"], MAIL)
                        with self.assertRaises(smtplib.SMTPResponseException):
                            smtp.sendmail("alice@crepes.fr", ["board@localhost"], b"x" * 20_000)
                    with socket.create_connection(("127.0.0.1", ports["lines"]), PATIENCE) as board:
                        board.sendall(b"GET\n")
                        board.shutdown(socket.SHUT_WR)
                        said = b"".join(iter(lambda: board.recv(4096), b""))
                    self.assertEqual(said, (MAIL + b"\n") * 2 + b".\n")
                finally:
                    process.kill()


class Client(unittest.TestCase):
    def test_the_story(self):
        with Minimal() as server:
            addresses = [f"127.0.0.1:{server.ports[name]}" for name in ("smtp", "pop3", "imap")]
            said = run(PROGRAMS / "minimal-client", *addresses)
            self.assertIn(b"not sent to <carol@localhost>: 550 5.1.1", said)
            self.assertIn("new: 삶의 의미를 찾아서 from Alice <alice@localhost>".encode(), said)
            self.assertIn(b"by IMAP: 1 unseen", said)
            self.assertIn(b"by POP3: 1 taken", said)
            self.assertIn(b"by POP3: 1 taken", run(PROGRAMS / "minimal-client", *addresses))


if __name__ == "__main__":
    unittest.main()
