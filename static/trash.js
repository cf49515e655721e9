// Asks in a dialog before something in the trash is deleted for good; without this a page asks.

import { asking } from "./files/asking.js";
import { go } from "./files/fetching.js";
import { onPage } from "./pages.js";

onPage("#trash", (root, signal) => asking(root, signal, (found) => go(found.url)));
