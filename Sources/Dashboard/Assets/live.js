// Keeps a page up to date: texts by the name of their place, rows by their key. What is on the page stays the same
// elements, so that focus, selection and scroll position are never lost.

const listeners = new Set();
let source = null;
let topic = "";
let latest = 0;
let lastHeard = Date.now();
// Milliseconds from the browser's clock to the node's. Pictures come late, and never early.
let ahead = (Number(document.body.dataset.time) || Date.now()) - Date.now();
let retry = 0;
let retryTimer = 0;
let isLost = false;

/** Calls back with each message; `isGap` says that some were missed. */
export function onMessage(callback) { listeners.add(callback); }

/** What time it is at the node, in milliseconds: all that it tells is by that, whatever the browser's clock says. */
export function now() { return Date.now() + ahead; }

function tune(time) {
  const found = time - Date.now();
  // Some seconds are the age of a picture; more is a clock that was set.
  ahead = Math.abs(found - ahead) > 10_000 ? found : Math.max(ahead, found);
}

// MARK: The session

const enders = new Set();

/** Calls back when the node wants somebody to sign in; the page stays where one of them says that it told so. */
export function onSessionEnd(callback) { enders.add(callback); }

/** To this page again, after the sign-in that its session needs. */
export function signInPath() { return `/login?ended&next=${encodeURIComponent(location.pathname + location.search)}`; }

// MARK: The connection

/** Whether the node tells what happens, as far as is known. */
export function isLive() { return document.getElementById("link").dataset.link === "live"; }

/** Follows a topic: a query such as `topic=services&q=eu`. */
export function follow(query) {
  topic = query;
  latest = 0;
  connect();
}

function connect() {
  clearTimeout(retryTimer);
  source?.close();
  source = null;
  // Browsers open few connections to one server: a page that nobody sees must not hold one.
  if (document.hidden) return;
  const current = new EventSource(`/live?${topic}`);
  source = current;
  current.onmessage = (event) => {
    if (source !== current) return;
    retry = 0;
    lastHeard = Date.now();
    setLost(false);
    receive(JSON.parse(event.data));
  };
  current.onerror = () => {
    if (source !== current) return;
    setLost(true);
    if (current.readyState === EventSource.CLOSED) later();
  };
}

function later() {
  source?.close();
  source = null;
  clearTimeout(retryTimer);
  retry = Math.min(retry + 1, 10);
  retryTimer = setTimeout(async () => {
    // A node that wants us to sign in says so to a request whose answer we can read.
    try {
      const answer = await fetch("/history?range=5m", { headers: { Accept: "application/json" } });
      if (answer.status === 401) {
        if ([...enders].some((tells) => tells())) later(); else location.assign(signInPath());
        return;
      }
    } catch { /* Still gone. */ }
    connect();
  }, retry * 1000);
}

document.addEventListener("visibilitychange", () => {
  if (document.hidden) { source?.close(); source = null; clearTimeout(retryTimer); } else if (topic) connect();
});
addEventListener("pagehide", () => source?.close());

// A connection whose other end is gone without a word looks open.
setInterval(() => {
  if (source && Date.now() - lastHeard > 30_000) { setLost(true); lastHeard = Date.now(); later(); }
}, 5_000);

function setLost(lost) {
  const link = document.getElementById("link");
  link.dataset.link = lost ? "lost" : "live";
  link.lastElementChild.textContent = lost ? "Offline" : "Live";
  if (lost === isLost) return;
  isLost = lost;
  const banner = document.getElementById("lost");
  banner.hidden = !lost;
  document.body.classList.toggle("stale", lost);
  if (lost) document.getElementById("lost-time").textContent = new Date(lastHeard + ahead).toLocaleTimeString(undefined, { timeZoneName: "short" });
}

function receive(message) {
  const isGap = latest > 0 && message.n > latest + 1;
  latest = message.n;
  tune(message.t);
  for (const [name, text] of Object.entries(message.f)) {
    for (const place of document.querySelectorAll(`[data-page="${name}"]`)) setText(place, text);
  }
  const verdict = document.querySelector(".verdict");
  if (verdict && verdict.dataset.nodeState !== message.s) {
    verdict.dataset.nodeState = message.s;
    document.getElementById("verdict-icon").setAttribute("href", `#s-${message.s}`);
  }
  if (verdict) verdict.title = message.f.headline;
  for (const [name, rows] of Object.entries(message.l)) syncList(name, rows);
  for (const listener of listeners) listener(message, isGap);
}

function setText(place, text) { if (place.textContent !== text) place.textContent = text; }

// MARK: Lists

/** Gives all lists of a name exactly these rows, in this order. */
export function syncList(name, rows) {
  const pattern = document.getElementById(`t-${name}`)?.content.querySelector("[data-key]");
  if (!pattern) return;
  // What is bound is empty until a row says what it is, and browsers complain of empty numbers in pictures.
  for (const [place, attribute] of placesOf(pattern).bound) place.removeAttribute(attribute);
  for (const list of document.querySelectorAll(`[data-list="${name}"]`)) {
    const known = new Map();
    for (const child of list.children) if (child.dataset.key !== undefined) known.set(child.dataset.key, child);
    const isFirst = list.dataset.filled === undefined;
    list.dataset.filled = "";
    const wanted = rows.map((row) => {
      let element = known.get(row.k);
      known.delete(row.k);
      if (!element) {
        element = document.importNode(pattern, true);
        element.dataset.key = row.k;
        if (!isFirst) element.classList.add("fresh");
      }
      fill(element, row);
      return element;
    });
    for (const gone of known.values()) remove(list, gone);
    let cursor = list.firstElementChild;
    for (const element of wanted) {
      if (element === cursor) cursor = cursor.nextElementSibling; else move(list, element, cursor);
    }
  }
  for (const empty of document.querySelectorAll("[data-empty]")) showEmpty(empty);
}

function move(list, element, before) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  if (focused && element.parentNode === list && list.moveBefore) { list.moveBefore(element, before); return; }
  list.insertBefore(element, before);
  focused?.focus({ preventScroll: true });
}

function remove(list, element) {
  if (element.contains(document.activeElement)) {
    // Focus goes to what takes the row's place, so that the keyboard stays where it was.
    const next = element.nextElementSibling ?? element.previousElementSibling;
    const target = next?.querySelector("button:not([hidden]), a[href]") ?? next;
    if (target?.focus && (target.tabIndex >= 0 || target.hasAttribute("tabindex"))) {
      target.focus({ preventScroll: true });
    } else {
      document.getElementById("main")?.focus({ preventScroll: true });
    }
  }
  element.remove();
}

function showEmpty(empty) {
  const hasRows = empty.dataset.empty.split(" ")
    .some((name) => document.querySelector(`[data-list="${name}"] > [data-key]`));
  if (empty.hidden !== hasRows) empty.hidden = hasRows;
}

const places = new WeakMap();

function placesOf(element) {
  let found = places.get(element);
  if (!found) {
    const all = [element, ...element.querySelectorAll("[data-f], [data-bind]")];
    found = {
      texts: all.filter((e) => e.dataset.f !== undefined).map((e) => [e, e.dataset.f]),
      bound: all.filter((e) => e.dataset.bind !== undefined)
        .flatMap((e) => e.dataset.bind.split(" ").map((pair) => [e, ...pair.split(":")])),
    };
    places.set(element, found);
  }
  return found;
}

function fill(element, row) {
  if (element.dataset.state !== row.s) {
    if (element.dataset.state && !element.classList.contains("fresh")) flash(element);
    element.dataset.state = row.s;
  }
  const { texts, bound } = placesOf(element);
  for (const [place, name] of texts) setText(place, row.f[name] ?? "");
  for (const [place, attribute, name] of bound) {
    const value = row.f[name];
    if (value === undefined) {
      if (place.hasAttribute(attribute)) place.removeAttribute(attribute);
    } else if (place.getAttribute(attribute) !== value) {
      place.setAttribute(attribute, value);
    }
    if (attribute === "data-time") tellTime(place);
  }
}

function flash(element) {
  element.classList.remove("changed");
  requestAnimationFrame(() => element.classList.add("changed"));
}

// MARK: Times

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });

const clock = { day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit", timeZoneName: "short" };

function tellTime(place) {
  const time = Number(place.dataset.time);
  if (!time) { setText(place, ""); return; }
  const date = new Date(time);
  place.dateTime = date.toISOString();
  // The log and the command line tell UTC: whoever compares must see which zone this is.
  place.title = date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  const seconds = (time - now()) / 1000;
  const size = Math.abs(seconds);
  let text;
  if (place.dataset.style === "clock") text = date.toLocaleString(undefined, clock);
  else if (size < 60) text = relative.format(Math.trunc(seconds), "second");
  else if (size < 5400) text = relative.format(Math.round(seconds / 60), "minute");
  else if (size < 86_400) text = relative.format(Math.round(seconds / 3600), "hour");
  else text = date.toLocaleString(undefined, clock);
  setText(place, text);
}

export function tellTimes() { for (const place of document.querySelectorAll("time[data-time]")) tellTime(place); }

/** Says something to screen readers, without moving anything. What was said just before is not lost. */
export function announce(text) {
  const place = document.getElementById("announcer");
  const line = document.createElement("p");
  line.textContent = text;
  place.append(line);
  while (place.children.length > 8) place.firstElementChild.remove();
}

for (const empty of document.querySelectorAll("[data-empty]")) showEmpty(empty);
for (const list of document.querySelectorAll("[data-list]")) if (list.firstElementChild) list.dataset.filled = "";
tellTimes();
setInterval(tellTimes, 5_000);
