// Pages of ours, fetched as they would be shown: what they say is written once, by the server.

/** The page at `url`, and where it really came from. Throws when the server can't be reached. */
export async function fetchPage(url, options = {}) {
  const answer = await fetch(url, { ...options, headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  return { page, url: answer.url, ok: answer.ok, redirected: answer.redirected };
}

/** Go there as if a link had been followed, so that whatever handles links handles this. */
export function go(url) {
  const link = document.createElement("a");
  link.href = url;
  document.body.append(link);
  link.click();
  link.remove();
}

/** Have the browser save what is there, without leaving the page. */
export function save(url) {
  const link = document.createElement("a");
  link.href = url;
  link.download = "";
  document.body.append(link);
  link.click();
  link.remove();
}
