// Changes: each asks first, shows what it would move, is refused where somebody else was faster, and leaves the focus
// where it was.
import { announce, isLive, onSessionEnd, signInPath } from "./live.js";
import { holding, plans } from "./plans.js";

const byId = (id) => document.getElementById(id);
let current = null;

// MARK: The dialog

/** Opens the dialog for a change; a second click on what is open does nothing. */
export function ask(act, given = {}) {
  const plan = plans[act];
  const dialog = byId("act");
  if (!plan || dialog.open) return;
  current = { act, plan, given, tag: null, asked: 0, isSeen: false, isSending: false };
  byId("act-title").textContent = plan.title(given);
  byId("act-effect").textContent = plan.effect;
  byId("act-go").textContent = plan.go;
  byId("act-go").classList.toggle("grave", Boolean(plan.isGrave));
  byId("act-force").checked = false;
  byId("act-force-part").hidden = true;
  byId("act-refusal").hidden = true;
  byId("act-go").hidden = false;
  byId("act-sign-in").hidden = true;
  byId("act-cancel").textContent = "Cancel";
  byId("act-preview").hidden = true;
  byId("act-fields").replaceChildren(...plan.fields.map(makeField));
  dialog.classList.toggle("large", plan.fields.length > 3);
  arrange();
  suggest();
  dialog.showModal();
  remember(current);
  preview(current);
  // Never on what confirms: the key that opened the dialog can be held, or be hit twice.
  (byId("act-fields").querySelector("input, select") ?? byId("act-title")).focus();
}

/** Nothing can be confirmed before it was seen what it would do, nor before it is known what was there then. */
function allow() {
  byId("act-go").disabled = current.isSending || !current.isSeen || Boolean(current.plan.collection && !current.tag);
}

function makeField(field) {
  const block = document.createElement("div");
  block.className = field.wide ? "field wide" : "field";
  const label = document.createElement("label");
  label.htmlFor = `act-${field.id}`;
  label.textContent = field.label;
  if (field.hint) label.append(" ", mark("small", field.hint));
  const input = document.createElement(field.options ? "select" : "input");
  input.id = `act-${field.id}`;
  input.name = field.id;
  for (const [value, word] of field.options ?? []) input.append(new Option(word, value));
  if (!field.options) {
    input.type = field.type ?? "text";
    input.autocomplete = "off";
    input.spellcheck = false;
  }
  for (const key of ["maxLength", "min", "max", "step", "pattern", "placeholder", "title"]) if (field[key] !== undefined) input[key] = field[key];
  const value = current.given[field.id] ?? (typeof field.value === "function" ? field.value() : field.value);
  if (value !== undefined) input.value = value;
  if (field.suggests) {
    const list = document.createElement("datalist");
    list.id = `act-${field.id}-names`;
    input.setAttribute("list", list.id);
    block.append(list);
  }
  block.prepend(label, input);
  return block;
}

function values() {
  const found = { ...current.given };
  for (const field of current.plan.fields) {
    const input = byId(`act-${field.id}`);
    if (!input.disabled) found[field.id] = input.value;
  }
  if (byId("act-force").checked) found.force = true;
  return found;
}

/** Shows the fields that what is chosen needs. A field that is not shown must not keep the form from being sent. */
function arrange() {
  const chosen = {};
  for (const field of current.plan.fields) chosen[field.id] = byId(`act-${field.id}`).value;
  for (const field of current.plan.fields) {
    const input = byId(`act-${field.id}`);
    const isShown = !field.when || field.when(chosen);
    input.closest(".field").hidden = !isShown;
    input.disabled = !isShown;
    input.required = isShown && Boolean(field.required);
  }
}

/** Names to choose from: those that the node has of the kind that is chosen. */
async function suggest() {
  const asked = current;
  const chosen = values();
  for (const field of asked.plan.fields) {
    const collection = field.suggests?.(chosen);
    const list = byId(`act-${field.id}-names`);
    if (!list || list.dataset.of === collection) continue;
    list.dataset.of = collection;
    try {
      const answer = await fetch(`/v1/${collection}?limit=200`, { headers: { Accept: "application/json" } });
      if (!answer.ok || current !== asked || list.dataset.of !== collection) continue;
      list.replaceChildren(...(await answer.json()).items.map((item) => new Option(item.name, item.name)));
    } catch { /* Names can be typed. */ }
  }
}

// MARK: What was there when the dialog was opened

async function remember(asked) {
  asked.tag = null;
  if (!asked.plan.collection) return;
  try {
    const answer = await fetch(`/v1/${asked.plan.collection}`, { headers: { Accept: "application/json" } });
    if (answer.ok) asked.tag = answer.headers.get("ETag");
  } catch { /* It is said below. */ }
  if (current !== asked || asked.isOver || !byId("act").open) return;
  allow();
  if (!asked.tag) refuse(`The node does not tell which ${asked.plan.collection} there are now. Close this, and try again.`);
}

/** Who changed what meanwhile, in a sentence; empty where that cannot be told. */
async function latestChange(collection) {
  const kinds = {
    overrides: "override-set,override-cleared,override-expired,window-opened,window-closed,window-draining",
    windows: "window-added,window-cancelled", shifts: "shift-started,shift-cancelled,shift-finished",
  };
  try {
    const answer = await fetch(`/v1/events?limit=1&kind=${kinds[collection]}`, { headers: { Accept: "application/json" } });
    const event = (await answer.json()).events.at(-1);
    if (!event) return "";
    const what = [event.kind.replace("-", " "), event.subject?.kind.replace("-", " "), event.subject?.name, event.to].filter(Boolean).join(" ");
    return ` The latest: ${what}${event.author ? `, by ${event.author}` : ""}${event.reason ? ` (${event.reason})` : ""}.`;
  } catch { return ""; }
}

// MARK: What it would do

let waiting = 0;

function later() {
  clearTimeout(waiting);
  if (current.isOver) return;
  expect(current);
  waiting = setTimeout(() => preview(current), 250);
}

/** What was seen is not what is asked for now. Where fields are wrong the browser says so to who confirms. */
function expect(asked) {
  asked.asked += 1;
  const isAsked = !asked.plan.hasNoTrial && byId("act-form").matches(":valid");
  asked.isSeen = !isAsked;
  const place = byId("act-preview");
  if (place.hidden) place.replaceChildren(mark("p", "Looking at what would move…"));
  place.hidden = !isAsked;
  place.classList.add("old");
  allow();
  return isAsked;
}

/** Asks what the change would do, and shows it while the operator thinks. */
async function preview(asked) {
  if (asked.isOver || !expect(asked)) return;
  const number = asked.asked;
  const [method, path, body] = asked.plan.request({ ...values(), force: canForce(asked.plan) || undefined });
  let found = null;
  let trouble = "What would move cannot be told: the node cannot be reached.";
  let status = 0;
  try {
    const answer = await send(method, `${path}?dry_run=true`, body);
    status = answer.status;
    found = await answer.json().catch(() => null);
    trouble = answer.ok ? "" : `As it is the node refuses this: ${found?.detail ?? found?.title ?? `status ${status}`}`;
  } catch { /* It can be made all the same, and what fails then is told. */ }
  if (current !== asked || number !== asked.asked || !byId("act").open) return;
  if (status === 401) { sessionEnded(); return; }
  asked.isSeen = true;
  allow();
  byId("act-preview").classList.remove("old");
  if (trouble) byId("act-preview").replaceChildren(mark("p", trouble));
  if (!Array.isArray(found?.names)) { byId("act-preview").hidden = !trouble; return; }
  const list = document.createElement("ul");
  for (const name of found.names.slice(0, 4)) {
    const item = document.createElement("li");
    item.append(mark("strong", name.name), ` ${shares(name.before)} → ${shares(name.after)}`);
    list.append(item);
  }
  const parts = [mark("p", found.movedNames === 0 ? "No answer would change now."
    : `Answers of ${found.movedNames} of ${found.allNames} names would move:`), list];
  if (found.movedNames > 4) parts.push(mark("p", `and ${found.movedNames - 4} more.`));
  if (found.openConnections > 0) parts.push(mark("p", `${found.openConnections} open requests and connections go on to their end.`));
  for (const lost of found.replaced ?? []) {
    const why = [lost.author, lost.reason && `“${lost.reason}”`].filter(Boolean).join(", ");
    const warning = mark("p", `It takes the place of ${lost.verdict}${lost.target ? ` to ${lost.target}` : ""} of ${lost.kind} ${lost.name}`
      + `${why && ` (${why})`}, which ${lost.expires ? "ends by itself" : "has no end of its own"}.`);
    warning.className = "objection";
    parts.push(warning);
  }
  for (const remark of [...found.remarks ?? [], ...found.objections ?? []]) {
    const warning = mark("p", remark);
    warning.className = "objection";
    parts.push(warning);
  }
  byId("act-preview").replaceChildren(...parts);
  byId("act-preview").hidden = false;
}

/** Only some changes know the word; a trial with it tells objections beside what would move. */
function canForce(plan) { return plan.collection === "overrides" || plan === plans.shift; }

function mark(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function shares(parts) {
  const sorted = Object.entries(parts).filter(([, share]) => share > 0.0005).sort((a, b) => b[1] - a[1]);
  if (sorted.length === 1) return sorted[0][0];
  return sorted.slice(0, 3).map(([name, share]) => `${name} ${share < 0.005 ? "<1" : Math.round(share * 100)}%`).join(", ");
}

// MARK: The change

function send(method, path, body, tag) {
  const headers = { "Content-Type": "application/json", Accept: "application/json" };
  if (tag) headers["If-Match"] = tag;
  return fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
}

async function submit(event) {
  event.preventDefault();
  const asked = current;
  if (byId("act-go").disabled) return;
  const chosen = values();
  const [method, path, body] = asked.plan.request(chosen);
  asked.isSending = true;
  allow();
  blame(null);
  // Who has closed the dialog meanwhile, and perhaps opened another one, is told in passing.
  const isHere = () => current === asked && byId("act").open;
  const tell = (text) => { if (isHere()) refuse(text); else announce(text); };
  try {
    const answer = await send(method, path, body, asked.tag);
    if (answer.ok) {
      const { held = [], cleared } = asked.plan.tellsHeld ? await answer.json().catch(() => ({})) : {};
      if (held.length > 0) {
        const title = asked.plan.title(chosen);
        if (isHere()) tellHeld(title, held); else announce(`${title} ${stillHeld(held)}`);
        return;
      }
      if (isHere()) byId("act").close();
      // What happened is read out on all pages, whoever did it, and so on this one.
      if (cleared?.length === 0) announce("Nothing was set for it.");
      else if (!isLive()) announce("The change was made.");
      return;
    }
    if (isHere() && answer.status === 401) {
      asked.isSending = false;
      // The page may have heard of it by itself, when it was not known yet what becomes of the change.
      asked.isOver = false;
      sessionEnded();
      byId("act-sign-in").focus();
      return;
    }
    if (isHere() && answer.status === 412) {
      const what = await latestChange(asked.plan.collection);
      await remember(asked);
      if (isHere()) preview(asked);
      tell(`Nothing was changed: somebody was faster, and the ${asked.plan.collection} are not those that you saw.${what} Look at what would move now, then confirm again.`);
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    const reason = problem.detail ?? problem.title ?? `The node answered with status ${answer.status}.`;
    if (!isHere()) { announce(`Nothing was changed: ${reason}`); return; }
    refuse(reason, answer.status === 409 && canForce(asked.plan));
    blame(problem.field);
  } catch {
    tell("The node cannot be reached, and nothing was changed as far as is known. Try again when the connection is back.");
  } finally {
    asked.isSending = false;
    allow();
  }
}

/** Nothing can be changed any more before somebody signs in. What was typed waits for that, and is asked again then. */
function sessionEnded() {
  if (!byId("act").open || current.isOver) return;
  current.isOver = true;
  byId("act-go").hidden = true;
  byId("act-preview").hidden = true;
  byId("act-sign-in").hidden = false;
  const what = current.isSending ? "whether the change was made is not known" : "nothing was changed";
  refuse(`You are not signed in any more, and ${what}. Sign in, and this dialog is here again with what you typed.`);
}

const kept = "meridian-change";

function signInAgain() {
  const { act, given } = current;
  try {
    sessionStorage.setItem(kept, JSON.stringify({ page: location.pathname, act, given: { ...given, ...values(), force: undefined } }));
  } catch { /* It is typed again. */ }
  location.assign(signInPath());
}

/** The dialog as it was when the session ended; it asks as any other does. */
function askAgain(mayChange) {
  try {
    const found = JSON.parse(sessionStorage.getItem(kept) ?? "null");
    sessionStorage.removeItem(kept);
    if (mayChange && found?.page === location.pathname) ask(found.act, found.given);
  } catch { /* It is typed again. */ }
}

/** What was set for a name is gone, and it is not free: by what, and where that is taken back. The dialog stays to be read. */
function tellHeld(title, held) {
  current.isOver = true;
  byId("act-title").textContent = title;
  byId("act-effect").textContent = "What was set for just that name is taken back.";
  byId("act-preview").hidden = true;
  byId("act-go").hidden = true;
  byId("act-cancel").textContent = "Close";
  refuse(`${stillHeld(held)} Operations has all of it, to be ended there.`);
  byId("act-cancel").focus();
}

function stillHeld(held) {
  const shown = held.slice(0, 4).map(holding).join("; ");
  return `It is still ${shown}${held.length > 4 ? ` and by ${held.length - 4} more` : ""}.`;
}

function refuse(text, isForceable = false) {
  byId("act-error").textContent = text;
  byId("act-force-part").hidden = !isForceable;
  byId("act-refusal").hidden = false;
  byId("act-refusal").scrollIntoView({ block: "nearest" });
}

/** Marks the field that the node found wrong, for eyes and screen readers; `null`: none. */
function blame(name) {
  for (const input of byId("act-fields").querySelectorAll("[aria-invalid]")) {
    input.removeAttribute("aria-invalid");
    input.removeAttribute("aria-describedby");
  }
  const input = name ? byId(`act-${name}`) : null;
  if (!input || !byId("act-fields").contains(input)) return;
  input.setAttribute("aria-invalid", "true");
  input.setAttribute("aria-describedby", "act-error");
  input.focus();
}

/** Who is signed in: their name, a way out, and no buttons that they may not press. */
async function greet() {
  try {
    const answer = await fetch("/v1/session", { headers: { Accept: "application/json" } });
    if (!answer.ok) return;
    const session = await answer.json();
    if (session.role === "view") document.body.classList.add("view-only");
    askAgain(session.role !== "view");
    if (session.proof !== "session") return;
    byId("who-name").textContent = session.name;
    byId("who").hidden = false;
    byId("sign-out").addEventListener("click", async () => {
      await fetch("/v1/session", { method: "DELETE" }).catch(() => {});
      location.assign("/login");
    });
  } catch { /* The banner says that the node is gone. */ }
}

export function startActions() {
  greet();
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (!button?.dataset.act) return;
    const { act, kind, subject } = button.dataset;
    ask(act, subject === undefined ? {} : { kind, name: subject });
  });
  // A key that is held is one decision, and in a field it ends a word.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.target instanceof Element)) return;
    const isHeld = event.repeat && event.target.closest("button, a, dialog");
    if (isHeld || event.target.matches("#act input, #act select")) event.preventDefault();
  });
  byId("act-form").addEventListener("submit", submit);
  byId("act-sign-in").addEventListener("click", signInAgain);
  onSessionEnd(() => { if (byId("act").open) { sessionEnded(); return true; } return false; });
  byId("act-form").addEventListener("input", (event) => {
    if (event.target.id === "act-force") return;
    arrange();
    suggest();
    if (event.target.id !== "act-reason") later();
  });
  byId("act-cancel").addEventListener("click", () => byId("act").close());
}
