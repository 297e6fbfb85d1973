"""The image: it builds, it is small, it holds the program once."""

import json
import re
import subprocess
import tarfile
import tempfile

from endtoend.machine import IMAGE, build_image, check, run

MAX_IMAGE = 10_300_000  # bytes


def image(_):
    build_image()
    holds_the_program(IMAGE, MAX_IMAGE)
    version = run("docker", "run", "--rm", IMAGE, "version")
    check(re.fullmatch(r"valetkey \S+ \(commit .+\)\n", version), "the image runs as valetkey, and says version and commit", version)


def holds_the_program(name, most, extra=()):
    """An image is small, and is one layer with the program under both of its names and
    nothing else but the files in `extra`."""
    size = int(run("docker", "image", "inspect", "-f", "{{.Size}}", name))
    check(size <= most, f"the image has {size:,} bytes, of {most:,}")
    with tempfile.TemporaryFile() as saved:
        subprocess.run(["docker", "save", name], stdout=saved, check=True)
        saved.seek(0)
        files = [(i, m) for i, layer in enumerate(layers(saved)) for m in layer if not m.isdir()]
    entries = {m.name.lstrip("./"): m for _, m in files}
    check(entries.keys() == {"valetkey", "post", *extra}, f"the image holds {', '.join(sorted(entries))}, and nothing else", entries)
    program, other = sorted((entries["valetkey"], entries["post"]), key=lambda m: m.islnk())
    check(len({i for i, _ in files}) == 1 and program.isreg() and other.islnk() and other.linkname.lstrip("./") == program.name.lstrip("./"),
          "valetkey and post are one file in one layer", files)
    check("no token to revoke" in run("docker", "run", "--rm", "--entrypoint", "/post", name, "mint"), "the image runs as post")
    config = json.loads(run("docker", "image", "inspect", name))[0]["Config"]
    check(not config.get("User") and config["Entrypoint"] == ["/valetkey"], "the image sets no user, and its entrypoint needs no shell", config)


def layers(saved):
    """Lists the entries of each layer of a saved image."""
    with tarfile.open(fileobj=saved) as tar:
        for name in json.load(tar.extractfile("manifest.json"))[0]["Layers"]:
            with tarfile.open(fileobj=tar.extractfile(name)) as layer:
                yield layer.getmembers()
