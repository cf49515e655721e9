// Which rows are chosen: by click, by a range with Shift, by keyboard; kept when the rows come anew.

export class Selecting {
  constructor(section, signal) {
    this.section = section;
    this.form = section.querySelector("#selection");
    this.count = section.querySelector("#selection-count");
    this.last = null; // the path of the row from which a range goes
    section.addEventListener("click", (event) => this.clicked(event), { signal });
    section.addEventListener("change", () => this.show(), { signal });
    section.addEventListener("keydown", (event) => this.pressed(event), { signal });
    this.show();
  }

  get boxes() {
    return [...this.section.querySelectorAll(".pick")];
  }

  get chosen() {
    return this.boxes.filter((box) => box.checked).map((box) => box.value);
  }

  choose(paths) {
    const wanted = new Set(paths);
    for (const box of this.boxes) box.checked = wanted.has(box.value);
    this.show();
  }

  show() {
    const { boxes, chosen: { length } } = this;
    const all = this.section.querySelector("#select-all");
    if (all) {
      all.checked = length > 0 && length === boxes.length;
      all.indeterminate = length > 0 && length < boxes.length;
    }
    const text = length ? this.count.dataset.some.replace("%", length) : "";
    if (this.count.textContent !== text) this.count.textContent = text;
    for (const button of this.form.querySelectorAll("[data-only-one]")) button.disabled = length !== 1;
  }

  clicked(event) {
    if (event.target.id === "select-all") return this.choose(event.target.checked ? this.boxes.map((box) => box.value) : []);
    if (event.target.closest("#select-none")) return this.clear();
    if (!event.target.matches(".pick")) return;
    if (event.shiftKey) this.range(event.target);
    this.last = event.target.value;
    this.show();
  }

  range(to) {
    const { boxes } = this;
    const from = boxes.findIndex((box) => box.value === this.last);
    if (from < 0) return;
    const ends = [from, boxes.indexOf(to)].sort((a, b) => a - b);
    for (const box of boxes.slice(ends[0], ends[1] + 1)) box.checked = to.checked;
  }

  clear() {
    const row = this.section.querySelector("tr:has(.pick:checked) .pick");
    this.choose([]);
    row?.focus();
  }

  pressed(event) {
    const row = event.target.closest("tbody tr");
    if (!row || event.altKey) return;
    const act = event.ctrlKey || event.metaKey
      ? { a: () => this.choose(this.boxes.map((box) => box.value)) }[event.key]
      : {
        ArrowDown: () => this.step(event, row, row.nextElementSibling),
        ArrowUp: () => this.step(event, row, row.previousElementSibling),
        Home: () => this.step(event, row, row.parentElement.firstElementChild),
        End: () => this.step(event, row, row.parentElement.lastElementChild),
        Escape: () => this.clear(),
        F2: () => this.act(row, "[data-only-one]"),
        Delete: () => this.act(row, ".btn-outline-danger"),
      }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  }

  /** To the same thing in another row; with Shift it is chosen too. */
  step(event, row, next) {
    if (!next) return;
    if (event.shiftKey) {
      for (const one of [row, next]) one.querySelector(".pick").checked = true;
      this.last = next.dataset.path;
      this.show();
    }
    const kind = [".pick", ".entry", ".copy", ".cell-act a"].find((one) => event.target.matches(one));
    (next.querySelector(kind ?? ".entry") ?? next.querySelector(".entry")).focus();
  }

  act(row, button) {
    if (!this.chosen.length) this.choose([row.dataset.path]);
    this.form.querySelector(button)?.click();
  }
}
