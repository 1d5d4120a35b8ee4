"""A headless Chromium that is told what to do over a pipe, in the DevTools protocol: no port and no package is needed."""

import json
import os
import select
import subprocess
import tempfile
import time


class Chromium:
    """One browser with one page. Whatever takes longer than `patience` seconds is an error."""

    def __init__(self, patience=60):
        self.patience = patience
        self.profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        theirs, self.to = os.pipe()
        self.back, ours = os.pipe()
        command = ["chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--hide-scrollbars", "--disable-background-networking", "--remote-debugging-pipe",
                   f"--user-data-dir={self.profile.name}", "about:blank"]
        # The browser reads requests from descriptor 3 and writes answers to descriptor 4.
        script = f'exec "$@" 3<&{theirs} 4>&{ours}'
        self.process = subprocess.Popen(["bash", "-c", script, "bash", *command], pass_fds=(theirs, ours),
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs)
        os.close(ours)
        self.rest, self.asked, self.events, self.session = b"", 0, [], None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.profile.cleanup()

    def _next(self, until):
        while b"\0" not in self.rest:
            ready, _, _ = select.select([self.back], [], [], max(0, until - time.monotonic()))
            data = os.read(self.back, 1 << 20) if ready else b""
            if not data:
                raise RuntimeError("Chromium does not answer" if not ready else "Chromium has ended")
            self.rest += data
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, **params):
        """Asks for `method`; its result."""
        self.asked += 1
        request = {"id": self.asked, "method": method, "params": params}
        if self.session:
            request["sessionId"] = self.session
        data = json.dumps(request).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        until = time.monotonic() + self.patience
        while True:
            message = self._next(until)
            if message.get("id") != self.asked:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']['message']}")
            else:
                return message["result"]

    def open(self, url, width, height, scheme):
        """Opens `url` in a window of this size and colour scheme, and waits until it is loaded."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.ask("Page.navigate", url="about:blank")
        self.run("1")
        self.events.clear()
        self.ask("Page.navigate", url=url)
        until = time.monotonic() + self.patience
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._next(until))

    def run(self, script):
        """The value of an expression in the page, waited for when it is a promise."""
        result = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise RuntimeError(f"{script}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def complaints(self):
        """What the console was told, what was thrown, and what was loaded besides the page itself."""
        found = []
        for event in self.events:
            method, params = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append("thrown: " + json.dumps(params["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled":
                found.append("console: " + json.dumps(params["args"]))
            elif method == "Log.entryAdded":
                found.append("log: " + params["entry"]["text"])
            elif method == "Network.requestWillBeSent" and params["type"] != "Document" and not params["request"]["url"].startswith("data:"):
                found.append("loaded: " + params["request"]["url"])
        return found
