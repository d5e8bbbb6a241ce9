"""Two servers, a thousand messages, and kill -9 in the middle."""

import hashlib
import re
import time
import unittest

from harness import Server, without_trace

ALICE = "alice@crepes.fr"
BOB = "bob@hamburger.edu"
MESSAGES = 1000


def message(number):
    """Each one different, of many sizes, some with dots where they hurt."""
    seed = hashlib.sha256(str(number).encode()).hexdigest()
    lines = [f".{seed}" if row % 3 == 0 else f"{seed} {row}" for row in range(number % 90)]
    head = f"From: {ALICE}\r\nTo: {BOB}\r\nSubject: number {number}\r\nDate: Mon, 23 Nov 2026 09:00:00 +0900\r\nMessage-ID: <{number}.{seed}@crepes.fr>\r\n\r\n"
    return (head + "".join(line + "\r\n" for line in lines)).encode()


class Relay(unittest.TestCase):
    def both(self):
        hamburger = Server("hamburger.edu", [BOB])
        hamburger.start()
        crepes = Server("crepes.fr", [ALICE], routes={"hamburger.edu": f"127.0.0.1:{hamburger.ports['smtp']}"})
        return crepes, hamburger

    def submit(self, crepes, numbers):
        client = crepes.submission(ALICE)
        for number in numbers:
            self.assertEqual(client.sendmail(ALICE, [BOB], message(number)), {})
        client.quit()

    def check(self, hamburger, duplicates_allowed):
        arrived = {}
        for octets in hamburger.maildrop(BOB):
            plain = without_trace(octets)
            number = int(re.search(rb"^Subject: number (\d+)\r$", plain, re.MULTILINE)[1])
            self.assertEqual(plain, message(number))
            arrived[number] = arrived.get(number, 0) + 1
        self.assertEqual(sorted(arrived), list(range(MESSAGES)), "none is missing")
        twice = sum(count - 1 for count in arrived.values())
        print(f"{twice} came twice ", end="")
        if not duplicates_allowed:
            self.assertEqual(twice, 0)

    def relayed(self, crepes):
        """How many connections the first server opened to the second."""
        return len(re.findall(r"relay connection opened", crepes.log))

    def test_over_few_connections(self):
        crepes, hamburger = self.both()
        try:
            with crepes:
                started = time.monotonic()
                self.submit(crepes, range(MESSAGES))
                hamburger.wait_for(BOB, MESSAGES)
                print(f"{MESSAGES} in {time.monotonic() - started:.1f} s, {self.relayed(crepes)} connections ", end="")
                self.check(hamburger, duplicates_allowed=False)
                self.assertGreaterEqual(self.relayed(crepes), 1)
                self.assertLessEqual(self.relayed(crepes), 20)
        finally:
            with hamburger_closing(hamburger):
                pass

    def test_the_receiver_is_killed(self):
        self.killed(lambda crepes, hamburger: hamburger)

    def test_the_receiver_is_killed_once(self):
        self.killed(lambda crepes, hamburger: hamburger, rounds=1)

    def test_the_sender_is_killed(self):
        self.killed(lambda crepes, hamburger: crepes)

    def test_the_sender_is_killed_once(self):
        self.killed(lambda crepes, hamburger: crepes, rounds=1)

    def killed(self, victim, rounds=4):
        """So many times: the receiver is away while messages gather, comes back, and when some of them have arrived, kill -9."""
        crepes, hamburger = self.both()
        in_the_middle = 0
        try:
            with crepes:
                for part in range(rounds):
                    hamburger.stop()
                    self.submit(crepes, range(part * MESSAGES // rounds, (part + 1) * MESSAGES // rounds))
                    before = part * MESSAGES // rounds
                    hamburger.start()
                    arrived = before
                    until = time.monotonic() + 60
                    while arrived <= before and time.monotonic() < until:
                        arrived = self.count(hamburger)
                    victim(crepes, hamburger).kill()
                    in_the_middle += before < arrived < (part + 1) * MESSAGES // rounds
                    victim(crepes, hamburger).start()
                    until = time.monotonic() + 60
                    while self.subjects(hamburger) < (part + 1) * MESSAGES // rounds and time.monotonic() < until:
                        time.sleep(0.1)
                print(f"{in_the_middle} of {rounds} in the middle, ", end="")
                print(f"{self.relayed(crepes)} connections, ", end="")
                self.check(hamburger, duplicates_allowed=True)
                self.assertGreater(in_the_middle, 0, "every kill came too early or too late to show anything")
                if rounds == 1:
                    self.assertLessEqual(self.relayed(crepes), 20)
        finally:
            with hamburger_closing(hamburger):
                pass

    def count(self, hamburger):
        pop = hamburger.pop3(BOB)
        there, _ = pop.stat()
        pop.quit()
        return there

    def subjects(self, hamburger):
        if self.count(hamburger) == 0:
            return 0
        found = (re.search(rb"^Subject: (.*)\r$", octets, re.MULTILINE)[1] for octets in hamburger.maildrop(BOB))
        return len(set(found))


class hamburger_closing:
    """The second server was started before the first; it is stopped after it."""

    def __init__(self, server):
        self.server = server

    def __enter__(self):
        return self.server

    def __exit__(self, *error):
        self.server.__exit__(None, None, None)


if __name__ == "__main__":
    unittest.main()
