"""What a hostile or broken peer gets, from the running server."""

import random
import re
import smtplib
import socket
import threading
import time
import unittest

from harness import Server

BOB = "bob@hamburger.edu"


class Raw:
    """A connection by hand."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.file = self.socket.makefile("rb")

    def send(self, octets):
        self.socket.sendall(octets)

    def reply(self):
        """All lines of one SMTP reply, or b"" at the end."""
        lines = b""
        while True:
            line = self.file.readline()
            lines += line
            if line[3:4] != b"-":
                return lines

    def ask(self, octets):
        self.send(octets)
        return self.reply()

    def close(self):
        self.file.close()
        self.socket.close()


class Hostile(unittest.TestCase):
    def test_smtp(self):
        with Server("hamburger.edu", [BOB]) as server:
            raw = Raw(server.ports["smtp"])
            self.assertEqual(raw.reply()[:4], b"220 ")
            self.assertEqual(raw.ask(b"MAIL FROM:<a@b.c>\r\n")[:3], b"503")
            self.assertEqual(raw.ask(b"EHLO crepes.fr\r\n")[:3], b"250")
            self.assertEqual(raw.ask(b"RCPT TO:<bob@hamburger.edu>\r\n")[:3], b"503")
            self.assertEqual(raw.ask(b"NOOP " + b"x" * 5000 + b"\r\n")[:3], b"500")
            self.assertEqual(raw.ask(b"NO\0OP\r\n")[:3], b"500")
            self.assertEqual(raw.ask(b"NOOP\nRSET\r\n")[:3], b"500")
            self.assertEqual(raw.ask(b"MAIL FROM:<a@b.c>\r\n")[:3], b"250")
            self.assertEqual(raw.ask(b"XYZZY\r\n")[:3], b"500")
            for form in (b"RCPT TO:<bob@hamburger.edu> X=Y\r\n", b"RCPT TO:<<bob@hamburger.edu>>\r\n", b"RCPT TO:\r\n"):
                self.assertIn(raw.ask(form)[:3], (b"501", b"555"))
            said = b""
            for _ in range(20):
                try:
                    said = raw.ask(b"XYZZY\r\n") or said
                except OSError:
                    break
            self.assertEqual(said[:3], b"421", "goodbye after too many errors")
            raw.close()

    def test_smuggling(self):
        with Server("hamburger.edu", [BOB]) as server:
            forms = [b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r.\n", b"\n.\r", b"\r\n.\r\r\n", b"\r\n\0.\r\n", b"\r\n.\0\r\n"]
            for form in forms:
                raw = Raw(server.ports["smtp"])
                raw.reply()
                for line in (b"EHLO crepes.fr", b"MAIL FROM:<a@b.c>", b"RCPT TO:<bob@hamburger.edu>", b"DATA"):
                    answer = raw.ask(line + b"\r\n")
                self.assertEqual(answer[:3], b"354")
                smuggled = b"MAIL FROM:<admin@hamburger.edu>\r\nRCPT TO:<bob@hamburger.edu>\r\nDATA\r\nsmuggled"
                answer = raw.ask(b"Subject: one\r\n\r\none" + form + smuggled + b"\r\n.\r\n")
                self.assertEqual(answer[:3], b"550", form)
                self.assertEqual(raw.ask(b"QUIT\r\n")[:3], b"221", "one message, one answer")
                raw.close()
            pop = server.pop3(BOB)
            self.assertEqual(pop.stat()[0], 0)
            pop.quit()

    def test_octets_injected_before_tls(self):
        with Server("hamburger.edu", [BOB]) as server:
            raw = Raw(server.ports["smtp"])
            raw.reply()
            raw.ask(b"EHLO crepes.fr\r\n")
            answer = raw.ask(b"STARTTLS\r\nMAIL FROM:<evil@b.c>\r\n")
            self.assertNotEqual(answer[:3], b"220")
            self.assertEqual(raw.file.read(), b"", "and it hangs up")
            raw.close()

            raw = Raw(server.ports["pop3"])
            raw.file.readline()
            raw.send(b"STLS\r\nUSER bob\r\n")
            self.assertFalse(raw.file.readline().startswith(b"+OK"))
            self.assertEqual(raw.file.read(), b"")
            raw.close()

    def test_tls_forgets_what_was_said_in_the_clear(self):
        with Server("hamburger.edu", [BOB]) as server:
            raw = Raw(server.ports["smtp"])
            raw.reply()
            raw.ask(b"EHLO crepes.fr\r\n")
            raw.ask(b"MAIL FROM:<a@b.c>\r\n")
            raw.ask(b"RSET\r\n")
            self.assertEqual(raw.ask(b"STARTTLS\r\n")[:3], b"220")
            raw.socket = server.tls().wrap_socket(raw.socket)
            raw.file = raw.socket.makefile("rb")
            self.assertEqual(raw.ask(b"MAIL FROM:<a@b.c>\r\n")[:3], b"503")
            self.assertNotIn(b"STARTTLS", raw.ask(b"EHLO crepes.fr\r\n"))
            raw.close()

    def test_a_store_that_fails_keeps_what_it_took(self):
        server = Server("hamburger.edu", [BOB], file_size=4 * 1024 * 1024)
        with server:
            accepted, refused = [], None
            client = server.smtp()
            for number in range(60):
                body = f"Subject: {number}\r\n\r\n".encode() + (b"x" * 70 + b"\r\n") * 2000
                try:
                    client.sendmail("alice@crepes.fr", [BOB], body)
                    accepted.append(number)
                except Exception as error:  # noqa: BLE001 — the code is what matters
                    refused = error
                    break
            self.assertIsNotNone(refused, "the disk is full by now")
            self.assertEqual(getattr(refused, "smtp_code", None), 451, refused)
            server.kill()
            server.file_size = None
            server.start()
            there = server.maildrop(BOB)
            self.assertEqual(len(there), len(accepted), "what was accepted is there; what was not is the client's")
            self.assertGreater(len(accepted), 0)
            # And with room again it goes on.
            self.assertEqual(server.smtp().sendmail("alice@crepes.fr", [BOB], b"again\r\n"), {})

    def test_pop3(self):
        with Server("hamburger.edu", [BOB]) as server:
            raw = Raw(server.ports["pop3"])

            def refused(octets):
                raw.send(octets)
                line = raw.file.readline()
                self.assertTrue(line.startswith(b"-ERR"), (octets, line))
                return line

            self.assertTrue(raw.file.readline().startswith(b"+OK"))
            refused(b"STAT\r\n")  # before the log-in
            refused(b"x" * 600 + b"\r\n")
            refused(b"ST\0AT\r\n")
            refused(b"STAT\nRETR 1\r\n")  # one line, one answer
            refused(b"XYZZY\r\n")
            refused(b"USER\r\n")
            raw.send(b"CAPA\r\n")
            self.assertTrue(raw.file.readline().startswith(b"+OK"), "it goes on")
            while raw.file.readline() != b".\r\n":
                pass
            for _ in range(3):
                refused(b"XYZZY\r\n")
            self.assertIn(b"goodbye", refused(b"XYZZY\r\n"))
            self.assertEqual(raw.file.read(), b"", "and it hangs up")
            raw.close()

    def test_kill_9_at_any_moment_after_a_250(self):
        """Several clients send all the time, and the power fails again and again."""
        server = Server("hamburger.edu", [BOB])
        chance = random.Random(1)
        acknowledged, lock = set(), threading.Lock()

        def send(kill, first):
            """Until the server is gone. Some messages are in the store itself, some in files of their own."""
            number = first
            try:
                client = server.smtp()
                while not kill.is_set():
                    body = b"x" * 70 + b"\r\n"
                    message = f"Subject: number {number}\r\n\r\n".encode() + body * (number % 7 * 400)
                    client.sendmail("alice@crepes.fr", [BOB], message)
                    with lock:
                        acknowledged.add(number)
                    number += 1
            except (OSError, smtplib.SMTPException):
                pass

        with server:
            for turn in range(8):
                kill = threading.Event()
                senders = [threading.Thread(target=send, args=(kill, turn * 100_000 + sender * 10_000)) for sender in range(4)]
                for sender in senders:
                    sender.start()
                time.sleep(0.05 + chance.random() * 0.4)
                server.kill()
                kill.set()
                for sender in senders:
                    sender.join()
                server.start()
            subject = re.compile(rb"^Subject: number (\d+)\r$", re.MULTILINE)
            arrived = {int(subject.search(octets)[1]) for octets in server.maildrop(BOB)}
            print(f"{len(acknowledged)} acknowledged ", end="")
            self.assertGreater(len(acknowledged), 50)
            self.assertEqual(acknowledged - arrived, set(), "what was acknowledged is there")

    def test_a_client_that_dies_in_the_middle(self):
        with Server("hamburger.edu", [BOB]) as server:
            for _ in range(20):
                raw = Raw(server.ports["smtp"])
                raw.reply()
                for line in (b"EHLO crepes.fr", b"MAIL FROM:<a@b.c>", b"RCPT TO:<bob@hamburger.edu>", b"DATA"):
                    raw.ask(line + b"\r\n")
                raw.send(b"Subject: half\r\n\r\nhalf a line")
                raw.close()
            time.sleep(0.3)
            pop = server.pop3(BOB)
            self.assertEqual(pop.stat()[0], 0)
            pop.quit()

    def test_a_client_that_never_reads(self):
        with Server("hamburger.edu", [BOB]) as server:
            raw = Raw(server.ports["smtp"])
            raw.socket.setblocking(False)
            sent = 0
            for _ in range(400):
                try:
                    sent += raw.socket.send(b"NOOP\r\n" * 10_000)
                except BlockingIOError:
                    time.sleep(0.005)
            with open(f"/proc/{server.process.pid}/status") as status:
                resident = next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
            self.assertLess(resident, 200_000, "KiB")
            raw.close()
            server.smtp().quit()


if __name__ == "__main__":
    unittest.main()
