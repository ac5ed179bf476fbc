# SPDX-License-Identifier: ISC
"""The queue in the operator's hands: relais queue, postqueue and mailq, relais trace. Mail waits because the
smarthost does not answer."""
import gzip
import json
import os
import pty
import re
import select
import shutil
import signal
import smtplib
import subprocess
import time

import pytest
from conftest import running, wait_for

DOWN = "[127.0.0.1]:9"  # nobody listens at port 9
ALL = ["first", "second", "third", "large"]


def submit(suite, to, subject, octets=0, i=0, sender=None):
    """The queue id of a message that account i sends."""
    address, password = suite.account(i)
    with smtplib.SMTP(suite.info["host"], suite.port("submission"), timeout=30) as s:
        s.ehlo("client.example")
        s.login(address, password)
        s.mail(sender if sender is not None else address)
        for one in [to] if isinstance(to, str) else to:
            assert s.rcpt(one)[0] == 250
        code, text = s.data(f"From: <{address}>\r\nTo: <x@example.net>\r\nSubject: {subject}\r\n"
                            f"Message-ID: <{subject}@client.example>\r\n\r\n" + "x" * 70 + "\r\n" * (octets // 2))
    assert code == 250, text
    return re.search(rb"as (\w+)", text).group(1).decode()


def listed(suite, *words):
    return json.loads(suite.relais("queue", "list", "--json", *words))


def entry(suite, queue_id):
    return next((m for m in listed(suite) if m["id"] == queue_id), None)


def waits(suite, queue_id):
    return wait_for(lambda: (entry(suite, queue_id) or {}).get("state") == "deferred" and entry(suite, queue_id))


def run_as(suite, name, *words, **more):
    """One of the command's other names."""
    return subprocess.run([os.path.join(suite.build, "bin", name), *words],
                          env=dict(os.environ, RELAIS_CONFIG=os.path.join(suite.folder, "relais.conf"),
                                   ASAN_OPTIONS="detect_leaks=0"),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, **more)


@pytest.fixture(scope="module")
def suite():
    with running(users=4, options=[f"smarthost={DOWN}", "qmgr.minimal_backoff=1h"]) as s:
        yield s


@pytest.fixture(scope="module")
def queue(suite):
    """Four messages that wait: their ids by subject."""
    ids = {"first": submit(suite, ["bob@one.example", "carl@two.example"], "first"),
           "second": submit(suite, "bob@one.example", "second", i=1),
           "third": submit(suite, [suite.account(2)[0], "nobody@three.example"], "third"),
           "large": submit(suite, "dora@one.example", "large", 200000)}
    for queue_id in ids.values():
        waits(suite, queue_id)
    return ids


def test_a_listed_message_says_why_it_waits(suite, queue):
    m = entry(suite, queue["first"])
    assert m["state"] == "deferred" and m["next_s"] > time.time() and m["reverse_path"] == suite.account(0)[0]
    assert m["login"] == suite.account(0)[0] and m["recipients_left"] == 2
    dead = m["destination_dead"]
    assert dead["next_hop"] == DOWN and "Connection refused" in dead["reason"] and dead["until_s"] > time.time()
    assert {r["address"] for r in m["recipients"]} == {"bob@one.example", "carl@two.example"}
    for r in m["recipients"]:
        assert "Connection refused" in r["reason"] and r["code"] == "4.4.1" and r["next_hop"] == DOWN
        assert r["next_s"] > time.time()
    assert sum(r["attempts"] for m in listed(suite) for r in m["recipients"]) >= 1  # somebody found out
    text = suite.relais("queue", "list")
    assert f"{DOWN} gives no answer and is asked again in " in text
    assert re.search(r"<bob@one.example>: 4.4.1 .*Connection refused\n +\S.*next attempt in ", text)
    assert "-- 4 messages, " in text


@pytest.mark.parametrize("words, found", [
    (["--domain", "ONE.example"], ["first", "second", "large"]),
    (["--domain", "two.example"], ["first"]),
    (["--domain", "four.example"], []),
    (["--recipient", "bob@one.example"], ["first", "second"]),
    (["--recipient", "@three.example"], ["third"]),
    (["--sender", "user2@example.test"], ["second"]),
    (["--sender", "@example.test"], ALL),
    (["--sender", "<>"], []),
    (["--login", "user2@example.test"], ["second"]),
    (["--reason", "connection REFUSED"], ALL),
    (["--reason", "mailbox full"], []),
    (["--size", "100k"], ["large"]),
    (["--size", "-100k"], ["first", "second", "third"]),
    (["--size", "1k-100k"], []),
    (["--age", "1h"], []),
    (["--age", "-1h"], ALL),
    (["--state", "deferred"], ALL),
    (["--state", "hold", "--state", "active"], []),
    (["--next-hop", DOWN], ALL),
    (["--next-hop", "elsewhere"], []),
    (["--domain", "one.example", "--sender", "user1@example.test", "--size", "-10k"], ["first"]),
    # the same recipient must be meant by all
    (["--recipient", "bob@one.example", "--domain", "two.example"], []),
], ids=" ".join)
def test_filters(suite, queue, words, found):
    assert {m["id"] for m in listed(suite, *words)} == {queue[name] for name in found}


@pytest.mark.parametrize("words", [
    ["list", "--age", "soon"], ["list", "--size", "9-1"], ["list", "--state", "asleep"], ["list", "--sender"],
    ["list", "--sender", ""], ["list", "--colour", "red"], ["list", "x"], ["show"], ["hold"], ["delete"],
    ["delete", "no-id"], ["fly"], ["hold", "--all", "4jXHzB19Ztz4"]], ids=" ".join)
def test_words_that_are_wrong(suite, queue, words):
    done = suite.relais("queue", *words, check=False)
    assert done.returncode == 2 and done.stderr
    assert len(listed(suite)) == 4


def test_limit(suite, queue):
    assert len(listed(suite, "--limit", "3")) == 3
    assert " (there are more)" in suite.relais("queue", "list", "--limit", "1")


def test_show(suite, queue):
    text = suite.relais("queue", "show", queue["first"])
    assert f"id: {queue['first']}\nstate: deferred\n" in text and "\nSubject: first" in text
    assert f"gives no answer: {DOWN}" in text
    content = suite.relais("queue", "show", queue["first"], "--content")
    assert content.startswith("Received: from client.example (") and "x" * 70 in content
    told = json.loads(suite.relais("queue", "show", "--json", queue["first"]))
    assert told["id"] == queue["first"] and len(told["recipients"]) == 2
    gone = suite.relais("queue", "show", "0BCDFG0BC0", check=False)
    assert gone.returncode in (1, 2)


def test_hold_and_release(suite, queue):
    assert suite.relais("queue", "hold", queue["first"]) == "1 message held\n"
    assert [m["id"] for m in listed(suite, "--state", "hold")] == [queue["first"]]
    assert "held: waits for" in suite.relais("queue", "list", "--state", "held")
    refused = suite.relais("queue", "flush", queue["first"], check=False)
    assert refused.returncode == 1 and "release it first" in refused.stderr
    assert "1 is held and left alone" in suite.relais("queue", "flush", "--domain", "two.example")
    assert "1 message requeued" not in suite.relais("queue", "requeue", queue["first"], check=False).stdout
    assert suite.relais("queue", "release", "--domain", "two.example") == "1 message released\n"
    assert listed(suite, "--state", "hold") == []
    for word in ("hold", "release"):
        assert suite.relais("queue", word, "--sender", "@example.test") == \
            f"4 messages {'held' if word == 'hold' else 'released'}\n"
    suite.relais("queue", "hold", queue["second"])
    assert suite.relais("queue", "retry", queue["second"]) == "1 message tried again\n"
    assert listed(suite, "--state", "hold") == []


def test_flush_of_a_domain_and_of_all(suite, queue):
    assert suite.relais("queue", "flush", "three.example") == "1 message flushed\n"
    assert suite.relais("queue", "flush") == "4 messages flushed\n"
    assert suite.relais("queue", "flush", queue["second"]) == "1 message flushed\n"
    gone = suite.relais("queue", "flush", "4jXHzB19Ztz4", check=False)
    assert gone.returncode == 1 and "not in the queue" in gone.stderr
    for queue_id in queue.values():
        waits(suite, queue_id)


def test_many_are_confirmed_at_a_terminal(suite, queue):
    def at_terminal(answer, *words):
        ours, its = pty.openpty()
        command = subprocess.Popen([os.path.join(suite.build, "bin", "relais"), "--config",
                                    os.path.join(suite.folder, "relais.conf"), "queue", *words],
                                   stdin=its, stdout=its, stderr=its, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
        os.close(its)
        said = b""
        try:
            while True:
                if not select.select([ours], [], [], 60)[0]:
                    break
                said += os.read(ours, 4096)
                if said.endswith(b"[y/N] "):
                    os.write(ours, answer.encode() + b"\n")
        except OSError:  # the other side has gone
            pass
        os.close(ours)
        return command.wait(timeout=30), said.decode()

    status, said = at_terminal("n", "delete", "--all")
    assert status == 1 and "delete ALL messages of the queue?" in said and "nothing was done" in said
    status, said = at_terminal("", "bounce", "--domain", "one.example")
    assert status == 1 and "nothing was done" in said
    assert len(listed(suite)) == 4
    status, said = at_terminal("", "delete", "--yes", "--domain", "four.example")
    assert status == 0 and "0 messages deleted" in said


# ---- how many, how long ----

def test_stats(suite, queue):
    told = json.loads(suite.relais("queue", "stats", "--json"))
    shape = told["shape"]
    assert told["messages"] == 4 and told["deferred"] + told["active"] == 4
    assert [(d["domain"], d["recipients"]) for d in shape["domains"]][0] == ("one.example", 3)
    assert {d["domain"]: d["ages"][0] for d in shape["domains"]} == {
        "one.example": 3, "two.example": 1, "three.example": 1}
    assert sum(shape["total"]) == 5 and shape["unread"] == 0
    senders = json.loads(suite.relais("queue", "stats", "--json", "--senders"))["shape"]["domains"]
    assert [(d["domain"], d["recipients"]) for d in senders] == [("example.test", 5)]
    lines = suite.relais("queue", "stats").splitlines()
    assert lines[0].startswith("4 messages (") and lines[3].split()[:3] == ["TOTAL", "5", "5"]
    assert lines[4].split()[:3] == ["one.example", "3", "3"]


def test_watch(suite, queue):
    line = suite.relais("queue", "watch", "--once")
    assert re.search(r"^\S+ \S+ +4 messages, .* held; in 0\.0/s", line)
    ours, its = pty.openpty()
    command = subprocess.Popen([os.path.join(suite.build, "bin", "relais"), "--config",
                                os.path.join(suite.folder, "relais.conf"), "queue", "watch", "--interval", "1"],
                               stdin=its, stdout=its, stderr=its, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    os.close(its)
    said = b""
    while said.count(b"\x1b[H\x1b[J") < 2:
        assert select.select([ours], [], [], 60)[0]
        said += os.read(ours, 4096)
    command.send_signal(signal.SIGINT)
    assert command.wait(timeout=30) == 0
    os.close(ours)
    assert b"4 messages (" in said and b"one.example" in said and b"TOTAL" in said


# ---- as Postfix does ----

POSTFIX = "/usr/lib/postfix/sbin/master"


class Postfix:
    """An instance of its own, which sends nothing."""

    def __init__(self, folder):
        self.folder, self.conf = folder, os.path.join(folder, "conf")
        for name in ("conf", "spool", "data"):
            os.makedirs(os.path.join(folder, name))
        shutil.chown(os.path.join(folder, "data"), "postfix")
        with open(os.path.join(self.conf, "main.cf"), "w") as f:
            f.write(f"compatibility_level = 3.6\nqueue_directory = {folder}/spool\ndata_directory = {folder}/data\n"
                    "command_directory = /usr/sbin\ndaemon_directory = /usr/lib/postfix/sbin\n"
                    "myhostname = mx.example.test\nmydestination =\ninet_interfaces = loopback-only\n"
                    f"inet_protocols = ipv4\ndefer_transports = smtp\nmaillog_file = {folder}/log\n"
                    f"maillog_file_prefixes = /tmp\nenable_long_queue_ids = yes\nmulti_instance_name = postfix-test\n")
        with open("/etc/postfix/master.cf.proto") as f:
            rows = [line for line in f if not re.match(r"#|smtp\s+inet", line)]
        with open(os.path.join(self.conf, "master.cf"), "w") as f:
            f.writelines(re.sub(r"^(\S+\s+\S+\s+\S\s+\S\s+)y ", r"\1n ", row) for row in rows)

    def __call__(self, command, *words, **more):
        return subprocess.run([command, "-C" if command == "sendmail" else "-c", self.conf, *words], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **more)

    def __enter__(self):
        started = self("postfix", "start")
        assert started.returncode == 0, started.stderr
        return self

    def __exit__(self, *_):
        self("postfix", "stop")
        shutil.rmtree(self.folder, ignore_errors=True)


def plain(text):
    """Without what differs from one mail system to another."""
    text = re.sub(r"(?m)^[0-9A-Za-z]{10,16}([*! ]) +(\d+) \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d ",
                  lambda m: "ID" + m.group(1) + " " * (len(m.group(0)) - 3), text)
    text = re.sub(r"(?m)^ *\((.*)\)$", lambda m: f"at {len(m.group(0)) - max(78, len(m.group(1)) + 2)}", text)
    return re.sub(r"\d+ Kbytes", "N Kbytes", text)


@pytest.mark.skipif(not os.path.exists(POSTFIX) or os.geteuid() != 0, reason="no Postfix here, or not root")
def test_formats_are_those_of_postfix(suite, queue, tmp_path):
    folder = f"/tmp/relais-postfix-{os.getpid()}"
    shutil.rmtree(folder, ignore_errors=True)
    with Postfix(folder) as postfix:
        for sender, to in ((suite.account(0)[0], ["bob@one.example", "carl@two.example"]),
                           (suite.account(1)[0], ["bob@one.example"]),
                           (suite.account(0)[0], ["nobody@three.example"]),
                           (suite.account(0)[0], ["dora@one.example"])):
            assert postfix("sendmail", "-f", sender, *to, input="Subject: x\n\nbody\n").returncode == 0
            time.sleep(0.01)
        # (one that moves from active to deferred may be listed in both)
        theirs = wait_for(lambda: (lambda t: t if t.count("deferred transport") >= 4 and "*" not in t else None)(
            postfix("postqueue", "-p").stdout))
        their_json = [json.loads(line) for line in postfix("postqueue", "-j").stdout.splitlines()]
        lines = postfix("postqueue", "-j").stdout.splitlines()
        assert postfix("postsuper", "-d", "ALL").returncode == 0
        nothing = postfix("postqueue", "-p"), postfix("postqueue", "-j")
    ours = run_as(suite, "postqueue", "-p")
    assert ours.returncode == 0
    (our_head, our_rest), (their_head, their_rest) = ours.stdout.split("\n", 1), theirs.split("\n", 1)
    assert our_head == their_head
    assert sorted(plain(our_rest).split("\n\n")) == sorted(plain(their_rest).split("\n\n"))
    our_lines = run_as(suite, "postqueue", "-j").stdout.splitlines()
    our_json = [json.loads(line) for line in our_lines]
    key = lambda m: (m["sender"], len(m["recipients"]), m["recipients"][0]["address"])  # noqa: E731
    for a, b in zip(sorted(our_json, key=key), sorted(their_json, key=key), strict=True):
        assert list(a) == list(b) and a["queue_name"] == b["queue_name"] and a["sender"] == b["sender"]
        assert [r["address"] for r in a["recipients"]] == [r["address"] for r in b["recipients"]]
        assert [list(r) for r in a["recipients"]] == [list(r) for r in b["recipients"]]
        assert all(isinstance(a[k], type(b[k])) for k in a)
    blank = lambda line: re.sub(r'"[^"]*"|\d+', "x", line)  # noqa: E731
    assert {blank(x) for x in our_lines} == {blank(x) for x in lines}
    assert (nothing[0].stdout, nothing[1].stdout) == ("Mail queue is empty\n", "")


@pytest.mark.parametrize("words, status, why", [
    (["-f"], 0, ""), (["-s", "one.example"], 0, ""), (["-i", "4jXHzB19Ztz4"], 0, ""),
    (["-i", "xx!"], 69, 'Cannot flush queue ID - invalid name: "xx!"'),
    ([], 69, "usage: postqueue -f | postqueue -i queueid | postqueue -j | postqueue -p | postqueue -s site"),
    (["-p", "-j"], 69, "usage: "), (["-x"], 69, "usage: "), (["-p", "extra"], 69, "usage: "), (["-i"], 69, "usage: "),
], ids=lambda x: " ".join(x) if isinstance(x, list) else None)
def test_postqueue_exits_as_postfix_does(suite, queue, words, status, why):
    done = run_as(suite, "postqueue", *words)
    assert done.returncode == status, done.stderr
    assert done.stdout == "" and why in done.stderr


def test_mailq(suite, queue):
    assert run_as(suite, "mailq").stdout.count("\n-- ") == 1
    if os.geteuid() != 0:
        return
    done = run_as(suite, "mailq", preexec_fn=lambda: (os.setgid(65534), os.setuid(65534)))
    assert done.returncode == 69 and "may ask for the queue" in done.stderr


def test_postqueue_of_a_suite_that_is_down(tmp_path):
    conf = tmp_path / "relais.conf"
    conf.write_text(f"run = {tmp_path}\n")
    from conftest import BUILD
    for word in ("-p", "-f"):
        done = subprocess.run([os.path.join(BUILD, "bin", "postqueue"), word], stderr=subprocess.PIPE, text=True,
                              env=dict(os.environ, RELAIS_CONFIG=str(conf), ASAN_OPTIONS="detect_leaks=0"))
        assert done.returncode == 69 and "mail system is down" in done.stderr


# ---- what becomes of them ----

def test_requeue_looks_aliases_up_anew(suite, queue):
    team = "team@example.test"
    suite.relais("alias", "add", team, suite.account(2)[0], "eve@five.example")
    offset = len(suite.log())
    queue_id = wait_for(lambda: try_submit(suite, team))
    waits(suite, queue_id)
    suite.relais("alias", "add", team, suite.account(2)[0], suite.account(3)[0], "eve@five.example")

    def requeued():
        suite.relais("queue", "requeue", queue_id)
        return f"{queue_id}: to=<{suite.account(3)[0]}>" in suite.log()[offset:]
    wait_for(requeued, every=0.5)
    log = suite.log()[offset:]
    assert len(re.findall(rf"{queue_id}: to=<{suite.account(2)[0]}>.*status=sent", log)) == 1
    m = waits(suite, queue_id)
    assert [r["address"] for r in m["recipients"]] == ["eve@five.example"]
    assert m["recipients"][0]["original"] == team
    assert suite.relais("queue", "delete", queue_id) == "1 message deleted\n"


def try_submit(suite, to):
    try:
        return submit(suite, to, "team")
    except AssertionError:  # the alias is not known yet
        return None


def test_a_message_with_many_recipients(suite, queue):
    """More than an answer of qmgr holds."""
    to = [f"somebody-with-a-rather-long-name-{i}@d{i % 7}.seven.example" for i in range(600)]
    queue_id = submit(suite, to, "many")
    waits(suite, queue_id)
    for line in run_as(suite, "postqueue", "-j").stdout.splitlines():
        m = json.loads(line)
        if m["queue_id"] == queue_id:
            assert [r["address"] for r in m["recipients"]] == to
    text = run_as(suite, "postqueue", "-p").stdout
    assert text.count(queue_id) == 1 and sum(one in text for one in to) == 600
    assert f"... and {600 - 3} more recipients" in suite.relais("queue", "list", "--domain", "d3.seven.example")
    m = entry(suite, queue_id)
    assert m["recipients_left"] == 600 and len(m["recipients"]) == 50
    shape = json.loads(suite.relais("queue", "stats", "--json"))["shape"]
    assert {"d3.seven.example": 86}.items() <= {d["domain"]: d["recipients"] for d in shape["domains"]}.items()
    assert suite.relais("queue", "delete", "--recipient", to[-1]) == "1 message deleted\n"


def test_bounce_and_its_story(suite, queue):
    queue_id = submit(suite, "gone@six.example", "returned")
    waits(suite, queue_id)
    assert suite.relais("queue", "bounce", queue_id) == "1 message bounced\n"
    wait_for(lambda: f"{queue_id}: removed" in suite.log())
    told = wait_for(lambda: (lambda t: t if len(t) == 2 and "removed_s" in t[1] else None)(
        json.loads(suite.relais("trace", "--json", queue_id))["messages"]))
    assert told[0]["id"] == queue_id and told[0]["message_id"] == "<returned@client.example>"
    assert told[0]["accepted"]["login"] == suite.account(0)[0] and told[0]["accepted"]["service"] == "submission"
    told_of = [e.get("status") for e in told[0]["events"] if e["kind"] != "note"]  # once a minute: no key signs
    assert told_of == ["deferred", "bounced", None]
    assert told[1]["report_about"] == queue_id and told[1]["reverse_path"] == ""
    assert told[1]["events"][0]["status"] == "sent"
    # and from the report's side
    assert f", a report about {queue_id}" in suite.relais("trace", told[1]["id"])


def test_trace(suite, queue):
    text = suite.relais("trace", queue["third"])
    assert re.search(r"<nobody@three.example> deferred: 4.4.1 .*Connection refused", text)
    assert f"<{suite.account(2)[0]}> sent by local: 2.0.0 delivered to mailbox" in text
    assert "now: deferred" in text and "came in by submission from localhost[127.0.0.1]" in text
    for word in ("third@client.example", "<third@client.example>", "Nobody@Three.example"):
        assert [m["id"] for m in json.loads(suite.relais("trace", "--json", word))["messages"]] == [queue["third"]], word
    mine = json.loads(suite.relais("trace", "--json", suite.account(1)[0]))["messages"]
    assert queue["second"] in [m["id"] for m in mine]
    assert suite.relais("trace", "--since", "1h", queue["third"]) == text or "now: deferred" in text
    for word in ("nobody@nowhere.example", "4jXHzB19Ztz4"):
        done = suite.relais("trace", word, check=False)
        assert done.returncode == 1 and "neither the log" in done.stderr


def test_trace_of_a_refused_recipient(suite, queue):
    with smtplib.SMTP(suite.info["host"], suite.port("smtp"), timeout=30) as s:
        s.ehlo("client.example")
        s.mail("stranger@elsewhere.example")
        assert s.rcpt("unknown-one@example.test")[0] == 550
    text = wait_for(lambda: (lambda d: d.stdout if d.returncode == 0 else None)(
        suite.relais("trace", "unknown-one@example.test", check=False)))
    assert "reject: RCPT from" in text


def test_trace_reads_rotated_logs(suite, queue, tmp_path):
    """The beginning in log.2.gz, the next in log.1; and nothing in them moves a cursor."""
    lines = [line for line in suite.log().splitlines() if queue["first"] in line or "TLS" in line]
    forged = lines[0].split("]: ")[0] + f"]: {queue['first']}: to=<a\x1b[2J\x9b@b>, relay=none, delay=1, " \
        "delays=1/0/0/0, dsn=4.0.0, status=deferred (\x1b]0;x\x07)"
    with gzip.open(tmp_path / "log.2.gz", "wt") as f:
        f.write("\n".join(lines[:2]) + "\n")
    os.utime(tmp_path / "log.2.gz", (time.time() - 200, time.time() - 200))
    (tmp_path / "log.1").write_text("\n".join(lines[2:]) + "\n")
    os.utime(tmp_path / "log.1", (time.time() - 100, time.time() - 100))
    (tmp_path / "log").write_bytes(forged.encode("latin-1") + b"\nno line of ours\n" + b"y" * 3000000 + b"\n")
    (tmp_path / "log-unrelated").write_text(lines[0] + "\n")
    text = suite.relais("trace", queue["first"], "--log", str(tmp_path / "log"))
    assert "came in by submission" in text and "<first@client.example>" in text and "<carl@two.example> deferred" in text
    assert "\x1b" not in text and "\x9b" not in text and "<a?[2J?@b> deferred" in text


def test_delete(suite, queue):
    assert suite.relais("queue", "delete", queue["first"]) == "1 message deleted\n"
    wait_for(lambda: f"{queue['first']}: deleted by the operator" in suite.log())
    assert suite.relais("queue", "delete", "--domain", "one.example") == "2 messages deleted\n"
    assert suite.relais("queue", "delete", "--all") == "1 message deleted\n"
    assert suite.relais("queue", "list") == "the queue is empty\n" and listed(suite) == []
    assert run_as(suite, "mailq").stdout == "Mail queue is empty\n"
    assert run_as(suite, "postqueue", "-j").stdout == ""
