// A label map as PNG: the values themselves, with the classes' colours as palette where eight bits are enough.

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];
const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/** Encodes a mask; the pixel values of the file are the values of the mask. */
export async function maskPng(mask) {
  const head = new DataView(new ArrayBuffer(13));
  head.setUint32(0, mask.width);
  head.setUint32(4, mask.height);
  // Eight bits with a palette; sixteen bits of grey.
  [mask.wide ? 16 : 8, mask.wide ? 0 : 3, 0, 0, 0].forEach((byte, place) => head.setUint8(8 + place, byte));
  const chunks = [chunk("IHDR", new Uint8Array(head.buffer))];
  if (!mask.wide) {
    const palette = new Uint8Array(768);
    for (const { value, color } of mask.classes) palette.set(color, value * 3);
    chunks.push(chunk("PLTE", palette));
  }
  chunks.push(chunk("IDAT", await deflated(rows(mask))), chunk("IEND", new Uint8Array()));
  return new Blob([Uint8Array.from(SIGNATURE), ...chunks], { type: "image/png" });
}

function rows(mask) {
  const bytes = mask.wide ? 2 : 1;
  const stride = 1 + mask.width * bytes;
  const raw = new Uint8Array(mask.height * stride);
  for (let y = 0; y < mask.height; y++) {
    const row = mask.values.subarray(y * mask.width, (y + 1) * mask.width);
    if (!mask.wide) raw.set(row, y * stride + 1);
    else row.forEach((value, x) => raw.set([value >> 8, value & 255], y * stride + 1 + 2 * x));
  }
  return raw;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function chunk(name, content) {
  const whole = new Uint8Array(content.length + 12);
  const view = new DataView(whole.buffer);
  view.setUint32(0, content.length);
  whole.set([...name].map((letter) => letter.charCodeAt(0)), 4);
  whole.set(content, 8);
  let crc = 0xffffffff;
  for (let place = 4; place < whole.length - 4; place++) crc = CRC[(crc ^ whole[place]) & 255] ^ (crc >>> 8);
  view.setUint32(whole.length - 4, (crc ^ 0xffffffff) >>> 0);
  return whole;
}
