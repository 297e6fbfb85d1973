"""What sync stores and what rotate makes, in workflows' eyes and in logs."""

import base64
import getpass
import json
import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from endtoend.machine import check, run
from endtoend.world import CLIENT_ID


def fleet(world, emulator, flags):
    """What sync stores and what rotate makes is in no log, no summary and no file."""
    value = "value of " + base64.b32encode(os.urandom(20)).decode()
    (world.dir / "workspace").mkdir()
    (world.dir / "workspace/valetkey.yml").write_text("""
secrets:
  - {name: VALUE, to: [{repositories: ["acme/*"], apps: [actions, dependabot]}]}
  - {name: TOKEN, from: mint, mint: {repositories: [acme/api], permissions: {contents: read}}, to: [{repositories: [acme/payments]}]}
rotations:
  - {name: key, deploy-key: {repository: acme/api, title: ci}, every: 30d, store: [{repository: acme/payments, secret: KEY}]}
  - {name: random, random: {}, every: 30d, store: [{repository: acme/payments, secret: RANDOM}]}
  - {name: identity, age: {}, every: 30d, store: [{repository: acme/payments, secret: IDENTITY, recipient-variable: RECIPIENT}]}
""")
    given = {"client_id": CLIENT_ID, "manifest": "valetkey.yml"}
    flags = ["-workspace", world.dir / "workspace", "-env", f"VALUE={value}", "-secret", value, *flags]
    world.witness.forget()
    done, _ = emulator.stage("valetkey", flags, "sync", state_file="state", report_file="report.json", **given)
    check((done["result"], done["outputs"]["created"], done["outputs"]["failed"]) == ("success", "5", "0"), "sync writes five secrets", done)
    stored = world.stored()
    check(stored.count(f" VALUE={value}") == 4 and " TOKEN=ghs_" in stored, "workflows see them", stored)
    alive = [token for token in world.witness.tokens if world.alive(token)]
    check(len(alive) == 1 and f" TOKEN={alive[0]}" in stored, "of the tokens, the stored one lives", len(alive))
    check(alive[0] in {mask["value"] for mask in done["masks"]}, "and is masked")
    again, _ = emulator.stage("valetkey", flags, "sync", state_file="state", **given)
    check((again["outputs"]["unchanged"], again["outputs"]["updated"]) == ("4", "1"), "the next run writes the fresh token alone", again)

    done, _ = emulator.stage("valetkey", flags, "rotate", **given)
    check(done["result"] == "success" and json.loads(done["outputs"]["rotated"]) == ["key", "random", "identity"], "rotate makes three credentials", done)
    stored = world.stored()
    made = [line for line in stored.splitlines() if len(line) > 16 and not line.startswith("-----")]
    check(" KEY=-----BEGIN OPENSSH" in stored and " IDENTITY=AGE-SECRET-KEY-1" in stored, "workflows see them", stored)
    said = json.dumps([done["log"], done["summary"], done["outputs"], done["annotations"] if "annotations" in done else []])
    said += "".join(path.read_text() for path in (world.dir / "workspace").iterdir())
    secrets = [line.split("=", 1)[-1] if line.startswith("acme/") else line for line in made]
    check(len(secrets) > 6 and not any(secret in said for secret in secrets if not secret.startswith("-----")), "none of it is in log, summary, outputs or files")
    opened, log = ssh_clones(world, stored)
    check(opened == [True, False], "the stored key opens git clone over SSH, and another key does not", log)


def ssh_clones(world, stored):
    """Clones acme/api from a real sshd that knows its deploy keys: with the key that
    was stored, and with a key that was not."""
    home = world.dir / "ssh"
    home.mkdir(mode=0o700)
    armour = re.search(r" KEY=(-----BEGIN.*?-----END[^\n]*\n)", stored, re.S)
    (home / "stored").write_text(armour[1])
    for name in ("host", "other"):
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", home / name)
    for name in ("stored", "other"):
        (home / name).chmod(0o600)
    keys = [line.split(": ", 1)[1] for line in world.get("/demo/deploy-keys").splitlines() if line.startswith("acme/api ")]
    (home / "authorized").write_text("".join(f"restrict {key}\n" for key in keys))
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (home / "config").write_text(f"""Port {port}
ListenAddress 127.0.0.1
HostKey {home}/host
AuthorizedKeysFile {home}/authorized
PidFile {home}/pid
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
""")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    check(Path(sshd).exists(), "there is an sshd (Debian: openssh-server)")
    server = subprocess.Popen([sshd, "-D", "-e", "-f", home / "config"],
                              stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(home / "log").open("w"))
    try:
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        opened = []
        for name in ("stored", "other"):
            env = {**os.environ, "GIT_SSH_COMMAND": f"ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes -o BatchMode=yes -p {port} -i {home}/{name}"}
            code, _ = run("git", "clone", "-q", f"{getpass.getuser()}@127.0.0.1:{world.dir}/github/repositories/acme/api.git", home / f"clone-{name}", allow_failure=True, env=env, timeout=30)
            opened.append(code == 0 and (home / f"clone-{name}/README.md").exists())
        return opened, (home / "log").read_text()
    finally:
        server.terminate()
        server.wait()
