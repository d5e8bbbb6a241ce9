"""mutt by itself, and imapflow from npm."""

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import PASSWORD, PATIENCE, Server, program, run
from imap_wire import Wire
from mails import mixed

BOB = "bob@hamburger.edu"
HERE = Path(__file__).resolve().parent
IMAPFLOW = "2.10.2"


class Mutt(unittest.TestCase):
    def test_mutt(self):
        with Server("hamburger.edu", [BOB]) as server, tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            with Wire(server, BOB, tls=True) as wire:
                for number in range(6):
                    self.assertTrue(wire.append(b"INBOX", mixed(number)).startswith(b"OK"))
            (folder / "muttrc").write_text(
                f"""
set imap_user="{BOB}"
set imap_pass="{PASSWORD}"
set ssl_force_tls=yes
set ssl_starttls=yes
set certificate_file="{server.certificate}"
set ssl_verify_host=no
set folder="imap://127.0.0.1:{server.ports['imap']}/"
set spoolfile="+INBOX"
set trash=""
set record=""
set header_cache=""
set message_cachedir=""
set delete=yes
set move=no
set confirmappend=no
set wait_key=no
set pager="cat >{folder}/read; true"
set pipe_decode=no
set charset="utf-8"
set read_inc=0
set sort=mailbox-order
set mark_old=no
set quit=yes
"""
            )
            # Pipes the first to a file, flags the second, deletes the third, saves the fourth in Archive, and goes.
            keys = (
                f"<first-entry><pipe-message>cat >{folder}/piped<enter><jump>2<enter><flag-message><jump>3<enter><delete-message>"
                "<jump>4<enter><save-message>=Archive<enter><jump>5<enter><copy-message>=Sent<enter><sync-mailbox><quit>"
            )
            self.mutt(folder, keys)
            self.assertEqual((folder / "piped").read_bytes().replace(b"\r\n", b"\n"), mixed(0).replace(b"\r\n", b"\n"))
            with Wire(server, BOB, tls=True) as wire:
                wire.ok(b"EXAMINE INBOX")
                self.assertEqual(list(wire.bodies().values()), [mixed(number) for number in (0, 1, 4, 5)])
                flags = b"".join(wire.ok(b"FETCH 1:* (FLAGS)"))
                self.assertRegex(flags, rb"\* 2 FETCH \(FLAGS \([^)]*\\Flagged")
                wire.ok(b"EXAMINE Archive")
                self.assertEqual(list(wire.bodies().values()), [mixed(3)])
                wire.ok(b"EXAMINE Sent")
                self.assertEqual(list(wire.bodies().values()), [mixed(4)])

    def mutt(self, folder, keys):
        """On a terminal of its own, for it has no other way."""
        import pty
        import select
        import time

        command = [program("mutt"), "-n", "-F", str(folder / "muttrc"), "-e", f'push "{keys}"']
        child, terminal = pty.fork()
        if child == 0:
            os.environ.update(TERM="xterm", HOME=str(folder), LANG="C.UTF-8")
            os.execv(command[0], command)
        screen, until, code = b"", time.monotonic() + 45, None
        while time.monotonic() < until:
            if select.select([terminal], [], [], 0.5)[0]:
                try:
                    screen += os.read(terminal, 65536)
                except OSError:
                    pass
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                code = os.waitstatus_to_exitcode(status)
                break
        else:
            os.kill(child, 9)
            os.waitpid(child, 0)
        os.close(terminal)
        self.assertEqual(code, 0, screen[-3000:].decode(errors="replace"))


class ImapFlow(unittest.TestCase):
    def test_imapflow(self):
        with Server("hamburger.edu", [BOB]) as server:
            text = run(program("node"), HERE / "imapflow.mjs", self.module(), server.ports["imaps"], server.certificate, server.ports["smtp"], BOB, PASSWORD)
            self.assertEqual(text, b"done\n")

    def module(self):
        """From npm, into a folder of its own beside the programs."""
        folder = Path(os.environ["POSTROAD_PROGRAMS"]).parent / "interop-imapflow"
        package = folder / "node_modules" / "imapflow" / "package.json"
        if not package.exists() or json.loads(package.read_text())["version"] != IMAPFLOW:
            folder.mkdir(parents=True, exist_ok=True)
            command = [program("npm"), "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
            subprocess.run([*command, f"imapflow@{IMAPFLOW}"], check=True, stdout=subprocess.DEVNULL, timeout=300)
        return package


if __name__ == "__main__":
    unittest.main()
