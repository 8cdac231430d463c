// Whether a model fits, and the sum behind it.

import { call } from "./http.js";
import { keyed, kind, prose, show, stamp, text } from "./dom.js";
import { DASH, gib, integer } from "./words.js";

const VERDICTS = {
  fits: ["Fits", ""],
  tight: ["Tight", "warn"],
  no: ["Does not fit", "crit"],
  unknown: ["Not known", ""],
};
const TERMS = {
  memory: "Memory",
  budget: "Budget of the engine",
  weights: "Weights",
  activations: "Activations",
  graphs: "Graphs",
  context: "GPU context",
  kv_available: "Room for the KV cache",
  host: "Left for the system",
  kv_per_token: "KV cache of a token",
  kv_per_sequence: "KV cache fixed a sequence",
  kv_needed: "KV cache needed",
};

/** The badge of a model whose memory is worth a word, or nothing. */
export function fitBadge(model) {
  const verdict = model.fit?.verdict;
  return verdict === "tight" || verdict === "no" ? VERDICTS[verdict] : null;
}

/** Ask for the fit of `model` on `spark` and show it in `f`; without an answer show nothing. */
export async function showFit(f, model, spark) {
  const wanted = `${model.key} ${spark}`;
  f.fit.dataset.of = wanted;
  show(f.fit, false);
  if (!model.fit) return;
  const query = spark ? `?spark=${encodeURIComponent(spark)}` : "";
  try {
    const fit = await call("GET", `api/models/${encodeURIComponent(model.key)}/fit${query}`);
    if (f.fit.dataset.of === wanted) drawFit(f, fit);
  } catch {
    // What is not known is not shown; the swap itself says what stands against it.
  }
}

export function drawFit(f, fit) {
  const [words, tone] = VERDICTS[fit.verdict] ?? [fit.verdict, ""];
  text(f.verdict, words);
  kind(f.verdict, `pill ${tone}`.trim());
  prose(f.fitwhy, fit.reason);
  keyed(f.terms, fit.terms, (term) => term.name, () => stamp("t-term"), (row, term) => {
    text(row.name, TERMS[term.name] ?? term.name);
    text(row.bytes, amount(term.bytes));
    text(row.basis, [term.basis, term.note].filter(Boolean).join(", "));
  });
  text(f.most, fit.max_context === null ? ""
    : `Longest context: ${integer(fit.max_context)} tokens. At ${integer(fit.context)} tokens, ${integer(fit.max_sequences)} at a time.`);
  show(f.fit, true);
}

function amount(bytes) {
  if (bytes === null) return DASH;
  return Math.abs(bytes) < 1e6 ? `${integer(bytes)} B` : `${gib(bytes)} GiB`;
}
