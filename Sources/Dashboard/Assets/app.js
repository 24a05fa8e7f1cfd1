// Brings the pages to life. Without it they show the node as it was when they were opened.
import { announce, follow, onMessage } from "./live.js";
import { startActions } from "./actions.js";
import { startCharts } from "./chart.js";
import { startServices } from "./services.js";

const topic = document.body.dataset.topic;

// Of a link that signs in, followed by somebody who is signed in: a token is not to stand in the address.
if (location.hash.startsWith("#mrd_")) history.replaceState(null, "", location.pathname + location.search);

// MARK: Colours

const root = document.documentElement;
const button = document.getElementById("theme");
const systemDark = matchMedia("(prefers-color-scheme: dark)");

function showTheme() {
  const theme = root.dataset.theme ?? "system";
  document.getElementById("theme-word").textContent = `now ${theme === "system" ? "as the system" : theme}`;
}
button.addEventListener("click", () => {
  // From what is seen to the other; where that is the system's own choice, the system is followed again.
  const next = (root.dataset.theme ?? (systemDark.matches ? "dark" : "light")) === "dark" ? "light" : "dark";
  const isSystems = (next === "dark") === systemDark.matches;
  if (isSystems) delete root.dataset.theme; else root.dataset.theme = next;
  try {
    if (isSystems) localStorage.removeItem("theme"); else localStorage.setItem("theme", next);
  } catch { /* It lasts until the page is left. */ }
  showTheme();
});
showTheme();

// MARK: What screen readers hear

let headline = document.querySelector('[data-page="headline"]')?.textContent;
let told = 0;
onMessage((message) => {
  // What happened before is on the page that was opened; what came since is told wherever somebody is.
  if (told > 0 && message.n > told && message.e) announce(message.e);
  told = message.n;
  if (message.f.headline !== headline) {
    headline = message.f.headline;
    announce(headline);
  }
  // Also in the tab's title: how it is can be seen from another tab.
  const sign = message.s === "up" || message.s === "unknown" ? "" : message.s === "down" ? "✕ " : "! ";
  const title = sign + document.title.replace(/^[✕!] /, "");
  if (document.title !== title) document.title = title;
});

// MARK: Names of countries

if (topic === "overview") {
  const names = new Intl.DisplayNames(undefined, { type: "region", fallback: "code" });
  const spell = () => {
    for (const title of document.querySelectorAll(".flow title")) {
      const text = title.textContent;
      if (/^[A-Z]{2} /.test(text)) title.textContent = names.of(text.slice(0, 2)) + text.slice(2);
    }
  };
  onMessage(spell);
  spell();
}

startActions();
if (topic === "services") startServices();
else follow(`topic=${topic}${topic === "events" ? location.search.replace("?", "&") : ""}`);
if (topic === "overview" || topic === "traffic") startCharts();
