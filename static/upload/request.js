// One HTTP request with progress of what is sent, which fetch does not tell. Decides nothing.

/** No answer came: the network or the server is away, or the file can't be read. */
export class NoAnswer extends Error {}

/** An answer that is a refusal. `code` and `message` are the server's own where it told them. */
export class Refused extends Error {
  constructor(answer) {
    const told = toldBy(answer.text);
    super(told.message || `The server answers ${answer.status}.`);
    this.status = answer.status;
    this.code = told.code || "";
    this.retryAfter = Number(answer.header("Retry-After")) || 0; // seconds
  }
}

function toldBy(text) {
  try {
    return JSON.parse(text).error ?? {};
  } catch {
    return {}; // a proxy's page
  }
}

/**
 * Send and wait for the answer: `{status, text, header(name)}`. Throws Refused for 400 and above, NoAnswer, and
 * AbortError when `signal` aborts. `progress(bytes)` is told what has left so far.
 */
export function send(method, url, { headers = {}, body = null, progress = null, signal = null } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    const end = (settle, value) => {
      signal?.removeEventListener("abort", stop);
      settle(value);
    };
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    if (progress) request.upload.onprogress = ({ loaded }) => progress(loaded);
    request.onload = () => {
      const answer = {
        status: request.status,
        text: request.responseText,
        header: (name) => request.getResponseHeader(name),
      };
      if (answer.status >= 400) end(reject, new Refused(answer));
      else end(resolve, answer);
    };
    request.onerror = () => end(reject, new NoAnswer("The server can’t be reached."));
    request.onabort = () => end(reject, new DOMException("given up", "AbortError"));
    if (signal?.aborted) return void request.onabort();
    signal?.addEventListener("abort", stop);
    request.send(body);
  });
}
