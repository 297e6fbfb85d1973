"""What a release is made of: programs, archives, notices, lists of parts, checksums.

Everything here depends on the tree and the version alone: no time, no path and no
owner of a file gets in, so that whoever builds it again gets the same bytes.
"""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

PLATFORMS = [(system, machine) for system in ("linux", "darwin", "windows") for machine in ("amd64", "arm64")]
PACK = Path(__file__).with_name("pack.go")
SBOM = "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@v1.9.0"


def run(*command, **options):
    """Runs a command and returns what it wrote to its standard output."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, **options)
    if done.returncode:
        sys.exit(f"{' '.join(str(word) for word in command)}: ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def export(repository, commit, tree):
    """Writes the commit's files, and no history, into a new folder."""
    tree.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=repository, stdout=subprocess.PIPE, check=True).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(tree, filter="data")
    return tree


def name(version, system, machine):
    return f"valetkey_{version}_{system}_{machine}"


def build(tree, source, version, out, linux=None, kind="archive"):
    """Builds the program for every platform into the folder `out`, or for Linux alone
    as images hold it: source is the commit that the program says it is made from, which
    it reads in commit.txt. The build goes by the tree's own script, for Linux with these
    variables too."""
    out.mkdir(parents=True)
    (tree / "internal/cli/commit.txt").write_text(f"{source} {version}\n")
    programs = {}
    for system, machine in PLATFORMS:
        if kind == "image" and system != "linux":
            continue
        program = out / f"{system}_{machine}" / ("valetkey.exe" if system == "windows" else "valetkey")
        program.parent.mkdir()
        run(tree / ".ci/build", program.resolve(), kind, env={**os.environ, **((linux or {}) if system == "linux" else {}), "GOOS": system, "GOARCH": machine})
        programs[system, machine] = program
    return programs


def notices(tree, programs):
    """Returns our licence and those of every module that is linked into one of the
    programs, Go's own among them."""
    parts = [line.split("\t") for program in programs for line in run("go", "version", "-m", program).splitlines()]
    linked = {fields[2] for fields in parts if fields[:2] == ["", "dep"]}
    modules = [tuple(line.split("\t")) for line in
               run("go", "list", "-m", "-f", "{{.Path}}\t{{.Version}}\t{{.Dir}}", *sorted(linked), cwd=tree).splitlines()]
    modules.append(("Go", run("go", "env", "GOVERSION").strip(), run("go", "env", "GOROOT").strip()))
    parts = ["valetkey\n\n" + (tree / "LICENSE").read_text()]
    for path, version, folder in sorted(modules):
        parts.append(f"{path} {version}\n\n" + "\n".join(licences(path, Path(folder))))
    return f"\n{'=' * 80}\n\n".join(parts)


def licences(path, folder):
    """Returns the texts that a module asks to be passed on with it."""
    found = sorted(f for f in folder.iterdir() if f.is_file() and f.name.split(".")[0].upper() in ("LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"))
    if not any(f.name.upper().startswith(("LICEN", "COPYING")) for f in found):
        sys.exit(f"{path} has no licence in its folder {folder}, so it can't be passed on")
    return [f.read_text() for f in found]


def archive(path, files):
    """Writes a .tar.gz of files by name, each as (bytes, mode), or (name, None) for a
    second name of another one."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for title, (content, mode) in files.items():
            entry = tarfile.TarInfo(title)
            if mode is None:
                # Docker gives the file the mode of its last name.
                entry.type, entry.linkname, entry.mode = tarfile.LNKTYPE, content, 0o755
                tar.addfile(entry)
            else:
                entry.size, entry.mode = len(content), mode
                tar.addfile(entry, io.BytesIO(content))
    with path.open("wb") as packed:
        subprocess.run(["go", "run", PACK], input=raw.getvalue(), stdout=packed, check=True)
    return path


def archives(tree, programs, texts, version, out):
    """Writes an archive for each platform, with the program and what belongs to it."""
    readme = (tree / "README.md").read_bytes()
    for (system, machine), program in programs.items():
        archive(out / (name(version, system, machine) + ".tar.gz"), {
            program.name: (program.read_bytes(), 0o755), "README.md": (readme, 0o644), "NOTICES": (texts.encode(), 0o644),
        })


def sboms(programs, version, out):
    """Writes the list of parts of each program, as CycloneDX, without the time at
    which it was made and the checksum of the tool that made it, which differs by machine."""
    tools = next(iter(programs.values())).parent.parent / "tools"
    run("go", "install", SBOM, env={**os.environ, "GOBIN": str(tools)})

    def one(item):
        (system, machine), program = item
        target = out / (name(version, system, machine) + ".cdx.json")
        env = {**os.environ, "GOOS": system, "GOARCH": machine}  # which it writes down for every part
        parts = json.loads(run(tools / "cyclonedx-gomod", "bin", "-json", "-noserial", "-std", "-version", version, program, env=env))
        parts["metadata"].pop("timestamp")
        for tool in parts["metadata"]["tools"]:
            tool.pop("hashes")
        target.write_text(json.dumps(parts, indent=1, sort_keys=True) + "\n")
    with ThreadPoolExecutor() as pool:
        list(pool.map(one, programs.items()))


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def checksums(out):
    """Writes checksums.txt over all files of the folder, as sha256sum reads it."""
    lines = [f"{sha256(f)}  {f.name}\n" for f in sorted(out.iterdir()) if f.is_file() and f.name != "checksums.txt"]
    (out / "checksums.txt").write_text("".join(lines))
    return "".join(lines)
