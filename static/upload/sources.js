// What a person drops, pastes or chooses, as a plain list: `{path, file, handle}`, relative to where it goes.
// Folders are walked to their end; one with nothing in it comes as a path without a file.

const ORDER = new Intl.Collator(undefined, { numeric: true });

/** Of a file input, also one that takes folders. */
export function chosen(files) {
  return Array.from(files, (file) => ({ path: file.webkitRelativePath || file.name, file, handle: null }));
}

/** Of the clipboard. A screenshot has no name of its own, so it gets the time. */
export function pasted(files, now = new Date()) {
  return Array.from(files, (file) => {
    const nameless = /^image\.(png|jpe?g)$/.test(file.name);
    const path = nameless ? `Pasted ${stamp(now)}.${file.name.split(".").pop()}` : file.name;
    return { path, file, handle: null };
  });
}

function stamp(now) {
  const two = (number) => String(number).padStart(2, "0");
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join("-");
  return `${day} ${two(now.getHours())}.${two(now.getMinutes())}.${two(now.getSeconds())}`;
}

/**
 * Of a drop. Call it in the event itself: what was dropped can't be asked for afterwards. `refused` are names of
 * what could not be read.
 */
export async function dropped(transfer) {
  const found = { sources: [], refused: [] };
  const walks = Array.from(transfer.items)
    .filter((item) => item.kind === "file")
    .map((item) => walk(item.webkitGetAsEntry?.(), item.getAsFile(), handleOf(item), found));
  await Promise.all(walks);
  found.sources.sort((one, other) => ORDER.compare(one.path, other.path)); // a disk's own order tells nothing
  return found;
}

/** By a handle the browser finds the file again after a restart; only secure pages get one. */
async function handleOf(item) {
  try {
    return (await item.getAsFileSystemHandle?.()) ?? null;
  } catch {
    return null;
  }
}

async function walk(entry, file, handle, found) {
  if (entry?.isDirectory) return walkFolder(entry, found);
  if (file) found.sources.push({ path: file.name, file, handle: await handle });
}

async function walkFolder(entry, found) {
  const path = entry.fullPath.slice(1);
  try {
    const entries = await entriesOf(entry);
    if (!entries.length) found.sources.push({ path, file: null, handle: null });
    for (const one of entries) {
      if (one.isDirectory) await walkFolder(one, found);
      else await takeFile(one, found);
    }
  } catch {
    found.refused.push(path);
  }
}

async function takeFile(entry, found) {
  const path = entry.fullPath.slice(1);
  try {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.sources.push({ path, file, handle: null });
  } catch {
    found.refused.push(path);
  }
}

/** All of a folder: a reader tells a hundred at a time, and then none. */
async function entriesOf(folder) {
  const reader = folder.createReader();
  const all = [];
  for (;;) {
    const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!some.length) return all;
    all.push(...some);
  }
}
