// The tab's title: the page's own, and before it how far the uploads are, for who looks at another tab.

let own = document.title;
let ahead = "";

/** The page is another one, or says something else of itself. */
export function ownTitle(text) {
  own = text;
  paint();
}

/** A word or two before it; nothing where `text` is empty. */
export function aheadOfTitle(text) {
  if (text === ahead) return;
  ahead = text;
  paint();
}

function paint() {
  document.title = ahead ? `${ahead} · ${own}` : own;
}
