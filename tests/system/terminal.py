# SPDX-License-Identifier: ISC
"""A program at a terminal of its own, and a person who reads and types.

    with Terminal([program, ...], env) as t:
        t.expect("Mail domain")         # everything up to there
        t.type("example.test")
        t.expect("Password"); t.type("secret")
        t.type_key("\\x03")             # ^C
        assert t.wait() == 0
    t.text                              # all that was shown
"""
import os
import pty
import select
import signal
import time


class Terminal:
    def __init__(self, words, env=None):
        self.text, self._seen, self._status = "", 0, None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execvpe(words[0], words, env or os.environ)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._status is None:
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        os.close(self.fd)

    def _read(self, seconds):
        """Some more text; False at the end of it."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return True
        try:
            got = os.read(self.fd, 65536)
        except OSError:  # the other side is closed
            return False
        self.text += got.decode(errors="replace").replace("\r\n", "\n")
        return bool(got)

    def expect(self, what, seconds=60):
        """Wait until it is shown; what was shown since the last time, up to its end."""
        end = time.monotonic() + seconds
        while what not in self.text[self._seen:]:
            assert time.monotonic() < end and self._read(1), \
                f"{what!r} is not shown, but\n{self.text[self._seen:]}"
        at = self.text.index(what, self._seen) + len(what)
        shown, self._seen = self.text[self._seen:at], at
        return shown

    def type(self, line):
        self.type_key(line + "\n")

    def type_key(self, octets):
        os.write(self.fd, octets.encode())

    def wait(self, seconds=120):
        """Its exit status."""
        end = time.monotonic() + seconds
        while self._status is None and time.monotonic() < end:
            if not self._read(0.1):
                time.sleep(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._status = os.waitstatus_to_exitcode(status)
                while self._read(0) and select.select([self.fd], [], [], 0)[0]:
                    pass
        assert self._status is not None, f"it does not end:\n{self.text}"
        return self._status
