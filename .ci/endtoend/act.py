"""Workflows of testdata/workflows in act, with the real git clone."""

import json
import os
import re
import tempfile
from pathlib import Path

from endtoend.machine import BASE_IMAGE, JOB_IMAGE, ROOT, check, have_images, need_shared, run
from endtoend.tokens import POLICY, PULL_REQUEST, PUSH, changes, leaked, repository
from endtoend.world import CLIENT_ID, FIND, MINT, REVOKED, World, forms

ACT = "0.2.89"


def act(stack):
    if not need_shared("the run in act"):
        return
    have_images(BASE_IMAGE, JOB_IMAGE)
    world = World(stack)

    print("workflow mint:")
    code, log = in_act(world, "mint.yml")
    check(code == 0, "the job is green, post included", log)
    for line in ("token-hash is right", "expires-at is an hour away", "permissions are right", "repositories are right",
                 "installation-id and app-slug are right", "acme/api is cloned", "acme/payments is refused"):
        check(said(log, line), line, log)
    check(world.witness.seen == [FIND, MINT], "two requests were enough", world.witness.seen)
    # act gives a container's post no state; the runner part proves the revocation.
    check(said(log, "there is no token to revoke"), "post ran", log)
    check_log(log, world)

    print("workflow carry:")
    code, log = in_act(world, "carry.yml")
    check(code == 0, "all three jobs are green", log)
    for line in ("acme/api is cloned in another job", "opened into the environment", "refused after the third job"):
        check(said(log, line), line, log)
    check(REVOKED in world.witness.seen, "the third job revoked it", world.witness.seen)
    check_log(log, world)

    print("workflow git:")
    code, log = in_act(world, "git.yml")
    check(code == 0, "the job is green", log)
    for line in ("git clones by itself", "commits are the bot's", "git pushes by itself", "the token is in the environment"):
        check(said(log, line), line, log)
    check_log(log, world)

    print("workflow sync:")
    code, log = in_act(world, "sync.yml")
    check(code == 0, "the job is green", log)
    for line in ("six secrets are created", "workflows see the value", "no file holds it", "the second run writes nothing"):
        check(said(log, line), line, log)
    check_log(log, world)

    print("workflow rotate:")
    code, log = in_act(world, "rotate.yml")
    check(code == 0, "the job is green", log)
    for line in ("both are made", "the stored key is the deploy key", "the random secret is stored", "the next run finds nothing due"):
        check(said(log, line), line, log)
    check_log(log, world)

    print("workflow pats, for a pull request:")
    policy = {".github/valetkey.yml": POLICY}
    code, log = in_act(world, "pats.yml", event="pull_request", payload=PULL_REQUEST, files=policy)
    check(code == 0, "the job is green", log)
    for line in ("it counts what it does, or would do", "both wait", "the leaked token works", "nobody is told of anything"):
        check(said(log, line), line, log)
    check("the policy may be from a pull request" in log and changes(world) == [], "the policy is only asked", world.witness.seen)
    check_log(log, world, leaked(world))

    print("workflow pats, on the default branch:")
    code, log = in_act(world, "pats.yml", payload=PUSH, files=policy)
    check(code == 0, "the job is green", log)
    for line in ("it counts what it does, or would do", "one request is approved", "one is denied", "hubot has notice",
                 "the leaked token is dead", "the second run finds everything done"):
        check(said(log, line), line, log)
    check(len(changes(world)) == 5, "there were five changes: two requests, a token, its alert, a notice", world.witness.seen)
    check_log(log, world, leaked(world))

    print("workflow faults:")
    code, log = in_act(world, "faults.yml")
    check(code == 0, "both jobs end as they should", log)
    for line in ("skipped, without outputs", "refused, without outputs"):
        check(said(log, line), line, log)
    for text in ("::notice::no token: there is no key to sign with", "::error::input repositories:", "::error::input permissions:"):
        check(text in log, f"the log says {text}…", log)
    check(world.witness.seen == [], "no request was sent", world.witness.seen)
    check_log(log, world)


def act_program():
    program = Path(run("go", "env", "GOPATH").strip()) / "bin/act"
    if not program.exists() or run(program, "--version").split()[-1] != ACT:
        run("go", "install", f"github.com/nektos/act@v{ACT}")
    return program


def in_act(world, workflow, actions=ROOT, image=JOB_IMAGE, event="push", payload=None, files=None):
    """Runs a workflow of ours with the actions of a folder, away from this machine's
    settings, and without --json, which would print outputs unmasked. The files are in
    the repository's commit, which actions/checkout gives to the job."""
    world.witness.forget()
    home = Path(tempfile.mkdtemp(dir=world.dir))
    repository(home, files or {})  # act takes its name and commit from git
    described = Path(tempfile.mkdtemp(dir=world.dir)) / "event.json"
    described.write_text(json.dumps(payload or {}))
    env = {
        "PATH": os.environ["PATH"], "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "XDG_CONFIG_HOME": str(home / "config"),
        "APP_PRIVATE_KEY": world.key,
        **{name: value for name, value in os.environ.items() if name.startswith("DOCKER_")},
    }
    return run(
        act_program(), event, "-e", described, "-W", ROOT / "testdata/workflows" / workflow,
        "-P", f"ubuntu-latest={image}", "--pull=false", "--action-offline-mode", "--no-cache-server", "--container-daemon-socket", "-", "--rm",
        "--local-repository", f"valetkey/valetkey@v1={actions}",
        "--env", f"GITHUB_SERVER_URL=http://{world.address}", "--env", f"GITHUB_API_URL={world.witness.url}",
        "--env", "GITHUB_REPOSITORY_ID=4711",  # which act does not set
        "-s", "GITHUB_TOKEN=not-needed", "-s", "APP_PRIVATE_KEY",
        "--var", f"CLIENT_ID={CLIENT_ID}", "--var", f"API_URL={world.witness.url}", "--var", f"GIT_URL=http://{world.address}",
        allow_failure=True, cwd=home, env=env,
    )


def said(log, line):
    """Tells whether a step printed the line, which its script holds too."""
    return re.search(r"\| " + re.escape(line) + r"\s*$", log, re.M) is not None


def check_log(log, world, *others):
    """No secret may be readable, in the lines of add-mask neither: act masks those too."""
    for token in (*world.witness.tokens, *others):
        check(not any(form in log for form in forms(token)), "the token is not readable in the log", log)
    lines = [line for line in world.key.splitlines() if len(line) >= 16]
    check(len(lines) > 20 and not any(line in log for line in lines), "no line of the key is readable in the log", log)
