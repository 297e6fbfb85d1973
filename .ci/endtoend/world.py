"""The GitHub that runs meet: the demo's, and a witness before its API."""

import base64
import http.client
import http.server
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from endtoend.machine import check, run, temporary

CLIENT_ID = "Iv23liDEMOvaletkey00"  # of the demo's App


class World:
    """The demo's GitHub, and a witness before its API."""

    def __init__(self, stack):
        self.dir = temporary(stack)
        program = self.dir / "demo"
        run("go", "build", "-o", program, ".")
        (self.dir / "github").mkdir()
        server = subprocess.Popen(
            [program, "demo", "--serve", "--listen", "127.0.0.1:0", "--dir", self.dir / "github"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )
        stack.callback(server.wait)
        stack.callback(server.terminate)
        started = re.search(r"http://(127\.0\.0\.1:\d+)", server.stdout.readline())
        check(started, "the embedded GitHub is up")
        self.address = started[1]
        self.key = (self.dir / "github/private-key.pem").read_text()
        self.witness = Witness(self.address)
        stack.callback(self.witness.shutdown)

    def alive(self, token):
        """Asks the GitHub itself, past the witness."""
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request("GET", "/installation/repositories", headers={"Authorization": "token " + token, "User-Agent": "e2e"})
        status = connection.getresponse().status
        connection.close()
        if status not in (200, 401):
            sys.exit(f"FAILED: GitHub answers {status} to the token, which is neither life nor death")
        return status == 200

    def stored(self):
        """Gives every secret as a workflow would see it."""
        return self.get("/demo/secrets")

    def get(self, path):
        connection = http.client.HTTPConnection(self.address, timeout=10)
        connection.request("GET", path)
        text = connection.getresponse().read().decode()
        connection.close()
        return text


class Witness(http.server.ThreadingHTTPServer):
    """A proxy that notes every request, knows every JWT that was sent and every token
    that was minted, can keep the answer to a mint back for a while, and can say in
    it that the token is near its end."""

    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), WitnessHandler)
        self.upstream = upstream
        self.forget()
        self.url = "http://127.0.0.1:%d" % self.server_address[1]
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def forget(self):
        self.seen, self.tokens, self.jwts = [], [], []
        self.delay, self.life = 0.0, None  # seconds

    def handle_error(self, request, client_address):
        pass  # a client that went away, as a cancelled one may


class WitnessHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def forward(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        connection = http.client.HTTPConnection(self.server.upstream, timeout=30)
        # The GitHub answers only for its own name, so Host is made anew.
        connection.request(self.command, self.path, body, {name: value for name, value in self.headers.items() if name.lower() != "host"})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        path = re.sub(r"\d+", "N", self.path)
        self.server.seen.append(f"{self.command} {path} {answer.status}")
        if path.endswith("/access_tokens") and answer.status == 201:
            minted = json.loads(content)
            self.server.tokens.append(minted["token"])
            self.server.jwts.append(self.headers["Authorization"].split()[-1])
            if self.server.life is not None:
                minted["expires_at"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + self.server.life))
                content = json.dumps(minted).encode()
            time.sleep(self.server.delay)
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                # The next page of a list is asked for on this host, and on no other.
                self.send_header(name, value.replace(f"//{self.server.upstream}/", f"//127.0.0.1:{self.server.server_address[1]}/"))
        if answer.status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = forward

    def log_message(self, *_):
        pass


FIND, MINT, REVOKED = "GET /repos/acme/api/installation 200", "POST /app/installations/N/access_tokens 201", "DELETE /installation/token 204"


def forms(token):
    for text in (token, "x-access-token:" + token, token + ":"):
        yield base64.b64encode(text.encode()).decode().rstrip("=")
    yield token
    yield token.encode().hex()


def clones(world, token, repository):
    """Clones as a step would, with the token in the environment."""
    basic = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    env = {
        "PATH": os.environ["PATH"], "HOME": str(world.dir), "GIT_TERMINAL_PROMPT": "0", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"http.http://{world.address}/.extraheader", "GIT_CONFIG_VALUE_0": f"Authorization: Basic {basic}",
    }
    with tempfile.TemporaryDirectory() as into:
        code, _ = run("git", "clone", "-q", f"http://{world.address}/acme/{repository}.git", into, allow_failure=True, env=env)
        return code == 0 and (Path(into) / "README.md").exists()
