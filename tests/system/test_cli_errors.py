# SPDX-License-Identifier: ISC
"""Every command as a new user meets it: nothing runs, no right to ask, half a configuration, errors in
it, a full disk. Each time it says what is wrong and what to do, with the documented exit status."""
import os
import subprocess

import pytest

from conftest import BUILD, new_folder

RELAIS = os.path.join(BUILD, "bin", "relais")
ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not ROOT, reason="becomes another user, or mounts")

FAILED, DOWN, OF_POSTFIX = 1, 3, 69
ADDRESS, OTHER = "ann@example.org", "joe@example.org"

# Those that ask the suite.
ASK = """
status
reload
stop
upgrade
ban
ban add 192.0.2.1
ban del 192.0.2.1
incident
incident release ann@example.org
incident purge ann@example.org
quota
quota show ann@example.org
quota recount --all
queue
queue show 4jXHzB19Ztz4
queue flush
queue hold --all --yes
queue stats
queue watch --once
route ann@example.org
explain --from ann@example.com --ip 192.0.2.1
dkim list
dkim show example.org
dkim new example.org
dkim rotate example.org
dkim retire example.org r2026a
dkim remove example.org r2026a
dmarc
dmarc send
dns check example.org
dns query MX example.org
""".strip().splitlines()

# Those that read tables or the configuration, and
READ = """
user list
user forward ann@example.org
user app-password list ann@example.org
user send-as list ann@example.org
alias list
domain list
transport list
sender-transport list
tls-policy list
credentials list
source-address list
map check
""".strip().splitlines()

# those that write.
WRITE = """
user add joe@example.org --no-password
user passwd ann@example.org --no-password
user set ann@example.org --quota 1G
user lock ann@example.org
user forward ann@example.org joe@example.com
user send-as add ann@example.org info@example.org
user app-password add ann@example.org phone
user del ann@example.org
alias add info@example.org ann@example.org
domain add example.net
transport add example.com [192.0.2.1]
sender-transport add ann@example.org [192.0.2.1]
tls-policy add example.com verify
source-address add ann@example.org 192.0.2.1
map
""".strip().splitlines()


class Home:
    """A configuration and tables in a folder; nothing runs."""

    def __init__(self, folder, conf=""):
        self.folder = folder
        self.write(conf)
        for name in ("tables", "state", "run", "mail"):
            os.makedirs(f"{folder}/{name}", exist_ok=True)
        for name, text in (("domains", "example.org local\n"), ("accounts", "ann@example.org *\n"),
                           ("relay_credentials", "")):
            with open(f"{folder}/tables/{name}", "w") as f:
                f.write(text)
            os.chmod(f.name, 0o644 if name == "domains" else 0o600)

    def write(self, more="", without=""):
        lines = ["hostname = mx.example.org", f"tables = {self.folder}/tables",
                 f"state = {self.folder}/state", f"run = {self.folder}/run",
                 f"mail_root = {self.folder}/mail", f"log = {self.folder}/log"]
        with open(f"{self.folder}/relais.conf", "w") as f:
            f.write("\n".join(line for line in lines if not without or without not in line) + f"\n{more}\n")

    def run(self, words, user=None, **more):
        before = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"] if user else []
        return subprocess.run([*before, RELAIS, "--config", f"{self.folder}/relais.conf", *words.split()],
                              stdin=subprocess.DEVNULL, stdout=more.pop("stdout", subprocess.PIPE),
                              stderr=subprocess.PIPE, text=True, timeout=60, cwd="/",
                              env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"), **more)


@pytest.fixture
def home():
    h = Home(new_folder())
    yield h
    subprocess.run(["rm", "-rf", h.folder], check=True)


@pytest.fixture(scope="module")
def still():
    """One that no test changes."""
    h = Home(new_folder())
    h.run("map")
    yield h
    subprocess.run(["rm", "-rf", h.folder], check=True)


# ---- nothing runs ----

@pytest.mark.parametrize("words", ASK)
def test_down(still, words):
    r = still.run(words)
    assert r.returncode == DOWN, r.stderr
    assert r.stdout == ""
    assert r.stderr.count("relais is not running") == 1
    assert f"{still.folder}/run/control" in r.stderr
    assert "systemctl start relais" in r.stderr and f"--config {still.folder}/relais.conf" in r.stderr


@pytest.mark.parametrize("words", READ)
def test_reading_wants_no_suite(still, words):
    r = still.run(words)
    assert r.returncode == 0 and r.stderr == ""


@pytest.mark.parametrize("words", WRITE)
def test_writing_wants_no_suite(home, words):
    assert home.run(words).returncode == 0


@pytest.mark.parametrize("words", ["mailq", "postqueue -p", "postqueue -f"])
def test_familiar_commands_down(still, words):
    r = still.run(words)
    assert r.returncode == OF_POSTFIX and "mail system is down" in r.stderr


# ---- no right ----

def wants_rights(r, status):
    assert r.returncode == status, r.stderr
    assert "denied" in r.stderr or "refused" in r.stderr or "mode 0" in r.stderr, r.stderr
    assert "sudo" in r.stderr, r.stderr


@needs_root
@pytest.mark.parametrize("words", ASK + READ + WRITE)
def test_configuration_that_one_may_not_read(still, words):
    path = f"{still.folder}/relais.conf"
    os.chmod(path, 0o600)
    r = still.run(words, user=65534)
    os.chmod(path, 0o644)
    wants_rights(r, FAILED)
    assert path in r.stderr and "relais setup" not in r.stderr


@needs_root
@pytest.mark.parametrize("words", ["user list"] + WRITE)
def test_tables_of_another(home, words):
    home.run("map")
    wants_rights(home.run(words, user=65534), FAILED)
    assert home.run("user list").stdout.startswith("ann@example.org")


@needs_root
def test_secrets_of_another(still):
    wants_rights(still.run("srs rotate", user=65534), FAILED)


@needs_root
@pytest.mark.parametrize("words", ["status", "queue", "ban", "stop", "reload", "dkim list", "route a@b.example",
                                   "quota", "dns query A localhost", "upgrade"])
def test_suite_of_another(suite, words):
    """Whoever may not ask is told so; nothing is told of users and mail."""
    r = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", RELAIS, "--config",
                        f"{suite.folder}/relais.conf", *words.split()], capture_output=True, text=True,
                       timeout=60, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    wants_rights(r, DOWN)
    assert r.stdout == ""


# ---- no configuration, half of one, and a wrong one ----

@pytest.mark.parametrize("words", ASK + READ + WRITE)
def test_no_configuration(words):
    r = subprocess.run([RELAIS, "--config", "/nonexistent/relais.conf", *words.split()], capture_output=True,
                       text=True, timeout=60, env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    assert r.returncode == FAILED and r.stdout == ""
    assert "/nonexistent/relais.conf: cannot be read: No such file" in r.stderr
    assert "relais setup" in r.stderr and "--config" in r.stderr


@pytest.mark.parametrize("words", ASK + READ + WRITE)
def test_errors_in_the_configuration(home, words):
    """All of them are said, with file and line, and nothing is done."""
    home.write("hostnam = x\nsmtpd {\nlisten_backlog = many\n}\nqueue = \"\nworkers = 1000000\n")
    r = home.run(words)
    assert r.returncode == FAILED and r.stdout == ""
    for line in (7, 9, 11, 12):
        assert f"{home.folder}/relais.conf:{line}: " in r.stderr, r.stderr
    assert 'did you mean "hostname"' in r.stderr


@pytest.mark.parametrize("words", ["user add joe@example.com --no-password", "user add --batch /dev/stdin"])
def test_domain_that_is_not_there(home, words):
    """An account wants a domain; it is said how to make one."""
    r = subprocess.run([RELAIS, "--config", f"{home.folder}/relais.conf", *words.split()],
                       input="joe@example.com secret\n", capture_output=True, text=True, timeout=60,
                       env=dict(os.environ, ASAN_OPTIONS="detect_leaks=0"))
    assert r.returncode == FAILED
    assert 'relais domain add example.com' in r.stderr


@pytest.mark.parametrize("words", ["user list", "user add joe@example.org --no-password", "domain add example.net",
                                   "map"])
def test_no_folder_of_tables(home, words):
    subprocess.run(["rm", "-r", f"{home.folder}/tables"], check=True)
    r = home.run(words)
    if words == "user list":
        assert r.returncode == 0  # nothing is in them yet
    else:
        assert r.returncode == FAILED
        assert "option tables" in r.stderr and "relais setup" in r.stderr


@pytest.mark.parametrize("words", READ + WRITE)
def test_table_with_errors(home, words):
    """Every error of the table that the command reads is said; the table stays as it is."""
    text = "ann@example.org * quota=many\nnobody\nann@example.org *\n"
    with open(f"{home.folder}/tables/accounts", "w") as f:
        f.write(text)
    r = home.run(words)
    if "user" in words or words in ("map", "map check"):
        assert r.returncode == FAILED, r.stderr
        assert f"{home.folder}/tables/accounts:1: " in r.stderr
        assert f"{home.folder}/tables/accounts:2: " in r.stderr
    with open(f"{home.folder}/tables/accounts") as f:
        assert f.read() == text


@pytest.mark.parametrize("words, says", [
    ("user passwd joe@example.org --no-password", "no such account"),
    ("user add ann@example.org --no-password", "exists already"),
    ("user add ann --no-password", "not an address"),
    ("user add joe@example.org --no-password --state odd", "state"),
    ("user add joe@example.org --no-password --quota many", "quota"),
    ("user add --batch /nonexistent", "/nonexistent: No such file"),
    ("user lock joe@example.org", "no such account"),
    ("alias del info@example.org", "no such alias"),
    ("alias add info@example.org @example.org", "a target is"),
    ("domain add example.org", "is there already"),
    ("domain add example.net frobnicate", "local"),
    ("domain del example.com", "no such domain"),
    ("domain del example.org", "delete them first"),
    ("transport add example.com smtp:[", "example.com"),
    ("transport del example.com", "no such transport"),
    ("tls-policy add example.com much", "example.com"),
    ("map query nothing x", "no such table"),
    ("trace 4jXHzB19Ztz4", "neither the log"),
    ("srs rotate", "when the suite starts"),
    ("explain /nonexistent", "/nonexistent: No such file"),
])
def test_what_cannot_be_done(home, words, says):
    r = home.run(words)
    assert r.returncode == FAILED, r.stderr
    assert says in r.stderr, r.stderr
    assert r.stdout == ""


# ---- no room ----

@needs_root
@pytest.mark.parametrize("words", ["user add joe@example.org --no-password", "user set ann@example.org --quota 1G",
                                   "alias add info@example.org ann@example.org", "domain add example.net",
                                   "transport add example.com [192.0.2.1]", "map"])
def test_full_disk(words):
    """Said, with what to do; the tables are as they were."""
    folder = new_folder()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k,mode=755", "tmpfs", folder]).returncode != 0:
        os.rmdir(folder)
        pytest.skip("may not mount")
    try:
        h = Home(folder)
        assert h.run("map").returncode == 0
        tables = {n: open(f"{folder}/tables/{n}").read() for n in os.listdir(f"{folder}/tables")}
        with open(f"{folder}/filler", "wb", buffering=0) as f:
            for size in (4096, 64):
                try:
                    while True:
                        f.write(b"x" * size)
                except OSError:
                    pass
        r = h.run(words)
        assert r.returncode == FAILED, (r.stdout, r.stderr)
        assert "o space left" in r.stderr and "df -h" in r.stderr, r.stderr
        for name, text in tables.items():
            assert open(f"{folder}/tables/{name}").read() == text, name
    finally:
        subprocess.run(["umount", folder], check=True)
        os.rmdir(folder)


@pytest.mark.parametrize("words", READ[:-1] + ["user list --json", "domain list --json", "help all", "cert list"])
def test_output_that_does_not_fit(home, words):
    """A list cut short is no list."""
    home.run("alias add info@example.org ann@example.org")
    with open("/dev/full", "w") as full:
        r = home.run(words, stdout=full)
    if home.run(words).stdout == "":
        assert r.returncode == 0
    else:
        assert r.returncode == FAILED and "No space left" in r.stderr


# ---- for whom ----

@pytest.mark.parametrize("words", ["status", "user list", "domain list", "help all"])
def test_no_colours_in_files(still, words):
    assert "\x1b" not in still.run(words).stdout
