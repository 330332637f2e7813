// A label map as the server sends it, and what can be asked of it.

import { Fault } from "./api.js";
import { text } from "./texts.js";

/** A label map with its classes. */
export class Mask {
  /** Reads a result document: runs of equal values, row after row. */
  constructor(document) {
    const { size, mask, classes } = document;
    if (!Array.isArray(size) || mask?.encoding !== "rle" || !Array.isArray(classes)) throw new Fault(0, text("error.answer"));
    [this.height, this.width] = size;
    this.wide = mask.dtype === "uint16";
    this.values = new (this.wide ? Uint16Array : Uint8Array)(this.height * this.width);
    let end = 0;
    mask.lengths.forEach((length, run) => this.values.fill(mask.values[run], end, (end += length)));
    if (end !== this.values.length) throw new Fault(0, text("error.answer"));
    this.classes = classes;
    this.byValue = new Map(classes.map((entry) => [entry.value, entry]));
    // The value of pixels without a class, unless it is a class of its own.
    this.ignored = document.ignore_index >= (document.labels?.length ?? 0) ? document.ignore_index : undefined;
  }

  /** The class of a pixel; undefined beside the picture. */
  at(x, y) {
    if (x < 0 || y < 0 || x >= this.width || y >= this.height) return undefined;
    return this.byValue.get(this.values[y * this.width + x]);
  }

  /** The colours of the pixels, opaque; of one class only where its value is given, the others faint. */
  colours(chosen) {
    const table = new Uint32Array(this.wide ? 65536 : 256);
    const cell = new Uint8ClampedArray(4);
    const word = new Uint32Array(cell.buffer);
    for (const { value, color } of this.classes) {
      cell.set([...color, chosen === undefined || chosen === value ? 255 : 30]);
      table[value] = word[0];
    }
    const pixels = new Uint32Array(this.values.length);
    for (let place = 0; place < pixels.length; place++) pixels[place] = table[this.values[place]];
    return new ImageData(new Uint8ClampedArray(pixels.buffer), this.width, this.height);
  }
}
