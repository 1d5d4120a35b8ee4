"""Measures how long a reader waits for the page: to load it, to search, to filter, to open a tree, to scroll to its end.

    wait.py REPORT

What is measured ends when the browser has drawn; a search has besides the 120 ms in which the page waits for the end of typing.
"""

import pathlib
import statistics
import sys

from chromium import Chromium

# (what, before, what is done). Each is done by a script that ends when two frames were drawn after it.
DRAWN = "await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"
SEARCH = ("document.getElementById('search').value = '{}'; document.getElementById('search').dispatchEvent(new Event('input'));"
          "const status = document.getElementById('status'); status.textContent = '';"
          "while (!status.textContent) await new Promise((done) => setTimeout(done, 1));")
TAB = "document.getElementById('tab-{}').click();"
DONE = [
    ("open the files", TAB.format("files")),
    ("search the files: usr", SEARCH.format("usr")),
    ("search the files: no such name", SEARCH.format("no such name")),
    ("filter the files by access", "const select = document.querySelector('#filters select'); select.selectedIndex = 1;"
                                   "select.dispatchEvent(new Event('change'));"),
    ("open the processes", TAB.format("processes")),
    ("search the processes: cc", SEARCH.format("cc")),
    ("to the end of the list", "const list = document.getElementById('list'); list.scrollTop = list.scrollHeight;"),
]


def main(report):
    report = pathlib.Path(report).resolve()
    page = report / "report.html"
    with Chromium() as browser:
        loads = []
        for _ in range(3):
            browser.open(page.as_uri(), 1280, 800, "light")
            loads.append(browser.run("performance.getEntriesByType('navigation')[0].loadEventEnd"))
        print(f"{page.stat().st_size / 1e6:.1f} MB, loaded in {statistics.median(loads):.0f} ms")
        for what, script in DONE:
            taken = browser.run(f"(async () => {{ const from = performance.now(); {script} {DRAWN} return performance.now() - from; }})()")
            print(f"{what}: {taken:.0f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
