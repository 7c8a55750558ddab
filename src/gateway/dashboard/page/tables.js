import { element, setAttribute, setText } from "./dom.js";

/** A table whose rows stay the same elements while they are there, so that focus and selections last. */
export class Table {
  #body = element("tbody");
  #rows = new Map();
  #columns;
  #keyOf;
  #sort;
  #heads = [];
  #shown = [];
  #onRow;

  /**
   * @param columns - `{ title, text(row), sort(row), className, make(), update(cell, row) }`: a text, or an element that is made once
   * @param options - `caption`, `keyOf(row)`, and `onRow(element, row)`, which is told of each row that is shown
   */
  constructor(parent, columns, { caption, keyOf, onRow }) {
    this.#columns = columns;
    this.#keyOf = keyOf;
    this.#onRow = onRow;
    const head = element("tr");
    for (const [index, { title, className = "", sort }] of columns.entries()) {
      const cell = element("th", { scope: "col", class: className });
      if (sort) {
        const button = element("button", { type: "button" }, title);
        button.addEventListener("click", () => this.#sortBy(index));
        cell.append(button);
      } else cell.append(title);
      this.#heads.push(cell);
      head.append(cell);
    }
    const table = element("table", {}, element("thead", {}, head), this.#body);
    if (caption) table.prepend(element("caption", {}, caption));
    parent.append(table);
  }

  /** Shows these rows and no others. */
  update(rows) {
    this.#shown = rows;
    const sorted = [...rows];
    if (this.#sort) {
      const { index, sign } = this.#sort;
      const { sort } = this.#columns[index];
      sorted.sort((a, b) => sign * compare(sort(a), sort(b)));
    }
    const keys = new Set();
    let place = this.#body.firstElementChild;
    for (const row of sorted) {
      const key = this.#keyOf(row);
      if (keys.has(key)) continue;
      keys.add(key);
      const tr = this.#rowOf(key);
      for (const [index, column] of this.#columns.entries()) {
        if (column.update) column.update(tr.cells[index].firstElementChild, row);
        else setText(tr.cells[index], column.text(row));
      }
      this.#onRow?.(tr, row);
      if (tr === place) place = tr.nextElementSibling;
      else this.#body.insertBefore(tr, place);
    }
    for (const [key, tr] of this.#rows) {
      if (keys.has(key)) continue;
      tr.remove();
      this.#rows.delete(key);
    }
  }

  #rowOf(key) {
    const known = this.#rows.get(key);
    if (known) return known;
    const tr = element("tr");
    for (const { className = "", make } of this.#columns) {
      tr.append(element("td", { class: className }, ...(make ? [make()] : [])));
    }
    this.#rows.set(key, tr);
    return tr;
  }

  #sortBy(index) {
    const sign =
      this.#sort?.index === index
        ? -this.#sort.sign
        : typeof this.#columns[index].sort(this.#shown[0] ?? {}) === "string"
          ? 1
          : -1;
    this.#sort = { index, sign };
    for (const [at, head] of this.#heads.entries()) {
      setAttribute(head, "aria-sort", at !== index ? undefined : sign > 0 ? "ascending" : "descending");
    }
    this.update(this.#shown);
  }
}

function compare(a, b) {
  if (typeof a === "string" || typeof b === "string") return String(a ?? "").localeCompare(String(b ?? ""));
  return (a ?? -1) - (b ?? -1);
}
