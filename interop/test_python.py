"""Python's smtplib and poplib."""

import email
import email.policy
import smtplib
import poplib
import unittest
from email.message import EmailMessage

from harness import PASSWORD, Server, without_trace

BOB = "bob@hamburger.edu"


def message(subject="Searching for the meaning of life.", attachment=bytes(range(256)) * 40):
    mail = EmailMessage(policy=email.policy.SMTP)
    mail["From"] = "Alice <alice@crepes.fr>"
    mail["To"] = "Bob <bob@hamburger.edu>"
    mail["Subject"] = subject
    mail["Date"] = "Mon, 23 Nov 2026 09:00:00 +0900"
    mail["Message-ID"] = "<life.1@crepes.fr>"
    mail.set_content(".\n..\n.leading dots\n\nDo you like ketchup?\n인생의 의미를 찾아서\n")
    mail.add_attachment(attachment, maintype="application", subtype="octet-stream", filename="카페 메뉴.bin")
    return mail.as_bytes()


class Python(unittest.TestCase):
    def test_submit_and_pull_by_pop3(self):
        with Server("hamburger.edu", [BOB]) as server:
            octets = message("인생의 의미")
            client = server.submission(BOB)
            self.assertEqual(client.sendmail(BOB, [BOB], octets), {})
            self.assertEqual(client.sendmail(BOB, [BOB], octets), {}, "a second message on the same connection")
            client.quit()

            pop = server.pop3("bob")  # the log-in name without its domain
            self.assertEqual(pop.stat()[0], 2)
            listed = dict(line.decode().split(" ", 1) for line in pop.list()[1])
            unique = dict(line.decode().split(" ", 1) for line in pop.uidl()[1])
            self.assertEqual(len(set(unique.values())), 2)
            _, lines, size = pop.retr(1)
            retrieved = b"\r\n".join(lines) + b"\r\n"
            self.assertEqual(int(listed["1"]), len(retrieved))
            self.assertEqual(without_trace(retrieved), octets)
            top = pop.top(1, 2)[1]
            blank = top.index(b"")
            self.assertEqual(len(top), blank + 1 + 2)
            parsed = email.message_from_bytes(retrieved, policy=email.policy.default)
            self.assertEqual(parsed["Return-Path"], "<bob@hamburger.edu>")
            self.assertEqual(parsed["Subject"], "인생의 의미")
            pop.dele(1)
            pop.quit()

            pop = server.pop3(BOB)
            self.assertEqual(pop.stat()[0], 1)
            self.assertEqual(pop.uidl()[1][0].decode().split(" ")[1], unique["2"], "a unique-id stays")
            pop.rset()
            pop.dele(1)
            pop.close()  # without QUIT nothing is removed
            pop = server.pop3(BOB)
            self.assertEqual(pop.stat()[0], 1)
            pop.quit()

    def test_it_is_there_after_a_restart(self):
        server = Server("hamburger.edu", [BOB])
        with server:
            server.smtp().sendmail("alice@crepes.fr", [BOB], message())
            before = server.maildrop(BOB)
            server.kill()
            server.start()
            self.assertEqual(server.maildrop(BOB), before)
            server.stop()
            server.start()
            self.assertEqual(server.maildrop(BOB), before)

    def test_what_is_refused(self):
        with Server("hamburger.edu", [BOB], limits="message_size = 20000") as server:
            client = server.smtp()
            client.ehlo("crepes.fr")
            self.assertTrue(client.has_extn("size"))
            self.assertEqual(client.esmtp_features["size"], "20000")
            self.assertFalse(client.has_extn("auth"), "nothing to log in to on port 25's listener without TLS")
            with self.assertRaises(smtplib.SMTPRecipientsRefused) as refused:
                client.sendmail("alice@crepes.fr", ["nobody@hamburger.edu", "x@elsewhere.example"], b"x\r\n")
            codes = {address: code for address, (code, _) in refused.exception.recipients.items()}
            self.assertEqual(codes["nobody@hamburger.edu"], 550)
            self.assertEqual(codes["x@elsewhere.example"], 550, "no relaying")
            # One refused recipient does not hold up the others.
            self.assertEqual(list(client.sendmail("", [BOB, "nobody@hamburger.edu"], b"x\r\n")), ["nobody@hamburger.edu"])
            # Too large: at MAIL by SIZE, else after the end of the data; and the session goes on.
            with self.assertRaises(smtplib.SMTPSenderRefused) as large:
                client.sendmail("alice@crepes.fr", [BOB], b"x" * 78 + b"\r\n" * 20001)
            self.assertEqual(large.exception.smtp_code, 552)
            self.assertEqual(client.mail("alice@crepes.fr")[0], 250)
            self.assertEqual(client.rcpt(BOB)[0], 250)
            self.assertEqual(client.data((b"x" * 78 + b"\r\n") * 300)[0], 552)
            self.assertEqual(client.sendmail("alice@crepes.fr", [BOB], b"y\r\n"), {})
            client.quit()

            submission = smtplib.SMTP("127.0.0.1", server.ports["submission"])
            submission.ehlo()
            self.assertFalse(submission.has_extn("auth"), "no passwords in the clear")
            self.assertIn(submission.mail("bob@hamburger.edu")[0], (530,))
            submission.starttls(context=server.tls())
            with self.assertRaises(smtplib.SMTPAuthenticationError):
                submission.login(BOB, "wrong")
            submission.login(BOB, PASSWORD)
            submission.quit()

            pop = poplib.POP3("127.0.0.1", server.ports["pop3"])
            self.assertIn("STLS", pop.capa())
            self.assertNotIn("USER", pop.capa())
            with self.assertRaises(poplib.error_proto):
                pop.user("bob")
            pop.stls(context=server.tls())
            answers = []
            for user in ("bob", "nobody"):
                pop.user(user)
                with self.assertRaises(poplib.error_proto) as wrong:
                    pop.pass_("wrong")
                answers.append(str(wrong.exception))
            self.assertEqual(answers[0], answers[1], "nobody learns which accounts there are")
            pop.quit()

    def test_a_maildrop_is_locked(self):
        with Server("hamburger.edu", [BOB]) as server:
            first = server.pop3(BOB)
            with self.assertRaises(poplib.error_proto) as second:
                server.pop3(BOB)
            self.assertIn("[IN-USE]", str(second.exception))
            first.quit()
            server.pop3(BOB).quit()


if __name__ == "__main__":
    unittest.main()
