"""What of a release is on GitHub: its page with its files, and the tag that moves."""

import json
import re

PLAIN = re.compile(r"v(\d+)\.(\d+)\.(\d+)")


def release(version, notes, files, run):
    """Publishes the release, at once with all of its files, from wherever a run before
    this one was cut short: a draft may lack files, or hold others, and is made anew."""
    drafts = run("gh", "api", "--paginate", "repos/{owner}/{repo}/releases",
                 "--jq", f".[] | select(.tag_name == {json.dumps(version)}) | .draft").split()
    if "false" not in drafts:
        for _ in drafts:
            run("gh", "release", "delete", version, "--yes")
        kind = ["--prerelease"] if "-" in version else []
        run("gh", "release", "create", version, "--draft", *kind, "--verify-tag", "--title", version, "--notes-file", notes, *files)
        run("gh", "release", "edit", version, "--draft=false")
    run("gh", "release", "verify", version)


def moving(version, tags):
    """Returns the tags that move to a version: v1 for v1.2.3, unless that is a release
    candidate, or older than one of the tags that are there."""
    if not PLAIN.fullmatch(version):
        return []
    numbers = [tuple(map(int, found.groups())) for found in map(PLAIN.fullmatch, [version, *tags]) if found]
    newer = [each for each in numbers if each[0] == numbers[0][0] and each > numbers[0]]
    return [] if newer else [version.split(".")[0]]
