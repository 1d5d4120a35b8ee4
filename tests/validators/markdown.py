"""Renders summary.md as GitHub does, with tables: it must fit into a job summary, show each finding's rule, and be text alone.

    markdown.py SUMMARY AUDIT_JSON
"""

import json
import pathlib
import re
import sys

from markdown_it import MarkdownIt

text = pathlib.Path(sys.argv[1]).read_text()
facts = json.loads(pathlib.Path(sys.argv[2]).read_text())
assert len(text.encode()) < 1 << 20, "a job summary holds 1 MiB"
tokens = MarkdownIt("commonmark").enable("table").parse(text)
page = MarkdownIt("commonmark").enable("table").render(text)
assert "<table>" in page, "there is no table"
raw = [token.content for token in tokens if token.type == "html_block"]
raw += [child.content for token in tokens for child in token.children or [] if child.type == "html_inline"]
allowed = re.compile(r"</?(details|summary|br|b|code|sub)\s*/?>")
strange = [part for part in raw if allowed.sub("", part).strip().startswith("<")]
assert not strange, f"markup: {strange}"
# Names that mean harm are written otherwise; the plain ones stand there as they are.
plain = [one["rule"] for one in facts["findings"] if re.fullmatch("[a-z0-9-]+", one["rule"])]
missing = sorted({rule for rule in plain[:20] if rule not in page})
assert not missing, f"not told of: {missing}"
print(f"markdown: {page.count('<tr>')} rows, {len(text.encode())} bytes")
