// The picture with its classes over it: opacity, before and after, the class under the pointer.

import { text } from "./texts.js";

const $ = (id) => document.getElementById(id);
const clamp = (value, least, most) => Math.min(most, Math.max(least, value));

/** Draws on the two canvases; tells `onpoint(entry)` which class is pointed at, null for none. */
export class View {
  constructor(onpoint, say) {
    this.mask = null;
    this.onpoint = onpoint;
    this.say = say;
    this.boxes = $("canvases");
    this.overlay = $("overlay");
    this.place = { x: 0, y: 0 };
    this.pointed = null;
    this.boxes.addEventListener("pointermove", (event) => this.#point(event));
    this.boxes.addEventListener("pointerdown", (event) => this.#point(event));
    this.boxes.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && this.#leave());
    this.boxes.addEventListener("keydown", (event) => this.#step(event));
    this.boxes.addEventListener("blur", () => this.#leave());
    $("opacity").addEventListener("input", () => this.#fade());
    this.#divide();
    addEventListener("resize", () => this.#fit());
  }

  /** Shows a picture, a bitmap or null where the browser cannot show it, at a size. */
  show(bitmap, width, height) {
    this.mask = null;
    this.shown = bitmap;
    for (const canvas of [$("picture"), this.overlay]) Object.assign(canvas, { width, height });
    if (bitmap) $("picture").getContext("2d").drawImage(bitmap, 0, 0, width, height);
    this.#leave();
    this.#fit();
  }

  /** Lays the classes over it. */
  cover(mask) {
    this.mask = mask;
    this.place = { x: mask.width >> 1, y: mask.height >> 1 };
    this.highlight();
    this.cut(0.25);
    this.#fade();
  }

  /** Shows one class, all of them without a value. */
  highlight(value) {
    if (this.mask) this.overlay.getContext("2d").putImageData(this.mask.colours(value), 0, 0);
  }

  /** Shows a share of the picture, from the left, without classes. */
  cut(share) {
    const percent = clamp(share, 0, 1) * 100;
    const said = Math.round(percent);
    this.overlay.style.clipPath = `inset(0 0 0 ${percent}%)`;
    $("divider").style.left = `${percent}%`;
    $("divider").setAttribute("aria-valuenow", said);
    $("divider").setAttribute("aria-valuetext", text("compare.value", { share: said }));
    this.share = percent / 100;
  }

  /** Picture and classes as one canvas, at the opacity that is set. */
  together() {
    const both = document.createElement("canvas");
    Object.assign(both, { width: this.mask.width, height: this.mask.height });
    const context = both.getContext("2d");
    context.drawImage($("picture"), 0, 0);
    context.globalAlpha = this.opacity;
    const over = document.createElement("canvas");
    Object.assign(over, { width: this.mask.width, height: this.mask.height });
    over.getContext("2d").putImageData(this.mask.colours(), 0, 0);
    context.drawImage(over, 0, 0);
    return both;
  }

  get opacity() {
    return this.shown ? Number($("opacity").value) / 100 : 1;
  }

  #fade() {
    this.overlay.style.opacity = this.opacity;
    $("opacity-value").textContent = `${$("opacity").value} %`;
  }

  #fit() {
    // As wide as the column, and never higher than what the window has left: the controls stay in sight.
    const { width, height } = this.overlay;
    const most = Math.max(260, innerHeight - (innerWidth > 900 ? 270 : 330));
    this.boxes.style.aspectRatio = `${width} / ${height}`;
    this.boxes.style.width = `min(100%, ${Math.round((most * width) / height)}px)`;
  }

  #point(event) {
    if (!this.mask || event.target.closest("#divider")) return this.#leave();
    const box = this.boxes.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) / box.width) * this.mask.width);
    const y = Math.floor(((event.clientY - box.top) / box.height) * this.mask.height);
    return this.#tell(x, y);
  }

  #tell(x, y) {
    const entry = this.mask.at(x, y) ?? null;
    const tip = $("tip");
    tip.hidden = !entry;
    if (entry) {
      tip.querySelector("i").style.background = `rgb(${entry.color.join(" ")})`;
      tip.querySelector("b").textContent = entry.name;
      const across = ((x + 0.5) / this.mask.width) * 100;
      const half = (tip.offsetWidth / 2 / this.boxes.clientWidth) * 100;
      tip.style.left = `${clamp(across, half, 100 - half)}%`;
      tip.style.top = `${Math.max(((y + 0.5) / this.mask.height) * 100, (52 / this.boxes.clientHeight) * 100)}%`;
    }
    if (entry !== this.pointed) this.onpoint((this.pointed = entry));
    return entry;
  }

  #leave() {
    $("tip").hidden = $("cross").hidden = true;
    if (this.pointed) this.onpoint((this.pointed = null));
  }

  #step(event) {
    const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const step = steps[event.key];
    if (!step || !this.mask || event.target !== this.boxes) return;
    event.preventDefault();
    const { width, height } = this.mask;
    const stride = event.shiftKey ? 1 : Math.max(1, Math.round(Math.max(width, height) / 50));
    const x = clamp(this.place.x + step[0] * stride, 0, width - 1);
    const y = clamp(this.place.y + step[1] * stride, 0, height - 1);
    this.place = { x, y };
    const entry = this.#tell(x, y);
    $("cross").hidden = false;
    $("cross").style.left = `${((x + 0.5) / width) * 100}%`;
    $("cross").style.top = `${((y + 0.5) / height) * 100}%`;
    this.say(entry ? entry.name : text("canvas.none"));
  }

  #divide() {
    const handle = $("divider");
    const drag = (event) => {
      const box = this.boxes.getBoundingClientRect();
      this.cut((event.clientX - box.left) / box.width);
    };
    handle.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      handle.setPointerCapture(event.pointerId);
      handle.focus({ focusVisible: false });
    });
    handle.addEventListener("pointermove", (event) => handle.hasPointerCapture(event.pointerId) && drag(event));
    handle.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: -0.02, ArrowDown: -0.02, ArrowRight: 0.02, ArrowUp: 0.02, PageDown: -0.1, PageUp: 0.1, Home: -1, End: 1 };
      if (!(event.key in steps)) return;
      event.preventDefault();
      event.stopPropagation();
      this.cut(this.share + steps[event.key]);
    });
  }
}
