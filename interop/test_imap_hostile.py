"""What a hostile or broken IMAP client gets, and what the server keeps when it is killed."""

import re
import threading
import time
import unittest

from harness import Server
from imap_wire import Wire
from mails import mixed, noise

BOB = "bob@hamburger.edu"
CLEAR = "plaintext_without_tls = true"


class HostileImap(unittest.TestCase):
    def test_a_client_that_never_reads(self):
        """64 MiB are fetched and not taken; the server holds no more of them than a few chunks."""
        with Server("hamburger.edu", [BOB], auth=CLEAR, limits="message_size = 100000000") as server:
            with Wire(server, BOB, timeout=60) as wire:
                message = b"Subject: large\r\n\r\n" + (b"x" * 76 + b"\r\n") * ((64 << 20) // 78)
                self.assertTrue(wire.append(b"INBOX", message).startswith(b"OK"))
                after_append = server.resident
            stuck = []
            for command in (b"FETCH 1 (BODY.PEEK[])", b"FETCH 1 (BODY.PEEK[TEXT] BODY.PEEK[])", b"FETCH 1 (RFC822)", b"FETCH 1 (BODY.PEEK[]<1000.60000000>)"):
                wire = Wire(server, BOB)
                wire.ok(b"SELECT INBOX")
                wire.send(b"".join(b"x%d %s\r\n" % (number, command) for number in range(16)))
                stuck.append(wire)
            highest = 0
            for _ in range(30):
                time.sleep(0.1)
                highest = max(highest, server.resident)
            print(f"{after_append:.0f} MiB after APPEND of 64 MiB, {highest:.0f} MiB with 64 times 64 MiB asked for ", end="")
            self.assertLess(highest, 100)
            with Wire(server, BOB, timeout=60) as wire:
                wire.ok(b"SELECT INBOX")
                self.assertEqual(wire.bodies()[1], message, "others are served meanwhile")
            for wire in stuck:
                wire.close()

    def test_a_thousand_that_idle(self):
        with Server("hamburger.edu", [BOB], auth=CLEAR, limits="connections_per_address = 2000") as server:
            wires, failures = [None] * 1000, []

            def connect(numbers):
                try:
                    for number in numbers:
                        wire = wires[number] = Wire(server, BOB, timeout=60)
                        wire.ok(b"SELECT INBOX")
                        wire.send(b"i IDLE\r\n")
                        self.assertTrue(wire.response().startswith(b"+"))
                except Exception as error:  # told below
                    failures.append(error)

            started = time.monotonic()
            threads = [threading.Thread(target=connect, args=(range(first, 1000, 8),)) for first in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(90)
            self.assertEqual(failures, [])
            connected = time.monotonic()
            resident = server.resident
            server.smtp().sendmail("alice@crepes.fr", [BOB], mixed(1))
            for wire in wires:
                self.assertEqual(wire.response(), b"* 1 EXISTS\r\n")
            told = time.monotonic()
            print(f"logged in after {connected - started:.1f} s, all told after {told - connected:.2f} s, {resident:.0f} MiB ", end="")
            self.assertLess(told - connected, 10)
            self.assertLess(resident, 200)
            for wire in wires:
                wire.send(b"DONE\r\n")
                self.assertTrue(wire.until(b"i ")[0].startswith(b"i OK"))
                wire.close()

    def test_a_folder_that_is_deleted_while_selected(self):
        with Server("hamburger.edu", [BOB], auth=CLEAR) as server, Wire(server, BOB) as wire, Wire(server, BOB) as other:
            wire.ok(b"CREATE Gone")
            for number in range(3):
                self.assertTrue(wire.append(b"Gone", mixed(number)).startswith(b"OK"))
            other.ok(b"SELECT Gone")
            wire.ok(b"DELETE Gone")
            # It is told, or cut off; never a wrong answer, never another mailbox's messages.
            wire.ok(b"CREATE Gone")
            self.assertTrue(wire.append(b"Gone", mixed(9)).startswith(b"OK"))
            other.send(b"a FETCH 1 (BODY.PEEK[])\r\nb UID SEARCH ALL\r\n")
            said = b""
            other.socket.settimeout(5)
            try:
                while b"\nb " not in said:
                    more = other.socket.recv(65536)
                    if not more:
                        break
                    said += more
            except TimeoutError:
                self.fail(f"nothing more after {said!r}")
            print(f"{said[:60]!r} ", end="")
            self.assertNotIn(b"mixed.9", said)
            self.assertTrue(b"BYE" in said or re.search(rb"(?m)^a (?:NO|BAD)", said), said)
            self.assertEqual(len(wire.uids() if wire.ok(b"SELECT Gone") else []), 1)

    def test_too_large(self):
        """Literals over the limit of both kinds, and everything else that is too much: a clear answer, and the session goes on."""
        with Server("hamburger.edu", [BOB], auth=CLEAR, limits="message_size = 100000\nerrors = 50") as server:
            with Wire(server, BOB) as wire:
                self.assertIn(b"LITERAL-", b"".join(wire.ok(b"CAPABILITY")))
                # A synchronising literal is refused before it is sent.
                wire.send(b"a APPEND INBOX {100001}\r\n")
                answer = wire.response()
                self.assertRegex(answer, rb"^a NO \[(?:TOOBIG|LIMIT)\]")
                wire.ok(b"NOOP")
                # One that does not wait is read and thrown away.
                wire.send(b"b APPEND INBOX {200000+}\r\n" + b"x" * 200000 + b"\r\n")
                self.assertRegex(wire.until(b"b ")[0], rb"^b (?:NO|BAD) ")
                wire.ok(b"NOOP")
                # An argument's literal.
                wire.send(b"c CREATE {1000000}\r\n")
                self.assertRegex(wire.response(), rb"^c (?:NO|BAD) ")
                wire.ok(b"NOOP")
                wire.send(b"d CREATE {5000+}\r\n" + b"x" * 5000 + b"\r\n")
                self.assertRegex(wire.until(b"d ")[0], rb"^d (?:NO|BAD) ")
                wire.ok(b"NOOP")
                wire.send(b"e APPEND INBOX {99999999999999999999}\r\n")
                self.assertRegex(wire.response(), rb"^(?:e|\*) BAD ")
                wire.ok(b"NOOP")
                self.assertTrue(wire.append(b"INBOX", mixed(1)).startswith(b"OK"))
            # A tag of 10 KiB, a line without an end.
            for octets in (b"t" * 10240 + b" NOOP\r\n", b"a " + b"x" * 1_000_000 + b"\r\n"):
                with Wire(server, BOB) as wire:
                    self.refused(wire, octets)
            # Before login much less is taken.
            with Wire(server) as wire:
                wire.send(b"a LOGIN {1000000}\r\n")
                self.assertRegex(wire.response(), rb"^(?:a (?:NO|BAD)|\* BYE) ")
            with Wire(server) as wire:
                self.refused(wire, b"a LOGIN x " + b"y" * 100_000 + b"\r\n")

    def refused(self, wire, octets):
        """BAD and the session goes on, or BYE and the end; at once."""
        try:
            wire.send(octets)
        except OSError:
            pass
        answer = wire.response()
        self.assertRegex(answer[:200], rb"^(?:\S+ BAD|\* BAD|\* BYE) ")
        if not answer.startswith(b"* BYE"):
            wire.send(b"z NOOP\r\n")
            self.assertTrue(wire.until(b"z ")[0].startswith(b"z OK"))

    def test_nesting_and_nul(self):
        with Server("hamburger.edu", [BOB], auth=CLEAR, limits="errors = 50") as server:
            before = server.resident
            depth = 1_000_000
            for octets in (
                b"a SEARCH " + b"(" * depth + b"ALL" + b")" * depth + b"\r\n", b"a FETCH 1 " + b"(" * depth + b"\r\n", b"a SEARCH " + b"NOT " * 15_000 + b"ALL\r\n",
                b"a SEARCH " + b"OR ALL " * 8_000 + b"ALL\r\n", b"a STORE 1 FLAGS " + b"(" * 60_000 + b"\r\n", b"a LIST " + b"(" * 60_000 + b"\r\n",
                b"a FETCH 1 BODY[" + b"1." * 30_000 + b"1]\r\n", b"a SEARCH " + b"1," * 30_000 + b"1\r\n", b"a LIST \"\" " + b"*%" * 10_000 + b"x\r\n",
            ):
                with self.subTest(octets[:20]), Wire(server, BOB) as wire:
                    self.assertTrue(wire.append(b"INBOX", mixed(1)).startswith(b"OK"))
                    wire.ok(b"SELECT INBOX")
                    started = time.monotonic()
                    try:
                        wire.send(octets)
                    except OSError:
                        pass
                    answer = wire.response()
                    while answer.startswith(b"*") and not re.match(rb"\* (?:BAD|BYE) ", answer):
                        answer = wire.response()
                    self.assertRegex(answer[:100], rb"^(?:\* BYE|\* BAD|a (?:OK|NO|BAD)) ")
                    self.assertLess(time.monotonic() - started, 5)
            for octets in (b"a NO\0OP\r\n", b"a CREATE \"x\0y\"\r\n", b"\0\r\n", b"a SEARCH SUBJECT {3+}\r\nx\0y\r\n", b"a CREATE {3+}\r\nx\0y\r\n"):
                with self.subTest(octets), Wire(server, BOB) as wire:
                    wire.ok(b"SELECT INBOX")
                    self.refused(wire, octets)
            with Wire(server, BOB) as wire:
                self.assertRegex(wire.append(b"INBOX", b"Subject: x\r\n\r\nNUL \0\r\n"), rb"^(?:NO|BAD) ")
                wire.ok(b"NOOP")
                wire.ok(b'LIST "" "*"')
            self.assertLess(server.resident - before, 60)

    def test_wrong_state(self):
        with Server("hamburger.edu", [BOB], auth=CLEAR, limits="errors = 50") as server:
            with Wire(server, BOB) as wire:
                for command in (b"FETCH 1 FLAGS", b"SEARCH ALL", b"CLOSE", b"EXPUNGE", b"STORE 1 FLAGS ()", b"COPY 1 x", b"UNSELECT", b"LOGIN bob x", b"STARTTLS", b"AUTHENTICATE PLAIN"):
                    self.assertRegex(wire.command(command)[0], rb"^(?:NO|BAD) ", command)
                wire.ok(b"NOOP")
            with Wire(server) as wire:
                self.assertTrue(wire.command(b"SELECT INBOX")[0].startswith(b"BAD"))
            with Wire(server) as wire:
                wire.send(b"GET / HTTP/1.1\r\nHost: here\r\nUser-Agent: x\r\nAccept: y\r\nCookie: z\r\n\r\n")
                said = wire.file.read()
                self.assertIn(b"BYE", said)
            # Octets that were injected before TLS.
            with Wire(server) as wire:
                wire.send(b"a STARTTLS\r\nb LOGIN x y\r\n")
                answer = wire.response()
                self.assertFalse(answer.startswith(b"a OK"), answer)

    def test_pipelined(self):
        """Commands that were sent at once mean what they meant when they were sent."""
        with Server("hamburger.edu", [BOB], auth=CLEAR) as server, Wire(server, BOB) as wire:
            for number in range(10):
                self.assertTrue(wire.append(b"INBOX", mixed(number)).startswith(b"OK"))
            wire.ok(b"SELECT INBOX")
            # EXPUNGE renumbers: the numbers behind it were meant before it.
            wire.send(b"a STORE 1 +FLAGS.SILENT (\\Deleted)\r\nb EXPUNGE\r\nc FETCH 2 (UID)\r\nd NOOP\r\n")
            before = wire.until_all(b"abcd")
            rows = [line for line in before if b" FETCH (" in line]
            fetched = [line for line in before if line.startswith(b"c ")][0]
            # Refused, or message 2 as it was when it was sent or as it is by what was told before.
            if fetched.startswith(b"c OK"):
                order = [line.split()[1:3] for line in before]
                self.assertTrue(rows, order)
                told = any(line == b"* 1 EXPUNGE\r\n" for line in before[:before.index(rows[0])])
                self.assertIn(b"UID 3" if told else b"UID 2", rows[0])
            else:
                self.assertRegex(fetched, rb"^c (?:NO|BAD)")
            # SELECT among others; UIDs; a flag that is set and read; CHECK is after what was sent before it.
            wire.send(b"e UID STORE 5 +FLAGS.SILENT ($One)\r\nf UID FETCH 5 (FLAGS)\r\ng CHECK\r\nh SELECT Archive\r\ni UID SEARCH ALL\r\nj SELECT INBOX\r\nk UID SEARCH ALL\r\n")
            before = wire.until_all(b"efghijk")
            self.assertIn(b"k OK", [line[:4] for line in before])
            self.assertTrue(any(b"$One" in line for line in before if b" FETCH (" in line))
            tags = [line[:1] for line in before if line[:1] in b"efghij"]
            self.assertLess(tags.index(b"e"), tags.index(b"g"))
            self.assertLess(tags.index(b"f"), tags.index(b"g"))
            searches = [line for line in before if line.startswith(b"* SEARCH")]
            self.assertEqual(searches, [b"* SEARCH\r\n", b"* SEARCH 2 3 4 5 6 7 8 9 10\r\n"])

    def test_two_sessions_at_once(self):
        """Both store and expunge; in the end each believes what is so."""
        with Server("hamburger.edu", [BOB], auth=CLEAR) as server:
            with Wire(server, BOB) as wire:
                for number in range(60):
                    self.assertTrue(wire.append(b"INBOX", b"Subject: %d\r\n\r\nx\r\n" % number).startswith(b"OK"))
            failures, beliefs = [], {}

            def session(name):
                try:
                    with Wire(server, BOB, timeout=30) as wire:
                        view = []
                        believe(wire.ok(b"SELECT INBOX"), view)
                        believe(wire.ok(b"FETCH 1:* (UID FLAGS)"), view)
                        for step in range(60):
                            if not view:
                                break
                            number = (step * 7 + name * 13) % len(view) + 1
                            if step % 5 == 4:
                                believe(wire.command(b"EXPUNGE")[1], view)
                            elif step % 5 == 2:
                                believe(wire.ok(b"STORE %d +FLAGS (\\Deleted)" % number), view)
                            elif step % 5 == 3:
                                believe(wire.command(b"FETCH %d (UID FLAGS)" % number)[1], view)
                            else:
                                believe(wire.ok(b"STORE %d +FLAGS ($%d-%d)" % (number, name, step)), view)
                        barrier.wait(30)
                        believe(wire.ok(b"NOOP"), view)
                        barrier.wait(30)
                        believe(wire.ok(b"NOOP"), view)
                        beliefs[name] = view
                except Exception as error:
                    failures.append(error)
                    barrier.abort()

            def believe(responses, view):
                for line in responses:
                    if found := re.match(rb"\* (\d+) EXPUNGE", line):
                        del view[int(found[1]) - 1]
                    elif found := re.match(rb"\* (\d+) EXISTS", line):
                        while len(view) < int(found[1]):
                            view.append(0)
                    elif found := re.match(rb"\* (\d+) FETCH \((.*)\)\r\n", line):
                        number, items = int(found[1]), found[2]
                        uid, flags = re.search(rb"UID (\d+)", items), re.search(rb"FLAGS \(([^)]*)\)", items)
                        known = view[number - 1] or (0, frozenset())
                        if uid and known[0]:
                            assert known[0] == int(uid[1]), (number, known, line)
                        view[number - 1] = (int(uid[1]) if uid else known[0], frozenset(flags[1].split()) if flags else known[1])

            barrier = threading.Barrier(3)
            threads = [threading.Thread(target=session, args=(name,)) for name in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(60)
            self.assertEqual(failures, [])
            with Wire(server, BOB) as wire:
                wire.ok(b"SELECT INBOX")
                rows = wire.ok(b"FETCH 1:* (UID FLAGS)")
            truth = []
            for line in rows:
                found = re.match(rb"\* \d+ FETCH \(UID (\d+) FLAGS \(([^)]*)\)", line)
                truth.append((int(found[1]), frozenset(found[2].split())))
            self.assertLess(len(truth), 60)
            for name, view in beliefs.items():
                self.assertEqual(view, truth, f"session {name}")
            print(f"{len(truth)} of 60 left ", end="")


class KilledImap(unittest.TestCase):
    """kill -9 in the middle; what was acknowledged is there afterwards."""

    def test_killed_during_append(self):
        server = Server("hamburger.edu", [BOB], auth=CLEAR)
        with server:
            acknowledged, partly = set(), 0
            for part in range(3):
                stop = threading.Event()

                def append(worker):
                    try:
                        with Wire(server, BOB, timeout=20) as wire:
                            number = 0
                            while not stop.is_set():
                                name = f"{part}.{worker}.{number}"
                                body = b"Subject: %s\r\n\r\n" % name.encode() + noise(name, 300_000 if number % 3 == 0 else 300).hex().encode() + b"\r\n"
                                if wire.append(b"INBOX", body).startswith(b"OK"):
                                    acknowledged.add(name)
                                number += 1
                    except (OSError, AssertionError):
                        pass  # killed

                threads = [threading.Thread(target=append, args=(worker,)) for worker in range(3)]
                for thread in threads:
                    thread.start()
                time.sleep(1)
                server.kill()
                stop.set()
                for thread in threads:
                    thread.join(30)
                server.start()
                with Wire(server, BOB, timeout=60) as wire:
                    wire.ok(b"SELECT INBOX")
                    found = {}
                    for octets in wire.bodies().values():
                        name = re.match(rb"Subject: (\S+)", octets)[1].decode()
                        number = int(name.rpartition(".")[2])
                        self.assertEqual(octets, b"Subject: %s\r\n\r\n" % name.encode() + noise(name, 300_000 if number % 3 == 0 else 300).hex().encode() + b"\r\n")
                        found[name] = found.get(name, 0) + 1
                self.assertEqual(acknowledged - set(found), set(), "acknowledged and lost")
                self.assertEqual([name for name, count in found.items() if count > 1], [])
                partly += len(set(found) - acknowledged)
            print(f"{len(acknowledged)} acknowledged, {partly} more were stored ", end="")
            self.assertGreater(len(acknowledged), 10)

    def test_killed_during_move(self):
        server = Server("hamburger.edu", [BOB], auth=CLEAR)
        with server:
            with Wire(server, BOB, timeout=60) as wire:
                for number in range(200):
                    self.assertTrue(wire.append(b"INBOX", b"Subject: %d\r\n\r\nx\r\n" % number).startswith(b"OK"))
            in_the_middle = 0
            for part in range(3):
                source, target = (b"INBOX", b"Archive") if part % 2 == 0 else (b"Archive", b"INBOX")
                moved = []

                def move():
                    try:
                        with Wire(server, BOB, timeout=20) as wire:
                            wire.ok(b"SELECT " + source)
                            for uid in wire.uids():
                                wire.ok(b"UID MOVE %d " % uid + target)
                                moved.append(uid)
                    except (OSError, AssertionError):
                        pass

                thread = threading.Thread(target=move)
                thread.start()
                until = time.monotonic() + 20
                while len(moved) < 20 and time.monotonic() < until:
                    time.sleep(0.005)
                server.kill()
                thread.join(30)
                count = len(moved)
                server.start()
                subjects = {}
                with Wire(server, BOB, timeout=60) as wire:
                    for name in (source, target):
                        wire.ok(b"SELECT " + name)
                        for octets in wire.bodies().values():
                            subjects.setdefault(octets.split(b"\r\n")[0], []).append(name)
                self.assertEqual(len(subjects), 200, "none is lost")
                self.assertTrue(all(len(places) == 1 for places in subjects.values()), "none is there twice")
                there = sum(places == [target] for places in subjects.values())
                self.assertGreaterEqual(there, count)
                in_the_middle += 0 < there < 200
            print(f"{in_the_middle} of 3 in the middle ", end="")
            self.assertGreater(in_the_middle, 0)


if __name__ == "__main__":
    unittest.main()
