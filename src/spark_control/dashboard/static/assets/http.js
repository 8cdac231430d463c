// Requests to our own API. Addresses are relative to the page, so it works behind a path prefix.

export const address = (path) => new URL(path, document.baseURI).href;

export class Refused extends Error {
  constructor(status, error) {
    super(error.message);
    this.status = status;
    this.code = error.code;
    this.hint = error.hint ?? "";
    this.detail = error.detail ?? {};
  }
}

/** Send and return the JSON of the answer. Throws Refused for an answer that is an error. */
export async function call(method, path, body) {
  let answer;
  try {
    answer = await fetch(address(path), {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: "no-store",
    });
  } catch {
    const hint = "Check that it still runs and that this device can reach it.";
    throw new Refused(0, { code: "offline", message: "Spark Control does not answer.", hint });
  }
  if (answer.ok) return answer.status === 204 ? null : answer.json();
  throw await refusal(answer, path);
}

/** The error of an answer; says on the way when the session has ended. */
export async function refusal(answer, path) {
  if (answer.status === 401 && path !== "api/session") {
    document.dispatchEvent(new Event("signed-out"));
  }
  let error = {};
  try {
    error = (await answer.json()).error ?? {};
  } catch {
    // not JSON: a proxy answered
  }
  const wait = answer.status === 429 && Number(answer.headers.get("Retry-After"));
  if (wait) error = { ...error, hint: `Wait ${wait} s, then try again.` };
  return new Refused(answer.status, { message: `The answer was ${answer.status}.`, ...error });
}

/** What went wrong and what to do, as one text. */
export const sentence = (error) => [error.message, error.hint].filter(Boolean).join(" ");

/** Call `take` with each piece of text that a chat model answers. Throws Refused; aborts throw. */
export async function chat(model, prompt, signal, take) {
  const path = "v1/chat/completions";
  const messages = [{ role: "user", content: prompt }];
  const answer = await fetch(address(path), {
    method: "POST",
    signal,
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ model, messages, stream: true, max_tokens: 512 }),
  });
  if (!answer.ok) throw await refusal(answer, path);
  for await (const line of lines(answer.body)) {
    if (!line.startsWith("data:")) continue;
    const data = line.slice(5).trim();
    if (data === "[DONE]") return;
    const piece = JSON.parse(data);
    if (piece.error) throw new Refused(200, piece.error);
    const delta = piece.choices?.[0]?.delta ?? {};
    take(delta.content ?? "", delta.reasoning_content ?? delta.reasoning ?? "");
  }
}

/** Send and give the objects of an answer that comes line by line. Throws Refused; aborts throw. */
export async function* lineByLine(path, body, signal) {
  const answer = await fetch(address(path), {
    method: "POST",
    signal,
    headers: { "Content-Type": "application/json", Accept: "application/x-ndjson" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw await refusal(answer, path);
  for await (const line of lines(answer.body)) if (line) yield JSON.parse(line);
}

async function* lines(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const all = (rest + value).split(/\r?\n/);
    rest = all.pop();
    yield* all;
  }
  if (rest) yield rest;
}
