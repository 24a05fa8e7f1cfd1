"use strict";
// Before the page is drawn, so that it does not flash in the wrong colours.
(() => {
  try {
    const saved = localStorage.getItem("theme");
    if (saved === "light" || saved === "dark") document.documentElement.dataset.theme = saved;
  } catch { /* A browser that keeps nothing follows the system. */ }
})();
