// The review page. `data` holds every face and its scores; the thumbnails stand as lines of base64 in script blocks of a
// few hundred, which are split only when one of their faces comes into sight, and only tiles in sight are in the document.
"use strict";

const $ = (id) => document.getElementById(id);
const data = JSON.parse($("data").textContent);
const faces = data.faces;
const indexOf = new Map(faces.map((face, i) => [face.key, i]));
const alike = new Map(); // the key of the first: all faces that repeat each other
for (const face of faces) alike.set(face.first, [...(alike.get(face.first) ?? []), face]);

// ---- Thumbnails

function thumbnails(name) {
  const blocks = [...document.querySelectorAll(`script.${name}`)];
  const lines = new Map();
  return (i) => {
    const block = Math.floor(i / data.block);
    if (!lines.has(block)) lines.set(block, blocks[block].textContent.trim().split("\n"));
    return `data:image/webp;base64,${lines.get(block)[i % data.block]}`;
  };
}
const faceThumbnail = thumbnails("faces");
const originalThumbnail = thumbnails("originals");

// ---- Decisions: the last one of a key counts; `keep: null` takes one back

const decisions = new Map();
const undoable = [];
let unsaved = 0;
const stored = `minifaces-review-${data.id}`;

function decisionOf(face) {
  return decisions.get(face.key)?.keep ?? null;
}

// Without a decision a face without flags is kept, and of faces that repeat each other the first without another flag.
function isKept(face) {
  const decision = decisionOf(face);
  if (decision !== null) return decision;
  if (face.flags.some((j) => data.defects[j].name !== "duplicate")) return false;
  for (const other of alike.get(face.first)) {
    if (other === face) return true;
    if (isKept(other)) return false;
  }
  return true;
}

function set(key, keep) {
  const now = new Date().toISOString();
  decisions.set(key, { keep, time: now });
  unsaved += 1;
  try {
    const own = JSON.parse(localStorage.getItem(stored) ?? "{}");
    own[key] = { keep, time: now };
    localStorage.setItem(stored, JSON.stringify(own));
  } catch { /* private windows have no storage, or a full one: the file still can be saved */ }
  saveSoon();
}

// Others' decisions, in the order of their lines. Of two sources the later decision counts.
function merge(entries) {
  const last = new Map(entries.map(({ key, keep, time }) => [key, { keep, time: time ?? "" }]));
  for (const [key, entry] of last) {
    if (!decisions.has(key) || decisions.get(key).time <= entry.time) decisions.set(key, entry);
  }
}

function parse(text) {
  const entries = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (!line.trim()) continue;
    let entry = null;
    try { entry = JSON.parse(line); } catch { /* told below */ }
    if (typeof entry?.key !== "string" || typeof entry.keep !== "boolean") {
      throw new Error(`line ${i + 1} is not a decision: choose a decisions.jsonl that was written here`);
    }
    entries.push(entry);
  }
  return entries;
}

function written() {
  return [...decisions]
    .filter(([, { keep }]) => keep !== null)
    .map(([key, { keep, time }]) => ({ key, keep, time }))
    .sort((a, b) => (a.time === b.time ? (a.key < b.key ? -1 : 1) : a.time < b.time ? -1 : 1))
    .map((entry) => `${JSON.stringify(entry)}\n`)
    .join("");
}

merge(data.decisions);
try {
  const own = JSON.parse(localStorage.getItem(stored) ?? "{}");
  merge(Object.entries(own).map(([key, entry]) => ({ key, ...entry })));
} catch { /* no storage */ }

// ---- Which faces are shown, and in which order

let view = [];
let at = 0;

const filters = [
  ["all", "all", () => true],
  ["undecided", "undecided", (face) => decisionOf(face) === null],
  ["kept", "to be kept", isKept],
  ["rejected", "to be rejected", (face) => !isKept(face)],
  ...data.defects.map(({ name, words }, i) => [`defect-${name}`, words, (face) => face.flags.includes(i)]),
];
const orders = {
  suspicion: (a, b) => faces[b].suspicion - faces[a].suspicion || a - b,
  doubt: (a, b) => Math.abs(faces[a].suspicion) - Math.abs(faces[b].suspicion) || a - b,
  found: (a, b) => a - b,
};

for (const [name, words, test] of filters) {
  const count = faces.filter(test).length;
  if (name.startsWith("defect-") && count === 0) continue;
  $("show").append(new Option(name.startsWith("defect-") ? `${words} (${count})` : words, name));
}

function choose(key) {
  const test = filters.find(([name]) => name === $("show").value)[2];
  view = [...faces.keys()].filter((i) => test(faces[i])).sort(orders[$("order").value]);
  at = Math.max(0, view.indexOf(indexOf.get(key)));
  $("none").hidden = view.length > 0;
  draw();
  go(at);
}

// ---- The list: only tiles in sight exist

const list = $("list");
const tiles = new Map();
let columns = 1, side = 100, high = 150;

function measure() {
  const width = list.clientWidth - 16;
  columns = Math.max(1, Math.floor(width / (width < 500 ? 100 : 124)));
  side = Math.floor(width / columns);
  high = side + 50; // a line of verdict, two of reasons
}

function draw() {
  measure();
  const rows = Math.ceil(view.length / columns);
  $("rows").style.height = `${rows * high}px`;
  const first = Math.max(0, Math.floor(list.scrollTop / high) - 2) * columns;
  const last = Math.min(view.length, (Math.ceil((list.scrollTop + list.clientHeight) / high) + 2) * columns);
  const wanted = new Map();
  for (let place = first; place < last; place++) wanted.set(view[place], place);
  for (const [i, tile] of tiles) {
    if (!wanted.has(i)) { tile.remove(); tiles.delete(i); }
  }
  for (const [i, place] of wanted) {
    if (!tiles.has(i)) tiles.set(i, newTile(i));
    const tile = tiles.get(i);
    tile.style.width = `${side - 6}px`;
    tile.style.height = `${high - 6}px`;
    tile.style.transform = `translate(${(place % columns) * side}px, ${Math.floor(place / columns) * high}px)`;
    tile.setAttribute("aria-posinset", place + 1);
    tile.setAttribute("aria-setsize", view.length);
    refresh(i, place);
  }
}

function newTile(i) {
  const tile = document.createElement("div");
  tile.id = `tile-${i}`;
  tile.setAttribute("role", "option");
  const picture = new Image();
  picture.alt = "";
  picture.decoding = "async";
  picture.src = faceThumbnail(i);
  const mark = document.createElement("span");
  const why = document.createElement("span");
  why.className = "why";
  why.textContent = reasons(faces[i]).join(", ") || "no flag";
  tile.append(picture, mark, why);
  tile.addEventListener("click", () => { go(view.indexOf(i)); list.focus({ preventScroll: true }); });
  $("rows").append(tile);
  return tile;
}

function refresh(i, place) {
  const tile = tiles.get(i);
  if (!tile) return;
  const face = faces[i], decision = decisionOf(face), kept = isKept(face);
  tile.className = "tile";
  if (decision !== null) tile.classList.add(decision ? "kept" : "rejected");
  if (place === at) tile.classList.add("current");
  tile.setAttribute("aria-selected", place === at);
  const mark = tile.children[1];
  mark.className = `mark ${kept ? "keep" : "reject"}${decision === null ? " screened" : ""}`;
  mark.textContent = decision === null ? (kept ? "○ keep" : "○ reject") : kept ? "✓ kept" : "✕ rejected";
  tile.setAttribute("aria-label", `${i + 1}: ${verdict(face)}. ${reasons(face).join(", ") || "no flag"}`);
}

function names(i) {
  return `${data.originals[faces[i].original].source.split("/").pop()} (face ${i + 1})`;
}

// A decision may change what becomes of the faces that repeat this one.
function refreshAlike(i) {
  for (const { key } of alike.get(faces[i].first)) {
    const other = indexOf.get(key);
    if (tiles.has(other)) refresh(other, view.indexOf(other));
  }
}

function reasons(face) {
  return face.flags.map((j) => {
    const score = face.scores[j];
    return score === null ? data.defects[j].words : `${data.defects[j].words} ${score.toFixed(2)}`;
  });
}

function verdict(face) {
  const decision = decisionOf(face);
  if (decision !== null) return decision ? "kept by you" : "rejected by you";
  return isKept(face) ? "undecided, kept by the screening" : "undecided, rejected by the screening";
}

// ---- The current face

function go(place) {
  if (view.length === 0) { showDetail(null); return; }
  const before = at;
  at = Math.min(view.length - 1, Math.max(0, place));
  const top = Math.floor(at / columns) * high;
  if (top < list.scrollTop) list.scrollTop = top;
  else if (top + high > list.scrollTop + list.clientHeight - 8) list.scrollTop = top + high - list.clientHeight + 16;
  draw();
  refresh(view[before], before);
  refresh(view[at], at);
  list.setAttribute("aria-activedescendant", `tile-${view[at]}`);
  showDetail(view[at]);
}

function showDetail(i) {
  $("detail").hidden = i === null;
  for (const name of ["keep", "reject"]) $(name).disabled = i === null;
  tell();
  if (i === null) return;
  const face = faces[i], original = data.originals[face.original];
  $("name").textContent = original.source.split("/").pop();
  $("face").src = faceThumbnail(i);
  $("face").alt = `Face ${i + 1}`;
  $("original").src = originalThumbnail(face.original);
  $("original").alt = `The picture it was cut from, ${original.width} by ${original.height} pixels`;
  const box = $("original-box"), wide = original.width >= original.height;
  box.style.aspectRatio = `${original.width} / ${original.height}`;
  box.style.width = wide ? "100%" : "auto";
  box.style.height = wide ? "auto" : "100%";
  const [x0, y0, x1, y1] = face.box.map((part) => 100 * part);
  Object.assign($("head").style, { left: `${x0}%`, top: `${y0}%`, width: `${x1 - x0}%`, height: `${y1 - y0}%` });
  const which = original.heads > 1 ? `, head ${face.head + 1} of ${original.heads}` : "";
  $("original-caption").textContent = `original ${original.width} × ${original.height}${which}`;
  const words = document.createElement("span");
  words.className = isKept(face) ? "keep" : "reject";
  words.textContent = verdict(face);
  $("verdict").replaceChildren(words);
  $("twin-figure").hidden = face.first === face.key;
  $("twin").src = faceThumbnail(indexOf.get(face.first));
  $("scores").tBodies[0].replaceChildren(...scoreRows(face));
  $("source").textContent = `${face.key} · ${original.source} · framed with certainty ${face.sure.toFixed(2)}`;
}

function scoreRows(face) {
  const worst = (j) => (face.flags.includes(j) ? 2 : 0) + (face.scores[j] ?? 0) / Math.max(data.defects[j].threshold, 1e-6) / 1e3;
  return [...data.defects.keys()].filter((j) => face.scores[j] !== null).sort((a, b) => worst(b) - worst(a)).map((j) => {
    const { words, threshold } = data.defects[j], score = face.scores[j];
    const row = document.createElement("tr"), name = document.createElement("th");
    row.className = face.flags.includes(j) ? "over" : "";
    name.scope = "row";
    name.textContent = (face.flags.includes(j) ? "⚠ " : "") + words;
    const bar = document.createElement("td"), meter = document.createElement("div"), value = document.createElement("td");
    bar.className = "bar";
    meter.className = "meter";
    meter.title = `threshold ${threshold}`;
    const fill = document.createElement("i"), tick = document.createElement("b");
    fill.style.width = `${100 * Math.min(1, Math.max(0, score))}%`;
    tick.style.left = `calc(${100 * Math.min(1, threshold)}% - 1px)`;
    meter.append(fill, tick);
    bar.append(meter);
    value.className = "value";
    value.textContent = score.toFixed(2);
    row.append(name, bar, value);
    return row;
  });
}

function tell(message) {
  const decided = faces.filter((face) => decisionOf(face) !== null).length, kept = faces.filter(isKept).length;
  $("bar").max = faces.length;
  $("bar").value = decided;
  $("counts").textContent = `${decided}/${faces.length} decided · ${kept} kept`;
  $("undo").disabled = undoable.length === 0;
  if (message !== undefined) $("status").textContent = message;
}

// ---- What a person does

function decide(keep) {
  if (view.length === 0) return;
  const i = view[at], key = faces[i].key;
  undoable.push({ key, before: decisionOf(faces[i]) });
  set(key, keep);
  refreshAlike(i);
  const place = nextUndecided(at);
  go(place ?? at + 1);
  tell(`${names(i)} ${keep ? "kept" : "rejected"}${handle ? "" : `; ${unsaved} not yet saved to a file`}`);
}

function undo() {
  const last = undoable.pop();
  if (!last) return;
  set(last.key, last.before);
  refreshAlike(indexOf.get(last.key));
  const place = view.indexOf(indexOf.get(last.key));
  if (place >= 0) go(place);
  else { $("show").value = "all"; choose(last.key); }
  tell(`decision on ${names(indexOf.get(last.key))} taken back`);
}

function nextUndecided(from) {
  for (let step = 1; step < view.length; step++) {
    const place = (from + step) % view.length;
    if (decisionOf(faces[view[place]]) === null) return place;
  }
  return null;
}

function next() {
  const place = nextUndecided(at);
  if (place === null) { go(at + 1); tell("every face shown is decided"); } else go(place);
}

// ---- Files

let handle = null, writing = Promise.resolve(), timer = 0;
const kind = [{ description: "Decisions", accept: { "application/jsonl": [".jsonl"] } }];

async function writeHandle() {
  const amount = unsaved;
  const stream = await handle.createWritable(); // replaces the file when it is closed
  await stream.write(written());
  await stream.close();
  unsaved -= amount;
  tell(`saved to ${handle.name}`);
}

function saveNow() {
  clearTimeout(timer);
  writing = writing.then(writeHandle).catch((error) => tell(`not saved to ${handle.name}: ${error.message}; use Download`));
  return writing;
}

function saveSoon() {
  if (!handle) return;
  clearTimeout(timer);
  timer = setTimeout(saveNow, 300);
}

function download() {
  if (handle) return saveNow();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([written()], { type: "application/jsonl" }));
  link.download = "decisions.jsonl";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  unsaved = 0;
  return tell(`downloaded decisions.jsonl; continue with: minifaces data review ${data.name} --apply decisions.jsonl`);
}

function linked(chosen) {
  handle = chosen;
  $("save").textContent = "Save";
  $("link").hidden = true;
}

async function takeFile(file) {
  try {
    const entries = parse(await file.text());
    merge(entries);
    const strange = new Set(entries.map(({ key }) => key).filter((key) => !indexOf.has(key))).size;
    choose(faces[view[at]]?.key);
    tell(`continued from ${file.name}: ${entries.length} decisions` + (strange ? `, ${strange} of faces not on this page` : ""));
    return true;
  } catch (error) {
    tell(`${file.name}: ${error.message}`);
    return false;
  }
}

async function open() {
  if (!window.showOpenFilePicker) { $("file").click(); return; }
  try {
    const [chosen] = await window.showOpenFilePicker({ types: kind });
    if (!(await takeFile(await chosen.getFile()))) return;
    if ((await chosen.requestPermission({ mode: "readwrite" })) === "granted") { linked(chosen); await saveNow(); }
  } catch (error) {
    if (error.name !== "AbortError") tell(`cannot open a file: ${error.message}`);
  }
}

async function link() {
  try {
    linked(await window.showSaveFilePicker({ suggestedName: "decisions.jsonl", types: kind }));
    await saveNow();
  } catch (error) {
    if (error.name !== "AbortError") tell(`cannot save into a file: ${error.message}; use Download`);
  }
}

// ---- Keys, buttons, fingers

function onKey(event) {
  if ($("help").open || event.altKey || event.isComposing) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (event.ctrlKey || event.metaKey) {
    const action = { s: download, z: undo }[key];
    if (action) { event.preventDefault(); action(); }
    return;
  }
  const inControl = event.target.closest("select, input");
  const onButton = event.target.closest("button");
  if (inControl || (onButton && (key === " " || key === "Enter"))) return;
  const letters = { k: () => decide(true), r: () => decide(false), x: () => decide(false), u: undo, n: next, "?": help };
  const rows = Math.max(1, Math.floor(list.clientHeight / high));
  const moves = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns, PageDown: rows * columns,
    PageUp: -rows * columns, Home: -view.length, End: view.length };
  if (key in letters && $("letters").checked) letters[key]();
  else if (key in moves) go(at + moves[key]);
  else if (key === " ") next();
  else return;
  event.preventDefault();
}

function help() {
  $("help").showModal();
}

document.addEventListener("keydown", onKey);
$("keep").addEventListener("click", () => decide(true));
$("reject").addEventListener("click", () => decide(false));
$("undo").addEventListener("click", undo);
$("next").addEventListener("click", next);
$("open").addEventListener("click", open);
$("save").addEventListener("click", download);
$("link").addEventListener("click", link);
$("help-button").addEventListener("click", help);
$("file").addEventListener("change", async (event) => { await takeFile(event.target.files[0]); event.target.value = ""; });
$("twin-button").addEventListener("click", () => {
  const { first } = faces[view[at]];
  if (!view.includes(indexOf.get(first))) $("show").value = "all";
  choose(first);
});
for (const name of ["show", "order"]) {
  $(name).addEventListener("change", () => { list.scrollTop = 0; choose(); });
}
list.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
new ResizeObserver(() => { draw(); go(at); }).observe(list);

// A swipe over the pictures to the right keeps, to the left rejects.
let touched = null;
const pictures = document.querySelector(".pictures");
pictures.addEventListener("touchstart", (event) => { touched = event.touches.length === 1 ? event.touches[0] : null; }, { passive: true });
pictures.addEventListener("touchend", (event) => {
  const end = event.changedTouches[0], dx = touched ? end.clientX - touched.clientX : 0;
  if (Math.abs(dx) > 60 && Math.abs(dx) > 2 * Math.abs(end.clientY - touched.clientY)) decide(dx > 0);
  touched = null;
}, { passive: true });

addEventListener("beforeunload", (event) => { if (unsaved > 0) event.preventDefault(); });

$("title").textContent = data.name;
document.title = `Review of ${data.name}`;
$("link").hidden = !window.showSaveFilePicker;
choose();
tell(data.decisions.length ? `continued from ${data.decisions.length} decisions` : data.note);
