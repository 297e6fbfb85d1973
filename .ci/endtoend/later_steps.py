"""What a step with git: true leaves for later steps, and what those may not write."""

import base64
import json
import os
import tempfile
from pathlib import Path

from endtoend.emulator import logged
from endtoend.machine import check, run
from endtoend.world import forms


def lend(world, emulator, flags):
    """git: true leaves later steps an environment in which git works by itself."""
    world.witness.forget()
    # The environment holds what git sends, in clear, and is meant to: that is the one leak to be found.
    main, report = emulator.stage("valetkey", [*at(world), *flags], leaks=("env",), git="true")
    check(main["result"] == "success" and main["env"]["GIT_CONFIG_VALUE_0"] == "", "main ends well, and empty values survive", main)
    with tempfile.TemporaryDirectory() as into:
        env = {"PATH": os.environ["PATH"], "HOME": str(world.dir), "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", **main["env"]}
        run("git", "clone", "-q", f"http://{world.address}/acme/api.git", into, env=env)
        check((Path(into) / "README.md").exists(), "git clones by itself")
        files = run("git", "config", "--list", "--show-origin", cwd=into, env={**env, "GIT_CONFIG_COUNT": "0"})
        [token] = world.witness.tokens
        check(not any(form in files for form in forms(token)), "no file of git's holds the token")
    emulator.stage("post", ["-post", "-state-in", report, *flags])
    check(not world.alive(token), "post revokes it")


def at(world):
    """Places the job on the demo's GitHub."""
    return ["-github", f"server_url=http://{world.address}", "-github", f"api_url={world.witness.url}"]


# Each question of git's is a mint: the token is for all of the owner's repositories, so
# git asks for one that isn't there too. npm fails, which is when it shows what git said.
HELPED = """
git clone $GITHUB_SERVER_URL/acme/api.git clone 2> clone.log
git -C clone fetch -v 2> fetch.log
git -C clone fetch -v 2>&1 | sed 's/^/x /' | tee prefixed.log
npm() { ! command npm install --loglevel verbose --no-update-notifier "git+$GITHUB_SERVER_URL/acme/nothing.git"; }
npm 2> npm.log
npm 2>&1 | sed 's/^/x /' | tee npm-prefixed.log
printf 'url=%s/acme/api.git\\n' $GITHUB_SERVER_URL | "$RUNNER_TEMP"/valetkey-*/valetkey git-credential get > /dev/null 2> helper.log
echo "::stop-commands::$RANDOM_WORD"
git -C clone fetch -v
npm
echo "::$RANDOM_WORD::"
"""

PRINTED = """
valetkey=$(echo "$RUNNER_TEMP"/valetkey-*/valetkey)
"$valetkey" token > /dev/null 2> token.log
token=$("$valetkey" token)
echo "it is $token, or $(printf %s "$token" | base64 -w0)"
"$valetkey" explain -operations 'git push' -format json > explain.json
! MY_TOKEN=$token "$valetkey" explain -token-from-env MY_TOKEN -format json > none.json 2> explain.log
"""


def helper(world, emulator, flags):
    """What later steps start writes no secret to streams that are somebody else's."""
    world.witness.forget()
    world.witness.life = 290  # the helper hands out what has more than 300 left
    temp = Path(tempfile.mkdtemp(dir=world.dir))
    main, report = emulator.stage("valetkey", ["-temp", temp / "main", *at(world), *flags], leaks=("env",), repositories=None, git="true", refresh="true")
    check(main["result"] == "success", "main ends well", main)
    # What is masked is left out but for the identity, which the runner prints with the
    # environment: what these steps write is to hold no secret by itself.
    [identity] = [value for name, value in main["env"].items() if name.startswith("VALETKEY_")]
    later = [*flags, *at(world), "-secret", identity, "-runner", f"temp={temp}/main/runner_temp"]

    env = {**main["env"], "RANDOM_WORD": base64.b32encode(os.urandom(10)).decode()}
    helped = emulator.script(HELPED, [*later, "-temp", temp / "helped"], env)
    logs = {path.name: path.read_text() for path in (temp / "helped/workspace").glob("*.log")}
    check(len(world.witness.tokens) >= 7, f"{len(world.witness.tokens) - 1} tokens were minted for git", world.witness.seen)
    check("not found" in logs["npm.log"] and "x npm error" in logs["npm-prefixed.log"], "npm fails and shows what git said", logs)
    if "-debug" in flags:
        check(all("debug: POST /app/installations/" in logs[name] for name in ("clone.log", "fetch.log", "npm.log", "helper.log")),
              "what the helper writes is in all of the files", logs)
    check(not [command for command in helped["raw_commands"] if command["command"] == "add-mask"], "nothing is announced", helped["raw_commands"])
    no_secret(world, temp, helped)

    printed = emulator.script(PRINTED, [*later, "-temp", temp / "printed"], main["env"])
    check(logged(printed, "it is ***, or ***"), "what the command token prints is masked", printed["log"])
    masked = [mask["value"] for mask in printed["masks"] if mask["value"].startswith("ghs_") and mask["value"] in world.witness.tokens]
    check(masked == world.witness.tokens[-1:], "that token is, and no other", masked)
    check(json.loads((temp / "printed/workspace/explain.json").read_text())["permissions"] == {"contents": "write"}, "explain prints JSON")
    check((temp / "printed/workspace/none.json").read_text() == "", "and no error among it")
    no_secret(world, temp, {"log": printed["log"]})

    emulator.stage("post", ["-post", "-state-in", report, "-temp", temp / "main", *at(world), *flags])
    check(not any(world.alive(token) for token in world.witness.tokens), "post revokes all of them")


def no_secret(world, temp, report):
    """No secret may be in the report of a step, nor in any file that is left below temp
    but those that the runner made for outputs, state and variables."""
    secrets = [line for line in world.key.splitlines() if len(line) >= 16] + world.witness.jwts
    secrets += [form for token in world.witness.tokens for form in forms(token)]
    places = {"the report": json.dumps(report)}
    for path in temp.rglob("*"):
        if path.is_file() and "_runner_file_commands" not in path.parts:
            places[path] = path.read_bytes().decode("latin-1")
    found = [str(place) for place, text in places.items() if any(secret in text for secret in secrets)]
    check(found == [], f"no line of the key, no JWT and no token is in the log or in the {len(places) - 1} files", found)
