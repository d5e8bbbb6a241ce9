"""Extensions of IMAP: Python's zlib under COMPRESS=DEFLATE, imaplib and imapclient for SORT, THREAD and QUOTA, and what a client that
comes back is told by QRESYNC."""

import imaplib
import re
import socket
import unittest
import zlib

import imapclient

from harness import PASSWORD, Server
from imap_wire import Wire

BOB = "bob@hamburger.edu"

MESSAGES = [
    b"Subject: lunch\r\nFrom: Zoe <anna@crepes.fr>\r\nDate: Mon, 23 Nov 2026 09:00:00 +0900\r\nMessage-ID: <1@crepes.fr>\r\n\r\nketchup?\r\n",
    b"Subject: Apples\r\nFrom: bob@hamburger.edu\r\nDate: Sun, 22 Nov 2026 09:00:00 +0900\r\nMessage-ID: <2@x.example>\r\n\r\na\r\n",
    b"Subject: Re: lunch\r\nFrom: carl@x.example\r\nDate: Mon, 23 Nov 2026 10:00:00 +0900\r\nReferences: <1@crepes.fr>\r\n\r\nb\r\n",
]


class Deflated:
    """What imaplib's commands and answers go through after COMPRESS DEFLATE."""

    def __init__(self, below):
        self.below = below
        self.deflate = zlib.compressobj(6, zlib.DEFLATED, -15)
        self.inflate = zlib.decompressobj(-15)
        self.ready = b""
        self.came = 0

    def sendall(self, octets):
        self.below.sendall(self.deflate.compress(octets) + self.deflate.flush(zlib.Z_SYNC_FLUSH))

    def fill(self):
        octets = self.below.recv(8192)
        if not octets:
            return False
        self.came += len(octets)
        self.ready += self.inflate.decompress(octets)
        return True

    def readline(self):
        while b"\n" not in self.ready:
            if not self.fill():
                break
        line, end, self.ready = self.ready.partition(b"\n")
        return line + end

    def read(self, count):
        while len(self.ready) < count and self.fill():
            pass
        octets, self.ready = self.ready[:count], self.ready[count:]
        return octets


def server(limits=""):
    return Server("hamburger.edu", [BOB], limits=limits, auth="plaintext_without_tls = true")


def filled(wire):
    for message in MESSAGES:
        assert wire.append(b"INBOX", message).startswith(b"OK")


class Extensions(unittest.TestCase):
    def test_zlib_under_compress(self):
        with server() as bob:
            wire = Wire(bob, BOB)
            answer, _ = wire.command(b"COMPRESS DEFLATE")
            self.assertTrue(answer.startswith(b"OK"), answer)
            deflated = Deflated(wire.socket)
            wire.send, wire.file = deflated.sendall, deflated
            text = b"".join(b"line %d of a long letter\r\n" % number for number in range(40_000))
            large = b"Subject: large\r\n\r\n" + text
            self.assertTrue(wire.append(b"INBOX", large).startswith(b"OK"))
            wire.ok(b"SELECT INBOX")
            before = deflated.came
            fetched = b"".join(wire.ok(b"FETCH 1 BODY.PEEK[]"))
            self.assertIn(large, fetched)
            self.assertLess(deflated.came - before, len(large) // 3, "it is compressed")
            answer, _ = wire.command(b"COMPRESS DEFLATE")
            self.assertTrue(answer.startswith(b"NO [COMPRESSIONACTIVE]"), answer)
            answer, _ = wire.command(b"LOGOUT")
            self.assertTrue(answer.startswith(b"OK"), answer)
            # Another connection sends the next command behind COMPRESS at once, compressed.
            wire = Wire(bob, BOB)
            deflated = Deflated(wire.socket)
            wire.send(
                b"a COMPRESS DEFLATE\r\n"
                + deflated.deflate.compress(b"b NOOP\r\n")
                + deflated.deflate.flush(zlib.Z_SYNC_FLUSH)
            )
            self.assertTrue(wire.file.readline().startswith(b"a OK"))
            # What the file has read ahead is compressed.
            wire.socket.settimeout(20)
            peeked = wire.file.peek() if hasattr(wire.file, "peek") else b""
            deflated.ready += deflated.inflate.decompress(peeked)
            self.assertTrue(deflated.readline().startswith(b"b OK"))

    def test_a_bomb_is_bounded(self):
        with server(limits="message_size = 1000000") as bob:
            wire = Wire(bob, BOB)
            wire.ok(b"COMPRESS DEFLATE")
            deflated = Deflated(wire.socket)
            # 200 MB of one line in 200 KB: the session lets it go at its own limit, and the server stands.
            try:
                for _ in range(200):
                    deflated.sendall(b"x" * 1_000_000)
            except OSError:
                pass
            answer = b""
            wire.socket.settimeout(20)
            try:
                while line := deflated.readline():
                    answer += line
            except (OSError, socket.timeout):
                pass
            with open(f"/proc/{bob.process.pid}/status") as status:
                peak = int(re.search(r"VmHWM:\s+(\d+) kB", status.read())[1])
            self.assertLess(peak, 150_000, "kB at most")
            Wire(bob, BOB).ok(b"NOOP")

    def test_imaplib_sorts_threads_and_asks_for_quotas(self):
        with server(limits="mailbox_quota = 1048576") as bob:
            filled(Wire(bob, BOB))
            client = imaplib.IMAP4("127.0.0.1", bob.ports["imap"], timeout=20)
            client.login(BOB, PASSWORD)
            client.select("INBOX")
            self.assertEqual(client.sort("(SUBJECT)", "UTF-8", "ALL"), ("OK", [b"2 1 3"]))
            self.assertEqual(client.uid("sort", "(REVERSE DATE)", "UTF-8", "ALL"), ("OK", [b"3 1 2"]))
            self.assertEqual(client.thread("REFERENCES", "UTF-8", "ALL"), ("OK", [b"(2)(1 3)"]))
            self.assertEqual(client.thread("ORDEREDSUBJECT", "UTF-8", "ALL"), ("OK", [b"(2)(1 3)"]))
            status, (roots, quotas) = client.getquotaroot("INBOX")
            self.assertEqual((status, roots, quotas), ("OK", [b'INBOX ""'], [b'"" (STORAGE 1 1024)']))
            self.assertEqual(client.getquota('""'), ("OK", [b'"" (STORAGE 1 1024)']))
            self.assertEqual(client.setquota('""', "(STORAGE 9)")[0], "NO")
            client.unselect()
            status, _ = client.enable("UTF8=ACCEPT")
            self.assertEqual(status, "OK")
            self.assertEqual(client.create('"Entwürfe 2"')[0], "OK")
            self.assertIn('"Entwürfe 2"'.encode(), b"".join(client.list('""', '"Entw*"')[1]))
            client.logout()

    def test_imapclient_sorts_threads_and_counts(self):
        with server(limits="mailbox_quota = 1048576") as bob:
            filled(Wire(bob, BOB))
            client = imapclient.IMAPClient("127.0.0.1", bob.ports["imap"], ssl=False, timeout=20)
            client.login(BOB, PASSWORD)
            chosen = client.select_folder("INBOX")
            self.assertIn(b"HIGHESTMODSEQ", chosen)
            self.assertEqual(client.sort("SUBJECT"), [2, 1, 3])
            by_size = sorted((1, 2, 3), key=lambda number: -len(MESSAGES[number - 1]))
            self.assertEqual(client.sort(["REVERSE SIZE"]), by_size)
            self.assertEqual(client.thread("REFERENCES"), ((2,), (1, 3)))
            quota = client.get_quota_root("INBOX")[1][0]
            self.assertEqual((quota.resource, quota.usage, quota.limit), ("STORAGE", 1, 1024))
            before = client.folder_status("INBOX", ["HIGHESTMODSEQ"])[b"HIGHESTMODSEQ"]
            client.add_flags([2], [b"\\Flagged"])
            changed = client.fetch([1, 2, 3], ["FLAGS"], [f"CHANGEDSINCE {before}"])
            self.assertEqual(list(changed), [2])
            self.assertGreater(changed[2][b"MODSEQ"][0], before)
            self.assertEqual(client.search(["MODSEQ", str(before + 1)]).modseq, before + 1)
            client.logout()

    def test_who_comes_back_learns_what_happened(self):
        with server() as bob:
            one = Wire(bob, BOB)
            filled(one)
            validity, known = (
                int(re.search(rb"%s (\d+)" % word, b"".join(one.ok(b"STATUS INBOX (%s)" % word)))[1])
                for word in (b"UIDVALIDITY", b"HIGHESTMODSEQ")
            )
            # What happens while the server is stopped and started again counts too.
            one.ok(b"SELECT INBOX")
            one.ok(b"STORE 2 +FLAGS (\\Deleted)")
            one.ok(b"EXPUNGE")
            one.ok(b"UID STORE 3 +FLAGS (\\Flagged)")
            bob.stop()
            bob.start()
            two = Wire(bob, BOB)
            two.ok(b"ENABLE QRESYNC")
            said = b"".join(two.ok(b"SELECT INBOX (QRESYNC (%d %d 1:3))" % (validity, known)))
            self.assertIn(b"* VANISHED (EARLIER) 2\r\n", said)
            self.assertRegex(said, rb"\* 2 FETCH \(UID 3 FLAGS \(\\Flagged\) MODSEQ \(\d+\)\)\r\n\Z")
            self.assertNotIn(b"UID 1 ", said)


if __name__ == "__main__":
    unittest.main()
