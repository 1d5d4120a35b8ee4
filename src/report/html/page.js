// The page: the summary, the tabs, and the list and details of the view that is chosen.
const views = { findings, processes, files, failures, network, acts, coverage };
const by = (id) => document.getElementById(id);
const state = { view: facts.findings.length ? "findings" : "processes", search: "", chosen: {} };

const summary = () => {
  const verdict = facts.verdict;
  const complete = facts.coverage.complete;
  const chip = by("verdict");
  chip.textContent = verdict.failed ? "failed" : complete ? "passed" : "nothing found, but incomplete";
  chip.classList.add(verdict.failed ? "error" : complete ? "good" : "warning");
  const end = facts.run.end;
  if (!verdict.failed && end && end.exit !== 0) chip.textContent += "; the build itself failed";
  show(by("command"), facts.run.command.join(" "));
  const counts = [["errors", verdict.errors, "error"], ["warnings", verdict.warnings, "warning"], ["notes", verdict.notes, "note"],
    ["processes", facts.processes.length], ["files", facts.files.length], ["addresses", facts.peers.length],
    ["time", time(facts.run.end_us - facts.run.start_us)], ["end", ended(facts.run.end)]];
  for (const [name, value, level] of counts) {
    const box = make("div");
    const shown = typeof value === "number" ? number(value) : value;
    box.append(make("dt", "", name), make("dd", value && level ? level : "", shown));
    by("counts").append(box);
  }
  by("trust").textContent = (complete ? "The trace is complete. " : "The trace is incomplete: " + number(facts.coverage.lost) + " events were lost. ")
    + new Date(facts.run.start_us / 1000).toISOString() + ", " + facts.tool.name + " " + facts.tool.version;
  if (!complete) by("trust").className = "warning";
  document.title = "Build audit: " + chip.textContent;
};

const tabs = () => {
  for (const [name, view] of Object.entries(views)) {
    const tab = make("button", "", view.title + " " + number(view.count));
    tab.type = "button";
    tab.id = "tab-" + name;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", "panel");
    tab.addEventListener("click", () => choose(name));
    by("tabs").append(tab);
  }
  by("tabs").addEventListener("keydown", (event) => {
    const names = Object.keys(views);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    choose(names[(names.indexOf(state.view) + step + names.length) % names.length]);
    by("tab-" + state.view).focus();
    event.preventDefault();
  });
};

const tell = (row) => {
  const box = by("detail");
  box.replaceChildren();
  box.scrollTop = 0;
  if (!row) { box.append(make("p", "side", "Choose a line to see all that is known of it.")); return; }
  const [title, ...parts] = views[state.view].tell(row);
  box.append(make("h2", "mono", title));
  for (const [heading, content] of parts) {
    if (content === undefined || content === null || content === "" || (Array.isArray(content) && !content.length)) continue;
    if (heading) box.append(make("h3", "", heading));
    if (!Array.isArray(content)) { box.append(make("p", "mono", content)); continue; }
    const items = make("ul");
    for (const each of content) { const item = make("li", "mono"); if (each instanceof Node) item.append(each); else show(item, each); items.append(item); }
    box.append(items);
  }
};

const list = new List(by("list"), tell);

const redo = (keep = true) => {
  const view = views[state.view];
  const rows = view.rows(state.search.trim(), state.chosen);
  list.fill(rows, view, keep);
  by("status").textContent = rows.length ? number(rows.length) + " lines" : "nothing matches";
};

const filters = () => {
  by("filters").replaceChildren();
  for (const filter of views[state.view].filters) {
    if (filter.values.length < 2) continue;
    const select = make("select");
    select.setAttribute("aria-label", filter.label);
    const any = make("option", "", filter.label + ": any");
    any.value = "";
    select.append(any);
    filter.values.slice(0, 500).forEach((value) => { const option = make("option"); option.textContent = plain(words(value)).slice(0, 80); option.value = value; select.append(option); });
    select.addEventListener("change", () => { state.chosen[filter.name] = select.value; redo(false); tell(null); });
    by("filters").append(select);
  }
};

const axis = (wanted) => {
  by("axis").hidden = !wanted;
  if (!wanted) return;
  by("axis").replaceChildren();
  for (let part = 0; part < 4; part++) {
    const tick = make("span", "", time(Math.round(picture.from - facts.run.start_us + (picture.to - picture.from) * part / 4)));
    tick.style.left = part * 25 + "%";
    by("axis").append(tick);
  }
};

const choose = (name) => {
  Object.assign(state, { view: name, search: "", chosen: {} });
  by("search").value = "";
  for (const tab of by("tabs").children) {
    const own = tab.id === "tab-" + name;
    tab.setAttribute("aria-selected", own);
    tab.tabIndex = own ? 0 : -1;
    if (own) tab.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  by("panel").setAttribute("aria-labelledby", "tab-" + name);
  filters();
  axis(views[name].axis);
  redo(false);
  tell(null);
};

// Another view, at the row that `is` tells; a tree is opened down to it.
const go = (name, is) => {
  choose(name);
  const found = processRows.find(is);
  for (let up = found && found.up; up; up = up.up) processOpen.add(up);
  redo();
  const place = list.rows.findIndex(is);
  if (place >= 0) list.pick(place);
  by("list").focus();
};

const dress = (theme) => {
  document.documentElement.dataset.theme = theme;
  by("theme").textContent = theme === "dark" ? "Light" : "Dark";
  by("theme").setAttribute("aria-label", "Switch to " + (theme === "dark" ? "light" : "dark") + " colours");
};
by("theme").addEventListener("click", () => dress(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
dress(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");

let waiting;
by("search").addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(() => { state.search = by("search").value; redo(false); tell(null); }, 120);
});
by("search").addEventListener("keydown", (event) => { if (event.key === "ArrowDown") { by("list").focus(); list.pick(0); event.preventDefault(); } });
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT)$/.test(document.activeElement.tagName)) { by("search").focus(); event.preventDefault(); }
});

summary();
tabs();
const wanted = location.hash.slice(1);
choose(wanted in views ? wanted : state.view);
