// The server: its models, a picture in and its classes out, and what it says when it cannot.

import { has, text } from "./texts.js";

// Longer than the server's own limit; a laptop that slept must not wait for ever.
const PATIENCE = 180_000;
const KEPT = "zoo.key";

/** A fault as a person reads it: a sentence, more about it, and the status, 0 where there was no answer. */
export class Fault extends Error {
  constructor(status, fact, more = "") {
    super(fact);
    this.status = status;
    this.more = more;
  }
}

/** The key for this server, kept as long as the tab. */
export const key = {
  get: () => sessionStorage.getItem(KEPT) ?? "",
  set: (value) => sessionStorage.setItem(KEPT, value),
};

/** The models that are served, [{name, loaded, first}], the one that answers where none is named first. */
export async function models() {
  const answer = await ask("v1/models", {});
  const { models: found } = await json(answer);
  if (!Array.isArray(found)) throw new Fault(0, text("error.answer"));
  return found
    .map((model) => ({
      name: String(model.name),
      loaded: model.workers > 0,
      first: model.default === true,
    }))
    .sort((one, other) => other.first - one.first);
}

/** Sends the bytes of a picture; returns the document of its result, and the milliseconds until it was here. */
export async function predict(picture, model) {
  const begun = performance.now();
  const query = model ? `?model=${encodeURIComponent(model)}` : "";
  const answer = await ask(`v1/predict${query}`, {
    method: "POST",
    body: picture,
    headers: { "Content-Type": "application/octet-stream" },
  });
  const words = await answer.text();
  const took = performance.now() - begun;
  return { document: parsed(words), words, took, stages: stagesOf(answer) };
}

/** The seconds of the stages that the server tells of, more than the document has: waiting, encoding. */
function stagesOf(answer) {
  const told = [...(answer.headers.get("Server-Timing") ?? "").matchAll(/([\w-]+)\s*;\s*dur=([\d.]+)/g)];
  return told.length ? Object.fromEntries(told.map(([, stage, value]) => [stage, Number(value) / 1000])) : null;
}

async function ask(path, options) {
  const headers = { Accept: "application/json", ...options.headers };
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  let answer;
  try {
    answer = await fetch(path, { ...options, headers, signal: AbortSignal.timeout(PATIENCE), cache: "no-store" });
  } catch {
    throw new Fault(0, text("error.reach"), text("error.reach.more"));
  }
  if (!answer.ok) throw await refusal(answer);
  return answer;
}

async function refusal(answer) {
  let said = {};
  try {
    said = (await answer.json()) ?? {};
  } catch {
    // Something in between, such as a proxy, answers in words of its own.
  }
  const { status } = answer;
  let name = has(`error.${status}`) ? `error.${status}` : "error.other";
  if (status === 401 && key.get()) name = "error.401.wrong";
  const id = said.logId ?? said.log_id ?? said.instance;
  // The server's own words say more than the status: the size that is allowed, the byte that is wrong.
  const more = [said.detail ?? said.errorMsg, said.hint, id && status >= 500 && text("error.log", { id })];
  return new Fault(status, text(name, { status }), more.filter((part) => typeof part === "string" && part).join(" "));
}

async function json(answer) {
  return parsed(await answer.text());
}

function parsed(words) {
  try {
    const found = JSON.parse(words);
    if (found !== null && typeof found === "object") return found;
  } catch {
    // Told below.
  }
  throw new Fault(0, text("error.answer"));
}
