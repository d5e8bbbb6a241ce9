"""IMAP by hand: what is sent is exactly what a test says, and what comes is seen as it came."""

import re
import socket
import ssl

from harness import PASSWORD

LITERAL = re.compile(rb"\{(\d+)\}\r\n\Z")


class Wire:
    """One connection. Without an account it is not logged in; over TLS with a context."""

    def __init__(self, server, account=None, tls=False, timeout=20):
        port = server.ports["imaps" if tls else "imap"]
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        if tls:
            self.socket = server.tls().wrap_socket(self.socket)
        self.file = self.socket.makefile("rb")
        self.number = 0
        self.greeting = self.response()
        if account is not None:
            answer, _ = self.command(f'LOGIN {account} "{PASSWORD}"'.encode())
            assert answer.startswith(b"OK"), answer

    def send(self, octets):
        self.socket.sendall(octets)

    def response(self):
        """The next response with its literals; b"" at the end."""
        whole = b""
        while True:
            line = self.file.readline()
            whole += line
            literal = LITERAL.search(line)
            # In a text nothing is a literal.
            if not literal or re.match(rb"(?:\*|\S+) (?:OK|NO|BAD|BYE|PREAUTH) ", whole):
                return whole
            whole += self.file.read(int(literal[1]))

    def until(self, prefix, most=1_000_000):
        """The first response that begins so, and those before it."""
        before = []
        for _ in range(most):
            response = self.response()
            if response.startswith(prefix):
                return response, before
            assert response, f"the end, and not {prefix!r}; before: {before[-5:]!r}"
            before.append(response)
        raise AssertionError(f"no {prefix!r} in {most} responses")

    def until_all(self, tags):
        """Every response until commands with these tags, of one octet each, are all answered."""
        left, responses = set(tags), []
        while left:
            responses.append(self.response())
            assert responses[-1], f"the end; before: {responses[-5:]!r}"
            if responses[-1][1:2] == b" ":
                left.discard(responses[-1][0])
        return responses

    def tag(self):
        self.number += 1
        return b"t%d" % self.number

    def command(self, text):
        """One whole command: its tagged answer without the tag, and the untagged responses before it."""
        tag = self.tag()
        self.send(tag + b" " + text + b"\r\n")
        answer, before = self.until(tag + b" ")
        return answer[len(tag) + 1:], before

    def ok(self, text):
        """A command that must succeed: its untagged responses."""
        answer, before = self.command(text)
        assert answer.startswith(b"OK"), (text, answer)
        return before

    def append(self, mailbox, message, flags=b""):
        """APPEND, with a synchronising literal."""
        tag = self.tag()
        self.send(tag + b" APPEND " + mailbox + b" (" + flags + b") {%d}\r\n" % len(message))
        invitation = self.response()
        if not invitation.startswith(b"+"):
            return invitation[len(tag) + 1:]
        self.send(message + b"\r\n")
        return self.until(tag + b" ")[0][len(tag) + 1:]

    def uids(self):
        """The UIDs of the selected mailbox."""
        found = [line for line in self.ok(b"UID SEARCH ALL") if line.startswith(b"* SEARCH")]
        assert len(found) == 1, found
        return [int(uid) for uid in found[0].split()[2:]]

    def bodies(self):
        """Every message of the selected mailbox, by UID."""
        rows = {}
        for row in self.ok(b"UID FETCH 1:* (UID BODY.PEEK[])"):
            head, _, rest = row.partition(b"\r\n")
            found = re.match(rb"\* \d+ FETCH \(UID (\d+) BODY\[\] \{(\d+)\}\Z", head)
            if found:
                rows[int(found[1])] = rest[:int(found[2])]
        return rows

    def close(self):
        self.file.close()
        try:
            self.socket.close()
        except ssl.SSLError:
            pass

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.close()
