// What a page's script is told of pages: when one stands there, and when it is left.
// A page comes by a full load or by navigation.js, which swaps <main>; scripts must not care which.

const starters = [];
let leaving = new AbortController();

/**
 * Call `start(element, signal)` once for each element that matches `selector`: those here now, and those of
 * every page to come. `signal` aborts when the page is left; for elements around <main>, which stay, never.
 */
export function onPage(selector, start) {
  const starter = { selector, start, known: new WeakSet() };
  starters.push(starter);
  run(starter);
}

/** Abort what runs for this page; navigation.js calls it before it takes <main> away. */
export function leave() {
  leaving.abort();
  leaving = new AbortController();
}

/** Start what the elements of a new page need; navigation.js calls it when they are in the document. */
export function arrive() {
  starters.forEach(run);
}

function run({ selector, start, known }) {
  for (const element of document.querySelectorAll(selector)) {
    if (known.has(element)) continue;
    known.add(element);
    const signal = element.closest("#content") ? leaving.signal : new AbortController().signal;
    try {
      start(element, signal);
    } catch (error) {
      reportError(error); // one script's fault is not the others'
    }
  }
}
