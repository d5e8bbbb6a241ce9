"""The web pages, in Debian's Chromium driven by playwright-core."""

import json
import os
import subprocess
import tempfile
import unittest
from email.message import EmailMessage
import email.policy
from pathlib import Path

from harness import PASSWORD, PATIENCE, Server, program

HERE = Path(__file__).resolve().parent
PLAYWRIGHT = "1.56.1"
PICTURE = "http://127.0.0.1:9/track.png"
HOSTILE = f"""<html><head><meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/refresh">
<base href="http://127.0.0.1:9/"><link rel="stylesheet" href="http://127.0.0.1:9/style.css">
<style>@import url(http://127.0.0.1:9/import.css); body {{ background: url(http://127.0.0.1:9/background.png) }}</style></head>
<body onload="alert('onload')"><p style="background:url(http://127.0.0.1:9/style.png)">Dear Bob</p>
<script>alert('script')</script><script src="http://127.0.0.1:9/script.js"></script>
<img src="{PICTURE}" onerror="alert('onerror')"><img src="cid:nothing@here"><svg onload="alert('svg')"></svg>
<form action="/logout" method="post"><button autofocus onfocus="alert('focus')">Click</button></form>
<a href="javascript:alert('link')">link</a><iframe src="http://127.0.0.1:9/frame"></iframe>
<object data="http://127.0.0.1:9/object"></object><video src="http://127.0.0.1:9/video" autoplay></video></body></html>"""


def playwright():
    """playwright-core from npm, in the folder of the build; it brings no browser."""
    target = Path(os.environ["POSTROAD_PROGRAMS"]).parent / "interop-node"
    module = target / "node_modules" / "playwright-core"
    package = module / "package.json"
    if not package.exists() or json.loads(package.read_text())["version"] != PLAYWRIGHT:
        target.mkdir(parents=True, exist_ok=True)
        command = [program("npm"), "install", "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(target)]
        subprocess.run([*command, f"playwright-core@{PLAYWRIGHT}"], check=True, stdout=subprocess.DEVNULL, timeout=300)
    return module / "index.mjs"


class Webmail(unittest.TestCase):
    def test_a_browser(self):
        module, chromium, node = playwright(), program("chromium"), program("node")
        hamburger = Server("hamburger.edu", ["bob@hamburger.edu"]).start()
        crepes = None
        try:
            routes = {"hamburger.edu": f"127.0.0.1:{hamburger.ports['smtp']}"}
            crepes = Server("crepes.fr", ["alice@crepes.fr"], routes=routes).start()
            # And the way back.
            hamburger.stop()
            hamburger.routes = {"crepes.fr": f"127.0.0.1:{crepes.ports['smtp']}"}
            hamburger.start()
            mail = EmailMessage(policy=email.policy.SMTP)
            mail["From"], mail["To"], mail["Subject"] = "eve@example.org", "bob@hamburger.edu", "Hostile"
            mail.set_content(HOSTILE, subtype="html")
            with hamburger.smtp() as client:
                client.send_message(mail)
            with tempfile.TemporaryDirectory() as folder:
                (Path(folder) / "카페 메뉴.bin").write_bytes(bytes(range(256)) * 1000)
                with open(Path(folder) / "large.bin", "wb") as large:
                    large.truncate(60_000_000)
                settings = {
                    "module": str(module),
                    "chromium": chromium,
                    "alice": f"http://127.0.0.1:{crepes.ports['webmail']}",
                    "bob": f"http://127.0.0.1:{hamburger.ports['webmail']}",
                    "password": PASSWORD,
                    "picture": PICTURE,
                    "folder": folder,
                    "screenshots": os.environ.get("POSTROAD_SCREENSHOTS"),
                }
                done = subprocess.run(
                    [node, HERE / "webmail.mjs", json.dumps(settings)],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.PIPE,
                    timeout=3 * PATIENCE,
                )
            self.assertEqual(
                (done.returncode, done.stdout.decode().strip()),
                (0, "ok"),
                f"{done.stderr.decode()}\n{hamburger.log[-3000:]}",
            )
        finally:
            for server in filter(None, [hamburger, crepes]):
                server.__exit__(None, None, None)


if __name__ == "__main__":
    unittest.main()
