#!/usr/bin/env python3
"""Programs that we did not write, against ours, on loopback.

    python3 interop/run.py [--release] [PATTERN …]

Builds the programs if they are not built, makes a Python environment with the peers from PyPI in target/, and runs every
test_*.py here. A peer that is missing is a failure, never a skip: install first what `.ci/run` installs.
"""

import os
import subprocess
import sys
import unittest
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
PEERS = ["aiosmtpd==1.4.6", "imapclient==4.1.0", "aioimaplib==2.0.3"]


def environment():
    """The Python of an environment that holds the peers."""
    folder = TARGET / "interop-python"
    python = folder / "bin" / "python"
    stamp = folder / "peers.txt"
    if not stamp.exists() or stamp.read_text().split() != PEERS:
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PEERS], check=True)
        stamp.write_text("\n".join(PEERS))
    return python


def main():
    arguments = sys.argv[1:]
    profile = "release" if "--release" in arguments else "debug"
    patterns = [argument for argument in arguments if not argument.startswith("--")]
    if "POSTROAD_PROGRAMS" not in os.environ:
        build = ["cargo", "build", "--workspace", "--bins"] + (["--release"] if profile == "release" else [])
        subprocess.run(build, cwd=ROOT, check=True)
        again = dict(os.environ, POSTROAD_PROGRAMS=str(TARGET / profile))
        os.execve(environment(), [str(environment()), str(HERE / "run.py"), *arguments], again)

    sys.path.insert(0, str(HERE))
    loader = unittest.TestLoader()
    if patterns:
        loader.testNamePatterns = [f"*{pattern}*" for pattern in patterns]
    suite = loader.discover(str(HERE), pattern="test_*.py")
    result = unittest.TextTestRunner(verbosity=2, warnings="ignore").run(suite)
    failed = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"interop: {result.testsRun - failed} passed, {failed} failed, {len(result.skipped)} skipped")
    if result.testsRun == 0 or not result.wasSuccessful() or result.skipped:
        sys.exit(1)


if __name__ == "__main__":
    main()
