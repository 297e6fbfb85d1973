"""Signatures of a release, by cosign. Where a release is really made, they come from
Sigstore and hold for the workflow that made it; in a dry run from a key that lives as
long as the run. That is the only difference: what signs also verifies, as a user would.
"""

import os
import subprocess
import sys

from releasing.artifacts import run

COSIGN = "github.com/sigstore/cosign/v3/cmd/cosign@v3.1.3"
WORKFLOW = "https://github.com/valetkey/valetkey/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"


class Cosign:
    def __init__(self, tools, local):
        """Builds cosign, whose source Go holds against its checksum database."""
        self.folder, self.env = tools, {**os.environ, "COSIGN_PASSWORD": ""}
        run("go", "install", COSIGN, env={**os.environ, "GOBIN": str(tools)})
        self.how_to_sign, self.how_to_verify = self.own_key() if local else self.keyless()

    def keyless(self):
        return [], ["--certificate-identity", WORKFLOW, "--certificate-oidc-issuer", ISSUER]

    def own_key(self):
        """Makes a key, and says that no log of Sigstore's takes part."""
        self("generate-key-pair")
        self("signing-config", "create", "--out", "none.json")
        return ["--key", "cosign.key", "--signing-config", "none.json"], ["--key", "cosign.pub", "--insecure-ignore-tlog=true"]

    def __call__(self, *words):
        """Runs cosign, which warns without end; what it says is shown when it fails."""
        done = subprocess.run([str(word) for word in (self.folder / "cosign", *words)], cwd=self.folder, env=self.env,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode:
            sys.exit(f"cosign {words[0]} ended with {done.returncode}\n{done.stdout}")

    def image(self, reference):
        self("sign", "--yes", *self.how_to_sign, reference)
        self("verify", *self.how_to_verify, reference)

    def file(self, path):
        bundle = path.with_name(path.name + ".sigstore.json")
        self("sign-blob", "--yes", *self.how_to_sign, "--bundle", bundle, path)
        self("verify-blob", *self.how_to_verify, "--bundle", bundle, path)
