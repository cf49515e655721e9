// The page of one file: copy its digest, and ask in dialogs.

import { onPage } from "../pages.js";
import { asking } from "./asking.js";
import { copying } from "./copying.js";
import { go } from "./fetching.js";

onPage("#file", (article, signal) => {
  copying(article, signal);
  asking(article, signal, (found) => go(found.url));
});
