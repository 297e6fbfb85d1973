"""The image's program under an emulator of the runner, for what act does not do: masks,
state for post, cancelling, job outputs; every command, and what git and npm start in
later steps."""

import base64
import hashlib
import os

from endtoend.emulator import Emulator, logged
from endtoend.fleet import fleet
from endtoend.later_steps import helper, lend
from endtoend.machine import build_image, check, need_shared
from endtoend.tokens import tokens
from endtoend.world import FIND, MINT, REVOKED, World, clones


def runner(stack):
    if not need_shared("the run under the runner's emulator"):
        return
    build_image()
    world = World(stack)
    emulator = Emulator(world)
    for name, flags in (("as the runner mostly is", []), ("stderr first", ["-interleave", "stderr-first"]), ("step debug logging", ["-debug"])):
        print(f"{name}:")
        mint_and_post(world, emulator, flags)
    print("cancelled while GitHub answers:")
    cancel(world, emulator)
    every_command(world, emulator, [])
    print("all of it with step debug logging:")
    world = World(stack)
    every_command(world, Emulator(world), ["-debug"])


def every_command(world, emulator, flags):
    """Holds what no command may write against all that each of them writes."""
    print("three jobs:")
    carry(world, emulator, flags)
    print("values in another job:")
    values(world, emulator, flags)
    print("git in later steps:")
    lend(world, emulator, flags)
    print("what git and npm start in later steps:")
    helper(world, emulator, flags)
    print("a fleet's secrets, and rotation:")
    fleet(world, emulator, flags)
    print("personal tokens under a policy:")
    tokens(world, emulator, flags)


def mint_and_post(world, emulator, flags):
    world.witness.forget()
    main, report = emulator.stage("valetkey", flags)
    check((main["result"], main["errors"], main["warnings"]) == ("success", [], []), "main ends well", main)
    check(world.witness.seen == [FIND, MINT], "two requests were enough", world.witness.seen)
    [token] = world.witness.tokens
    check(main["outputs"]["token"] == token and main["outputs"]["token-hash"] == base64.b64encode(hashlib.sha256(token.encode()).digest()).decode(),
          "the token and its audit hash are outputs", main["outputs"])
    masks = {mask["value"] for mask in main["masks"]}
    check(token in masks and set(world.key.split("\n")[1:-2]) <= masks, "the token and every line of the key are masks")
    check(main["dropped_job_outputs"] == [{"name": "token", "reason": "secret"}],
          "as a job output the token is dropped, and no other output is", main["dropped_job_outputs"])
    check(main["state"]["token"] == token and "expires-at" in main["state"], "the token is in the state for post")
    check(main["summary"]["uploaded"] and main["outputs"]["token-hash"] in main["summary"]["raw"], "the summary names the audit hash", main["summary"])

    check(world.alive(token), "it is alive")
    post, _ = emulator.stage("post", ["-post", "-state-in", report, *flags])
    check(post["result"] == "success" and logged(post, "the token is revoked"), "post ends well and says that the token is revoked", post)
    check(world.witness.seen == [FIND, MINT, REVOKED], "post revoked by one request", world.witness.seen)
    check(not world.alive(token), "it is dead")
    again, _ = emulator.stage("post", ["-post", "-state-in", report, *flags])
    check(again["result"] == "success" and logged(again, "the token was gone already"), "post after a revocation by hand says so and ends well", again)


def cancel(world, emulator):
    world.witness.forget()
    world.witness.delay = 1.5
    main, report = emulator.stage("valetkey", ["-cancel-after", "500ms"])
    check(main["result"] == "cancelled" and main["exit_code"] == 1, "main ends as cancelled, by itself", main)
    check([s["signal"] for s in main["signals"]] == ["SIGINT"] and main["duration_ms"] < 5500, f"main ended {main['duration_ms'] - 500} ms after the signal", main["signals"])
    check("token" not in main["outputs"], "there is no token among the outputs")
    [token] = world.witness.tokens
    check(world.witness.seen == [FIND, MINT, REVOKED] and not world.alive(token), "the token that was on its way is revoked", world.witness.seen)
    post, _ = emulator.stage("post", ["-post", "-state-in", report])
    check(post["result"] == "success", "post ends well", post)


def carry(world, emulator, flags):
    """A token goes from one job to another, and is ended in a third."""
    world.witness.forget()
    mint, report = emulator.stage("valetkey", flags, skip_token_revoke="true")
    check(mint["result"] == "success" and not mint["warnings"], "job 1 mints", mint)
    check([d["name"] for d in mint["dropped_job_outputs"]] == ["token"], "the job output encrypted-token is not dropped", mint["dropped_job_outputs"])
    sealed, [token] = mint["outputs"]["encrypted-token"], world.witness.tokens
    post, _ = emulator.stage("post", ["-post", "-state-in", report, *flags], skip_token_revoke="true")
    check(post["result"] == "success" and world.alive(token), "the token outlives job 1", post)

    opened, _ = emulator.stage("valetkey", flags, "decrypt", encrypted_token=sealed)
    check(opened["result"] == "success" and opened["outputs"]["token"] == token, "job 2 opens it", opened)
    check(token in {mask["value"] for mask in opened["masks"]}, "it is masked there")
    check(clones(world, token, "api") and not clones(world, token, "payments"), "git clones acme/api with it, and not acme/payments")

    ended, _ = emulator.stage("valetkey", flags, "revoke", encrypted_token=sealed)
    check(ended["result"] == "success" and logged(ended, "the token is revoked"), "job 3 revokes it", ended)
    check(not world.alive(token) and not clones(world, token, "api"), "it is refused, by git too")


def values(world, emulator, flags):
    """A secret of several lines goes from one job to another."""
    value = "\n".join(base64.b32encode(os.urandom(20)).decode() for _ in range(3))
    passphrase = base64.b32encode(os.urandom(20)).decode()
    flags = ["-secret", value, "-secret", passphrase, *flags]
    sealed, _ = emulator.stage("valetkey", ["-env", f"VALUE={value}", *flags], "encrypt", names="VALUE", passphrase=passphrase, private_key=None)
    check(sealed["result"] == "success" and not sealed["dropped_job_outputs"], "job 1 encrypts, and its job output is not dropped", sealed)
    opened, _ = emulator.stage("valetkey", flags, "decrypt", encrypted_token=sealed["outputs"]["encrypted"], passphrase=passphrase, private_key=None)
    check(opened["outputs"].get("VALUE") == value, "job 2 opens it", opened)
    check(set(value.splitlines()) <= {mask["value"] for mask in opened["masks"]}, "each of its lines is masked there")
