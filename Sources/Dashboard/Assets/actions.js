// Changes: each asks first, shows what it would move, is refused where somebody else was faster, and leaves the focus
// where it was.
import { announce } from "./live.js";
import { plans } from "./plans.js";

const byId = (id) => document.getElementById(id);
let current = null;

// MARK: The dialog

/** Opens the dialog for a change; a second click on what is open does nothing. */
export function ask(act, given = {}) {
  const plan = plans[act];
  const dialog = byId("act");
  if (!plan || dialog.open) return;
  current = { plan, given, tag: null, since: 0, asked: 0 };
  byId("act-title").textContent = plan.title(given);
  byId("act-effect").textContent = plan.effect;
  byId("act-go").textContent = plan.go;
  byId("act-go").classList.toggle("grave", Boolean(plan.isGrave));
  byId("act-force").checked = false;
  byId("act-force-part").hidden = true;
  byId("act-refusal").hidden = true;
  byId("act-go").disabled = false;
  byId("act-preview").hidden = true;
  byId("act-fields").replaceChildren(...plan.fields.map(makeField));
  dialog.classList.toggle("large", plan.fields.length > 3);
  arrange();
  suggest();
  dialog.showModal();
  remember(current);
  preview(current);
  (byId("act-fields").querySelector("input, select") ?? byId("act-go")).focus();
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
  asked.since = Date.now();
  asked.tag = null;
  if (!asked.plan.collection) return;
  try {
    const answer = await fetch(`/v1/${asked.plan.collection}`, { headers: { Accept: "application/json" } });
    if (answer.ok) asked.tag = answer.headers.get("ETag");
  } catch { /* The change fails too then, and says why. */ }
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
  waiting = setTimeout(() => preview(current), 250);
}

/** Asks what the change would do, and shows it while the operator thinks. */
async function preview(asked) {
  if (asked.plan.hasNoTrial || !byId("act-form").checkValidity()) { byId("act-preview").hidden = true; return; }
  const number = ++asked.asked;
  const [method, path, body] = asked.plan.request({ ...values(), force: canForce(asked.plan) || undefined });
  let found;
  try {
    const answer = await send(method, `${path}?dry_run=true`, body);
    found = answer.ok ? await answer.json() : null;
  } catch { return; /* It can be made all the same, and what fails then is told. */ }
  if (current !== asked || number !== asked.asked || !byId("act").open) return;
  if (!Array.isArray(found?.names)) { byId("act-preview").hidden = true; return; }
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
  for (const objection of found.objections ?? []) {
    const warning = mark("p", objection);
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
  const chosen = values();
  const [method, path, body] = asked.plan.request(chosen);
  byId("act-go").disabled = true;
  blame(null);
  try {
    const answer = await send(method, path, body, asked.tag);
    if (answer.ok) {
      byId("act").close();
      announce(asked.plan.done(chosen));
      return;
    }
    if (answer.status === 401) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    if (answer.status === 412) {
      const what = await latestChange(asked.plan.collection);
      await remember(asked);
      preview(asked);
      refuse(`Nothing was changed: somebody was faster, and the ${asked.plan.collection} are not those that you saw.${what} Look at what would move now, then confirm again.`);
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    refuse(problem.detail ?? problem.title ?? `The node answered with status ${answer.status}.`, answer.status === 409 && canForce(asked.plan));
    blame(problem.field);
  } catch {
    refuse("The node cannot be reached, and nothing was changed as far as is known. Try again when the connection is back.");
  } finally {
    byId("act-go").disabled = false;
  }
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
  byId("act-form").addEventListener("submit", submit);
  byId("act-form").addEventListener("input", (event) => {
    if (event.target.id === "act-force") return;
    arrange();
    suggest();
    if (event.target.id !== "act-reason") later();
  });
  byId("act-cancel").addEventListener("click", () => byId("act").close());
}
