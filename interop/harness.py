"""Starts our programs, and says what they did."""

import imaplib
import os
import re
import shutil
import signal
import smtplib
import poplib
import ssl
import subprocess
import tempfile
import threading
import time
from pathlib import Path

PROGRAMS = Path(os.environ["POSTROAD_PROGRAMS"])
SERVER = PROGRAMS / "mail-server"
CLIENT = PROGRAMS / "mail-client"
PASSWORD = "crepe suzette"
#: Nothing here takes as long; it is there so that nothing waits for ever.
PATIENCE = 60


def program(name):
    """The path of a peer; missing is a failure."""
    path = shutil.which(name, path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if path is None:
        raise AssertionError(f"{name} is not installed")
    return path


def run(*command, **options):
    """Runs a program to its end, and gives what it printed. Fails with all of that where it failed."""
    expected = options.pop("expect", 0)
    done = subprocess.run(
        [str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE, **options
    )
    if done.returncode != expected:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done.stdout


class Server:
    """A `mail-server serve` of its own, with a store of its own, on free ports of loopback."""

    def __init__(self, hostname, accounts=(), routes=None, configuration="", limits="", auth="", folder=None, file_size=None):
        self.hostname = hostname
        self.folder = Path(folder or tempfile.mkdtemp(prefix="postroad-"))
        self.file_size = file_size
        self.process = None
        self.ports = {}
        self.starts = 0
        self.fixed = {}
        self.routes = routes or {}
        self.configuration = configuration
        self.limits = limits
        self.auth = auth
        self.accounts = accounts
        self._write()
        for account in accounts:
            run(SERVER, "account", "add", account, "--password-stdin", "--config", self.config, input=PASSWORD.encode())

    @property
    def config(self):
        return self.folder / "mail-server.toml"

    @property
    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def _write(self):
        port = lambda name: f"127.0.0.1:{self.fixed.get(name, 0)}"
        routes = "\n".join(f'"{domain}" = "{address}"' for domain, address in self.routes.items())
        self.config.write_text(
            f"""
hostname = "{self.hostname}"
domains = ["{self.hostname}"]
data = "data"

[listen]
smtp = "{port('smtp')}"
submission = "{port('submission')}"
pop3 = "{port('pop3')}"
imap = "{port('imap')}"
imaps = "{port('imaps')}"
webmail = "{port('webmail')}"

[auth]
{self.auth}

[limits]
{self.limits}

[queue]
retry = ["1s"]
{self.configuration}

[routes]
{routes}
"""
        )

    def start(self):
        self.starts += 1
        self._write()

        def limit():
            if self.file_size is not None:
                import resource

                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (self.file_size, self.file_size))

        errors = open(self.folder / "log", "ab")
        self.process = subprocess.Popen(
            [SERVER, "--log", "info", "serve", "--config", self.config],
            stdout=subprocess.PIPE,
            stderr=errors,
            preexec_fn=limit,
        )
        errors.close()
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        for line in self.process.stdout:
            if line == b"ready\n":
                break
            listening = re.fullmatch(rb"listening (\S+) 127\.0\.0\.1:(\d+)\n", line)
            if listening:
                self.ports[listening[1].decode()] = int(listening[2])
        else:
            raise AssertionError(f"the server did not start:\n{self.log}")
        watchdog.cancel()
        # A restart keeps its ports, as a server does.
        self.fixed = dict(self.ports)
        return self

    def stop(self):
        """As an init system does; it must end by itself, with 0."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process = None
        if code != 0:
            raise AssertionError(f"the server ended with {code}\n{self.log}")

    def kill(self):
        """As a power failure does."""
        self.process.kill()
        self.process.wait(PATIENCE)
        self.process.stdout.close()
        self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, error, trace):
        if kind is not None:
            print(f"\n-- log of {self.hostname}\n{self.log[-6000:]}")
        try:
            self.stop()
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def certificate(self):
        return self.folder / "data" / "certificate.pem"

    def tls(self):
        """A context that trusts this server alone."""
        context = ssl.create_default_context(cafile=self.certificate)
        context.check_hostname = False  # we connect to 127.0.0.1; the certificate is for the server's name
        return context

    def submission(self, account):
        """smtplib, logged in over STARTTLS."""
        client = smtplib.SMTP("127.0.0.1", self.ports["submission"], timeout=PATIENCE)
        client.starttls(context=self.tls())
        client.login(account, PASSWORD)
        return client

    def smtp(self):
        """smtplib on port 25's listener."""
        return smtplib.SMTP("127.0.0.1", self.ports["smtp"], timeout=PATIENCE)

    def pop3(self, account):
        """poplib, logged in over STLS."""
        poplib._MAXLINE = 1 << 20
        client = poplib.POP3("127.0.0.1", self.ports["pop3"], timeout=PATIENCE)
        client.stls(context=self.tls())
        client.encoding = "utf-8"
        client.user(account)
        client.pass_(PASSWORD)
        return client

    def imap(self, account, tls="starttls"):
        """imaplib, logged in: over STARTTLS, or "implicit" TLS."""
        if tls == "implicit":
            client = imaplib.IMAP4_SSL("127.0.0.1", self.ports["imaps"], ssl_context=self.tls(), timeout=PATIENCE)
        else:
            client = imaplib.IMAP4("127.0.0.1", self.ports["imap"], timeout=PATIENCE)
            client.starttls(ssl_context=self.tls())
        client.login(account, PASSWORD)
        return client

    @property
    def resident(self):
        """How much memory of the machine the server uses, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB$", status, re.MULTILINE)[1]) / 1024

    def maildrop(self, account):
        """Every message in the maildrop, as octets; they stay there."""
        client = self.pop3(account)
        count, _ = client.stat()
        messages = [b"\r\n".join(client.retr(number)[1]) + b"\r\n" for number in range(1, count + 1)]
        client.quit()
        return messages

    def wait_for(self, account, count, patience=PATIENCE):
        """The maildrop, once it holds that many."""
        until = time.monotonic() + patience
        while True:
            client = self.pop3(account)
            there, _ = client.stat()
            client.quit()
            if there >= count:
                return self.maildrop(account)
            if time.monotonic() > until:
                raise AssertionError(f"{there} of {count} messages after {patience} s\n{self.log[-4000:]}")
            time.sleep(0.2)


TRACE = re.compile(rb"\A(?:(?:Return-Path|Received):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)+")


def without_trace(message):
    """The message without the trace fields that were put before it."""
    found = TRACE.match(message)
    if not found:
        raise AssertionError(f"no trace field: {message[:200]!r}")
    return message[found.end():]
