// The page: a picture comes in, the server segments it, and what it found is shown.

import { Fault, key, models, predict } from "./api.js";
import { takePicture } from "./camera.js";
import { labelMe } from "./labelme.js";
import { Legend, showTimes } from "./legend.js";
import { Mask } from "./mask.js";
import { maskPng } from "./png.js";
import { language, speak, text } from "./texts.js";
import { View } from "./view.js";

const $ = (id) => document.getElementById(id);
const root = document.documentElement;

// What is shown: the picture's file, its name without an ending, and the result of the last answer.
const shown = { file: null, stem: "", result: null };
// Only the newest request is shown, however the answers come in.
let turn = 0;
let retried = () => {};

const legend = new Legend((entry) => view.highlight(entry?.value));
const view = new View(
  (entry) => {
    legend.mark(entry);
    if (!entry) view.highlight(legend.pressed?.value);
  },
  (words) => say(words, false),
);

async function segment(file) {
  const mine = ++turn;
  hideFault();
  shown.file = file;
  shown.stem = (file.name || text("unnamed")).replace(/\.[^.]*$/, "") || text("unnamed");
  shown.result = null;
  $("drop").hidden = true;
  $("result").hidden = false;
  showSides(false);
  $("name").textContent = file.name || text("unnamed");
  $("size").textContent = "";
  const bitmap = await bitmapOf(file);
  if (mine !== turn) return;
  if (bitmap) view.show(bitmap, bitmap.width, bitmap.height);
  else view.show(null, 640, 320);
  busy(true);
  say(text("status.running", { name: shown.stem }));
  try {
    const answer = await predict(file, $("model").value);
    if (mine !== turn) return;
    const mask = new Mask(answer.document);
    if (!bitmap || bitmap.width !== mask.width || bitmap.height !== mask.height) view.show(bitmap, mask.width, mask.height);
    shown.result = { ...answer, mask };
    view.cover(mask);
    describe();
    showSides(true);
    const names = answer.document.classes.map((entry) => entry.name);
    const said = { name: shown.stem, count: names.length, first: names[0] };
    say(text(names.length === 1 ? "status.done.one" : "status.done", said));
    if (!bitmap) showFault(new Fault(0, text("error.shown")));
  } catch (fault) {
    if (mine !== turn) return;
    say("");
    showFault(fault, () => segment(file));
    if (!bitmap) startAgain();
  } finally {
    if (mine === turn) busy(false);
  }
}

/** The picture as the browser shows it, turned as the camera was held; null where it cannot. */
async function bitmapOf(file) {
  try {
    return await createImageBitmap(file, { imageOrientation: "from-image" });
  } catch {
    return null;
  }
}

function describe() {
  if (!shown.result) return;
  const { document: found, mask, took, stages } = shown.result;
  legend.show(found.classes);
  showTimes(stages ?? found.seconds ?? {}, took);
  $("size").textContent = text("pixels", { width: mask.width, height: mask.height });
  $("engine").textContent = text("ran", { model: found.model, device: found.device, engine: found.engine });
}

function showSides(yes) {
  for (const part of document.querySelectorAll(".side")) part.hidden = !yes;
}

function startAgain() {
  $("drop").hidden = false;
  $("result").hidden = true;
}

function busy(yes) {
  document.body.dataset.state = yes ? "busy" : "ready";
  $("busy").hidden = !yes;
  $("canvases").setAttribute("aria-busy", String(yes));
}

let fading = 0;
function say(words, visible = true) {
  $("status").textContent = words;
  $("status").classList.toggle("shown", visible && words !== "");
  clearTimeout(fading);
  if (document.body.dataset.state !== "busy") fading = setTimeout(() => $("status").classList.remove("shown"), 3500);
}

function showFault(fault, again) {
  const known = fault instanceof Fault ? fault : new Fault(0, text("error.answer"), String(fault));
  $("alert-fact").textContent = known.message;
  $("alert-more").textContent = known.more;
  $("alert").hidden = false;
  retried = again ?? (() => {});
  $("alert-retry").hidden = !again || known.status === 401;
  if (known.status === 401) askForKey();
  $("alert").scrollIntoView({ block: "nearest" });
}

function hideFault() {
  $("alert").hidden = true;
}

function askForKey() {
  $("key-form").hidden = false;
  $("key-open").hidden = false;
  $("key").value = "";
  $("key").focus();
}

async function listModels() {
  try {
    const found = await models();
    const kept = $("model").value;
    $("model").replaceChildren(
      ...found.map(({ name, loaded }) => {
        const option = document.createElement("option");
        option.value = name;
        option.textContent = loaded ? name : text("model.asleep", { name });
        return option;
      }),
    );
    if (found.some(({ name }) => name === kept)) $("model").value = kept;
    $("chooser").hidden = found.length === 0;
  } catch (fault) {
    showFault(fault, listAgain);
  }
}

function listAgain() {
  hideFault();
  listModels();
}

const SAVES = {
  mask: async ({ mask }) => [await maskPng(mask), `${shown.stem}_mask.png`],
  overlay: async () => [await blobOf(view.together()), `${shown.stem}_overlay.png`],
  json: async ({ words }) => [new Blob([words], { type: "application/json" }), `${shown.stem}.json`],
  labelme: async ({ mask }) => {
    const document = labelMe(mask, await base64(await blobOf($("picture"))), shown.stem);
    return [new Blob([JSON.stringify(document, null, 2)], { type: "application/json" }), `${shown.stem}_labelme.json`];
  },
};

async function save(kind) {
  if (!shown.result) return;
  const [blob, name] = await SAVES[kind](shown.result);
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say(text("status.saved", { file: name }));
}

const blobOf = (canvas) => new Promise((done) => canvas.toBlob(done, "image/png"));

async function base64(blob) {
  const bytes = new Uint8Array(await blob.arrayBuffer());
  let letters = "";
  for (let place = 0; place < bytes.length; place += 32768) {
    letters += String.fromCharCode(...bytes.subarray(place, place + 32768));
  }
  return btoa(letters);
}

function taken(files) {
  const file = [...(files ?? [])][0];
  if (file) segment(file);
  else showFault(new Fault(0, text("error.file")));
}

async function example() {
  const answer = await fetch("page/example.jpg");
  const blob = await answer.blob();
  segment(new File([blob], "example.jpg", { type: "image/jpeg" }));
}

const ACTS = {
  choose: () => $("file").click(),
  camera: () => takePicture(segment, showFault),
  example,
};

for (const button of document.querySelectorAll("[data-act]")) button.addEventListener("click", ACTS[button.dataset.act]);
for (const button of document.querySelectorAll("[data-save]")) button.addEventListener("click", () => save(button.dataset.save));
for (const input of [$("file"), $("shot")]) {
  input.addEventListener("change", () => {
    if (input.files.length) taken(input.files);
    input.value = ""; // so that the same file may be chosen again
  });
}

// Dropped anywhere, pasted anywhere.
let depth = 0;
addEventListener("dragenter", (event) => {
  event.preventDefault();
  depth += 1;
  document.body.classList.add("dragging");
});
addEventListener("dragleave", () => {
  depth = Math.max(0, depth - 1);
  document.body.classList.toggle("dragging", depth > 0);
});
addEventListener("dragover", (event) => event.preventDefault());
addEventListener("drop", (event) => {
  event.preventDefault();
  depth = 0;
  document.body.classList.remove("dragging");
  taken(event.dataTransfer.files);
});
addEventListener("paste", (event) => {
  if (event.target === $("key")) return;
  taken(event.clipboardData.files);
});

$("model").addEventListener("change", () => shown.file && segment(shown.file));
$("alert-close").addEventListener("click", hideFault);
$("alert-retry").addEventListener("click", () => retried());
$("key-open").addEventListener("click", askForKey);
$("key-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  key.set($("key").value.trim());
  $("key-form").hidden = true;
  hideFault();
  await listModels();
  if ($("alert").hidden && shown.file) segment(shown.file);
});

$("theme").addEventListener("click", () => {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  localStorage.setItem("zoo.theme", root.dataset.theme);
});
$("language").addEventListener("click", () => {
  change(language() === "en" ? "zh" : "en");
  localStorage.setItem("zoo.language", language());
  listModels();
});

function change(name) {
  speak(name);
  $("language").textContent = language() === "en" ? "中文" : "English";
  $("language").lang = language() === "en" ? "zh" : "en";
  describe();
}

const theme = localStorage.getItem("zoo.theme");
if (theme === "light" || theme === "dark") root.dataset.theme = theme;
const first = navigator.languages?.[0] ?? navigator.language ?? "en";
change(localStorage.getItem("zoo.language") ?? (first.toLowerCase().startsWith("zh") ? "zh" : "en"));
listModels();
