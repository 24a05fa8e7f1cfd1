// The tree of services: search as you type, open and close branches in place, and the keyboard of a tree.
import { announce, follow, onMessage, syncList } from "./live.js";

const byId = (id) => document.getElementById(id);
const body = () => document.querySelector('[data-list="services"]');
let asked = 0;

function show(query, isReplaced) {
  const path = `/services${query ? `?${query}` : ""}`;
  if (isReplaced) history.replaceState(null, "", path);
  follow(`topic=services${query ? `&${query}` : ""}`);
}

async function load(query, focusKey) {
  const number = ++asked;
  let page;
  try {
    const answer = await fetch(`/services/rows${query ? `?${query}` : ""}`);
    if (!answer.ok) return;
    page = await answer.json();
  } catch { return; /* The banner says that the node is gone. */ }
  // A later question has been answered already.
  if (number !== asked) return;
  syncList("services", page.rows);
  for (const place of document.querySelectorAll('[data-page="count"]')) place.textContent = String(page.count);
  byId("page").textContent = page.page;
  byId("pages").textContent = page.pages;
  byId("kind-of-rows").textContent = /(^|&)(q|state)=/.test(query) ? "found" : "rows";
  paging(query, page);
  show(query, true);
  if (focusKey) rowOf(focusKey)?.querySelector(".toggle")?.focus();
}

function paging(query, page) {
  const nav = byId("paging");
  nav.replaceChildren();
  const link = (word, rel, number) => {
    if (number < 1 || number > page.pages) return;
    const parameters = new URLSearchParams(query);
    parameters.set("page", number);
    const a = document.createElement("a");
    a.rel = rel;
    a.href = `/services?${parameters}`;
    a.textContent = word;
    nav.append(a, " ");
  };
  link("Previous", "prev", page.page - 1);
  link("Next", "next", page.page + 1);
}

function rowOf(key) { return [...body().children].find((row) => row.dataset.key === key); }

function toggle(row) {
  const link = row.querySelector(".toggle[href]");
  if (!link) return;
  const wasOpen = row.getAttribute("aria-expanded") === "true";
  load(new URL(link.href).search.slice(1), document.activeElement === link ? row.dataset.key : null)
    .then(() => announce(wasOpen ? "closed" : "opened"));
}

// MARK: Keyboard

function rove(row) {
  for (const other of body().querySelectorAll('tr[tabindex="0"]')) other.tabIndex = -1;
  row.tabIndex = 0;
  row.focus();
}

function onKey(event) {
  const row = event.target.closest("tr");
  if (!row || event.target.matches("button, input") || event.altKey || event.ctrlKey || event.metaKey) return;
  const isOpen = row.getAttribute("aria-expanded");
  let next = null;
  switch (event.key) {
    case "ArrowDown": next = row.nextElementSibling; break;
    case "ArrowUp": next = row.previousElementSibling; break;
    case "Home": next = body().firstElementChild; break;
    case "End": next = body().lastElementChild; break;
    case "ArrowRight":
      if (isOpen === "false") toggle(row); else if (isOpen === "true") next = row.nextElementSibling;
      break;
    case "ArrowLeft": {
      if (isOpen === "true") { toggle(row); break; }
      const level = Number(row.getAttribute("aria-level"));
      for (let up = row.previousElementSibling; up && !next; up = up.previousElementSibling) {
        if (Number(up.getAttribute("aria-level")) < level) next = up;
      }
      break;
    }
    case "Enter": if (event.target === row) toggle(row); else return; break;
    default: return;
  }
  event.preventDefault();
  if (next) rove(next);
}

export function startServices() {
  const form = byId("filter");
  const query = () => {
    const parameters = new URLSearchParams();
    if (byId("q").value.trim()) parameters.set("q", byId("q").value.trim());
    if (byId("state").value) parameters.set("state", byId("state").value);
    return parameters.toString();
  };
  let timer = 0;
  byId("q").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(() => load(query()), 200); });
  byId("state").addEventListener("change", () => load(query()));
  form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(timer); load(query()); });
  body().addEventListener("click", (event) => {
    const link = event.target.closest(".toggle[href]");
    if (!link || event.metaKey || event.ctrlKey) return;
    event.preventDefault();
    toggle(link.closest("tr"));
  });
  body().addEventListener("keydown", onKey);
  const enter = () => {
    if (!body().querySelector('tr[tabindex="0"]') && body().firstElementChild) body().firstElementChild.tabIndex = 0;
  };
  onMessage(enter);
  enter();
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.target.matches("input, select, textarea") || document.querySelector("dialog[open]")) return;
    event.preventDefault();
    byId("q").focus();
  });
  show(location.search.slice(1), false);
}
