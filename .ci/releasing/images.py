"""Images of a release, made and carried by crane, the command of go-containerregistry:
one layer with one file under two names for each Linux, and an index over them. No
time gets into them, so that the same programs make the same digests.
"""

import contextlib
import socket
import subprocess
import time

from releasing.artifacts import archive, run

CRANE = "github.com/google/go-containerregistry/cmd/crane@v0.22.1"
SOURCE = "https://github.com/valetkey/valetkey"


class Crane:
    """The program crane, built into the folder `tools`."""

    def __init__(self, tools, env):
        run("go", "install", CRANE, env={**env, "GOBIN": str(tools)})
        self.program = tools / "crane"

    def __call__(self, *words):
        return run(self.program, *words, stderr=subprocess.DEVNULL).strip()

    @contextlib.contextmanager
    def registry(self):
        """Runs a registry on this machine, empty, for as long as it is used, and
        returns its address."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            address = "127.0.0.1:%d" % free.getsockname()[1]
        server = subprocess.Popen([self.program, "registry", "serve", "--address", address],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            answers(address)
            yield address
        finally:
            server.terminate()
            server.wait()


def answers(address):
    """Waits until somebody listens there, ten seconds at most."""
    host, port = address.split(":")
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return
        time.sleep(0.1)
    raise SystemExit(f"no registry came up at {address}")


def push(crane, programs, texts, source, version, repository, scratch):
    """Pushes an image for each Linux and the index over them, and returns the
    index's digest and those of the images. Only the index's tag is new there."""
    images = {}
    for system, machine in programs:
        # /post is /valetkey under another name: the program tells the stages apart by it.
        # crane takes what is packed already as it is, and packs less well itself.
        layer = archive(scratch / f"{machine}.tar.gz", {
            "valetkey": (programs[system, machine].read_bytes(), 0o755), "post": ("valetkey", None), "NOTICES": (texts.encode(), 0o644),
        })
        base = crane("append", "--oci-empty-base", "-f", layer, "-t", f"{repository}:{version}-{machine}")
        labels = {"source": SOURCE, "version": version, "revision": source, "licenses": "MIT"}
        made = crane("mutate", base, "--set-platform", f"{system}/{machine}", "--entrypoint", "/valetkey", "--repo", repository,
                     *(word for key, value in labels.items() for word in ("-l", f"org.opencontainers.image.{key}={value}")))
        images[f"{system}/{machine}"] = made.split("@")[1]
    manifests = [word for digest in images.values() for word in ("-m", f"{repository}@{digest}")]
    return crane("index", "append", *manifests, "-t", f"{repository}:{version}").split("@")[1], images
