"""Python's imaplib, and imapclient and aioimaplib from PyPI."""

import asyncio
import base64
import datetime
import email
import email.policy
import imaplib
import re
import time
import unittest

import aioimaplib
import imapclient

from harness import PASSWORD, Server
from imap_wire import Wire
from mails import built, finish, large, mixed

BOB = "bob@hamburger.edu"
KOREAN = "받은 편지/2026년"


def utf7(name):
    """A mailbox name as IMAP4rev1 writes it (RFC 3501 section 5.1.3), quoted."""
    return b'"' + imapclient.imap_utf7.encode(name) + b'"'


class ImapLib(unittest.TestCase):
    def ok(self, answer):
        self.assertEqual(answer[0], "OK", answer)
        return answer[1]

    def test_login(self):
        with Server("hamburger.edu", [BOB]) as server:
            client = imaplib.IMAP4("127.0.0.1", server.ports["imap"], timeout=20)
            self.assertIn("LOGINDISABLED", client.capabilities)
            self.assertIn("STARTTLS", client.capabilities)
            with self.assertRaises(imaplib.IMAP4.error):
                client.login(BOB, PASSWORD)
            client.starttls(ssl_context=server.tls())
            self.assertNotIn("LOGINDISABLED", client.capabilities)
            self.assertNotIn("STARTTLS", client.capabilities)
            self.assertIn("AUTH=PLAIN", client.capabilities)
            answers = []
            for user in (BOB, "nobody@hamburger.edu"):
                with self.assertRaises(imaplib.IMAP4.error) as wrong:
                    client.login(user, "wrong")
                answers.append(str(wrong.exception))
            self.assertEqual(answers[0], answers[1], "nobody learns which accounts there are")
            self.assertIn("AUTHENTICATIONFAILED", answers[0])
            with self.assertRaises(imaplib.IMAP4.error):
                client.authenticate("PLAIN", lambda _: None)  # cancelled
            with self.assertRaises(imaplib.IMAP4.error):
                client.authenticate("PLAIN", lambda _: b"\0bob@hamburger.edu\0wrong")
            self.ok(client.authenticate("PLAIN", lambda _: b"\0bob\0" + PASSWORD.encode()))
            capabilities = self.ok(client.capability())[0].split()
            self.assertIn(b"MOVE", capabilities)
            self.assertEqual(client.logout()[0], "BYE")

            with server.imap("bob", tls="implicit") as client:
                self.ok(client.noop())
                self.assertEqual(client.state, "AUTH")

    def test_mailboxes(self):
        with Server("hamburger.edu", [BOB]) as server, server.imap(BOB) as client:
            self.ok(client.namespace())
            self.assertEqual(self.ok(client.list('""', '""')), [b'(\\Noselect) "/" ""'])
            first = self.names(client.list())
            self.assertEqual(first, {"INBOX", "Archive", "Drafts", "Junk", "Sent", "Trash"})
            self.ok(client.create(utf7(KOREAN).decode()))
            self.assertEqual(self.names(client.list()), first | {"받은 편지", KOREAN})
            self.assertEqual(self.names(client.list('""', "%")), first | {"받은 편지"})
            self.assertEqual(self.names(client.list(utf7("받은 편지").decode(), "/%")), {KOREAN})
            self.assertEqual(client.create("inbox")[0], "NO")
            self.assertEqual(client.create(utf7(KOREAN).decode())[0], "NO")
            self.ok(client.subscribe(utf7(KOREAN).decode()))
            self.assertIn(KOREAN, self.names(client.lsub()))
            self.ok(client.unsubscribe(utf7(KOREAN).decode()))
            self.assertNotIn(KOREAN, self.names(client.lsub()))

            self.ok(client.append(utf7(KOREAN).decode(), "(\\Seen)", None, mixed(0)))
            status = self.ok(client.status(utf7(KOREAN).decode(), "(MESSAGES UNSEEN UIDNEXT UIDVALIDITY RECENT)"))[0]
            self.assertRegex(status, rb'^"&.*" \(.*\)$')
            for item in (b"MESSAGES 1", b"UNSEEN 0", b"UIDNEXT 2", b"UIDVALIDITY ", b"RECENT 0"):
                self.assertIn(item, status)
            self.ok(client.rename(utf7("받은 편지").decode(), utf7("옮긴 편지").decode()))
            self.assertEqual(self.names(client.list()), first | {"옮긴 편지", "옮긴 편지/2026년"})
            self.assertEqual(self.ok(client.select(utf7("옮긴 편지/2026년").decode())), [b"1"])
            # What has others below it stays as a name alone (RFC 9051 section 6.3.5).
            self.ok(client.delete(utf7("옮긴 편지").decode()))
            self.assertIn(b"\\Noselect", self.ok(client.list('""', utf7("옮긴 편지").decode()))[0])
            self.assertEqual(client.delete(utf7("옮긴 편지").decode())[0], "NO")
            self.ok(client.close())
            self.ok(client.delete(utf7("옮긴 편지/2026년").decode()))
            self.assertEqual(client.delete("INBOX")[0], "NO")
            self.assertEqual(client.delete("missing")[0], "NO")
            self.assertEqual(client.select("missing")[0], "NO")
            self.assertEqual(client.status("missing", "(MESSAGES)")[0], "NO")
            answer, text = client.append("missing", None, None, mixed(1))
            self.assertEqual(answer, "NO")
            self.assertIn(b"[TRYCREATE]", text[0])
            self.assertEqual(self.names(client.list()), first)
            # INBOX that is renamed leaves its messages elsewhere and stays (RFC 9051 section 6.3.6).
            self.ok(client.append("INBOX", None, None, mixed(1)))
            self.ok(client.rename("INBOX", "Old"))
            self.assertEqual(self.ok(client.select("INBOX")), [b"0"])
            self.assertEqual(self.ok(client.select("Old")), [b"1"])

    def names(self, answer):
        found = set()
        for line in self.ok(answer):
            if line is None:
                continue
            match = re.fullmatch(rb'\([^)]*\) "/" (?:"(.*)"|(\S+))', line)
            self.assertTrue(match, line)
            found.add(imapclient.imap_utf7.decode(match[1] if match[1] is not None else match[2]))
        return found

    def test_messages(self):
        """Each message comes back octet for octet, and every item of FETCH says what is so of it."""
        with Server("hamburger.edu", [BOB]) as server, server.imap(BOB) as client:
            mails = [mixed(number) for number in range(20)] + [large(20)]
            for index, mail in enumerate(mails):
                date = imaplib.Time2Internaldate(datetime.datetime(2026, 11, 1 + index, 12, tzinfo=datetime.timezone.utc))
                self.ok(client.append("INBOX", "(\\Flagged)" if index % 2 else None, date, mail))
            self.assertEqual(self.ok(client.select("INBOX")), [b"21"])
            self.assertEqual(client.response("UIDNEXT")[1], [b"22"])
            self.assertTrue(client.response("UIDVALIDITY")[1][0])
            for number, mail in enumerate(mails, 1):
                header, _, body = mail.partition(b"\r\n\r\n")
                header += b"\r\n\r\n"
                one = lambda item: self.ok(client.fetch(str(number), f"({item})"))[0]
                self.assertEqual(one("BODY.PEEK[]")[1], mail)
                self.assertEqual(one("RFC822.HEADER")[1], header)
                self.assertEqual(one("BODY.PEEK[HEADER]")[1], header)
                self.assertEqual(self.text(one("BODY.PEEK[TEXT]")), body)
                self.assertRegex(one("RFC822.SIZE"), rb"RFC822.SIZE %d\)" % len(mail))
                self.assertEqual(self.text(one("BODY.PEEK[]<5.20>")), mail[5:25])
                self.assertEqual(self.text(one(f"BODY.PEEK[]<{len(mail)}.20>")), b"")
                self.assertEqual(self.text(one("BODY.PEEK[HEADER.FIELDS (X-None MESSAGE-ID)]")), re.search(rb"Message-ID:.*\r\n", header)[0] + b"\r\n")
                self.assertNotIn(b"Message-ID:", self.text(one("BODY.PEEK[HEADER.FIELDS.NOT (message-id)]")))
                row = one("UID FLAGS INTERNALDATE ENVELOPE BODYSTRUCTURE BODY")
                row = row if isinstance(row, bytes) else b"".join(row)
                self.assertIn(b"UID %d " % number, row)
                self.assertIn(b'"%2d-Nov-2026 12:00:00 +0000"' % number, row)
                self.assertEqual(b"\\Flagged" in row, number % 2 == 0)
                self.assertNotIn(b"\\Seen", row, "nothing so far has set it")
            for macro, item in (("ALL", b"ENVELOPE"), ("FAST", b"RFC822.SIZE"), ("FULL", b"BODY")):
                self.assertEqual(len(re.findall(rb"\d+ \(.*?\b%s " % item, self.flat(self.ok(client.fetch("1:*", macro))))), 21)
            # RFC822 and BODY[] set \Seen, and say so.
            self.assertEqual(self.text(self.ok(client.fetch("1", "(RFC822)"))[0]), mails[0])
            self.assertIn(b"\\Seen", self.ok(client.fetch("1", "(FLAGS)"))[0])
            self.assertEqual(self.text(self.ok(client.fetch("2", "(RFC822.TEXT)"))[0]), mails[1].partition(b"\r\n\r\n")[2])
            seen = self.ok(client.uid("FETCH", "3", "(BODY[1])"))
            self.assertIn(b"\\Seen", b"".join(b"".join(row) if isinstance(row, tuple) else row for row in seen))
            # Parts. Message 2 has an attachment, 8 a message within.
            body = self.text(self.ok(client.fetch("2", "(BODY.PEEK[2])"))[0])
            parsed = email.message_from_bytes(mails[1], policy=email.policy.default)
            attachment, = parsed.iter_attachments()
            self.assertEqual(base64.b64decode(body), attachment.get_content())
            self.assertIn("카페 메뉴".encode().hex().upper(), self.text(self.ok(client.fetch("2", "(BODY.PEEK[2.MIME])"))[0]).decode().replace("%", ""))
            self.assertEqual(self.text(self.ok(client.fetch("8", "(BODY.PEEK[2.TEXT])"))[0]), b"inner text\r\n")
            self.assertIn(b"Subject: number 7001", self.text(self.ok(client.fetch("8", "(BODY.PEEK[2.HEADER])"))[0]))
            self.assertEqual(self.text(self.ok(client.fetch("8", "(BODY.PEEK[2.1])"))[0]), b"inner text\r\n")
            self.assertIn(b'"MESSAGE" "RFC822"', self.flat(self.ok(client.fetch("8", "(BODYSTRUCTURE)"))).upper())
            self.ok(client.fetch("1", "(BODY.PEEK[9])"))
            # EXAMINE changes nothing.
            self.ok(client.select("INBOX", readonly=True))
            self.ok(client.fetch("5", "(BODY[])"))
            self.assertNotIn(b"\\Seen", self.ok(client.fetch("5", "(FLAGS)"))[0])
            self.assertIn("READ-ONLY", client.untagged_responses)
            with Wire(server, BOB, tls=True) as wire:
                wire.ok(b"EXAMINE INBOX")
                self.assertTrue(wire.command(b"STORE 5 +FLAGS (\\Seen)")[0].startswith(b"NO"))
                self.assertTrue(wire.command(b"EXPUNGE")[0].startswith(b"NO"))

    def text(self, row):
        """The section that one row has; imaplib gives a quoted or empty one within its line."""
        if isinstance(row, tuple):
            return row[1]
        found = re.search(rb'\] ?(?:<\d+>)? "((?:[^"\\]|\\.)*)"', row) or re.search(rb'(?:\]|RFC822\.TEXT)(?:<\d+>)? "((?:[^"\\]|\\.)*)"', row)
        self.assertTrue(found, row)
        return re.sub(rb"\\(.)", rb"\1", found[1])

    def flat(self, rows):
        return b"".join(b"".join(row) if isinstance(row, tuple) else row for row in rows)

    def test_search(self):
        with Server("hamburger.edu", [BOB]) as server, server.imap(BOB) as client:
            for number in range(10):
                date = datetime.datetime(2026, 11, 1 + number, 12, tzinfo=datetime.timezone.utc)
                self.ok(client.append("INBOX", ["", "(\\Answered)", "(\\Deleted $Label)", "(\\Draft)", "(\\Flagged \\Seen)"][number % 5] or None, imaplib.Time2Internaldate(date), mixed(number)))
            self.ok(client.select("INBOX"))

            def found(*keys):
                return [int(number) for number in self.ok(client.search(None, *keys))[0].split()]

            every = list(range(1, 11))
            cases = {
                ("ALL",): every, ("ANSWERED",): [2, 7], ("UNANSWERED",): [n for n in every if n not in (2, 7)],
                ("DELETED",): [3, 8], ("UNDELETED",): [n for n in every if n not in (3, 8)], ("DRAFT",): [4, 9], ("UNDRAFT",): [n for n in every if n not in (4, 9)],
                ("FLAGGED",): [5, 10], ("UNFLAGGED",): every[:4] + every[5:9], ("SEEN",): [5, 10], ("UNSEEN",): every[:4] + every[5:9],
                ("NEW",): [], ("OLD",): every, ("RECENT",): [], ("KEYWORD", "$label"): [3, 8], ("UNKEYWORD", "$Label"): [n for n in every if n not in (3, 8)],
                ("FROM", "alice"): every, ("FROM", "nobody"): [], ("TO", '"bob@"'): every, ("CC", "dave"): [1, 2, 9], ("BCC", "x"): [],
                ("SUBJECT", '"number 7"'): [8], ("HEADER", "Message-ID", '"mixed.3@"'): [4], ("HEADER", "X-Folded", '""'): [10],
                ("BODY", '"leading"'): [5], ("TEXT", '"alice"'): every, ("BODY", '"alice@crepes"'): [8],
                ("BEFORE", "3-Nov-2026"): [1, 2], ("ON", "3-Nov-2026"): [3], ("SINCE", "9-Nov-2026"): [9, 10],
                ("SENTBEFORE", "23-Nov-2026"): [], ("SENTON", "23-Nov-2026"): every, ("SENTSINCE", "24-Nov-2026"): [],
                ("LARGER", "9000"): [4], ("SMALLER", "160"): [7], ("UID", "2:3"): [2, 3], ("2,4:5",): [2, 4, 5], ("NOT", "1:8"): [9, 10],
                ("OR", "ANSWERED", "DRAFT"): [2, 4, 7, 9], ("FLAGGED", "(NOT 5)"): [10], ("NOT", "(OR SEEN (OR DRAFT DELETED))"): [1, 2, 6, 7], ("*",): [10],
            }
            for keys, expected in cases.items():
                with self.subTest(keys):
                    self.assertEqual(found(*keys), expected)
            for text, expected in (("인생의", [1, 2, 9]), ("없는", [])):
                client.literal = text.encode()
                self.assertEqual([int(n) for n in self.ok(client.search("UTF-8", "SUBJECT"))[0].split()], expected)
            client.literal = "케첩을".encode()
            self.assertEqual(self.ok(client.search("UTF-8", "BODY"))[0], b"1", "in base64")
            client.literal = "여덟".encode()
            self.assertEqual(self.ok(client.search("UTF-8", "TEXT"))[0], b"3")
            answer, text = client.search("X-UNKNOWN", "ALL")
            self.assertEqual(answer, "NO")
            self.assertIn(b"[BADCHARSET", text[0])
            # By IMAP4rev2 the answer is ESEARCH.
            self.ok(client.uid("SEARCH", "RETURN", "(MIN MAX COUNT ALL)", "FLAGGED"))
            self.assertRegex(client.response("ESEARCH")[1][0], rb'^\(TAG "\w+"\) UID MIN 5 MAX 10 COUNT 2 ALL 5,10$')
            self.ok(client.unselect())
            self.ok(client.enable("IMAP4rev2"))
            self.ok(client.select("INBOX"))
            self.ok(client.search(None, "DRAFT"))
            self.assertRegex(client.response("ESEARCH")[1][0], rb'^\(TAG "\w+"\) ALL 4,9$')
            self.assertEqual(self.ok(client.list('""', '"*"'))[0][:1], b"(")

    def test_changes(self):
        with Server("hamburger.edu", [BOB]) as server, server.imap(BOB) as client, server.imap(BOB) as other:
            for number in range(8):
                self.ok(client.append("INBOX", None, None, mixed(number)))
            self.ok(client.select("INBOX"))
            self.ok(other.select("INBOX"))
            self.assertIn(b"(\\Seen $Mine)", self.ok(client.store("1", "FLAGS", "(\\Seen $Mine)"))[0])
            self.assertIn(b"\\Flagged", self.ok(client.store("1:2", "+FLAGS", "(\\Flagged)"))[1])
            self.assertNotIn(b"\\Seen", self.ok(client.store("1", "-FLAGS", "\\Seen"))[0])
            self.assertEqual(self.ok(client.store("3", "+FLAGS.SILENT", "(\\Deleted)")), [None])
            self.ok(client.uid("STORE", "4", "+FLAGS", "(\\Deleted)"))
            self.ok(other.noop())
            told = b" ".join(other.response("FETCH")[1])
            for number, flag in ((1, b"$Mine"), (2, b"\\Flagged"), (3, b"\\Deleted"), (4, b"\\Deleted")):
                self.assertRegex(told, rb"\b%d \(.*%s" % (number, re.escape(flag)))
            self.ok(client.copy("1:2", "Archive"))
            self.assertRegex(client.response("COPYUID")[1][0], rb"^\d+ 1:2 1:2$")
            self.assertEqual(client.copy("1", "missing")[0], "NO")
            self.ok(client.uid("COPY", "5", "Archive"))
            self.ok(client.uid("MOVE", "8", "Archive"))
            self.assertEqual(client.response("EXPUNGE")[1], [b"8"])
            self.assertIn(self.ok(client.expunge()), ([b"3", b"3"], [b"4", b"3"]))
            self.assertEqual(self.ok(client.uid("SEARCH", "ALL"))[0], b"1 2 5 6 7")
            # The other session may use its numbers until it is told.
            self.assertIn(b"UID 5", self.flat(self.ok(other.fetch("5", "(UID)"))))
            self.ok(other.noop())
            self.assertEqual(self.ok(other.uid("SEARCH", "ALL"))[0], b"1 2 5 6 7")
            # UID EXPUNGE takes no others with it.
            self.ok(client.store("1:2", "+FLAGS.SILENT", "(\\Deleted)"))
            self.ok(client.uid("EXPUNGE", "2"))
            self.assertEqual(self.ok(client.uid("SEARCH", "ALL"))[0], b"1 5 6 7")
            self.ok(client.check())
            self.ok(client.recent())
            # UNSELECT keeps what is deleted, CLOSE removes it.
            self.ok(client.unselect())
            self.assertEqual(self.ok(client.select("INBOX")), [b"4"])
            self.ok(client.close())
            self.assertEqual(self.ok(client.select("INBOX")), [b"3"])
            self.assertEqual(self.ok(client.select("Archive")), [b"4"])
            self.assertEqual(self.flat(self.ok(client.fetch("1:2", "(FLAGS)"))).count(b"$Mine"), 1, "flags go along")

    def test_what_is_not_offered(self):
        """It is refused, and the session goes on."""
        with Server("hamburger.edu", [BOB], limits="errors = 30") as server, server.imap(BOB) as client:
            self.ok(client.select("INBOX"))
            calls = [
                lambda: client.getacl("INBOX"), lambda: client.setacl("INBOX", "bob", "lrs"), lambda: client.deleteacl("INBOX", "bob"), lambda: client.myrights("INBOX"),
                lambda: client.getannotation("INBOX", "*", "*"), lambda: client.setannotation("INBOX", '("/x" ("value.priv" "y"))'),
                lambda: client.proxyauth("bob"), lambda: client.partial("1", "RFC822", "1", "5"), lambda: client.xatom("XYZZY"),
            ]
            # What imaplib keeps of them is from before the log-in.
            offered = self.ok(client.capability())[0].decode().split()
            for name in ("QUOTA", "SORT", "THREAD=REFERENCES"):
                if name not in offered:
                    calls += {"QUOTA": [lambda: client.getquota("x"), lambda: client.getquotaroot("INBOX"), lambda: client.setquota("x", "(STORAGE 1)")],
                              "SORT": [lambda: client.sort("DATE", "UTF-8", "ALL")], "THREAD=REFERENCES": [lambda: client.thread("REFERENCES", "UTF-8", "ALL")]}[name]
            for call in calls:
                try:
                    self.assertNotEqual(call()[0], "OK")
                except imaplib.IMAP4.error as error:
                    self.assertNotIsInstance(error, imaplib.IMAP4.abort)
            self.ok(client.noop())

    def test_idle(self):
        with Server("hamburger.edu", [BOB]) as server, server.imap(BOB) as client:
            self.ok(client.select("INBOX"))
            tag = client._new_tag()
            client.send(tag + b" IDLE\r\n")
            self.assertTrue(client.readline().startswith(b"+ "))
            started = time.monotonic()
            server.smtp().sendmail("alice@crepes.fr", [BOB], mixed(1))
            self.assertEqual(client.readline(), b"* 1 EXISTS\r\n")
            self.assertLess(time.monotonic() - started, 5)
            client.send(b"DONE\r\n")
            line = client.readline()
            while not line.startswith(tag):
                line = client.readline()
            self.assertTrue(line.startswith(tag + b" OK"))
            self.ok(client.noop())


class ImapClient(unittest.TestCase):
    def connect(self, server):
        client = imapclient.IMAPClient("127.0.0.1", server.ports["imaps"], ssl=True, ssl_context=server.tls(), timeout=30)
        client.login(BOB, PASSWORD)
        return client

    def test_imapclient(self):
        with Server("hamburger.edu", [BOB]) as server:
            client = self.connect(server)
            self.assertEqual(client.namespace().personal, (("", "/"),))
            self.assertEqual(client.id_({"name": "interop"})[0][:2], (b"name", b"Postroad mail-server"))
            for flag, name in ((b"\\Sent", "Sent"), (b"\\Drafts", "Drafts"), (b"\\Trash", "Trash"), (b"\\Junk", "Junk"), (b"\\Archive", "Archive")):
                self.assertEqual(client.find_special_folder(flag), name)
            client.create_folder(KOREAN)
            client.subscribe_folder(KOREAN)
            self.assertIn(KOREAN, [name for _, _, name in client.list_sub_folders()])
            self.assertTrue(client.folder_exists(KOREAN))
            for number in range(10):
                answer = client.append(KOREAN, mixed(number), flags=[imapclient.FLAGGED], msg_time=datetime.datetime(2026, 11, 1 + number, 12))
                self.assertIn(b"APPENDUID", answer)
            self.assertEqual(client.folder_status(KOREAN, ["MESSAGES", "UNSEEN"]), {b"MESSAGES": 10, b"UNSEEN": 10})
            selected = client.select_folder(KOREAN)
            self.assertEqual(selected[b"EXISTS"], 10)
            uids = client.search()
            self.assertEqual(len(uids), 10)
            rows = client.fetch(uids, ["ENVELOPE", "BODYSTRUCTURE", "BODY.PEEK[]", "FLAGS", "INTERNALDATE", "RFC822.SIZE"])
            for number, uid in enumerate(uids):
                row, octets = rows[uid], mixed(number)
                self.assertEqual(row[b"BODY[]"], octets)
                self.assertEqual(row[b"RFC822.SIZE"], len(octets))
                self.assertEqual(row[b"INTERNALDATE"].day, 1 + number)
                parsed = email.message_from_bytes(octets, policy=email.policy.default)
                envelope, structure = row[b"ENVELOPE"], row[b"BODYSTRUCTURE"]
                self.assertEqual(envelope.message_id, b"<mixed.%d@crepes.fr>" % number)
                self.assertEqual((envelope.from_[0].mailbox, envelope.from_[0].host), (b"alice", b"crepes.fr"))
                self.assertEqual(envelope.to[0].mailbox, b"bob")
                self.assertEqual(envelope.date, parsed["Date"].datetime.astimezone().replace(tzinfo=None))
                self.assertEqual(str(email.header.make_header(email.header.decode_header(envelope.subject.decode()))).split(" a second")[0], parsed["Subject"])
                self.compare(structure, parsed)
            self.assertEqual(len(client.search(["FROM", "alice", "SINCE", datetime.date(2026, 11, 5)])), 6)
            self.assertEqual(len(client.search(["SUBJECT", "인생의"], "UTF-8")), 3)
            client.add_flags(uids[:3], [imapclient.SEEN, "$Korean"])
            self.assertIn(b"$Korean", client.get_flags(uids[:1])[uids[0]])
            client.set_flags(uids[:1], [])
            self.assertEqual(client.get_flags(uids[:1])[uids[0]], ())
            client.move(uids[:4], "Archive")
            self.assertEqual(client.search(), uids[4:])
            client.copy(uids[4:6], "Sent")
            self.assertEqual(client.folder_status("Archive", ["MESSAGES"])[b"MESSAGES"], 4)
            self.assertEqual(client.folder_status("Sent", ["MESSAGES"])[b"MESSAGES"], 2)
            client.delete_messages(uids[4:5])
            client.uid_expunge(uids[4:5])
            self.assertEqual(client.search(), uids[5:])
            if client.has_capability("SORT"):
                self.assertEqual(len(client.sort("REVERSE DATE")), 5)
            if client.has_capability("THREAD=REFERENCES"):
                self.assertTrue(client.thread("REFERENCES"))
            client.select_folder("INBOX")
            client.idle()
            server.smtp().sendmail("alice@crepes.fr", [BOB], mixed(2))
            self.assertIn((1, b"EXISTS"), client.idle_check(timeout=20))
            client.idle_done()
            client.rename_folder(KOREAN, "새 이름")
            self.assertTrue(client.folder_exists("새 이름"))
            client.delete_folder("새 이름")
            client.unselect_folder()
            client.logout()

    def compare(self, structure, parsed):
        """BODYSTRUCTURE against what Python's parser makes of the message."""
        if structure.is_multipart:
            self.assertTrue(parsed.is_multipart())
            self.assertEqual(structure[1].decode().lower(), parsed.get_content_subtype())
            parts = list(parsed.iter_parts())
            self.assertEqual(len(structure[0]), len(parts))
            for below, part in zip(structure[0], parts):
                self.compare(below, part)
        else:
            self.assertEqual(f"{structure[0].decode()}/{structure[1].decode()}".lower(), parsed.get_content_type())
            encoding = parsed.get("Content-Transfer-Encoding", "7bit")
            self.assertEqual(structure[5].decode().lower(), encoding.lower())


class AioImapLib(unittest.TestCase):
    def test_aioimaplib(self):
        with Server("hamburger.edu", [BOB]) as server:
            asyncio.run(asyncio.wait_for(self.play(server), 60))

    async def play(self, server):
        client = aioimaplib.IMAP4_SSL(host="127.0.0.1", port=server.ports["imaps"], ssl_context=server.tls(), timeout=20)
        await client.wait_hello_from_server()
        ok = lambda answer: (self.assertEqual(answer.result, "OK", answer), answer.lines)[1]
        ok(await client.login(BOB, PASSWORD))
        for number in range(5):
            ok(await client.append(mixed(number), mailbox="INBOX"))
        self.assertIn(b"5 EXISTS", ok(await client.select("INBOX")))
        lines = ok(await client.uid("fetch", "2", "(BODY.PEEK[])"))
        self.assertEqual(bytes(lines[1]), mixed(1))
        lines = ok(await client.fetch("1:*", "(UID FLAGS RFC822.SIZE)"))
        self.assertEqual(sum(b" FETCH (" in line for line in lines), 5)
        self.assertEqual(ok(await client.uid_search("ALL"))[0].split(), [b"1", b"2", b"3", b"4", b"5"])
        ok(await client.store("1", "+FLAGS", "(\\Seen)"))
        ok(await client.uid("move", "2", "Archive"))
        idling = await client.idle_start(timeout=30)
        server.smtp().sendmail("alice@crepes.fr", [BOB], mixed(7))
        pushed = await client.wait_server_push(timeout=20)
        self.assertIn(b"5 EXISTS", pushed)
        client.idle_done()
        await asyncio.wait_for(idling, 20)
        ok(await client.list('""', "*"))
        ok(await client.close())
        ok(await client.logout())


if __name__ == "__main__":
    unittest.main()
