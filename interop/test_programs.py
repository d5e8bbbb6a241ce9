"""curl, swaks and Postfix's smtp-source against our server."""

import tempfile
import unittest
from pathlib import Path

from harness import PASSWORD, Server, program, run, without_trace

BOB = "bob@hamburger.edu"
MAIL = b"""From: alice@crepes.fr\r
To: bob@hamburger.edu\r
Subject: Searching for the meaning of life.\r
Date: Mon, 23 Nov 2026 09:00:00 +0900\r
Message-ID: <life.2@crepes.fr>\r
\r
.\r
Do you like ketchup?\r
"""


class Curl(unittest.TestCase):
    def test_smtp_and_pop3(self):
        curl = program("curl")
        with Server("hamburger.edu", [BOB]) as server, tempfile.TemporaryDirectory() as folder:
            mail = Path(folder) / "mail.eml"
            mail.write_bytes(MAIL)
            trust = ["--cacert", server.certificate, "--resolve", f"hamburger.edu:{server.ports['submission']}:127.0.0.1",
                     "--resolve", f"hamburger.edu:{server.ports['pop3']}:127.0.0.1"]
            quiet = [curl, "--silent", "--show-error", "--fail", "--max-time", "50", *trust, "--ssl-reqd", "--user", f"{BOB}:{PASSWORD}"]
            run(*quiet, f"smtp://hamburger.edu:{server.ports['submission']}/crepes.fr", "--mail-from", BOB, "--mail-rcpt", BOB, "--upload-file", mail)
            run(curl, "--silent", "--show-error", "--max-time", "50", f"smtp://127.0.0.1:{server.ports['smtp']}/crepes.fr",
                "--mail-from", "alice@crepes.fr", "--mail-rcpt", BOB, "--upload-file", mail)

            pop3 = f"pop3://hamburger.edu:{server.ports['pop3']}"
            listing = run(*quiet, f"{pop3}/").split()
            self.assertEqual(listing[0::2], [b"1", b"2"])
            for number in (1, 2):
                octets = run(*quiet, f"{pop3}/{number}")
                self.assertEqual(without_trace(octets), MAIL)
            self.assertEqual(run(*quiet, "--request", "UIDL", f"{pop3}/").count(b"\r\n"), 2)
            run(*quiet, "--request", "DELE", "--head", f"{pop3}/1")
            self.assertEqual(run(*quiet, f"{pop3}/").split()[0::2], [b"1"])


class Swaks(unittest.TestCase):
    def test_pipelined_over_tls_with_auth(self):
        swaks = program("swaks")
        with Server("hamburger.edu", [BOB]) as server:
            common = [swaks, "--server", "127.0.0.1", "--timeout", "30s", "--to", BOB, "--from", BOB, "--helo", "crepes.fr"]
            text = run(*common, "--port", server.ports["submission"], "--tls", "--auth", "PLAIN", "--auth-user", BOB, "--auth-password", PASSWORD,
                       "--body", ".\nover TLS", "--header", "Subject: swaks")
            self.assertIn(b"235 2.7.0", text)
            run(*common, "--port", server.ports["smtp"], "--pipeline", "--body", "pipelined")
            run(*common, "--port", server.ports["smtp"], "--protocol", "SMTP", "--body", "by HELO")
            # 28: the server refused authentication
            run(*common, "--port", server.ports["submission"], "--tls", "--auth", "PLAIN", "--auth-user", BOB, "--auth-password", "wrong", expect=28)
            self.assertEqual(len(server.maildrop(BOB)), 3)


class SmtpSource(unittest.TestCase):
    def test_many_at_once(self):
        source = program("smtp-source")
        with Server("hamburger.edu", [BOB]) as server:
            address = f"127.0.0.1:{server.ports['smtp']}"
            run(source, "-s", "10", "-m", "300", "-l", "5120", "-d", "-f", "alice@crepes.fr", "-t", BOB, address)
            pop = server.pop3(BOB)
            self.assertEqual(pop.stat()[0], 300)
            pop.quit()


if __name__ == "__main__":
    unittest.main()
