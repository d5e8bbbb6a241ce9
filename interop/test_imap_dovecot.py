"""Our IMAP client against Dovecot."""

import imaplib
import os
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from harness import PATIENCE, PROGRAMS, program
from mails import mixed
from test_client import free_port

PASSWORD = "ketchup"
BOB = "bob"
MANY = 100_000


class Dovecot:
    """One of its own: its configuration, its mail and its log in a temporary folder, its port on loopback."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
        self.folder.chmod(0o755)
        self.port = free_port()
        nobody = pwd.getpwnam("nobody")
        home = self.folder / "home"
        home.mkdir()
        self.fill(home / "mbox")
        for path in [home, *home.rglob("*")]:
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
        (self.folder / "dovecot.conf").write_text(
            f"""
base_dir = {self.folder}/run
state_dir = {self.folder}/state
log_path = {self.folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_max_userip_connections = 50
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={nobody.pw_uid} gid={nobody.pw_gid} home={home}
}}
namespace inbox {{
  inbox = yes
  separator = /
  location = maildir:{home}/maildir
}}
namespace mbox {{
  prefix = Many/
  separator = /
  location = mbox:{home}/mbox
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""
        )

    def fill(self, folder):
        """So many small messages, in one file."""
        folder.mkdir()
        with open(folder / "rows", "w") as rows:
            for number in range(MANY):
                rows.write(f"From alice@crepes.fr Mon Nov 23 09:00:00 2026\nSubject: {number}\nStatus: RO\n\nx\n\n")

    def __enter__(self):
        self.process = subprocess.Popen([program("dovecot"), "-F", "-c", self.folder / "dovecot.conf"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + PATIENCE
        while True:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=5) as probe:
                    if probe.recv(4) == b"* OK":
                        return self
            except OSError:
                pass
            if time.monotonic() > until or self.process.poll() is not None:
                self.__exit__()
                raise AssertionError("Dovecot does not start")
            time.sleep(0.1)

    def __exit__(self, *error):
        if error[:1] not in ((), (None,)):
            print((self.folder / "log").read_text(errors="replace")[-4000:])
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class ClientOnDovecot(unittest.TestCase):
    def test_our_client(self):
        with Dovecot() as dovecot:
            command = [PROGRAMS / "imap-exercise", f"127.0.0.1:{dovecot.port}", BOB, "INBOX", "Many/rows"]
            process = subprocess.Popen(command, env={**os.environ, "MAIL_PASSWORD": PASSWORD}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            watchdog = threading.Timer(PATIENCE * 2, process.kill)
            watchdog.start()
            said = []
            try:
                for line in process.stdout:
                    said.append(line.decode().strip())
                    if said[-1] == "idling":
                        other = imaplib.IMAP4("127.0.0.1", dovecot.port, timeout=PATIENCE)
                        other.login(BOB, PASSWORD)
                        self.assertEqual(other.append("INBOX", None, None, mixed(1))[0], "OK")
                        other.logout()
                code = process.wait(PATIENCE)
            finally:
                watchdog.cancel()
                process.kill()
                errors = process.stderr.read().decode()
                process.stdout.close()
                process.stderr.close()
            self.assertEqual(code, 0, "\n".join(said) + errors)
            self.assertEqual(said[-1], "done")
            self.assertIn("list INBOX", said)
            self.assertIn("commands ok", said)
            self.assertIn("told of 2", said)
            self.assertTrue(any(line.startswith(f"flags {MANY} rows") for line in said), said)
            peaks = [int(re.search(r"peak (\d+) kB", line)[1]) for line in said if "peak" in line]
            print("; ".join(line for line in said if "peak" in line), end=" ")
            self.assertEqual(len(peaks), 3)
            self.assertLess(max(peaks), 32 * 1024, "64 MiB went through")


if __name__ == "__main__":
    unittest.main()
