"""Opens the report's page in Chromium, uses it as a reader would, and takes pictures of it.

    page.py REPORT PICTURES

REPORT holds report.html and audit.json; what the page shows is compared with the latter. Fails when the page complains, loads
anything, shows other findings than there are, does not fit its window, or has something to press without a name.
"""

import base64
import json
import pathlib
import re
import sys

from chromium import Chromium

WIDTHS = [(1280, 800), (390, 844)]
SCHEMES = ["light", "dark"]

# Waits until the page has drawn what was asked of it: the search waits for the end of typing.
SETTLED = "new Promise((done) => setTimeout(() => requestAnimationFrame(() => requestAnimationFrame(done)), 200))"

problems = []


def expect(what, held):
    if not held:
        problems.append(what)


def shown(page):
    """The lines of the list that exist now."""
    return page.run("[...document.querySelectorAll('#list .row')].map((row) => row.textContent)")


def search(page, text):
    """What the page says of a search."""
    page.run(f"(() => {{ const box = document.getElementById('search'); box.value = {json.dumps(text)};"
             " box.dispatchEvent(new Event('input')); })()")
    page.run(SETTLED)
    return page.run("document.getElementById('status').textContent")


def press(page, key):
    for kind in ("keyDown", "keyUp"):
        page.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key)
    page.run(SETTLED)


def check_findings(page, facts):
    findings = facts["findings"]
    expect(f"the tab says {len(findings):,} findings",
           page.run("document.getElementById('tab-findings').textContent") == f"Findings {len(findings):,}")
    if not findings:
        return
    page.run("document.getElementById('tab-findings').click()")
    page.run(SETTLED)
    first = shown(page)[0]
    expect(f"the first line is of a finding: {first!r}", any(first.startswith(one["level"] + one["rule"]) for one in findings))
    # Names with what cannot be seen are shown with escapes.
    for rule in sorted({one["rule"] for one in findings if re.fullmatch("[a-z0-9-]+", one["rule"])})[:10]:
        search(page, rule)
        expect(f"{rule} is found", any(rule in line for line in shown(page)))
    expect("nonsense is not found", search(page, "no such thing 4711") == "nothing matches")
    search(page, "")
    page.run("document.getElementById('list').focus()")
    press(page, "ArrowDown")
    told = page.run("document.getElementById('detail').innerText")
    expect(f"the arrow shows a finding's fingerprint: {told!r}", any(one["fingerprint"] in told for one in findings))
    active = page.run("document.getElementById(document.getElementById('list').getAttribute('aria-activedescendant'))"
                      "?.getAttribute('aria-selected')")
    expect("the chosen line is told to screen readers", active == "true")


def check_views(page, facts):
    """Each tab has its lines, and they are told in full when chosen."""
    for name in page.run("[...document.querySelectorAll('#tabs button')].map((tab) => tab.id)"):
        page.run(f"document.getElementById('{name}').click()")
        page.run(SETTLED)
        count = page.run(f"document.getElementById('{name}').textContent").rsplit(" ", 1)[1]
        expect(f"{name} has lines", bool(shown(page)) == (count != "0"))
        if count != "0":
            page.run("document.getElementById('list').focus()")
            press(page, "Home")
            expect(f"{name} tells of a line", page.run("document.querySelector('#detail h2') !== null"))
    expect(f"{len(facts['processes']):,} processes", page.run("facts.processes.length") == len(facts["processes"]))


def check_picture(page):
    """The picture of the processes shows the time of one of them, and then all of the run again."""
    page.run("document.getElementById('tab-processes').click()")
    page.run("document.getElementById('list').focus()")
    press(page, "End")
    axis = "document.getElementById('axis').textContent"
    bar = "document.querySelector('#list [aria-selected=true] .bar').getBoundingClientRect().width"
    buttons = "[...document.querySelectorAll('#detail button')].find((button) => button.textContent === {!r}).click()"
    before = page.run(axis)
    page.run(buttons.format("only its time"))
    page.run(SETTLED)
    expect("a process fills the picture of its time", page.run(bar) > 80 and page.run(axis) != before)
    page.run(buttons.format("the whole run"))
    page.run(SETTLED)
    expect("the picture is of the whole run again", page.run(axis) == before)


def check_names(page):
    """What can be pressed or filled in has a name for who cannot see it."""
    for node in page.ask("Accessibility.getFullAXTree")["nodes"]:
        role = node.get("role", {}).get("value")
        if role in ("button", "combobox", "searchbox", "tab", "link", "listbox", "tree", "treeitem", "option") and not node.get("ignored"):
            expect(f"a {role} without a name", node.get("name", {}).get("value"))


def check_room(page, width):
    wide = page.run("document.documentElement.scrollWidth")
    expect(f"the page is {wide} pixels wide in a window of {width}", wide <= width)
    lines = page.run("document.getElementById('list').clientHeight")
    expect(f"at {width} pixels the list is {lines} high", lines >= 150)


def main(report, pictures):
    report, pictures = pathlib.Path(report).resolve(), pathlib.Path(pictures).resolve()
    pictures.mkdir(parents=True, exist_ok=True)
    facts = json.loads((report / "audit.json").read_text())
    times = []
    with Chromium() as page:
        for width, height in WIDTHS:
            for scheme in SCHEMES:
                page.open((report / "report.html").as_uri(), width, height, scheme)
                page.run(SETTLED)
                times.append(page.run("performance.getEntriesByType('navigation')[0].loadEventEnd"))
                expect(f"the colours are {scheme}", page.run("document.documentElement.dataset.theme") == scheme)
                check_room(page, width)
                for view in ("findings", "processes", "files"):
                    page.run(f"document.getElementById('tab-{view}').click()")
                    page.run("document.getElementById('list').focus()")
                    press(page, "ArrowDown")
                    picture = base64.b64decode(page.ask("Page.captureScreenshot", format="png")["data"])
                    (pictures / f"{view}-{width}-{scheme}.png").write_bytes(picture)
                problems.extend(page.complaints())
            check_findings(page, facts)
            check_views(page, facts)
            check_picture(page)
            check_names(page)
            problems.extend(page.complaints())
    for problem in dict.fromkeys(problems):
        print(f"page: {problem}", file=sys.stderr)
    if not problems:
        print(f"page: {len(facts['findings'])} findings, loaded in {max(times):.0f} ms at most, pictures in {pictures}")
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
