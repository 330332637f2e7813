// The classes that occur, and the times of the stages.

import { has, language, text } from "./texts.js";

const $ = (id) => document.getElementById(id);

/** Lists the classes; tells `onchoose(entry)` which one is pointed at or pressed, null for none. */
export class Legend {
  constructor(onchoose) {
    this.onchoose = onchoose;
    this.rows = new Map();
    this.pressed = null;
  }

  /** Shows these classes, as a result document has them. */
  show(classes) {
    this.pressed = null;
    this.rows = new Map(classes.map((entry) => [entry.value, this.#row(entry)]));
    $("legend").replaceChildren(...this.rows.values());
  }

  /** Marks the row of a class that is pointed at in the picture, none for null. */
  mark(entry) {
    for (const [value, row] of this.rows) row.classList.toggle("on", value === entry?.value);
    const row = entry && this.rows.get(entry.value);
    const list = $("legend");
    if (!row || list.scrollHeight <= list.clientHeight) return;
    const top = row.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - 40;
  }

  #row(entry) {
    const row = document.createElement("li");
    const button = document.createElement("button");
    const [swatch, name, share, meter] = ["i", "em", "span", "meter"].map((kind) => document.createElement(kind));
    button.type = "button";
    button.dataset.value = entry.value;
    button.setAttribute("aria-pressed", "false");
    swatch.style.background = `rgb(${entry.color.join(" ")})`;
    swatch.setAttribute("aria-hidden", "true");
    name.textContent = entry.name;
    share.textContent = percent(entry.share);
    meter.value = entry.share;
    meter.setAttribute("aria-hidden", "true");
    button.append(swatch, name, share, meter);
    button.addEventListener("pointerenter", () => this.onchoose(entry));
    button.addEventListener("focus", () => this.onchoose(entry));
    for (const end of ["pointerleave", "blur"]) button.addEventListener(end, () => this.onchoose(this.pressed));
    button.addEventListener("click", () => this.#press(entry));
    row.append(button);
    return row;
  }

  #press(entry) {
    this.pressed = this.pressed === entry ? null : entry;
    for (const [value, row] of this.rows) {
      row.firstChild.setAttribute("aria-pressed", String(value === this.pressed?.value));
    }
    this.onchoose(this.pressed);
  }
}

/** Shows what took how long: the stages in seconds, and the whole in milliseconds as seen here. */
export function showTimes(seconds, took) {
  const stages = Object.entries(seconds).map(([stage, value]) => [stage, value * 1000]);
  const known = stages.reduce((sum, [, value]) => sum + value, 0);
  stages.push(["rest", Math.max(0, took - known)]);
  $("bar").replaceChildren(
    ...stages.map(([, value]) => {
      const part = document.createElement("i");
      part.style.flexGrow = Math.max(value, 0.001);
      return part;
    }),
  );
  $("times").replaceChildren(
    ...stages.flatMap(([stage, value]) => {
      const [term, figure] = [document.createElement("dt"), document.createElement("dd")];
      term.textContent = has(`stage.${stage}`) ? text(`stage.${stage}`) : stage;
      figure.textContent = milliseconds(value);
      return [term, figure];
    }),
  );
  $("total").textContent = milliseconds(took);
}

function milliseconds(value) {
  const digits = value < 10 ? 1 : 0;
  return text("ms", { count: value.toLocaleString(language(), { maximumFractionDigits: digits }) });
}

function percent(share) {
  const digits = share < 0.001 ? 2 : 1;
  return share.toLocaleString(language(), { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits });
}
