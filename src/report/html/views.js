// What is listed: each view gives its rows for a search and filters, draws one, and tells of one in full.
const facts = JSON.parse(document.getElementById("facts").textContent);
const span = Math.max(1, facts.run.end_us - facts.run.start_us);

const time = (us) => us < 1000 ? us + " µs" : us < 1e6 ? (us / 1000).toFixed(1) + " ms"
  : us < 6e7 ? (us / 1e6).toFixed(2) + " s" : Math.floor(us / 6e7) + " min " + Math.floor(us % 6e7 / 1e6) + " s";
const size = (n) => n < 1024 ? n + " B" : n < 1 << 20 ? (n / 1024).toFixed(1) + " KiB"
  : n < 2 ** 30 ? (n / 2 ** 20).toFixed(1) + " MiB" : (n / 2 ** 30).toFixed(1) + " GiB";
const at = (us) => "+" + time(Math.max(0, us - facts.run.start_us));
const words = (word) => word.replaceAll("_", " ");
const base = (path) => path.slice(path.lastIndexOf("/") + 1) || path;
const number = (n) => n.toLocaleString("en");

const last = (process) => process.programs[process.programs.length - 1];
const nameOf = (process) => { const program = last(process); return program ? base(program.script || program.exe) : "?"; };
const commandOf = (process) => { const program = last(process); return program ? program.argv.join(" ") : ""; };
const ended = (end) => !end ? "end not seen" : "exit" in end ? "exit " + end.exit : "signal " + end.signal;

// Every word of the search must be in the text.
const matcher = (search) => {
  const parts = search.toLowerCase().split(/\s+/).filter(Boolean);
  return (text) => { text = text.toLowerCase(); return parts.every((part) => text.includes(part)); };
};

// Details, as a list of [heading, content]; content is text, a list of texts, or nodes.
const processLink = (id) => {
  const process = facts.processes[id];
  const link = make("button", "", process ? process.pid + " " + nameOf(process) : "process " + id);
  link.type = "button";
  link.addEventListener("click", () => go("processes", (row) => row.process && row.process.id === id));
  return link;
};
const usesOf = (uses) => Object.entries(uses).map(([word, used]) => words(word) + ": " + number(used.count) + " times"
  + (used.bytes ? ", " + size(used.bytes) : "") + ", first " + at(used.first_us));
const usersOf = (uses) => {
  const ids = [...new Set(Object.values(uses).flatMap((used) => used.processes))].slice(0, 30);
  const more = Object.values(uses).reduce((sum, used) => sum + (used.more_processes || 0), 0);
  return ids.map(processLink).concat(more ? [make("span", "", "and " + number(more) + " uses by others")] : []);
};
const lineage = (id) => {
  const found = [];
  for (let next = id; next !== undefined && facts.processes[next] && found.length < 32; next = facts.processes[next].parent) found.unshift(next);
  return found.map(processLink);
};

const cell = (node, name, text) => node.append(make("span", name, text));

// A tree from rows with `children`: only what is open is listed; with a search, what matches and the way to it.
const treeOf = (roots, opened, redo) => ({
  level: (row) => row.level,
  open: (row) => row.children.length ? (row.forced || opened.has(row)) : null,
  toggle: (row) => { if (!row.children.length) return; if (!opened.delete(row)) opened.add(row); redo(); },
});
const flatten = (roots, opened, wanted) => {
  const rows = [];
  if (wanted) {
    // Children come after their parents in `order`, so one pass backwards tells what leads to a match.
    const order = [];
    const stack = [...roots].reverse();
    while (stack.length) { const row = stack.pop(); order.push(row); for (let n = row.children.length; n--;) stack.push(row.children[n]); }
    for (const row of order) row.kept = wanted(row);
    for (let n = order.length; n--;) if (order[n].kept && order[n].up) order[n].up.kept = true;
    for (const row of order) { row.forced = row.kept && row.children.some((child) => child.kept); if (row.kept) rows.push(row); }
    return rows;
  }
  const stack = [...roots].reverse();
  while (stack.length) {
    const row = stack.pop();
    row.forced = false;
    rows.push(row);
    if (opened.has(row)) for (let n = row.children.length; n--;) stack.push(row.children[n]);
  }
  return rows;
};
const twist = (node, row, opened) => {
  const sign = make("span", "twist", !row.children.length ? "" : row.forced || opened.has(row) ? "▾" : "▸");
  sign.setAttribute("aria-hidden", "true");
  node.append(sign);
};
const indent = (level) => Math.min(level, 24) * 14 + "px";

const flat = (rows, text, filters, accepts) => (search, chosen) => {
  const match = matcher(search);
  return rows.filter((row) => accepts(row, chosen) && match(text(row)));
};

// Findings
const levels = ["error", "warning", "note"];
// In a line there is little room: what lies in the workspace is told from there. The details have all of it.
const nearby = (text) => facts.run.workspace.length > 1 ? text.replaceAll(facts.run.workspace + "/", "") : text;
const findings = {
  title: "Findings", label: "Findings, worst first", count: facts.findings.length,
  filters: [{ name: "level", label: "Level", values: levels },
    { name: "rule", label: "Rule", values: [...new Set(facts.findings.map((finding) => finding.rule))].sort() }],
  rows: flat(facts.findings, (finding) => [finding.rule, finding.message, finding.subject || ""].concat(finding.evidence, finding.tags || []).join(" "), [],
    (finding, chosen) => (!chosen.level || finding.level === chosen.level) && (!chosen.rule || finding.rule === chosen.rule)),
  draw(node, finding) {
    cell(node, "level " + finding.level, finding.level);
    cell(node, "rule", finding.rule);
    cell(node, "text", nearby(finding.message));
    if (finding.count > 1) cell(node, "side", "× " + number(finding.count));
  },
  tell: (finding) => [finding.message, ["About", finding.about], ["Level", finding.level + ", by " + finding.source],
    ["Subject", finding.subject], ["Evidence", finding.evidence], ["Process and those that made it", lineage(finding.process)],
    ["Seen", number(finding.count) + " times, first " + at(finding.time_us)], ["Tags", (finding.tags || []).join(", ")],
    ["Fingerprint", finding.fingerprint]],
};

// Processes
const marks = new Map();
for (const finding of facts.findings) if (finding.process !== undefined) {
  const all = marks.get(finding.process) || [];
  if (all.length < 20) all.push(finding);
  marks.set(finding.process, all);
}
const processRows = facts.processes.map((process) => ({ process, children: [], level: 0, up: null }));
const processRoots = [];
for (const row of processRows) {
  const up = processRows[row.process.parent];
  if (up && up.process.id < row.process.id) { row.up = up; row.level = up.level + 1; up.children.push(row); } else processRoots.push(row);
}
const processOpen = new Set();
// At first a tree is open where that is short to read.
const openFew = (rows, opened) => {
  const next = rows.map((row) => [row, 0]);
  while (next.length) {
    const [row, level] = next.pop();
    if (!row.children.length || row.children.length > 30 || level > 5) continue;
    opened.add(row);
    for (const child of row.children) next.push([child, level + 1]);
  }
};
openFew(processRoots, processOpen);
// The part of the run that the picture shows.
const whole = { from: facts.run.start_us, to: facts.run.start_us + span };
let picture = whole;
const zoom = (part) => {
  picture = { from: part.from, to: Math.max(part.to, part.from + 10) };
  axis(true);
  redo();
};
const zoomButton = (text, part) => {
  const button = make("button", "", text);
  button.type = "button";
  button.addEventListener("click", () => zoom(part));
  return button;
};
const across = (us) => Math.min(1, Math.max(0, (us - picture.from) / (picture.to - picture.from)));
const processText = (row) => row.text || (row.text = row.process.pid + " " + row.process.programs.map((program) =>
  program.exe + " " + (program.script || "") + " " + program.argv.join(" ")).join(" "));
const failedEnd = (process) => process.end && process.end.exit !== 0;
const processes = {
  title: "Processes", label: "Processes, as a tree in time", count: facts.processes.length, axis: true,
  filters: [{ name: "end", label: "End", values: ["failed", "outlived the build", "with findings"] }],
  rows(search, chosen) {
    if (!search && !chosen.end) return flatten(processRoots, processOpen, null);
    const match = matcher(search);
    const ends = { failed: failedEnd, "outlived the build": (process) => process.outlived, "with findings": (process) => marks.has(process.id) };
    return flatten(processRoots, processOpen, (row) => (!chosen.end || ends[chosen.end](row.process)) && match(processText(row)));
  },
  tree: treeOf(processRoots, processOpen, () => redo()),
  draw(node, row) {
    const process = row.process;
    const name = make("span", "tree");
    name.style.paddingLeft = indent(row.level);
    twist(name, row, processOpen);
    // What only forked runs its parent's program on.
    const forked = last(process) && last(process).inherited;
    name.append(make(forked ? "span" : "b", forked ? "fork" : "", nameOf(process)), " ");
    if (forked) name.append(make("span", "fork", "(fork)"));
    else show(name, commandOf(process).slice(0, 300));
    node.append(name);
    const line = make("span", "time");
    const end = process.end_us === undefined ? facts.run.end_us : process.end_us;
    const bar = make("span", "bar" + (failedEnd(process) ? " bad" : row.children.length ? "" : " self"));
    bar.style.left = across(process.start_us) * 100 + "%";
    bar.style.width = (across(end) - across(process.start_us)) * 100 + "%";
    bar.hidden = end < picture.from || process.start_us > picture.to;
    line.append(bar);
    for (const finding of marks.get(process.id) || []) {
      if (finding.time_us < picture.from || finding.time_us > picture.to) continue;
      const flag = make("span", "flag " + finding.level);
      flag.style.left = Math.min(99.8, across(finding.time_us) * 100) + "%";
      line.append(flag);
    }
    cell(line, "unseen", time(end - process.start_us) + ", " + ended(process.end));
    node.append(line);
  },
  tell(row) {
    const process = row.process;
    const end = process.end_us === undefined ? facts.run.end_us : process.end_us;
    const programs = process.programs.map((program) => (program.inherited ? "(from its parent) " : "") + program.exe
      + (program.script ? ", script " + program.script : "") + ", " + at(program.start_us) + ", in " + program.cwd
      + (program.digest ? ", sha256 " + program.digest.sha256 : program.undigested ? ", no digest: " + program.undigested : ""));
    return [process.pid + " " + nameOf(process), ["Command", commandOf(process)],
      ["Time", at(process.start_us) + " for " + time(end - process.start_us) + ", " + ended(process.end)
        + (process.outlived ? ", still running when the build had ended" : "")],
      ["Picture", [zoomButton("only its time", { from: process.start_us, to: end }), zoomButton("the whole run", whole)]],
      ["User", (process.user || "") + " " + process.uid], ["Programs", programs.concat(process.more_programs ? ["and " + process.more_programs + " more"] : [])],
      ["Made by", lineage(process.parent)], ["Calls seen", number(process.calls)],
      ["Findings", (marks.get(process.id) || []).map((finding) => finding.level + ": " + finding.message)]];
  },
};

// Files, as a tree
const fileRoots = [];
const directories = new Map();
const directory = (path) => {
  const known = directories.get(path);
  if (known) return known;
  // A name may have any number of slashes; the way up is walked, not recursed.
  const missing = [];
  let up = null;
  for (let next = path; ; next = next.slice(0, Math.max(0, next.lastIndexOf("/")))) {
    up = directories.get(next) || null;
    if (up) break;
    missing.push(next);
    if (!next) break;
  }
  while (missing.length) {
    const own = missing.pop();
    const row = { path: own, name: own.slice(own.lastIndexOf("/") + 1) + "/", children: [], level: up ? up.level + 1 : 0, up, count: 0, uses: {} };
    (up ? up.children : fileRoots).push(row);
    directories.set(own, row);
    up = row;
  }
  return up;
};
const accesses = new Set();
const parentOf = (path) => { const cut = path.lastIndexOf("/"); return cut < 0 ? "(relative)" : path.slice(0, cut); };
for (const file of facts.files) directory(parentOf(file.path));
for (const file of facts.files) {
  const cut = file.path.lastIndexOf("/");
  // What lies in a directory makes a line for it, which tells of its own uses too.
  const own = directories.get(file.path.replace(/\/+$/, ""));
  const up = directories.get(parentOf(file.path));
  if (own) own.file = file;
  const row = own || { file, path: file.path, name: file.path.slice(cut + 1), children: [], level: up.level + 1, up };
  if (!own) up.children.push(row);
  const kinds = Object.keys(file.uses);
  kinds.forEach((word) => accesses.add(word));
  for (let dir = up; dir; dir = dir.up) { dir.count++; for (const word of kinds) dir.uses[word] = (dir.uses[word] || 0) + 1; }
}
const fileOpen = new Set();
openFew(fileRoots, fileOpen);
const workspace = facts.run.workspace.replace(/\/+$/, "") + "/";
const files = {
  title: "Files", label: "Files, as a tree", count: facts.files.length,
  filters: [{ name: "access", label: "Access", values: [...accesses].sort() },
    { name: "where", label: "Where", values: ["in the workspace", "elsewhere", "downloaded", "with a digest"] }],
  rows(search, chosen) {
    if (!search && !chosen.access && !chosen.where) return flatten(fileRoots, fileOpen, null);
    const match = matcher(search);
    const places = { "in the workspace": (file) => file.path.startsWith(workspace), elsewhere: (file) => !file.path.startsWith(workspace),
      downloaded: (file) => file.downloaded, "with a digest": (file) => file.input || file.output };
    return flatten(fileRoots, fileOpen, (row) => row.file && (!chosen.access || chosen.access in row.file.uses)
      && (!chosen.where || places[chosen.where](row.file)) && match(row.path));
  },
  tree: treeOf(fileRoots, fileOpen, () => redo()),
  draw(node, row) {
    const name = make("span", "text");
    name.style.paddingLeft = indent(row.level);
    twist(name, row, fileOpen);
    show(name, row.name);
    node.append(name);
    const uses = row.file ? Object.keys(row.file.uses).map(words).join(", ") : "";
    const inside = row.uses ? number(row.count) + (row.count === 1 ? " file" : " files") : "";
    cell(node, "side", [uses, inside].filter(Boolean).join("; "));
  },
  tell: (row) => [row.path || "/", ["Files in it", row.uses && number(row.count)],
    ["Of them", row.uses && Object.entries(row.uses).map(([word, count]) => words(word) + ": " + number(count))]]
    .concat(!row.file ? [] : [[row.uses ? "Uses of the directory" : "Uses", usesOf(row.file.uses)], ["By", usersOf(row.file.uses)],
      ["SHA-256 when read", row.file.input && row.file.input.sha256], ["SHA-256 when written", row.file.output && row.file.output.sha256],
      ["Also named", row.file.names || []], ["Downloaded", row.file.downloaded ? "written by a process that had bytes from the network" : ""],
      ["Given", row.file.inherited ? "open from the start, as standard input, output or error" : ""]]),
};

// Failed attempts, network, acts
const failures = {
  title: "Failed", label: "Attempts on files that failed", count: facts.failures.length,
  filters: [{ name: "error", label: "Error", values: [...new Set(facts.failures.map((failure) => failure.error))].sort() }],
  rows: flat(facts.failures, (failure) => failure.path + " " + failure.call, [], (failure, chosen) => !chosen.error || failure.error === chosen.error),
  draw(node, failure) {
    cell(node, "text", failure.path);
    cell(node, "side", failure.call + " " + failure.error + (failure.count > 1 ? " × " + number(failure.count) : ""));
  },
  tell: (failure) => [failure.path, ["Call", failure.call + ": " + failure.error], ["Wanted", failure.access && words(failure.access)],
    ["Times", number(failure.count) + ", first " + at(failure.first_us)], ["By", usersOf({ all: failure })]],
};
const peerName = (peer) => peer.address + (peer.port === undefined ? "" : " port " + peer.port);
const network = {
  title: "Network", label: "Addresses", count: facts.peers.length + facts.dns.length,
  filters: [{ name: "family", label: "Family", values: [...new Set(facts.peers.map((peer) => peer.family))].sort().concat(facts.dns.length ? ["dns"] : []) }],
  rows(search, chosen) {
    const match = matcher(search);
    return facts.peers.concat(facts.dns).filter((row) => (!chosen.family || (row.family || "dns") === chosen.family) && match(JSON.stringify(row)));
  },
  draw(node, row) {
    cell(node, "level", row.family || "dns");
    cell(node, "text", row.family ? peerName(row) + ((row.names || []).length ? " = " + row.names.join(", ") : "") : row.name);
    cell(node, "side", row.family ? Object.keys(row.uses).join(", ") + "; sent " + size(row.sent) + ", received " + size(row.received) : "asked");
  },
  tell: (row) => row.family ? [peerName(row), ["Names", row.names || []], ["Uses", usesOf(row.uses)],
    ["Bytes", size(row.sent) + " sent, " + size(row.received) + " received"], ["By", usersOf(row.uses)],
    ["Of note", row.of_note], ["Failed", Object.entries(row.errors || {}).map(([error, count]) => error + " × " + number(count))]]
    : [row.name, ["Question", JSON.stringify(row, null, 1)]],
};
const acts = {
  title: "Acts", label: "Privileged and evasive acts", count: facts.acts.length,
  filters: [{ name: "kind", label: "Kind", values: [...new Set(facts.acts.map((act) => act.kind))].sort() }],
  rows: flat(facts.acts, (act) => act.kind + " " + act.call + " " + act.detail, [], (act, chosen) => !chosen.kind || act.kind === chosen.kind),
  draw(node, act) {
    cell(node, "rule", words(act.kind));
    cell(node, "text", act.call + ": " + act.detail);
    cell(node, "side", (act.error || "") + (act.count > 1 ? " × " + number(act.count) : ""));
  },
  tell: (act) => [act.detail, ["Kind", words(act.kind)], ["Call", act.call + (act.error ? ": " + act.error : "")],
    ["Times", number(act.count) + ", first " + at(act.first_us)], ["By", usersOf({ all: act })]],
};

// What was asked of the run, and how far all this can be trusted
const sentences = [];
const say = (kind, text, more) => sentences.push({ kind, text, more });
if (facts.policy) say("policy", facts.policy.file + (facts.policy.passed ? ": nothing was outside it" : ": some was outside it"), facts.policy.patch);
if (facts.hermetic) {
  say("hermetic", facts.hermetic.hermetic ? "yes, as far as was seen" : "no");
  for (const reason of facts.hermetic.reasons) say("hermetic", reason.kind + ": " + reason.detail);
  for (const text of facts.hermetic.unseen) say("not answered", text);
}
for (const name of ["events", "lost", "unreadable", "cut", "unresolved"]) say("count", name + ": " + number(facts.coverage[name]));
say("engine", facts.coverage.engine + (facts.coverage.filter ? ", with a filter" : ", without a filter"), facts.coverage.calls.join(" "));
for (const limit of facts.coverage.limits) say("limit", limit.name + ": " + number(limit.limit) + " listed, " + number(limit.dropped) + " more only counted");
for (const text of facts.coverage.fallbacks) say("fallback", text);
for (const text of facts.coverage.notices) say("notice", text);
for (const text of facts.coverage.out_of_sight) say("out of sight", text);
const coverage = {
  title: "Coverage", label: "How far the facts can be trusted", count: sentences.length,
  filters: [{ name: "kind", label: "Kind", values: [...new Set(sentences.map((row) => row.kind))] }],
  rows: flat(sentences, (row) => row.kind + " " + row.text, [], (row, chosen) => !chosen.kind || row.kind === chosen.kind),
  draw(node, row) { cell(node, "rule", row.kind); cell(node, "text", row.text); },
  tell: (row) => [row.kind, ["", row.text], ["More", row.more ? [preformatted(row.more)] : ""]],
};
const preformatted = (text) => { const node = make("pre"); text.split("\n").forEach((line) => { show(node, line); node.append("\n"); }); return node; };
