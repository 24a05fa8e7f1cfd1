// Drain, enable, cancel: each asks first, says why it was refused, and leaves the focus where it was.
import { announce } from "./live.js";

const byId = (id) => document.getElementById(id);
let current = null;

const plans = {
  drain: {
    title: (s) => `Drain ${s.word} ${s.name}?`,
    effect: "New clients go elsewhere while anything else is available. Whoever has the old answer keeps being served, and open connections go on.",
    go: "Drain", hasDetails: true, hasDuration: true,
    request: (s, details) => ["PUT", `/v1/overrides/${s.kind}`, { name: s.name, verdict: "drain", ...details }],
    done: (s) => `${s.word} ${s.name} drains`,
  },
  enable: {
    title: (s) => `Enable ${s.word} ${s.name}?`,
    effect: "What operators set for it ends at once. Clients come back as their resolvers ask again.",
    go: "Enable",
    request: (s, details) => ["DELETE", `/v1/overrides/${s.kind}`, { name: s.name, ...details }],
    done: (s) => `${s.word} ${s.name} is enabled`,
  },
  "cancel-window": {
    title: (s) => `Cancel window ${s.name}?`,
    effect: "A window of the configuration skips the run that is under way or comes next. One that an operator planned is gone.",
    go: "Cancel window",
    request: (s) => ["DELETE", `/v1/windows/${encodeURIComponent(s.name)}`],
    done: (s) => `Window ${s.name} is cancelled`,
  },
  "cancel-shift": {
    title: (s) => `Cancel shift ${s.name}?`,
    effect: "The clients that it moved go back as fast as they came.",
    go: "Cancel shift",
    request: (s) => ["DELETE", `/v1/shifts/${encodeURIComponent(s.name)}`],
    done: (s) => `Shift ${s.name} goes back`,
  },
};

/** Opens the dialog for a change; a second click on what is open does nothing. */
export function ask(act, kind, name) {
  const plan = plans[act];
  const dialog = byId("act");
  if (!plan || dialog.open) return;
  const subject = { kind, name, word: (kind ?? "").replace("-", " ") };
  current = { plan, subject };
  byId("act-title").textContent = plan.title(subject);
  byId("act-effect").textContent = plan.effect;
  byId("act-go").textContent = plan.go;
  byId("act-details").hidden = !plan.hasDetails;
  byId("act-reason").value = "";
  byId("act-force").checked = false;
  byId("act-force-part").hidden = true;
  byId("act-refusal").hidden = true;
  byId("act-go").disabled = false;
  byId("act-preview").hidden = true;
  dialog.showModal();
  preview(current);
  (plan.hasDetails ? byId("act-reason") : byId("act-go")).focus();
}

/** Asks what the change would do, and shows it while the operator thinks. */
async function preview(asked) {
  const [method, path, body] = asked.plan.request(asked.subject, { force: true });
  let found;
  try {
    const answer = await send(method, `${path}?dry_run=true`, body);
    if (!answer.ok) return;
    found = await answer.json();
  } catch { return; /* It can be made all the same, and what fails then is told. */ }
  if (current !== asked || !byId("act").open || !Array.isArray(found.names)) return;
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

function mark(tag, text) {
  const element = document.createElement(tag);
  element.textContent = text;
  return element;
}

function shares(parts) {
  const sorted = Object.entries(parts).filter(([, share]) => share > 0.0005).sort((a, b) => b[1] - a[1]);
  if (sorted.length === 1) return sorted[0][0];
  return sorted.slice(0, 3).map(([name, share]) => `${name} ${Math.round(share * 100)}%`).join(", ");
}

function send(method, path, body) {
  return fetch(path, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
}

async function submit(event) {
  event.preventDefault();
  const { plan, subject } = current;
  const details = {};
  if (plan.hasDetails) {
    if (byId("act-reason").value.trim()) details.reason = byId("act-reason").value.trim();
    if (byId("act-duration").value) details.seconds = Number(byId("act-duration").value);
  }
  if (byId("act-force").checked) details.force = true;
  const [method, path, body] = plan.request(subject, details);
  byId("act-go").disabled = true;
  try {
    const answer = await send(method, path, body);
    if (answer.ok) {
      byId("act").close();
      announce(plan.done(subject));
      return;
    }
    if (answer.status === 401) {
      location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    const problem = await answer.json().catch(() => ({}));
    refuse(problem.detail ?? problem.title ?? `The node answered with status ${answer.status}.`, answer.status === 409);
  } catch {
    refuse("The node cannot be reached, and nothing was changed as far as is known. Try again when the connection is back.");
  } finally {
    byId("act-go").disabled = false;
  }
}

function refuse(text, canForce = false) {
  byId("act-error").textContent = text;
  byId("act-force-part").hidden = !canForce;
  byId("act-refusal").hidden = false;
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
    if (button?.dataset.act) ask(button.dataset.act, button.dataset.kind, button.dataset.subject);
  });
  byId("act-form").addEventListener("submit", submit);
  byId("act-cancel").addEventListener("click", () => byId("act").close());
  byId("drain-form")?.addEventListener("submit", (event) => {
    event.preventDefault();
    ask("drain", byId("drain-kind").value, byId("drain-name").value.trim());
  });
}
