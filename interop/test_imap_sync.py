"""mbsync, offlineimap3, getmail6 and fetchmail, each against the server's IMAP."""

import os
import re
import subprocess
import tempfile
import unittest
from pathlib import Path

from harness import PASSWORD, PATIENCE, Server, program, run
from imap_wire import Wire
from mails import large, mixed

BOB = "bob@hamburger.edu"
#: Half of them come from the server and half from the Maildir.
MESSAGES = 200

#: mbsync marks what it copies; this is the mark.
MARK = re.compile(rb"^X-TUID: [^\r\n]*\r\n", re.MULTILINE)
LETTERS = {"\\Seen": "S", "\\Answered": "R", "\\Flagged": "F", "\\Deleted": "T", "\\Draft": "D"}
FLAG_SETS = ["", "\\Seen", "\\Flagged", "\\Seen \\Answered", "\\Draft", "\\Seen \\Flagged \\Answered"]


def unmarked(octets):
    return MARK.sub(b"", octets, count=1)


def letters(flags):
    return "".join(sorted(LETTERS[flag] for flag in flags.split()))


class Maildir:
    """One folder on disk, read as it is."""

    def __init__(self, path):
        self.path = Path(path)
        for part in ("cur", "new", "tmp"):
            (self.path / part).mkdir(parents=True, exist_ok=True)

    def files(self):
        return sorted(file for part in ("cur", "new") for file in (self.path / part).iterdir())

    def add(self, number, octets, flags=""):
        # A Maildir has the line ends of Unix.
        (self.path / "cur" / f"1.{number}.here:2,{letters(flags)}").write_bytes(octets.replace(b"\r\n", b"\n"))

    def messages(self):
        """What each is, with CRLF, and its flags."""
        found = {}
        for file in self.files():
            flags = file.name.partition(":2,")[2]
            found[unmarked(file.read_bytes().replace(b"\n", b"\r\n"))] = "".join(sorted(flags))
        return found

    def by_number(self):
        return {number_of(file.read_bytes()): file for file in self.files()}

    def state(self):
        """Everything, names and times of change included."""
        return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in self.path.rglob("*") if file.is_file() and not file.name.endswith((".lock", "lock"))}


def number_of(octets):
    return int(re.search(rb"^Message-ID: <mixed\.(\d+)@", octets, re.MULTILINE)[1])


def on_server(server, name=b"INBOX"):
    """What each message of a mailbox is, and its flags; and the UIDs."""
    with Wire(server, BOB, tls=True, timeout=60) as wire:
        wire.ok(b"EXAMINE " + name)
        bodies = wire.bodies()
        flags = {}
        for row in wire.ok(b"UID FETCH 1:* (UID FLAGS)") if bodies else []:
            found = re.match(rb"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\)", row)
            if found:
                kept = [flag for flag in found[2].decode().split() if flag in LETTERS]
                flags[int(found[1])] = letters(" ".join(kept))
        return {unmarked(octets): flags[uid] for uid, octets in bodies.items()}, bodies


class MbSync(unittest.TestCase):
    def configure(self, server, folder):
        (folder / "mbsyncrc").write_text(
            f"""
IMAPAccount bob
Host 127.0.0.1
Port {server.ports["imap"]}
User {BOB}
Pass "{PASSWORD}"
SSLType STARTTLS
CertificateFile {server.certificate}
Timeout {PATIENCE}

IMAPStore far
Account bob

MaildirStore near
Path {folder}/mail/
Inbox {folder}/mail/INBOX
SubFolders Verbatim

Channel bob
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
"""
        )

    def sync(self, folder):
        with open(folder / "mbsync.log", "wb") as log:
            process = subprocess.Popen([program("mbsync"), "--config", folder / "mbsyncrc", "--debug", "bob"], stdout=log, stderr=log)
            try:
                code = process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                code = "does not end"
            finally:
                process.kill()
                process.wait()
        self.assertEqual(code, 0, (folder / "mbsync.log").read_text(errors="replace")[-300000:])

    def same(self, server, near, count):
        far, uids = on_server(server)
        here = near.messages()
        self.assertEqual(len(far), count)
        self.assertEqual(len(here), count)
        missing = [number_of(octets) for octets in set(far) ^ set(here)]
        self.assertEqual(missing, [], "these differ between both sides")
        self.assertEqual({number_of(octets): flags for octets, flags in far.items()}, {number_of(octets): flags for octets, flags in here.items()})
        return far, uids

    def test_mbsync(self):
        with Server("hamburger.edu", [BOB]) as server, tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            self.configure(server, folder)
            near = Maildir(folder / "mail" / "INBOX")
            mails = {number: mixed(number) for number in range(MESSAGES - 2)}
            mails |= {number: large(number) for number in range(MESSAGES - 2, MESSAGES)}
            flags = lambda number: FLAG_SETS[number // 10 % len(FLAG_SETS)]
            with Wire(server, BOB, tls=True) as wire:
                for number in range(0, MESSAGES, 2):
                    answer = wire.append(b"INBOX", mails[number], flags(number).encode())
                    self.assertTrue(answer.startswith(b"OK"), answer)
            for number in range(1, MESSAGES, 2):
                near.add(number, mails[number], flags(number))
            self.sync(folder)
            far, _ = self.same(server, near, MESSAGES)
            self.assertEqual({number_of(octets): octets for octets in far}, mails, "byte for byte")
            self.assertEqual({number_of(octets): letters for octets, letters in far.items()}, {number: letters(flags(number)) for number in mails})

            self.idle(server, folder, near)

            # Flags on both sides, deleted on both sides, new on both sides.
            numbers = {number_of(octets): uid for uid, octets in on_server(server)[1].items()}
            with Wire(server, BOB, tls=True) as wire:
                wire.ok(b"SELECT INBOX")
                for number in range(0, 40):
                    wire.ok(b"UID STORE %d +FLAGS.SILENT (\\Answered)" % numbers[number])
                for number in range(40, 60):
                    wire.ok(b"UID STORE %d FLAGS ()" % numbers[number])
                wire.ok(b"UID STORE %s +FLAGS.SILENT (\\Deleted)" % b",".join(b"%d" % numbers[number] for number in range(60, 80)))
                wire.ok(b"EXPUNGE")
                for number in range(1000, 1010):
                    self.assertTrue(wire.append(b"INBOX", mixed(number)).startswith(b"OK"))
            files = near.by_number()
            for number in range(80, 100):
                file = files[number]
                base, _, letter = file.name.partition(":2,")
                file.rename(near.path / "cur" / f"{base}:2,{''.join(sorted(set(letter) ^ {'F'}))}")
            for number in range(100, 120):
                file = files[number]
                base, _, letter = file.name.partition(":2,")
                file.rename(near.path / "cur" / f"{base}:2,{''.join(sorted(set(letter) | {'T'}))}")
            for number in range(2000, 2010):
                near.add(number, mixed(number))
            self.sync(folder)
            far, _ = self.same(server, near, MESSAGES - 40 + 20)
            for octets in far:
                number = number_of(octets)
                self.assertEqual(octets, mails.get(number) or mixed(number))
            self.assertFalse({number_of(octets) for octets in far} & (set(range(60, 80)) | set(range(100, 120))))
            for octets, letter in far.items():
                number = number_of(octets)
                if number < 40:
                    self.assertIn("R", letter)
                if 40 <= number < 60:
                    self.assertEqual(letter, "")
                if 80 <= number < 100:
                    self.assertEqual("F" in letter, "F" not in letters(flags(number)))
            self.idle(server, folder, near)

    def idle(self, server, folder, near):
        """A run in which nothing is to be done does nothing."""
        before, here = on_server(server), near.state()
        self.sync(folder)
        self.assertEqual(on_server(server), before)
        self.assertEqual(near.state(), here)


class OfflineImap(unittest.TestCase):
    def test_offlineimap(self):
        with Server("hamburger.edu", [BOB]) as server, tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            (folder / "offlineimaprc").write_text(
                f"""
[general]
accounts = bob
metadata = {folder}/metadata
socktimeout = {PATIENCE}
maxsyncaccounts = 1
ui = basic

[Account bob]
localrepository = near
remoterepository = far

[Repository near]
type = Maildir
localfolders = {folder}/mail

[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = {server.ports["imaps"]}
remoteuser = {BOB}
remotepass = {PASSWORD}
ssl = yes
cert_fingerprint = {self.fingerprint(server)}
"""
            )
            near = Maildir(folder / "mail" / "INBOX")
            numbers = list(range(0, 30, 2))
            with Wire(server, BOB, tls=True) as wire:
                for number in numbers:
                    self.assertTrue(wire.append(b"INBOX", mixed(number), FLAG_SETS[number % 6].encode()).startswith(b"OK"))
            self.sync(folder)
            self.assertEqual(sorted(near.by_number()), numbers)
            for octets, flags in near.messages().items():
                number = number_of(octets)
                self.assertEqual(octets, mixed(number))
                self.assertEqual(flags, letters(FLAG_SETS[number % 6]))
            self.assertTrue((folder / "mail" / "Sent").is_dir())
            # And back: new ones, flags, deleted ones.
            for number in range(1, 12, 2):
                near.add(number, mixed(number), "\\Seen")
            files = near.by_number()
            base = files[2].name.partition(":2,")[0]
            files[2].rename(near.path / "cur" / f"{base}:2,FS")
            files[4].unlink()
            self.sync(folder)
            far, bodies = on_server(server)
            found = {number_of(octets): (octets, flags) for octets, flags in far.items()}
            self.assertEqual(sorted(found), sorted((set(numbers) | set(range(1, 12, 2))) - {4}))
            self.assertEqual(found[2][1], "FS")
            for number, (octets, flags) in found.items():
                if number % 2:
                    # It adds a header field of its own only where the server has no UIDPLUS.
                    self.assertEqual(email_of(octets), email_of(mixed(number)))
                    self.assertEqual(flags, "S")
            before, here = on_server(server), near.state()
            self.sync(folder)
            self.assertEqual(on_server(server), before)
            self.assertEqual(near.state(), here)

    def fingerprint(self, server):
        import hashlib
        import ssl

        return hashlib.sha1(ssl.PEM_cert_to_DER_cert(server.certificate.read_text())).hexdigest()

    def sync(self, folder):
        done = subprocess.run([program("offlineimap"), "-c", folder / "offlineimaprc", "-o", "-u", "basic"], capture_output=True, timeout=PATIENCE, env={**os.environ, "PATH": "/usr/bin:/bin", "HOME": str(folder)})
        text = done.stdout.decode() + done.stderr.decode()
        self.assertEqual(done.returncode, 0, text)
        self.assertNotIn("ERROR", text)


def email_of(octets):
    """A message as Python's email package writes it again: offlineimap does that to what it uploads."""
    import email
    import email.policy

    parsed = email.message_from_bytes(octets)
    return [(name.lower(), str(value)) for name, value in parsed.items()], [part.get_payload(decode=True) for part in parsed.walk() if not part.is_multipart()]


class Fetchers(unittest.TestCase):
    def fill(self, server):
        with Wire(server, BOB, tls=True) as wire:
            for number in range(20):
                self.assertTrue(wire.append(b"INBOX", mixed(number)).startswith(b"OK"))

    def test_getmail(self):
        with Server("hamburger.edu", [BOB]) as server, tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            self.fill(server)
            (folder / "mda").write_text(f"#!/bin/sh\nexec cat >{folder}/mail.$$\n")
            (folder / "mda").chmod(0o700)
            (folder / "getmailrc").write_text(
                f"""
[retriever]
type = SimpleIMAPSSLRetriever
server = 127.0.0.1
port = {server.ports["imaps"]}
username = {BOB}
password = {PASSWORD}
mailboxes = ("INBOX",)
ca_certs = {server.certificate}

[destination]
type = MDA_external
path = {folder}/mda
allow_root_commands = true

[options]
read_all = false
delete = true
delivered_to = false
received = false
message_log = {folder}/log
"""
            )
            (folder / "getmailrc").chmod(0o600)
            call = [program("getmail"), "--getmaildir", folder, "--rcfile", folder / "getmailrc"]
            clean = {**os.environ, "PATH": "/usr/bin:/bin", "HOME": str(folder)}
            run(*call, env=clean)
            got = {number_of(octets): octets for octets in (file.read_bytes() for file in folder.glob("mail.*"))}
            self.assertEqual(sorted(got), list(range(20)))
            for number, octets in got.items():
                self.assertEqual(email_of(octets)[1], email_of(mixed(number).replace(b"\r\n", b"\n"))[1])
            self.assertEqual(on_server(server)[0], {}, "it has deleted them")
            run(*call, env=clean)
            self.assertEqual(len(list(folder.glob("mail.*"))), 20)

    def test_fetchmail(self):
        with Server("hamburger.edu", [BOB]) as server, tempfile.TemporaryDirectory() as folder:
            folder = Path(folder)
            self.fill(server)
            (folder / "fetchmailrc").write_text(
                f'poll 127.0.0.1 service {server.ports["imap"]} protocol IMAP user "{BOB}" password "{PASSWORD}" '
                f'sslproto "TLS1.2+" sslcertfile "{server.certificate}" sslcertck sslcommonname "hamburger.edu" no keep no rewrite fetchall mda "cat >{folder}/mail.$$"\n'
            )
            (folder / "fetchmailrc").chmod(0o600)
            run(program("fetchmail"), "--fetchmailrc", folder / "fetchmailrc", "--pidfile", folder / "pid", "--nosyslog", "--invisible", env={**os.environ, "HOME": str(folder), "FETCHMAILHOME": str(folder)})
            got = {}
            for file in folder.glob("mail.*"):
                octets = file.read_bytes()
                got[number_of(octets)] = octets
            self.assertEqual(sorted(got), list(range(20)))
            for number, octets in got.items():
                if b"x" * 9000 in mixed(number):
                    continue  # fetchmail puts NUL into lines longer than its buffer
                # It ends the last line.
                expected = mixed(number).replace(b"\r\n", b"\n")
                body = expected.partition(b"\n\n")[2]
                self.assertEqual(octets.replace(b"\r\n", b"\n").partition(b"\n\n")[2], body if body[-1:] in (b"\n", b"") else body + b"\n")
            self.assertEqual(on_server(server)[0], {}, "it has deleted them")


if __name__ == "__main__":
    unittest.main()
