# SPDX-License-Identifier: ISC
"""SMTP servers that behave as real ones do on their worst days, and write down all they get.

    peer = Peer(host, at={"MAIL": "451 4.3.0 not now"})         # at each step: what happens
    peer = Peer(host, at={"RCPT": ["450 4.2.0 greylisted", OK]})    # first this, later that
    peer = Peer(host, at={"DATA-MIDDLE": CLOSE}, features=["PIPELINING"])
    peer.messages       # what was taken (250 said), with envelope and how it came
    peer.lines          # every command of every connection

Steps: CONNECT (before the greeting), EHLO, HELO, STARTTLS, TLS (instead of the handshake), AUTH, MAIL,
RCPT, DATA, DATA-MIDDLE (in the content), END (instead of the reply to the end of data), RSET, QUIT.
What may happen: a reply, OK, so many seconds of silence first (a float), or one of the names below. All peers of a network share one thread;
their sockets are on the hosts.
"""
import asyncio
import contextlib
import os
import re
import socket
import ssl
import threading
import time

from mta import Received

OK, HANG, CLOSE, ENDLESS, ENDLESS_LINE, GARBAGE, SLOW, HONEY, RESET = (
    "ok", "hang", "close", "endless", "endless-line", "garbage", "slow", "honey", "reset")

FEATURES = ("PIPELINING", "SIZE 100000000", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES",
            "CHUNKING")


class Here:
    """Instead of a host of net.py: this machine."""

    def __init__(self):
        self.name, self.net = "here", self
        self.on_close = []
        self.inside = contextlib.nullcontext


class Loop:
    """The thread that all peers live in."""
    _the = None

    def __init__(self):
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    @classmethod
    def the(cls):
        if cls._the is None:
            cls._the = cls()
        return cls._the

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)


class Message(Received):
    def __init__(self, octets, mail, rcpts, session):
        super().__init__(octets)
        self.mail, self.rcpts = mail, rcpts  # the commands' arguments, as they came
        self.tls, self.cipher, self.sni = session.tls, session.cipher, session.sni
        self.helo, self.client, self.login = session.helo, session.client, session.login
        self.when, self.connection = time.monotonic(), session.number

    def to(self):
        return [r.split(">")[0].lstrip("<") for r in self.rcpts]


class Gone(Exception):
    """The connection is over."""


class Peer:
    def __init__(self, host, port=25, at=None, features=FEATURES, esmtp=True, cert=None, lmtp=False,
                 accounts=None, name=None, implicit_tls=False, address=None, tls_versions=None,
                 only=None, families="46", keep=lambda message: message):
        """cert: a folder of certs.make_pair (its file's path) for STARTTLS; accounts: {login:
        password} for AUTH; only: recipients that exist (all others get 550); keep: what to put in
        `messages` for each."""
        self.host, self.port, self.at = host, port, dict(at or {})
        self.features, self.esmtp, self.lmtp = list(features), esmtp, lmtp
        self.accounts, self.name, self.only = accounts or {}, name or f"{host.name}.example", only
        self.messages, self.refused, self.lines = [], [], []
        self.connections = self.open = self.most_open = 0
        self.early = 0  # commands sent before the reply to the last, without PIPELINING
        self.implicit_tls, self.families, self.address = implicit_tls, families, address
        self.tls, self.keep = None, keep
        if cert:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(cert, os.path.join(os.path.dirname(cert), "privkey.pem"))
            self.tls.sni_callback = self._sni
            if tls_versions:
                self.tls.minimum_version, self.tls.maximum_version = tls_versions
        self._names = {}
        self._servers, self._tasks = [], set()
        host.net.on_close.append(self.stop)
        self.start()

    # ---- on and off ----

    def start(self):
        socks = []
        with self.host.inside():
            for family, any_address in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
                if ("4" if family == socket.AF_INET else "6") not in self.families:
                    continue
                if self.address and (":" in self.address) != (family == socket.AF_INET6):
                    continue
                s = socket.socket(family, socket.SOCK_STREAM)
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                s.bind((self.address or any_address, self.port))
                s.listen(512)
                s.setblocking(False)
                socks.append(s)

        async def listen():
            for s in socks:
                self._servers.append(await asyncio.start_server(
                    self._client, sock=s, limit=1 << 20,
                    ssl=self.tls if self.implicit_tls else None))
        Loop.the().run(listen())
        return self

    def stop(self):
        """Nobody listens any more, and connections are cut: it has died."""
        async def end():
            for s in self._servers:
                s.close()
            self._servers = []
            for t in list(self._tasks):
                t.cancel()
        Loop.the().run(end())

    def _sni(self, obj, name, _):
        self._names[obj] = name

    def next(self, step):
        """What is to happen at this step, this time."""
        plan = self.at.get(step, OK)
        if isinstance(plan, list):
            return plan.pop(0) if len(plan) > 1 else plan[0]
        return plan

    def subjects(self):
        return [m.header("Subject") for m in self.messages]

    def with_subject(self, subject):
        return [m for m in self.messages if m.header("Subject") == subject]

    async def _client(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await Session(self, self.connections, reader, writer).run()
        except (Gone, OSError, asyncio.IncompleteReadError, asyncio.CancelledError, ssl.SSLError,
                asyncio.LimitOverrunError, ValueError):
            pass
        finally:
            self.open -= 1
            self._tasks.discard(task)
            writer.transport.abort() if task.cancelling() else writer.close()


class Session:
    def __init__(self, peer, number, reader, writer):
        self.peer, self.number, self.reader, self.writer = peer, number, reader, writer
        self.tls, self.cipher, self.sni = peer.implicit_tls, None, None
        self.helo = self.mail = self.login = None
        self.rcpts, self.chunks = [], b""
        self.client = (writer.get_extra_info("peername") or ["?"])[0]

    async def say(self, text):
        if self.reader._buffer and "PIPELINING" not in self.peer.features:
            self.peer.early += 1
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    async def act(self, what, good):
        """Do what a step asks for; True if it went as it should."""
        if isinstance(what, float):
            await asyncio.sleep(what)
            what = OK
        if what == OK:
            if good:
                await self.say(good)
            return True
        if what == HANG:
            await self.reader.read()  # hears, and never answers
            raise Gone
        if what == CLOSE:
            raise Gone
        if what == RESET:
            s = self.writer.get_extra_info("socket")
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            self.writer.transport.abort()
            raise Gone
        if what == ENDLESS:
            code = good[:3] if good else "250"
            while True:
                await self.say(f"{code}-and one thing more")
        if what == ENDLESS_LINE:
            while True:
                self.writer.write(b"250-" + b"x" * 8192)
                await self.writer.drain()
        if what == GARBAGE:
            self.writer.write(bytes(range(256)) * 4 + b"\r\n\0\xff\xfe hello\r\n")
            await self.writer.drain()
            raise Gone
        if what == SLOW:
            for octet in (good or "250 2.0.0 at last").encode() + b"\r\n":
                self.writer.write(bytes([octet]))
                await self.writer.drain()
                await asyncio.sleep(0.003)
            return True
        if what == HONEY:  # always a little, never an end
            while True:
                await self.say("250-one moment")
                await asyncio.sleep(0.3)
        await self.say(what)
        if what.startswith("421"):
            raise Gone
        return what.startswith(("2", "3"))

    async def step(self, name, good):
        return await self.act(self.peer.next(name), good)

    async def run(self):
        banner = f"220 {self.peer.name} {'LMTP' if self.peer.lmtp else 'ESMTP'} ready"
        if not await self.step("CONNECT", banner):
            pass  # a greeting of 4yz or 5yz: the client is to say QUIT
        while True:
            line = await self.reader.readline()
            if not line.endswith(b"\n"):
                raise Gone
            text = line.decode(errors="surrogateescape").rstrip("\r\n")
            self.peer.lines.append(text)
            verb, _, rest = text.partition(" ")
            handler = getattr(self, "on_" + verb.lower(), None)
            if handler is None:
                await self.say("502 5.5.1 what is that?")
            else:
                await handler(rest)

    async def on_ehlo(self, rest):
        if not self.peer.esmtp:
            await self.say("502 5.5.1 no EHLO here")
            return
        self.helo = rest
        words = [self.peer.name, *self.peer.features]
        if self.peer.tls and not self.tls:
            words.append("STARTTLS")
        if self.peer.accounts and (self.tls or not self.peer.tls):
            words.append("AUTH PLAIN LOGIN")
        rows = [f"250-{w}" for w in words]
        rows[-1] = "250 " + rows[-1][4:]
        await self.step("EHLO", "\r\n".join(rows))

    on_lhlo = on_ehlo

    async def on_helo(self, rest):
        self.helo = rest
        await self.step("HELO", f"250 {self.peer.name}")

    async def on_starttls(self, _):
        if not self.peer.tls:
            await self.say("502 5.5.1 no TLS here")
            return
        if not await self.step("STARTTLS", "220 2.0.0 go on"):
            return
        if not await self.step("TLS", ""):
            return
        await self.writer.start_tls(self.peer.tls)
        self.tls, self.helo = True, None
        obj = self.writer.get_extra_info("ssl_object")
        self.cipher, self.sni = obj.cipher(), self.peer._names.pop(obj, None)

    async def on_auth(self, rest):
        import base64
        words = rest.split()
        if words[0].upper() == "PLAIN":
            if len(words) < 2:
                await self.say("334 ")
                words.append((await self.reader.readline()).decode().strip())
            _, login, password = base64.b64decode(words[1]).decode().split("\0")
        else:
            await self.say("334 VXNlcm5hbWU6")
            login = base64.b64decode(await self.reader.readline()).decode()
            await self.say("334 UGFzc3dvcmQ6")
            password = base64.b64decode(await self.reader.readline()).decode()
        if self.peer.accounts.get(login) != password:
            await self.say("535 5.7.8 wrong")
        elif await self.step("AUTH", "235 2.7.0 welcome"):
            self.login = login

    async def on_mail(self, rest):
        if await self.step("MAIL", "250 2.1.0 sender fine"):
            self.mail, self.rcpts, self.chunks = rest[5:], [], b""

    async def on_rcpt(self, rest):
        to = rest[3:]
        address = re.sub(r"^<|>.*$", "", to)
        if self.peer.only is not None and address not in self.peer.only:
            await self.say("550 5.1.1 no such user here")
        elif self.mail is None:
            await self.say("503 5.5.1 MAIL first")
        elif await self.step("RCPT", "250 2.1.5 recipient fine"):
            self.rcpts.append(to)

    async def on_data(self, _):
        if not self.rcpts:
            await self.say("554 5.5.1 no valid recipients")
            return
        if not await self.step("DATA", "354 send it"):
            return
        lines = []
        middle = self.peer.next("DATA-MIDDLE")
        while True:
            line = await self.reader.readline()
            if not line.endswith(b"\n"):
                raise Gone
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
            if middle != OK and len(lines) >= 3:
                await self.act(middle, "")
        await self.end(b"".join(lines))

    async def on_bdat(self, rest):
        words = rest.split()
        self.chunks += await self.reader.readexactly(int(words[0]))
        if len(words) < 2:
            await self.say("250 2.0.0 go on")
        elif not self.rcpts:
            await self.say("554 5.5.1 no valid recipients")
        else:
            await self.end(self.chunks)

    async def end(self, octets):
        message = Message(octets, self.mail, self.rcpts, self)
        what = self.peer.next("END")
        good = "250 2.0.0 taken as " + str(len(self.peer.messages) + 1)
        if self.peer.lmtp:
            good = "\r\n".join([good] * len(self.rcpts))
        taken = what in (OK, SLOW) or isinstance(what, float) or what.startswith("2")
        # counted before the reply is out: who sees the reply sees the message
        (self.peer.messages if taken else self.peer.refused).append(self.peer.keep(message))
        self.mail, self.rcpts, self.chunks = None, [], b""
        await self.act(what, good)

    async def on_rset(self, _):
        self.mail, self.rcpts = None, []
        await self.step("RSET", "250 2.0.0 forgotten")

    async def on_noop(self, _):
        await self.say("250 2.0.0 yes")

    async def on_quit(self, _):
        await self.step("QUIT", "221 2.0.0 bye")
        raise Gone
