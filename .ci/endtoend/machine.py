"""What end-to-end runs need of the machine: commands, Docker, temporary folders."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SHARED = (ROOT / os.environ.get("VALETKEY_SHARED", "../shared")).resolve()
IMAGE = "valetkey:ci"
BASE_IMAGE, JOB_IMAGE = "golang:1.26-bookworm", "runner:local"


def check(holds, what, detail=""):
    if not holds:
        sys.exit(f"{detail}\nFAILED: {what}")
    print(f"ok: {what}", flush=True)


def run(*command, allow_failure=False, **options):
    """Runs a command and gives what it wrote, both streams in one."""
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **{"timeout": 600, **options},
    )
    if done.returncode and not allow_failure:
        sys.exit(f"FAILED: {command[0]} {command[1]} ended with {done.returncode}\n{done.stdout}")
    return done.stdout if not allow_failure else (done.returncode, done.stdout)


def have_images(*names):
    """Gets a Docker engine and images where no registry can be reached."""
    script = SHARED / "e2e/offline-images.sh"
    if script.exists():
        run(script, *names)
    elif shutil.which("docker") is None or run("docker", "info", allow_failure=True)[0]:
        sys.exit("FAILED: Docker is needed, and there is none")


def need_shared(part):
    """Tells whether the folder of facts is there; without it the part is skipped."""
    if (SHARED / "runneremu").is_dir():
        return True
    print(f"skipped: {part} needs the folder of facts, which is not at {SHARED}; VALETKEY_SHARED says where it is")
    return False


def temporary(stack):
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="valetkey-e2e-")))


def build_image():
    have_images(BASE_IMAGE)
    run("docker", "build", "-t", IMAGE, ".")
