// Puts the upload queue together and to the page. It lives as long as the page is not loaded anew.

import { onPage } from "../pages.js";
import { keepWhile } from "../navigation.js";
import { Admission } from "./admission.js";
import { ask } from "./conflicts.js";
import { listenForChoices, listenForDrops } from "./drops.js";
import { HalfDone } from "./half_done.js";
import { Hashing } from "./hashing.js";
import { Line } from "./line.js";
import { HalfDoneNotice, askToStop, logInAgain, showLine } from "./notices.js";
import { Panel } from "./panel.js";
import { Queue } from "./queue.js";
import { Runner } from "./runner.js";
import { Server } from "./server.js";
import { Session } from "./session.js";
import { hex } from "./sha256.js";
import * as words from "./words.js";

const addresses = document.getElementById("queue").dataset;

const queue = new Queue(() => hex(crypto.getRandomValues(new Uint8Array(16)))); // randomUUID needs a secure page
const session = new Session(addresses.account, addresses);
const server = new Server(addresses, () => session.token());
const line = new Line((signal) => server.lives(signal));
const memory = new HalfDone(() => queue.items.map((item) => item.url).filter(Boolean));
const panel = new Panel(queue, line, { one: (item, name) => act([item], name), all: actOnAll }, addressOf);
const admission = new Admission({ queue, server, line, session, ask, start: (item) => runner.start(item), skip: cancel });
const onHashed = (item) => admission.onHashed(item);
const runner = new Runner({ queue, server, hashing: new Hashing(), line, memory, session, onHashed });
const notice = new HalfDoneNotice(panel, { choose, goOn, giveUp });

let folder = ""; // of the files page that was seen last
let awaited = null; // the half-done uploads whose files are being chosen

function addressOf({ stored, isFolder }) {
  const path = stored.path.split("/").map(encodeURIComponent).join("/");
  return addresses.files + path + (isFolder ? "/" : "?details");
}

// New files

function take(sources, refused = []) {
  const wanted = awaited ? matching(sources) : sources;
  const prefix = awaited || !folder ? "" : `${folder}/`;
  awaited = null;
  complain(refused);
  enter(wanted.map((source) => ({ ...source, path: prefix + source.path })));
}

function enter(sources) {
  if (!sources.length) return;
  const { added, again } = queue.add(sources.map((one) => ({ ...one, path: one.path.normalize("NFC") })));
  for (const item of again) runner.start(item);
  panel.fold(false);
  panel.say(`${words.files(sources.length)} added to the uploads.`);
  if (added.length) admission.admit(added);
}

function complain(refused) {
  const place = document.getElementById("queue-refused");
  place.hidden = !refused.length;
  place.textContent = refused.length ? `Could not be read, and is left out: ${refused.slice(0, 5).join(", ")}` : "";
  panel.show();
}

// What the buttons do

function act(items, name) {
  if (name === "cancel") return stop(items);
  for (const item of items) {
    if (name === "pause") {
      if (queue.move(item, "pause")) runner.stop(item);
    } else if (queue.move(item, "resume")) runner.start(item);
  }
}

function actOnAll(name) {
  const wanted = {
    pause: ["waiting", "hashing", "uploading"],
    resume: ["paused"],
    retry: ["failed"],
    cancel: ["waiting", "hashing", "uploading", "paused"],
    close: ["done", "failed"],
  }[name];
  const items = queue.items.filter((item) => wanted.includes(item.phase));
  if (name === "close") leaveHalfDone(items);
  else act(items, name);
}

async function stop(items) {
  const answer = await askToStop(items);
  if (answer === "give-up") cancel(items);
  else if (answer === "keep") leaveHalfDone(items);
}

/** Take out of the queue; what the server has of it stays, and is offered. */
function leaveHalfDone(items) {
  const half = items.some((item) => item.url && item.phase !== "done");
  for (const item of items) runner.stop(item);
  queue.remove(items);
  if (half) offerHalfDone();
}

/** Take out of the queue; what the server has of it is given up. */
function cancel(items) {
  for (const item of items) {
    runner.stop(item);
    memory.forget(item.url);
    if (item.url && item.phase !== "done") server.abandon(item.url).catch(() => {}); // it expires by itself
  }
  queue.remove(items);
}

// Half-done uploads

async function offerHalfDone() {
  try {
    notice.offer(await memory.offered(await server.halfDone()));
  } catch {
    // not now: the next page asks again
  }
}

function choose(uploads) {
  awaited = uploads;
  document.getElementById("queue-files").click();
}

/** Of the chosen files those that are half done, at the paths where they were. */
function matching(sources) {
  const found = [];
  for (const source of sources) {
    const upload = awaited.find((one) => one.size === source.file.size && one.path.split("/").pop() === source.file.name.normalize("NFC"));
    if (upload) found.push({ ...source, path: upload.path });
  }
  notice.complain(found.length ? "" : "None of these is such a file: name and size must be the same.");
  return found;
}

async function goOn(upload) {
  try {
    if ((await upload.handle.requestPermission({ mode: "read" })) !== "granted") return choose([upload]);
    const file = await upload.handle.getFile();
    enter([{ path: upload.path, file, handle: upload.handle }]);
  } catch {
    notice.complain("The file can’t be found any more: choose it.");
    choose([upload]);
  }
}

async function giveUp(upload) {
  try {
    await server.abandon(upload.url);
    memory.forget(upload.url);
    notice.drop([upload.url]);
  } catch (error) {
    notice.complain(error.message);
  }
}

// What others are told

const told = new Set();
const urls = new Set();
let wasRunning = false;

queue.listen((item) => {
  if (item?.url && !urls.has(item.url)) {
    urls.add(item.url);
    notice.drop([item.url]);
  }
  if (item?.phase === "done" && !told.has(item.id)) {
    told.add(item.id);
    const { path, version, already } = item.stored;
    if (!already) document.dispatchEvent(new CustomEvent("fileshare:stored", { detail: { path, version } }));
  }
  if (wasRunning && !queue.running) panel.say(outcome());
  wasRunning = queue.running;
});

function outcome() {
  const [done, failed, paused] = ["done", "failed", "paused"].map((phase) => queue.count(phase));
  if (paused) return "Uploads are paused.";
  if (!done && !failed) return "";
  return failed ? `${words.files(done)} uploaded, ${failed} failed.` : `${words.files(done)} uploaded.`;
}

/** What a full load of a page would lose. */
const isOpen = () => queue.running || queue.count("paused") > 0;

addEventListener("beforeunload", (event) => {
  if (isOpen()) event.preventDefault();
});

keepWhile(() => isOpen() || queue.count("failed") > 0);
showLine(line, panel);
logInAgain(line, session);
listenForChoices(take);
listenForDrops(take, () => folder.split("/").pop() || "Files");
offerHalfDone();

onPage("#files", (section) => {
  if (!("mayUpload" in section.dataset)) return;
  ({ folder } = section.dataset);
  for (const [id, input] of [["choose-files", "queue-files"], ["choose-folder", "queue-folder"]]) {
    const button = section.querySelector(`#${id}`);
    button.hidden = false;
    button.addEventListener("click", () => {
      awaited = null;
      document.getElementById(input).click();
    });
  }
});
