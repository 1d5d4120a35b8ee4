"use strict";
// A list of any length of which only the rows in sight exist. It is one stop of the keyboard; what a row shows, and
// whether it opens, is the view's.
const ROW = 26;
// Browsers cannot lay out more than some 17 million pixels: beyond that, a pixel of the bar is more than one of the list.
const MOST_PIXELS = 8000000;

const make = (tag, name, text) => {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) show(node, text);
  return node;
};

// What cannot be seen, or reorders what can, is shown as an escape; all else as it is. Never as markup.
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;
const plain = (text) => String(text).replace(HIDDEN, (c) => "\\u{" + c.codePointAt(0).toString(16) + "}");
const show = (node, text) => {
  text = String(text);
  let from = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (found.index > from) node.append(text.slice(from, found.index));
    const mark = document.createElement("span");
    mark.className = "esc";
    mark.textContent = plain(found[0]);
    node.append(mark);
    from = found.index + found[0].length;
  }
  if (from < text.length) node.append(text.slice(from));
};

class List {
  constructor(box, onPick) {
    this.box = box;
    this.onPick = onPick;
    this.rows = [];
    this.at = -1;
    this.space = make("div", "space");
    this.space.setAttribute("role", "presentation");
    box.append(this.space);
    this.shown = new Map();
    box.addEventListener("scroll", () => this.ask());
    box.addEventListener("keydown", (event) => this.key(event));
    box.addEventListener("click", (event) => this.click(event));
    new ResizeObserver(() => this.ask()).observe(box);
  }

  // rows: what the view's draw gets; view: { draw, role, tree: { open(row), level(row), toggle(row) } or null, label }
  fill(rows, view, keep) {
    const top = keep ? this.box.scrollTop : 0;
    this.rows = rows;
    this.view = view;
    if (!keep) this.at = -1;
    this.at = Math.min(this.at, rows.length - 1);
    this.box.setAttribute("role", view.tree ? "tree" : "listbox");
    this.box.setAttribute("aria-label", view.label);
    this.height = Math.min(rows.length * ROW, MOST_PIXELS);
    this.space.style.height = this.height + "px";
    this.clear();
    this.box.scrollTop = top;
    this.draw();
  }

  clear() {
    for (const node of this.shown.values()) node.remove();
    this.shown.clear();
  }

  ask() {
    if (this.asked) return;
    this.asked = true;
    requestAnimationFrame(() => { this.asked = false; this.draw(); });
  }

  // The first row in sight, as a fraction; and where the bar stands for a row.
  first() {
    const whole = this.rows.length * ROW;
    const room = Math.max(1, this.height - this.box.clientHeight);
    return whole <= this.height ? this.box.scrollTop / ROW
      : this.box.scrollTop / room * Math.max(0, this.rows.length - this.box.clientHeight / ROW);
  }

  draw() {
    if (!this.view) return;
    const first = this.first();
    const count = Math.ceil(this.box.clientHeight / ROW) + 1;
    const from = Math.max(0, Math.floor(first) - 4);
    const to = Math.min(this.rows.length, Math.floor(first) + count + 4);
    for (const [at, node] of this.shown) if (at < from || at >= to) { node.remove(); this.shown.delete(at); }
    for (let at = from; at < to; at++) {
      let node = this.shown.get(at);
      if (!node) {
        node = make("div", "row");
        const row = this.rows[at];
        const tree = this.view.tree;
        node.id = "row" + at;
        node.setAttribute("role", tree ? "treeitem" : "option");
        node.setAttribute("aria-setsize", this.rows.length);
        node.setAttribute("aria-posinset", at + 1);
        if (tree) {
          node.setAttribute("aria-level", tree.level(row) + 1);
          const open = tree.open(row);
          if (open !== null) node.setAttribute("aria-expanded", open);
        }
        this.view.draw(node, row);
        this.shown.set(at, node);
        this.space.append(node);
      }
      node.style.top = (this.box.scrollTop + (at - first) * ROW) + "px";
      node.setAttribute("aria-selected", at === this.at);
    }
    if (this.at >= from && this.at < to) this.box.setAttribute("aria-activedescendant", "row" + this.at);
    else this.box.removeAttribute("aria-activedescendant");
  }

  pick(at) {
    if (!this.rows.length) return;
    this.at = Math.max(0, Math.min(this.rows.length - 1, at));
    // The details may grow and leave less room: what is chosen is brought into sight after they are told.
    this.onPick(this.rows[this.at]);
    this.reveal();
  }

  reveal() {
    const seen = this.box.clientHeight / ROW;
    const first = this.first();
    let want = first;
    if (this.at < first) want = this.at;
    else if (this.at + 1 > first + seen) want = this.at + 1 - seen;
    if (want !== first) {
      const whole = this.rows.length * ROW;
      this.box.scrollTop = whole <= this.height ? want * ROW
        : want / Math.max(1, this.rows.length - seen) * (this.height - this.box.clientHeight);
    }
    this.draw();
  }

  click(event) {
    const node = event.target.closest(".row");
    if (!node) return;
    const at = Number(node.id.slice(3));
    if (event.target.closest(".twist") && this.view.tree) { this.at = at; this.view.tree.toggle(this.rows[at]); return; }
    this.pick(at);
  }

  key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.box.clientHeight / ROW) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -this.rows.length, End: this.rows.length };
    const row = this.rows[this.at];
    const tree = this.view && this.view.tree;
    if (event.key in moves) this.pick(this.at < 0 ? (event.key === "End" ? this.rows.length : 0) : this.at + moves[event.key]);
    else if (row && tree && event.key === "ArrowRight") {
      if (tree.open(row) === false) tree.toggle(row); else this.pick(this.at + 1);
    } else if (row && tree && event.key === "ArrowLeft") {
      if (tree.open(row)) tree.toggle(row);
      else {
        let up = this.at;
        while (up > 0 && tree.level(this.rows[up]) >= tree.level(row)) up--;
        this.pick(up);
      }
    } else if (row && event.key === "Enter") document.getElementById("detail").focus();
    else if (row && tree && event.key === " ") tree.toggle(row);
    else return;
    event.preventDefault();
  }
}
