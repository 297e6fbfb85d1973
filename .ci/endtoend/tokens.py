"""A policy for the personal access tokens that people of the demo's account have."""

import json

from endtoend.emulator import logged
from endtoend.machine import check, run
from endtoend.world import CLIENT_ID, forms

POLICY = """pats:
  organizations: [acme]
  mode: enforce
  requests:
    - {name: readers, if: {at-most: {repository: {contents: read}}, expires-within: 30d}, do: approve}
    - name: too much
      if: {any-of: {repository: {administration: write}}}
      do: deny
      reason: "{permissions} on {repositories} is for an App."
  grants:
    - {name: unused, if: {unused-for: 90d}, do: revoke, notice: 14d}
  leaks: {do: revoke, resolve: true}
  limits: {share: 50}
  notices: {repository: acme/payments, mention: owner}
"""

# What GitHub says of the events that start a run.
PUSH = {"ref": "refs/heads/main", "repository": {"default_branch": "main"}}
PULL_REQUEST = {"number": 7, "repository": {"default_branch": "main"}, "pull_request": {"head": {"ref": "mine"}, "base": {"ref": "main"}}}


def repository(folder, files):
    """Makes a repository of one commit on main, and returns that."""
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for words in (["init", "-q", "-b", "main"], ["remote", "add", "origin", "https://github.com/acme/website"], ["add", "."],
                  ["-c", "user.name=e2e", "-c", "user.email=e2e@example.com", "commit", "-q", "--allow-empty", "-m", "first"]):
        run("git", *words, cwd=folder)
    return run("git", "rev-parse", "HEAD", cwd=folder).strip()


def leaked(world):
    """Gives the value of the token that is in a commit."""
    [line] = [line for line in world.get("/demo/tokens").splitlines() if "which leaked" in line]
    return line.split(": ")[-1]


def changes(world):
    """Lists the requests that changed something besides tokens of ours."""
    return [seen for seen in world.witness.seen if not seen.startswith("GET ") and "/access_tokens" not in seen and "/installation/token" not in seen]


def tokens(world, emulator, flags):
    """A pull request's policy changes nothing, the default branch's does what it says,
    and the token that leaked is readable nowhere."""
    work = world.dir / "tokens"
    sha = repository(work, {".github/valetkey.yml": POLICY})
    value = leaked(world)
    events = {}
    for name, payload in {"push": PUSH, "pull_request": PULL_REQUEST}.items():
        file = world.dir / f"{name}.json"
        file.write_text(json.dumps(payload))
        events[name] = ["-workspace", work, "-event", file, "-github", f"event_name={name}", "-github", f"sha={sha}", *flags]
    given = {"client_id": CLIENT_ID, "report_file": "decisions.jsonl"}
    counts = ("1", "1", "1", "1", "0", "0")

    def stage(event, *more, **inputs):
        world.witness.forget()
        done, _ = emulator.stage("valetkey", [*events[event], *more], "pats", **inputs)
        said = json.dumps([done[part] for part in ("log", "summary", "outputs", "errors", "warnings")])
        said += "".join(file.read_text() for file in work.glob("decisions*"))
        check(not any(form in said for form in forms(value)), "the leaked token is readable nowhere", done["log"])
        return done

    def counted(done):
        return tuple(done["outputs"].get(name) for name in ("approved", "denied", "noticed", "revoked", "waiting", "failed"))

    before = world.get("/demo/tokens")
    done = stage("pull_request", **given)
    check(done["result"] == "success" and counted(done) == counts, "the policy of a pull request says what it would do", done)
    check(changes(world) == [] and world.get("/demo/tokens") == before, "and changes nothing", world.witness.seen)

    done = stage("push", **given)
    check(done["result"] == "success" and counted(done) == counts, "the default branch's does the same", done)
    after = world.get("/demo/tokens")
    for line in ("mona's reader: approved\n", "mona's manager: denied: ", "hubot's nightly: granted\n", "which leaked: inactive, alert resolved: ",
                 "Personal access tokens of hubot, open\n"):
        check(line in after, line.strip(), after)
    check(value in {mask["value"] for mask in done["masks"]}, "the leaked token is masked")
    check(done["summary"]["uploaded"] and "| `too much` | deny |" in done["summary"]["raw"], "the summary says what each rule did", done["summary"])
    check(len((work / "decisions.jsonl").read_text().splitlines()) == 4, "the report has a line for each decision")

    done = stage("push", "-secret", value, "-env", f"LEAKED={value}", leaked="env:LEAKED", private_key=None)
    check(done["result"] == "success" and logged(done, "leaked: ended: 1 "), "a list of leaked tokens takes no key of an App", done)
    done = stage("push", client_id=CLIENT_ID, revoke_owner="hubot", confirm="hubot")
    check(done["outputs"]["revoked"] == "1" and "hubot's nightly: revoked\n" in world.get("/demo/tokens"), "all access of one person ends", done)
