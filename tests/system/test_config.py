# SPDX-License-Identifier: ISC
"""relais config check, show and diff on real files, and reloads that are refused.

What values alone tell has its rows in tests/unit/conf/test_conf_check.c; here a set-up below a folder is
broken in one way at a time, and the command has to say so, in the right line, with what to do.
"""
import json
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from certs import make_pair
from conftest import BUILD, new_folder, running, wait_for

ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="changes owners")


class Setup:
    """A configuration with its folders, good but for what a test does to it. Nothing runs."""

    def __init__(self, folder):
        self.folder = folder
        self.conf = f"{folder}/relais.conf"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        for name in ("tables", "mail", "queue", "state/directory", "state/dkim"):
            os.makedirs(f"{folder}/{name}")
        make_pair(f"{folder}/certs", ["mx.example.org"], "ec")
        self.write("")
        self.table("domains", "example.org local\n")
        self.table("accounts", "ann@example.org *\n", 0o600)
        self.table("aliases", "postmaster ann@example.org\n")
        key = f"{folder}/state/dkim/s1._domainkey.example.org"
        self.put(key, "relais-dkim-key 1\n", 0o600)
        if ROOT:
            for path, user in (("mail", "mail"), ("queue", "queue"), ("state/directory", "dir"),
                               ("state/dkim", "dkim")):
                shutil.chown(f"{folder}/{path}", "relais-" + user)
            shutil.chown(key, "relais-dkim")

    @staticmethod
    def put(path, text, mode=0o644):
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, mode)

    def table(self, name, text, mode=0o644):
        self.put(f"{self.folder}/tables/{name}", text, mode)
        self.put(f"{self.folder}/state/directory/{name}.db", "", 0o640)  # as if it were compiled

    def write(self, more, without=""):
        """The configuration: what is good, and more. Its first 20 lines never change."""
        f = self.folder
        lines = f"""hostname = mx.example.org
domain = example.org
mail_root = {f}/mail
queue = {f}/queue
state = {f}/state
tables = {f}/tables
run = {f}/run
log = {f}/log
smtpd {{
	listen = 127.0.0.1:{self.port}
}}
submission {{ # no port
	listen =
	listen_tls =
}}
imapd {{
	listen =
	listen_tls =
}}
pop3d {{
	listen =
	listen_tls =
}}
tls {{
	certificates = {f}/certs
}}
""".splitlines()
        text = "\n".join(line for line in lines if not without or not re.match(without, line.strip()))
        self.put(self.conf, text + "\n" + more)
        return len(text.splitlines()) + 1  # the first line of more

    def run(self, *words, as_user=None):
        command = [os.path.join(BUILD, "bin", "relais"), "--config", self.conf, "config", *words]
        if as_user is not None:
            command = ["setpriv", f"--reuid={as_user}", "--clear-groups"] + command
        return subprocess.run(command, capture_output=True, text=True, timeout=60,
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))

    def check(self, *words, **more):
        """(exit status, findings)."""
        done = self.run("check", "--json", *words, **more)
        assert done.returncode in (0, 1), done.stderr
        found = json.loads(done.stdout)
        # this machine's folders may well be small, or in memory
        return done.returncode, [x for x in found["findings"] if x["check"] != "file-systems"]


@pytest.fixture
def setup():
    folder = new_folder()
    yield Setup(folder)
    shutil.rmtree(folder, ignore_errors=True)


def find(findings, text, check=""):
    """The one finding with this text."""
    found = [x for x in findings if text in x["text"] and check in x["check"]]
    assert len(found) == 1, f"{text!r} in {json.dumps(findings, indent=1)}"
    return found[0]


def test_a_good_one(setup):
    status, findings = setup.check()
    assert status == 0 and findings == [], findings


# what is added to the configuration; severity, check, part of the text
ROWS = [
    ("nonsense\n", "error", "syntax", "neither"),
    ("directory {\npostgresql_password_file = /nowhere/pw\n}\n", "error", "named-files", "/nowhere/pw"),
    ("directory {\nalias_file = /nowhere/aliases\n}\n", "warning", "named-files", "/nowhere/aliases"),
    ("directory {\npam_service = none-such\n}\n", "error", "named-files", "/etc/pam.d/none-such"),
    ("directory {\ntrusted_users = nobody-such\n}\n", "warning", "named-users", "nobody-such"),
    ("directory {\ninclude_owners = nobody-such\n}\n", "warning", "named-users", "nobody-such"),
    ("resolver {\ntrust_anchor = /nowhere/root.key\n}\n", "error", "named-files", "/nowhere/root.key"),
    ("resolver {\nforwarders = dns.example.org\n}\n", "error", "forwarders", "dns.example.org"),
    ("smtp_client {\ntls_ca = /nowhere/ca.pem\n}\n", "warning", "named-files", "/nowhere/ca.pem"),
    ("smtpd {\nconnection_limit = 100000\n}\n", "warning", "descriptors", "descriptors"),
    ("workers = 200\n", "warning", "cores", "200 processes"),
    ("qmgr {\nmemory_limit = 64G\n}\n", "warning", "memory", "this machine's memory"),
    ("qmgr {\nsegment_size = 1G\nsegments = 1024\n}\n", "error", "journal-room", "the journal takes"),
    ("qmgr {\noutbound_jobs = 20000\n}\nsmtp_client {\nconnections = 10\nidle_connections = 5\n}\n",
     "warning", "outbound-connections", "20000 messages"),
    ("smarthost = [relay.example.net]:587\n", "warning", "tables", "there is no login for it"),
    ("domain = example.org, example.com\n", "warning", "tables", "example.com has no DKIM key"),
    ("directory {\nsrs_domain = example.net\n}\n", "warning", "tables", "for forwarded mail is refused"),
    ("mailauth {\nreport_from = x@example.net\n}\n", "warning", "tables", "its reports are not signed"),
    ("smtp_client {\nsource_ipv4 = 192.0.2.77\n}\n", "error", "source-addresses", "192.0.2.77"),
    ("smtp_client {\nsource_ipv6 = 2001:db8::77\n}\n", "error", "source-addresses", "2001:db8::77"),
    ("tables = /nowhere/tables\n", "error", "folders", "/nowhere/tables is not there"),
    ("mail_root = /dev/null\n", "error", "folders", "/dev/null is none"),
    ("tls {\ncertificates = /nowhere/certs\n}\n", "error", "certificates", "no certificate is of use"),
]


@pytest.mark.parametrize("more,severity,check,text", ROWS, ids=[r[3] for r in ROWS])
def test_options(setup, more, severity, check, text):
    first = setup.write(more)
    status, findings = setup.check()
    found = find(findings, text)
    assert (found["severity"], found["check"]) == (severity, check)
    if found["file"] == setup.conf:
        assert found["line"] >= first
    assert found["cure"] or check == "syntax"
    assert status == (1 if any(x["severity"] == "error" for x in findings) else 0)


# what happens to a file below the folder; severity, check, part of the text
FILES = [
    ("accounts of everybody", lambda s: s.table("accounts", "ann@example.org *\n", 0o644),
     "error", "secrets", "holds secrets"),
    ("credentials of everybody", lambda s: s.table("relay_credentials", "", 0o644),
     "error", "secrets", "holds secrets"),
    ("configuration of everybody", lambda s: os.chmod(s.conf, 0o666), "error", "secrets", "can write it"),
    ("a line that is none", lambda s: s.table("transport", "example.net [\n"), "error", "tables", "missing"),
    ("an account elsewhere", lambda s: s.table("accounts", "ann@example.org *\njoe@example.net *\n", 0o600),
     "error", "tables", "example.net is no domain of ours"),
    ("a domain without a key", lambda s: s.table("domains", "example.org local\nexample.net local\n"),
     "warning", "tables", "example.net has no DKIM key"),
    ("a system alias that is none", lambda s: (s.write(f"directory {{\nalias_file = {s.folder}/aliases\n}}\n"),
                                               s.put(f"{s.folder}/aliases", "root joe\n")),
     "error", "system-aliases", ""),
    ("an alias elsewhere", lambda s: s.table("aliases", "postmaster ann@example.org\n@example.com ann@example.org\n"),
     "error", "tables", "example.com is no domain of ours"),
    ("an account of an alias", lambda s: (s.table("domains", "example.org local\nexample.com alias example.org\n"),
                                          s.table("accounts", "ann@example.org *\njoe@example.com *\n", 0o600)),
     "warning", "tables", "a domain that is an alias"),
    ("a target that is nobody", lambda s: s.table("aliases", "postmaster bob@example.org, ann@example.org\n"),
     "warning", "tables", "there is no bob@example.org"),
    ("no postmaster", lambda s: s.table("aliases", "info@example.org ann@example.org\n"),
     "warning", "tables", "postmaster@example.org is refused"),
    ("a domain in two places", lambda s: s.table("domains", "example.org relay\n"),
     "warning", "tables", "example.org is relay"),
    ("our own name is relay", lambda s: s.table("domains", "example.org local\nmx.example.org relay\n"),
     "error", "tables", "round in circles"),
    ("not compiled", lambda s: os.unlink(f"{s.folder}/state/directory/aliases.db"),
     "warning", "tables", "is not compiled"),
    ("changed since", lambda s: os.utime(f"{s.folder}/tables/aliases", (4e9, 4e9)),
     "warning", "tables", "is newer than what was compiled"),
    ("a key of everybody", lambda s: os.chmod(f"{s.folder}/certs/privkey.pem", 0o644),
     "error", "certificates", "private key"),
    ("a key of another", lambda s: (make_pair(f"{s.folder}/other", ["mx.example.org"], "ec"),
                                    os.replace(f"{s.folder}/other/privkey.pem", f"{s.folder}/certs/privkey.pem")),
     "error", "certificates", "does not belong"),
    ("a name that is not ours", lambda s: make_pair(f"{s.folder}/certs", ["www.example.org"], "ec"),
     "warning", "certificates", "no certificate has the name mx.example.org"),
    ("an end that is near", lambda s: make_pair(f"{s.folder}/certs", ["mx.example.org"], "ec", days=7),
     "warning", "certificates", "expires"),
    ("a DKIM key of everybody", lambda s: os.chmod(f"{s.folder}/state/dkim/s1._domainkey.example.org", 0o644),
     "error", "dkim-keys", "private key"),
    ("the way is shut", lambda s: (s.write("run = %s/deep/run\n" % s.folder),
                                   os.mkdir(f"{s.folder}/deep", 0o700)),
     "warning", "folders-above", "local users cannot send"),
]


@pytest.mark.parametrize("change,severity,check,text", [r[1:] for r in FILES], ids=[r[0] for r in FILES])
def test_files(setup, change, severity, check, text):
    change(setup)
    status, findings = setup.check()
    found = find(findings, text, check)
    assert (found["severity"], found["check"]) == (severity, check)
    assert found["cure"]
    assert (status == 1) == any(x["severity"] == "error" for x in findings)


def test_an_expired_certificate(setup):
    folder = f"{setup.folder}/certs"
    with open(f"{setup.folder}/ca.conf", "w") as f:
        f.write(f"""[ca]
default_ca = c
[c]
database = {setup.folder}/index
new_certs_dir = {setup.folder}
serial = {setup.folder}/serial
default_md = sha256
policy = p
[p]
commonName = supplied
""")
    setup.put(f"{setup.folder}/index", "")
    setup.put(f"{setup.folder}/serial", "01\n")
    quiet = dict(check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["openssl", "req", "-new", "-key", f"{folder}/privkey.pem", "-subj", "/CN=mx.example.org",
                    "-out", f"{setup.folder}/csr"], **quiet)
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-notext", "-config", f"{setup.folder}/ca.conf",
                    "-keyfile", f"{folder}/privkey.pem", "-in", f"{setup.folder}/csr", "-startdate",
                    "20200101000000Z", "-enddate", "20200201000000Z", "-out", f"{folder}/fullchain.pem"], **quiet)
    status, findings = setup.check()
    found = find(findings, "expired")
    assert status == 1 and found["severity"] == "error" and found["file"] == f"{folder}/fullchain.pem"


def test_half_a_configuration(setup):
    setup.table("domains", "")
    setup.write("", without="domain|hostname")
    status, findings = setup.check()
    assert status == 1
    assert find(findings, "there is no mail domain")["severity"] == "error"
    assert find(findings, 'is "localhost"')["line"] is None
    setup.put(setup.conf, "")  # nothing at all: of this machine, which is not set up
    assert setup.check()[0] == 1


def test_names_that_nobody_sends_from_want_no_key(setup):
    setup.write("domain = example.org, localhost, mail, box.localhost\n", without="domain")
    setup.table("domains", "localhost.localdomain local\nlocalhoster.example local\nintranet local\n")
    wanted = [x["text"].split()[0] for x in setup.check()[1] if "has no DKIM key" in x["text"]]
    assert wanted == ["localhoster.example"]


def test_no_file(setup):
    os.unlink(setup.conf)
    status, findings = setup.check()
    assert status == 1 and find(findings, "cannot be read")["file"] == setup.conf


def test_a_port_that_another_program_has(setup):
    with socket.socket() as s:
        s.bind(("127.0.0.1", setup.port))
        s.listen()
        status, findings = setup.check()
        found = find(findings, f"127.0.0.1:{setup.port} is taken by ")
        assert status == 1 and (found["option"], found["line"]) == ("smtpd.listen", 10)
        assert f"(pid {os.getpid()})" in found["text"] and found["cure"].startswith("stop ")


@needs_root
def test_wrong_owners(setup):
    shutil.chown(f"{setup.folder}/queue", "nobody")
    shutil.chown(f"{setup.folder}/state/dkim/s1._domainkey.example.org", "nobody")
    _, findings = setup.check()
    assert find(findings, "qmgr works in it as relais-queue")["file"] == f"{setup.folder}/queue"
    assert find(findings, "keeper of DKIM keys (relais-dkim) cannot read it")["severity"] == "error"
    setup.write("smtp_user = nobody-such\ndns_user = root\n")
    _, findings = setup.check()
    assert find(findings, 'there is no user "nobody-such"')["severity"] == "error"
    assert find(findings, "root would parse")["severity"] == "error"


@needs_root
def test_what_a_user_without_rights_cannot_see_is_said(setup):
    os.chmod(f"{setup.folder}/certs", 0o700)
    setup.write("submission {\nlisten = 127.0.0.1:587\n}\n")
    status, findings = setup.check(as_user=65534)
    notes = [x for x in findings if x["severity"] == "note"]
    assert all("root" in x["cure"] for x in notes)
    told = " ".join(x["file"] for x in notes)
    assert "tables/accounts" in told and "certs" in told
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start") as f:
        if int(f.read()) > 587:
            assert find(notes, "127.0.0.1:587")["check"] == "ports"
    text = setup.run("check", as_user=65534).stdout
    assert ": note: " in text and "; ask as root\n" in text
    assert status in (0, 1)


def test_folders_in_memory(setup):
    shm = "/dev/shm"
    if not os.path.ismount(shm):
        pytest.skip("no tmpfs at /dev/shm")
    setup.write(f"queue = {shm}/relais-test-queue\n")
    found = json.loads(setup.run("check", "--json").stdout)["findings"]
    assert find([x for x in found if x["option"] == "queue"], "is in memory")["severity"] == "warning"


def test_words_and_exit_status(setup):
    assert setup.run("check").stdout == f"{setup.conf}: no errors\n" or \
        "file" in setup.run("check").stdout  # a small disk
    line = setup.write("smtpd {\n\tcommand_timeout = 1m\n}\n") + 1
    done = setup.run("check")
    assert f"{setup.conf}:{line}: warning: smtpd.command_timeout: 1m is short" in done.stdout
    assert "; set it to at least 5m\n" in done.stdout
    assert done.returncode == 0 and re.search(r": no errors, \d+ warnings?\n$", done.stdout)
    assert setup.run("check", "--strict").returncode == 1
    assert setup.run("check", "--frob").returncode == 2
    assert setup.run("chekc").returncode == 2


def test_online(setup):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent, socket.socket() as closed:
        silent.bind(("127.0.0.1", 0))
        closed.bind(("127.0.0.1", 0))
        setup.write(f"""resolver {{
	forwarders = 127.0.0.1:{silent.getsockname()[1]}
}}
directory {{
	postgresql = "host=127.0.0.1 port={closed.getsockname()[1]} dbname=x user=x"
}}
""")
        assert not [x for x in setup.check()[1] if "answer" in x["text"]], "not asked"
        status, findings = setup.check("--online")
    assert status == 1
    assert find(findings, "no name server answers")["check"] == "name-servers"
    assert find(findings, "the database does not answer")["check"] == "database-answers"


def test_every_row_is_in_the_list(setup):
    rows = setup.run("check", "--list").stdout.splitlines()
    names = [row.split()[0] for row in rows]
    assert len(names) == len(set(names)) > 30
    assert {r[2] for r in ROWS + [r[1:] for r in FILES]} - {"syntax"} <= set(names)


# ---- show and diff ----

def test_show(setup):
    setup.write('qmgr {\n\tqueue_lifetime = 6d\n}\nmailauth {\n\treport_org = "A # b"\n}\n')
    whole = setup.run("show").stdout
    again = f"{setup.folder}/again.conf"
    setup.put(again, whole)
    assert setup.run("diff", again).returncode == 0
    text = setup.run("show", "--origin", "workers", "qmgr.queue_lifetime", "mailauth.report_org").stdout
    assert re.search(r"^workers = 0  # default; here \d+, one for each core$", text, re.M)
    assert f"\tqueue_lifetime = 6d  # {setup.conf}:" in text
    setup.put(again, setup.run("show", "--changed", "--origin").stdout)
    assert setup.run("diff", again).returncode == 0
    rows = {x["option"]: x for x in json.loads(setup.run("show", "--json").stdout)}
    assert rows["hostname"] == {"option": "hostname", "value": "mx.example.org", "default": "localhost",
                                "origin": "file", "file": setup.conf, "line": 1, "effective": None,
                                "restart": False}
    assert rows["smtp_client.helo"]["effective"] == "mx.example.org" and rows["queue"]["restart"]
    assert setup.run("show", "frobnicate").returncode == 2


def test_diff(setup):
    done = setup.run("diff")
    assert done.returncode == 1 and f"hostname: localhost -> mx.example.org ({setup.conf}:1)\n" in done.stdout
    other = f"{setup.folder}/other.conf"
    shutil.copy(setup.conf, other)
    assert setup.run("diff", other).returncode == 0
    line = setup.write("plaintext_auth = always\n")
    rows = json.loads(setup.run("diff", other, "--json").stdout)
    assert [(x["option"], x["old"], x["new"], x["line"], x["restart"]) for x in rows] == \
        [("plaintext_auth", "never", "always", line, False)]
    assert "without TLS" in rows[0]["danger"]
    assert "[dangerous: " in setup.run("diff", other).stdout
    setup.write("ledger {\nsend_messages = 0\n}\n")
    shutil.copy(setup.conf, other)
    setup.write("ledger {\nsend_messages = 0\nsend_recipients = 0\n}\n")  # what it takes is two options
    told = setup.run("diff", other).stdout
    assert told.startswith("ledger.send_recipients: 2000 -> 0 (") and "[dangerous: an account whose" in told
    setup.put(other, "nonsense\n")
    assert setup.run("diff", other).returncode == 2
    assert setup.run("diff", "--running").returncode == 3


# ---- with a suite that runs ----

@pytest.fixture(scope="module")
def demo():
    with running(users=1) as s:
        yield s


@pytest.fixture
def conf(demo):
    """Its configuration, to be changed: add(text). It is as it was, and taken, after the test."""
    path = f"{demo.folder}/relais.conf"
    with open(path) as f:
        before = f.read()

    def add(text):
        with open(path, "w") as f:
            f.write(before + text)
    yield add
    add("")
    demo.relais("reload", "--yes-really")


def test_the_demo_is_right(demo):
    done = demo.relais("config", "check", check=False)
    assert done.returncode == 0, done.stdout
    assert "no errors" in done.stdout and "taken by" not in done.stdout


def test_reload_tells_what_changed(demo, conf):
    assert demo.relais("reload").splitlines()[0] == "no option has changed"
    conf("smtpd {\n\thop_limit = 77\n}\nqmgr {\n\tsegments = 5\n}\n")
    running_now = demo.relais("config", "diff", "--running", check=False)
    assert running_now.returncode == 1
    assert "smtpd.hop_limit: 50 -> 77 (" in running_now.stdout
    assert re.search(r"qmgr\.segments: 4 -> 5 .*\[needs a restart\]", running_now.stdout)
    told = demo.relais("reload")
    assert "smtpd.hop_limit: 50 -> 77 (" in told and "configuration taken" in told
    assert "taken only when the suite is started anew: qmgr.segments" in told
    # what waits for a start is not what runs
    left = json.loads(demo.relais("config", "diff", "--running", "--json", check=False).stdout)
    assert [x["option"] for x in left] == ["qmgr.segments"]


def test_a_dangerous_change_is_refused(demo, conf):
    conf("plaintext_auth = always\nsmtp_client {\n\ttls = none\n}\n")
    offset = len(demo.log())
    done = demo.relais("reload", check=False)
    assert done.returncode == 1
    assert "error: plaintext_auth: passwords travel without TLS" in done.stderr
    assert "error: smtp_client.tls: " in done.stderr
    assert "relais reload --yes-really" in done.stderr
    os.kill(demo.info["master_pid"], signal.SIGHUP)
    wait_for(lambda: demo.log()[offset:].count("configuration not taken: the change is dangerous") == 2)
    assert demo.relais("config", "diff", "--running", check=False).returncode == 1, "nothing was taken"
    told = demo.relais("reload", "--yes-really")
    assert "plaintext_auth: loopback -> always" in told and "configuration taken" in told
    assert demo.relais("config", "diff", "--running") == ""
    # it is no more dangerous than it was: no question again
    assert "configuration taken" in demo.relais("reload")


def test_what_cannot_work_is_refused_in_any_case(demo, conf):
    conf('smarthost = "[relay"\n')
    done = demo.relais("reload", "--yes-really", check=False)
    assert done.returncode == 1 and "smarthost: " in done.stderr
    assert demo.relais("config", "show", "smarthost").strip() == "smarthost = [relay"
    assert demo.relais("config", "diff", "--running", check=False).stdout.startswith('smarthost: "" -> ')


def test_what_is_dangerous_is_told_at_a_start(fresh_suite):
    s = fresh_suite(users=1, options=["qmgr.bounce_to_strangers=yes"])
    wait_for(lambda: "warning: qmgr.bounce_to_strangers: reports go to people" in s.log())
