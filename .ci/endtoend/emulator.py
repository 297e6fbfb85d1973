"""Stages of an action, and scripts of later steps, under the emulator of the runner."""

import json
import os
import re

from endtoend.machine import IMAGE, ROOT, SHARED, check, run
from endtoend.world import CLIENT_ID


class Emulator:
    """Runs programs of a folder, valetkey and post, with the inputs that the action.yml
    of the root, or of `folder` for mint, declares. Without programs: the image's."""

    def __init__(self, world, programs=None, folder=""):
        self.world, self.reports = world, 0
        self.programs, self.folder = programs or world.dir, folder
        self.program = world.dir / "runneremu"
        run("go", "build", "-o", self.program, ".", cwd=SHARED / "runneremu")
        if programs:
            return
        # The very file of the image, under both names.
        container = run("docker", "create", IMAGE).strip()
        run("docker", "cp", f"{container}:/valetkey", world.dir / "valetkey")
        run("docker", "rm", container)
        os.link(world.dir / "valetkey", world.dir / "post")

    def stage(self, name, flags, action="mint", leaks=(), **given):
        """Runs a stage, and gives the emulator's report of it."""
        manifest = ROOT / (self.folder if action == "mint" else action) / "action.yml"
        declared = re.findall(r"^  ([a-z-]+):$", manifest.read_text().split("\noutputs:")[0].split("\nruns:")[0], re.M)
        inputs = {"private-key": self.world.key, "github-api-url": self.world.witness.url}
        if action == "mint":
            inputs |= {"client-id": CLIENT_ID, "owner": "acme", "repositories": "api", "permissions": "contents: read"}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        words = ["-arg", action, "-secret", self.world.key, *flags]
        words += [word for name in declared for word in ("-declare", name)]
        words += [word for pair in inputs.items() if None not in pair for word in ("-input", "=".join(pair))]
        return self.run(self.programs / name, words, leaks)

    def script(self, text, flags, env):
        """Runs a step of a shell script in the environment that earlier steps left, and
        gives the emulator's report of it."""
        file = self.world.dir / f"script-{self.reports}"
        file.write_text("#!/usr/bin/env bash\nset -euo pipefail\n" + text)
        file.chmod(0o700)
        env = {"PATH": os.environ["PATH"], **env}
        result, _ = self.run(file, [*flags, *(word for pair in env.items() for word in ("-env", "=".join(pair)))], ())
        check(result["result"] == "success", "the script ends well", result["log"])
        return result

    def run(self, program, words, leaks):
        self.reports += 1
        report = self.world.dir / f"report-{self.reports}.json"
        _, text = run(self.program, "-quiet", "-report", report, "-bin", program,
                      "-github", "repository=acme/website", "-github", "repository_owner=acme", *words, allow_failure=True)
        result = json.loads(report.read_text()) if report.exists() else {"leaks": text}
        found = [leak for leak in result["leaks"] if leak["where"] not in leaks]
        check(found == [], "no secret is readable in log, summary or annotations", found)
        return result, report


def logged(report, text):
    return any(text in line["text"] for line in report["log"])
