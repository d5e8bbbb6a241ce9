"""curl imap:// and imaps://."""

import re
import tempfile
import unittest
from pathlib import Path

from harness import PASSWORD, Server, program, run
from mails import mixed

BOB = "bob@hamburger.edu"


class CurlImap(unittest.TestCase):
    def test_curl(self):
        with Server("hamburger.edu", [BOB]) as server, tempfile.TemporaryDirectory() as folder:
            for scheme, port, options in (("imap", server.ports["imap"], ["--ssl-reqd"]), ("imaps", server.ports["imaps"], [])):
                with self.subTest(scheme):
                    self.play(server, Path(folder), f"{scheme}://hamburger.edu:{port}", port, options, scheme)

    def play(self, server, folder, url, port, options, scheme):
        quiet = [program("curl"), "--silent", "--show-error", "--max-time", "50", "--cacert", server.certificate,
                 "--resolve", f"hamburger.edu:{port}:127.0.0.1", *options, "--user", f"{BOB}:{PASSWORD}"]
        name = f"By {scheme}"
        quoted = name.replace(" ", "%20")
        run(*quiet, f"{url}/", "--request", f'CREATE "{name}"')
        self.assertIn(f'"/" "{name}"'.encode(), run(*quiet, f"{url}/"))
        for number in range(8):
            mail = folder / "mail.eml"
            mail.write_bytes(mixed(number))
            run(*quiet, f"{url}/{quoted}", "--upload-file", mail)
        for number in range(8):
            self.assertEqual(run(*quiet, f"{url}/{quoted};UID={number + 1}"), mixed(number))
            self.assertEqual(run(*quiet, f"{url}/{quoted};MAILINDEX={number + 1}"), mixed(number))
        # A part by its number, and a header.
        part = run(*quiet, f"{url}/{quoted};UID=8;SECTION=2.TEXT")
        self.assertEqual(part, b"inner text\r\n")
        self.assertIn(b"Subject: number 7001\r\n", run(*quiet, f"{url}/{quoted};UID=8;SECTION=2.HEADER"))
        self.assertEqual(run(*quiet, f"{url}/{quoted};MAILINDEX=8;SECTION=1"), b"outer text")
        # Custom requests.
        self.assertRegex(run(*quiet, f"{url}/", "--request", f'EXAMINE "{name}"'), rb"\* 8 EXISTS\r\n")
        self.assertRegex(run(*quiet, f"{url}/", "--request", f'STATUS "{name}" (MESSAGES)'), rb'\(MESSAGES 8\)\r\n')
        self.assertEqual(run(*quiet, f"{url}/{quoted}?SUBJECT%20%22number%207%22"), b"* SEARCH 8\r\n")
        flags = run(*quiet, f"{url}/{quoted}", "--request", "STORE 2 +Flags \\Deleted")
        self.assertIn(b"\\Deleted", flags)
        self.assertEqual(run(*quiet, f"{url}/{quoted}", "--request", "EXPUNGE").splitlines()[0], b"* 2 EXPUNGE")
        self.assertEqual(re.findall(rb"UID (\d+)", run(*quiet, f"{url}/{quoted}", "--request", "FETCH 1:* (UID)")), [b"1", b"3", b"4", b"5", b"6", b"7", b"8"])
        run(*quiet, f"{url}/{quoted};UID=99", expect=78)  # there is no such message
        run(*quiet, f"{url}/missing;UID=1", expect=67)  # curl's code for a SELECT that fails
        run(*quiet[:-1], f"{BOB}:wrong", f"{url}/", expect=67)


if __name__ == "__main__":
    unittest.main()
