"""Our client against Postfix's smtp-sink and aiosmtpd."""

import email
import email.policy
import re
import socket
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from harness import CLIENT, PASSWORD, Server, program, run


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Sink:
    """smtp-sink, which writes each message to a file."""

    def __init__(self, *options):
        self.folder = tempfile.TemporaryDirectory()
        self.port = free_port()
        self.process = subprocess.Popen(
            [program("smtp-sink"), "-u", "root", *options, "-d", f"{self.folder.name}/%M.", f"127.0.0.1:{self.port}", "100"], stderr=subprocess.DEVNULL
        )
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)

    def messages(self):
        return [path.read_bytes() for path in Path(self.folder.name).iterdir()]

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        self.folder.cleanup()


def arguments(port, folder, *more):
    text = Path(folder) / "text.txt"
    text.write_text(".\n..dots\n인생의 의미를 찾아서\n")
    attachment = Path(folder) / "카페 메뉴.bin"
    attachment.write_bytes(bytes(range(256)) * 100)
    return [CLIENT, "send", "--server", f"127.0.0.1:{port}", "--from", "alice@crepes.fr", "--to", "bob@hamburger.edu,carol@hamburger.edu", "--cc", "dave@hamburger.edu",
            "--bcc", "eve@hamburger.edu", "--subject", "인생의 의미를 찾아서", "--text", text, "--attach", attachment, *more]


class Handler:
    def __init__(self):
        self.envelopes = []

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("carol"):
            return "550 5.1.1 no such user"
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 ok"

    async def handle_DATA(self, server, session, envelope):
        self.envelopes.append(envelope)
        return "250 2.0.0 ok"


class Client(unittest.TestCase):
    def check(self, octets):
        mail = email.message_from_bytes(octets, policy=email.policy.default)
        self.assertEqual(mail["Subject"], "인생의 의미를 찾아서")
        self.assertEqual(mail["From"].addresses[0].addr_spec, "alice@crepes.fr")
        self.assertEqual([address.addr_spec for address in mail["To"].addresses], ["bob@hamburger.edu", "carol@hamburger.edu"])
        self.assertIsNone(mail["Bcc"])
        self.assertEqual(mail.get_body().get_content().replace("\r\n", "\n"), ".\n..dots\n인생의 의미를 찾아서\n")
        attachment, = mail.iter_attachments()
        self.assertEqual(attachment.get_filename(), "카페 메뉴.bin")
        self.assertEqual(attachment.get_content(), bytes(range(256)) * 100)
        self.assertFalse(mail.defects)

    def test_smtp_sink(self):
        for options in ([], ["-p"], ["-e"], ["-8"]):  # all of it, without PIPELINING, without EHLO, without 8BITMIME
            with self.subTest(options), Sink(*options) as sink, tempfile.TemporaryDirectory() as folder:
                run(*arguments(sink.port, folder, "--tls", "none"))
                message, = sink.messages()
                recipients = re.findall(rb"^X-Rcpt-To: <(\w+)@", message.replace(b"\r\n", b"\n"), re.MULTILINE) or re.findall(rb"^X-Rcpt-Args: <(\w+)@", message, re.MULTILINE)
                self.assertEqual(sorted(recipients), [b"bob", b"carol", b"dave", b"eve"])
                # The dump has header fields of its own before the message.
                head, rest = re.split(rb"(?m)^Received:[^\n]*\n(?:[ \t][^\n]*\n)*", message, maxsplit=1)
                self.check(rest)

    def test_smtp_sink_that_refuses(self):
        with Sink("-r", "RCPT") as sink, tempfile.TemporaryDirectory() as folder:  # 4xx to RCPT
            run(*arguments(sink.port, folder, "--tls", "none"), expect=1)
        with Sink("-Q", "DATA") as sink, tempfile.TemporaryDirectory() as folder:  # 421 to DATA and hangs up
            run(*arguments(sink.port, folder, "--tls", "none"), expect=1)

    def test_aiosmtpd(self):
        handler = Handler()
        controller = Controller(handler, hostname="127.0.0.1", port=free_port())
        controller.start()
        try:
            with tempfile.TemporaryDirectory() as folder:
                done = subprocess.run(arguments(controller.port, folder, "--tls", "none"), capture_output=True, timeout=60)
                # One refused recipient does not stop the others; it is told.
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(b"carol@hamburger.edu", done.stderr)
                self.assertIn(b"5.1.1", done.stderr)
        finally:
            controller.stop()
        envelope, = handler.envelopes
        self.assertEqual(envelope.mail_from, "alice@crepes.fr")
        self.assertEqual(envelope.rcpt_tos, ["bob@hamburger.edu", "dave@hamburger.edu", "eve@hamburger.edu"])
        self.check(envelope.content)

    def test_aiosmtpd_over_tls_with_auth(self):
        import ssl

        seen = []

        def authenticate(server, session, envelope, mechanism, data):
            seen.append((mechanism, data))
            right = isinstance(data, LoginPassword) and data.password == PASSWORD.encode()
            return AuthResult(success=right, handled=False)

        # Our own server makes the certificate.
        with Server("localhost", []) as certified:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certified.certificate, certified.folder / "data" / "key.pem")
            handler = Handler()
            controller = Controller(handler, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True, auth_required=True, authenticator=authenticate)
            controller.start()
            try:
                with tempfile.TemporaryDirectory() as folder:
                    words = arguments(controller.port, folder, "--user", "alice", "--tls-ca", certified.certificate)
                    words[words.index("--server") + 1] = f"localhost:{controller.port}"
                    words[words.index("--to") + 1] = "bob@hamburger.edu"
                    # A certificate that nobody vouches for, and a wrong password.
                    untrusted = [word for word in words if word not in ("--tls-ca", certified.certificate)]
                    run(*untrusted, expect=1, env={"MAIL_PASSWORD": PASSWORD, "PATH": "/usr/bin"})
                    run(*words, expect=1, env={"MAIL_PASSWORD": "wrong", "PATH": "/usr/bin"})
                    self.assertEqual(handler.envelopes, [])
                    run(*words, env={"MAIL_PASSWORD": PASSWORD, "PATH": "/usr/bin"})
            finally:
                controller.stop()
        self.assertEqual(len(handler.envelopes), 1)
        self.assertEqual(seen[-1][0], "PLAIN")

    def test_tls_is_not_given_up_silently(self):
        with Sink() as sink, tempfile.TemporaryDirectory() as folder:
            run(*arguments(sink.port, folder), expect=1)  # it offers no STARTTLS
            self.assertEqual(sink.messages(), [])


if __name__ == "__main__":
    unittest.main()
