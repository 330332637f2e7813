// A label map as a LabelMe file: one polygon a region, the larger ones first, for a shape lies over those before it.
//
// LabelMe has no holes, fills a polygon, draws its outline, and cuts coordinates to whole numbers. So a right or lower
// edge at 13 stands at 12.99, and filling the shapes in their order gives exactly the mask.

const GAP = 0.01;
const IGNORED = "__ignore__";
// East, south, west, north: the outline has its region on the right.
const X = [1, 0, -1, 0];
const Y = [0, 1, 0, -1];

/** The document; `picture` is the picture as base64 of a PNG, `name` what it is called. */
export function labelMe(mask, picture, name) {
  const regions = numbered(mask);
  const shapes = regions.starts.map((start) => outline(mask, regions.numbers, start));
  shapes.sort((one, other) => other.area - one.area);
  return {
    version: "5.5.0",
    flags: {},
    shapes: shapes.map(({ value, points }) => ({
      label: value === mask.ignored ? IGNORED : mask.byValue.get(value).name,
      points,
      group_id: null,
      description: "",
      shape_type: "polygon",
      flags: {},
      mask: null,
    })),
    imagePath: `${name}.png`,
    imageData: picture,
    imageHeight: mask.height,
    imageWidth: mask.width,
  };
}

/** Numbers the regions, pixels of one value that share edges; tells the first pixel of each in the order of rows. */
function numbered({ values, width, height }) {
  const parent = [];
  const root = (number) => {
    while (parent[number] !== number) number = parent[number] = parent[parent[number]];
    return number;
  };
  const numbers = new Int32Array(values.length);
  for (let place = 0; place < values.length; place++) {
    const left = place % width ? place - 1 : -1;
    const above = place - width;
    const asLeft = left >= 0 && values[left] === values[place];
    const asAbove = above >= 0 && values[above] === values[place];
    if (asLeft) numbers[place] = numbers[left];
    else if (asAbove) numbers[place] = numbers[above];
    else numbers[place] = parent.push(parent.length) - 1;
    if (asLeft && asAbove) {
      const [one, other] = [root(numbers[left]), root(numbers[above])];
      parent[Math.max(one, other)] = Math.min(one, other);
    }
  }
  const starts = [];
  const seen = new Set();
  for (let place = 0; place < numbers.length; place++) {
    numbers[place] = root(numbers[place]);
    if (!seen.has(numbers[place])) {
      seen.add(numbers[place]);
      starts.push(place);
    }
  }
  return { numbers, starts };
}

/** Walks around a region from its first pixel; returns its value, what the outline holds, and the points to draw. */
function outline({ width, height, values }, numbers, start) {
  const number = numbers[start];
  const at = (x, y) => (x >= 0 && y >= 0 && x < width && y < height ? y * width + x : -1);
  const inside = (x, y) => at(x, y) >= 0 && numbers[at(x, y)] === number;
  const [x0, y0] = [start % width, Math.floor(start / width)];
  let [x, y, direction, area] = [x0, y0, 0, 0];
  const points = [];
  const corner = (arriving, leaving) => {
    const behind = back((arriving + 2) % 4, arriving);
    const ahead = back(leaving, leaving);
    const straight = back(arriving, arriving);
    const convex = behind[0] === ahead[0] && behind[1] === ahead[1];
    // An inner corner has the region on all other sides; or only the two pixels beside it, which touch at a corner.
    const full = !convex && values[at(x - straight[0], y - straight[1])] === values[start];
    for (const [left, up] of full ? [straight] : convex ? [behind] : [behind, ahead]) {
      points.push([hundredths(x - GAP * left), hundredths(y - GAP * up)]);
    }
  };
  do {
    const before = direction;
    x += X[direction];
    y += Y[direction];
    area += x * Y[direction] - y * X[direction];
    const [left, up] = back(direction, direction);
    const [right, down] = [x - left, y - up];
    if (inside(right + Y[direction], down - X[direction])) direction = (direction + 3) % 4;
    else if (!inside(right, down)) direction = (direction + 1) % 4;
    if (direction !== before) corner(before, direction);
  } while (x !== x0 || y !== y0 || direction !== 0);
  return { value: values[start], area, points };
}

/** Whether the pixel forward of a corner, on the right of a direction, is left of the corner, and above it: 0 or 1. */
function back(forward, direction) {
  return [Number(X[forward] - Y[direction] < 0), Number(Y[forward] + X[direction] < 0)];
}

function hundredths(value) {
  return Math.round(value * 100) / 100;
}
