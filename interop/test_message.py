"""What our builder writes, read by others; what others write, read by us."""

import email
import email.header
import email.policy
import email.utils
import hashlib
import json
import subprocess
import tempfile
import unittest
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

from harness import CLIENT, PATIENCE, PROGRAMS, program, run

HERE = Path(__file__).resolve().parent
PACKAGES = {"mailparser": "3.14.2", "nodemailer": "10.6.1"}
#: Long enough for a build of the example, cold.
BUILD = 600


def packages():
    """mailparser and nodemailer from npm, in the folder of the build."""
    target = PROGRAMS.parent / "interop-mail"
    wanted = []
    for name, version in PACKAGES.items():
        package = target / "node_modules" / name / "package.json"
        if not package.exists() or json.loads(package.read_text())["version"] != version:
            wanted.append(f"{name}@{version}")
    if wanted:
        target.mkdir(parents=True, exist_ok=True)
        every = [f"{name}@{version}" for name, version in PACKAGES.items()]
        command = [program("npm"), "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(target)]
        subprocess.run([*command, *every], check=True, stdout=subprocess.DEVNULL, timeout=300)
    return target / "node_modules"


def node(script, *arguments):
    """Runs messages.mjs, and gives the lines of JSON that it prints."""
    done = subprocess.run(
        [program("node"), HERE / "messages.mjs", packages(), script, *[str(argument) for argument in arguments]],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=PATIENCE * 5,
    )
    if done.returncode != 0:
        raise AssertionError(done.stderr.decode())
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def inspect(paths):
    """What `mail-client inspect` says of files."""
    return [json.loads(line) for line in run(CLIENT, "inspect", "--json", *paths).decode().splitlines()]


def lines(text):
    return text.replace("\r\n", "\n").rstrip("\n")


class OursReadByOthers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        profile = ["--release"] if PROGRAMS.name == "release" else []
        subprocess.run(
            ["cargo", "run", "--quiet", *profile, "--package", "postroad-message", "--example", "message_samples", "--", cls.folder.name],
            cwd=HERE.parent, check=True, stdout=subprocess.DEVNULL, timeout=BUILD,
        )
        cls.samples = json.loads((Path(cls.folder.name) / "samples.json").read_text())

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    @staticmethod
    def name(octets):
        """The author's name. Python's newer interface keeps the space between two encoded words of a phrase; its older one does not."""
        field = email.message_from_bytes(octets, policy=email.policy.compat32)["From"]
        name, _ = email.utils.parseaddr(field)
        return str(email.header.make_header(email.header.decode_header(name)))

    def test_python(self):
        self.assertGreater(len(self.samples), 50)
        for sample in self.samples:
            with self.subTest(sample["file"]):
                octets = (Path(self.folder.name) / sample["file"]).read_bytes()
                mail = email.message_from_bytes(octets, policy=email.policy.default)
                self.assertEqual(str(mail["Subject"]).strip(), sample["subject"].strip())
                author, = mail["From"].addresses
                self.assertEqual(author.addr_spec, sample["from"]["address"])
                self.assertEqual(self.name(octets), sample["from"]["name"])
                self.assertEqual([to.addr_spec for to in mail["To"].addresses], sample["to"])
                self.assertEqual(mail["Message-ID"], f"<{sample['message_id']}>")
                if sample["text"] is not None:
                    self.assertEqual(lines(mail.get_body(("plain",)).get_content()), lines(sample["text"]))
                if sample["html"] is not None:
                    self.assertEqual(lines(mail.get_body(("html",)).get_content()), lines(sample["html"]))
                if sample["attachment"] is not None:
                    attachment, = mail.iter_attachments()
                    self.assertEqual(attachment.get_filename(), sample["attachment"]["filename"])
                    self.assertEqual(attachment.get_content(), (bytes(range(256)) * 12)[:3000])
                if sample["nested"]:
                    inner, = mail.iter_attachments()
                    inner = inner.get_content()
                    self.assertEqual(str(inner["Subject"]).strip(), sample["subject"].strip())
                    self.assertEqual(len(list(inner.iter_attachments())), 1)
                for part in mail.walk():
                    self.assertFalse(part.defects, part.get_content_type())

    def test_mailparser(self):
        read = node("read", *[Path(self.folder.name) / sample["file"] for sample in self.samples])
        self.assertEqual(len(read), len(self.samples))
        for sample, seen in zip(self.samples, read):
            with self.subTest(sample["file"]):
                self.assertEqual(seen["subject"].strip(), sample["subject"].strip())
                self.assertEqual(seen["from"], [sample["from"]])
                self.assertEqual([to["address"] for to in seen["to"]], sample["to"])
                if sample["text"] is not None:
                    self.assertEqual(lines(seen["text"]), lines(sample["text"]))
                if sample["html"] is not None:
                    self.assertEqual(lines(seen["html"]), lines(sample["html"]))
                if sample["attachment"] is not None:
                    attachment, = seen["attachments"]
                    self.assertEqual(attachment["filename"], sample["attachment"]["filename"])
                    self.assertEqual(attachment["sha256"], hashlib.sha256((bytes(range(256)) * 12)[:3000]).hexdigest())

    def test_and_by_ourselves_without_defects(self):
        for sample, seen in zip(self.samples, inspect([Path(self.folder.name) / sample["file"] for sample in self.samples])):
            with self.subTest(sample["file"]):
                self.assertEqual([defect for defect in seen["defects"] if defect["severity"] != "note"], [])
                self.assertEqual(seen["subject"].strip(), sample["subject"].strip())
                self.assertEqual(seen["from"], [sample["from"]])


SUBJECTS = ["plain", "삶의 의미를 찾아서", "人生の意味を探して" * 6, "emoji 🥞🍔 and more", 'a "quoted" one, (with) \\ signs', "Ünïcödé " * 20]


class OthersReadByUs(unittest.TestCase):
    def check(self, expected, seen):
        self.assertEqual([defect for defect in seen["defects"] if defect["severity"] == "error"], [])
        self.assertEqual(seen["subject"].strip(), expected["subject"].strip())
        self.assertEqual(seen["from"], [{"name": expected["name"], "address": "alice@crepes.fr"}])
        self.assertEqual([to["address"] for to in seen["to"]], ["bob@hamburger.edu", "carol@hamburger.edu"])
        parts = {part["id"]: part for part in seen["parts"]}
        text = parts[seen["text_body"][0]]["text"]
        self.assertEqual(lines(text), lines(expected["text"]))
        attachment, = [parts[number] for number in seen["attachments"]]
        self.assertEqual(attachment["filename"], expected["filename"])
        self.assertEqual(attachment["sha256"], hashlib.sha256(bytes(range(256)) * 20).hexdigest())

    def test_python(self):
        with tempfile.TemporaryDirectory() as folder:
            expected = []
            for number, subject in enumerate(SUBJECTS):
                for policy in (email.policy.SMTP, email.policy.SMTP.clone(cte_type="8bit")):
                    name = subject.strip()[:60]
                    mail = EmailMessage(policy=policy)
                    mail["Subject"] = subject
                    mail["Date"] = email.utils.localtime()
                    mail["From"] = Address(name, "alice", "crepes.fr")
                    mail["To"] = (Address("Bob", "bob", "hamburger.edu"), Address("", "carol", "hamburger.edu"))
                    text = f"{subject}\n.\n한국어 日本語 🥞\n"
                    mail.set_content(text)
                    mail.add_alternative(f"<p>{text}</p>", subtype="html")
                    mail.add_attachment(bytes(range(256)) * 20, maintype="application", subtype="octet-stream", filename=f"{name}.bin")
                    path = Path(folder) / f"{len(expected):03}.eml"
                    path.write_bytes(mail.as_bytes())
                    expected.append({"path": path, "subject": subject, "name": name, "text": text, "filename": f"{name}.bin"})
            for one, seen in zip(expected, inspect([one["path"] for one in expected])):
                with self.subTest(one["subject"]):
                    self.check(one, seen)

    def test_nodemailer(self):
        with tempfile.TemporaryDirectory() as folder:
            wanted = []
            for number, subject in enumerate(SUBJECTS):
                name = subject.strip()[:60]
                text = f"{subject}\n.\n한국어 日本語 🥞\n"
                wanted.append({"path": str(Path(folder) / f"{number:03}.eml"), "subject": subject, "name": name, "text": text, "filename": f"{name}.bin"})
            plan = Path(folder) / "plan.json"
            plan.write_text(json.dumps(wanted))
            node("write", plan)
            for one, seen in zip(wanted, inspect([one["path"] for one in wanted])):
                with self.subTest(one["subject"]):
                    self.check(one, seen)
