// Charts of our own: lines and stacked areas in SVG, read with the pointer or the arrow keys.
import { now, onMessage } from "./live.js";

const namespace = "http://www.w3.org/2000/svg";
// Places in a point, as the node sends it.
const [TIME, QUERIES, FAILED, GOOD, CLIENT, SERVER, LATENCY, BYTES, OPEN] = [0, 1, 2, 3, 4, 5, 6, 7, 8];

function count(value) {
  if (!Number.isFinite(value)) return "—";
  let unit = "";
  for (const next of ["k", "M", "G", "T"]) if (value >= 999.5) { value /= 1000; unit = next; }
  return `${Number(value.toPrecision(value >= 100 ? 3 : 2))}${unit}`;
}
const milliseconds = (v) => (v === null ? "—" : v >= 1000 ? `${count(v / 1000)} s` : v < 1 ? `${count(v * 1000)} µs` : `${count(v)} ms`);
const percent = (v) => (v === null ? "—" : `${count(v)}%`);
const share = (p) => {
  const all = p[GOOD] + p[CLIENT] + p[SERVER];
  return all > 0 ? (100 * p[SERVER]) / all : 0;
};

const charts = {
  requests: { format: count, unit: "per second", series: [
    { name: "1xx–3xx", look: "a", value: (p) => p[GOOD] }, { name: "4xx", look: "w", value: (p) => p[CLIENT] },
    { name: "5xx", look: "x", value: (p) => p[SERVER] }], isStacked: true },
  queries: { format: count, unit: "per second", series: [
    { name: "answered", look: "b", value: (p) => Math.max(p[QUERIES] - p[FAILED], 0) },
    { name: "failed", look: "x", value: (p) => p[FAILED] }], isStacked: true },
  latency: { format: milliseconds, unit: "", series: [{ name: "mean", look: "c", value: (p) => p[LATENCY] }] },
  errors: { format: percent, unit: "", series: [{ name: "5xx", look: "x", value: share }] },
  bandwidth: { format: (v) => `${count(v)}bit/s`, tick: count, unit: "", series: [{ name: "to clients", look: "a", value: (p) => p[BYTES] * 8 }] },
  open: { format: count, unit: "", series: [{ name: "open", look: "b", value: (p) => p[OPEN] }], isWhole: true },
};
const sparks = {
  queries: (p) => p[QUERIES], requests: (p) => p[GOOD] + p[CLIENT] + p[SERVER], errors: share, latency: (p) => p[LATENCY],
  open: (p) => p[OPEN],
};

let points = [];
let range = "5m";
const limits = { "5m": 300, "1h": 360 };
const spans = { "5m": 300_000, "1h": 3_600_000 };

function make(name, attributes, parent) {
  const element = document.createElementNS(namespace, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  parent?.append(element);
  return element;
}

/** Of the times of an axis, as the browser calls it then. */
function zone(time) {
  const parts = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" }).formatToParts(time);
  return parts.find((part) => part.type === "timeZoneName")?.value ?? "";
}

/** A round number at or above a value, for the top of an axis. */
function roundUp(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  for (const step of [1, 1.5, 2, 3, 4, 5, 8, 10]) if (step * power >= value) return step * power;
  return 10 * power;
}

class Chart {
  constructor(figure) {
    this.plan = charts[figure.dataset.chart];
    this.name = figure.querySelector("h2").textContent;
    this.area = document.createElement("div");
    this.area.className = "plot";
    this.area.tabIndex = 0;
    this.area.setAttribute("role", "slider");
    this.area.setAttribute("aria-orientation", "horizontal");
    this.area.setAttribute("aria-label", `${this.name}, read with the arrow keys`);
    this.area.setAttribute("aria-valuemin", "0");
    this.svg = make("svg", { "aria-hidden": "true" });
    this.note = document.createElement("div");
    this.note.className = "note";
    this.note.hidden = true;
    this.area.append(this.svg, this.note);
    figure.append(this.area);
    if (this.plan.series.length > 1) {
      const legend = document.createElement("ul");
      legend.className = "keys";
      for (const series of this.plan.series) {
        const item = document.createElement("li");
        item.className = `look-${series.look}`;
        item.textContent = series.name;
        legend.append(item);
      }
      figure.append(legend);
    }
    this.at = null;
    this.width = 0;
    new ResizeObserver(() => { this.width = this.area.clientWidth; this.draw(); }).observe(this.area);
    this.area.addEventListener("pointermove", (event) => this.point(event));
    this.area.addEventListener("pointerleave", () => this.read(null));
    this.area.addEventListener("blur", () => this.read(null));
    this.area.addEventListener("focus", () => { if (this.at === null) this.read(points.length - 1); });
    this.area.addEventListener("keydown", (event) => this.key(event));
  }

  frame() {
    const end = points.length ? points[points.length - 1][TIME] : now();
    return { start: end - spans[range], end, left: 56, right: 8, top: 8, bottom: 22, height: 190 };
  }

  draw() {
    const { width } = this;
    if (width < 40) return;
    const f = this.frame();
    const inner = width - f.left - f.right;
    const low = f.height - f.bottom;
    this.x = (time) => f.left + ((time - f.start) / (f.end - f.start)) * inner;
    const shown = points.filter((p) => p[TIME] >= f.start);
    const sums = shown.map((p) => this.plan.isStacked
      ? this.plan.series.reduce((sum, s) => sum + s.value(p), 0)
      : Math.max(...this.plan.series.map((s) => s.value(p) ?? 0)));
    const top = roundUp(Math.max(this.plan.isWhole ? 2 : 0, ...sums) * 1.05);
    const y = (value) => low - (Math.min(value, top) / top) * (low - f.top);
    this.svg.replaceChildren();
    this.svg.setAttribute("viewBox", `0 0 ${width} ${f.height}`);
    this.svg.setAttribute("height", f.height);
    for (const part of [0, 0.5, 1]) {
      const at = y(top * part);
      make("line", { x1: f.left, x2: width - f.right, y1: at, y2: at, class: "rule" }, this.svg);
      make("text", { x: f.left - 8, y: at + 4, class: "tick end" }, this.svg).textContent = (this.plan.tick ?? this.plan.format)(top * part);
    }
    const steps = width < 420 ? 2 : 4;
    for (let step = 0; step <= steps; step += 1) {
      const time = f.start + ((f.end - f.start) * step) / steps;
      const text = make("text", { x: this.x(time), y: f.height - 4, class: `tick ${step === 0 ? "start" : step === steps ? "end" : "middle"}` }, this.svg);
      text.textContent = new Date(time).toLocaleTimeString(undefined, range === "5m" ? {} : { hour: "2-digit", minute: "2-digit" });
    }
    make("text", { x: f.left - 8, y: f.height - 4, class: "tick end zone" }, this.svg).textContent = zone(f.end);
    let base = shown.map(() => 0);
    // What is stacked is drawn from the top down, so that no line hides under the next.
    const layers = [];
    for (const series of this.plan.series) {
      const values = shown.map((p) => series.value(p));
      if (this.plan.isStacked && series !== this.plan.series[0] && !values.some((v) => v > 0)) continue;
      const tops = values.map((v, i) => (this.plan.isStacked ? base[i] + (v ?? 0) : v));
      const line = this.line(shown, tops, y);
      const layer = make("g", {});
      layers.unshift(layer);
      if (line) {
        const floor = this.plan.isStacked ? this.back(shown, base, y) : null;
        if (floor) make("path", { d: `${line}${floor}Z`, class: `area look-${series.look}` }, layer);
        else if (!tops.includes(null)) make("path", { d: `${line}L${this.x(shown.at(-1)[TIME]).toFixed(1)} ${low}L${this.x(shown[0][TIME]).toFixed(1)} ${low}Z`, class: `area look-${series.look}` }, layer);
        make("path", { d: line, class: `line look-${series.look}` }, layer);
      }
      if (this.plan.isStacked) base = tops;
    }
    this.svg.append(...layers);
    if (shown.length < 2) make("text", { x: f.left + inner / 2, y: f.height / 2, class: "tick middle" }, this.svg).textContent = "Collecting…";
    this.hair = make("line", { y1: f.top, y2: low, class: "hair", visibility: "hidden" }, this.svg);
    this.area.setAttribute("aria-valuemax", String(Math.max(points.length - 1, 0)));
    this.read(this.at === null ? null : Math.min(this.at, points.length - 1));
  }

  line(shown, values, y) {
    let path = "";
    let pen = "M";
    values.forEach((value, i) => {
      if (value === null) { pen = "M"; return; }
      path += `${pen}${this.x(shown[i][TIME]).toFixed(1)} ${y(value).toFixed(1)}`;
      pen = "L";
    });
    return shown.length > 1 ? path : "";
  }

  back(shown, base, y) {
    let path = "";
    for (let i = shown.length - 1; i >= 0; i -= 1) path += `L${this.x(shown[i][TIME]).toFixed(1)} ${y(base[i]).toFixed(1)}`;
    return path;
  }

  point(event) {
    const at = event.clientX - this.area.getBoundingClientRect().left;
    let best = null;
    let distance = 40;
    points.forEach((p, i) => {
      const d = Math.abs(this.x(p[TIME]) - at);
      if (d < distance) { distance = d; best = i; }
    });
    this.read(best);
  }

  key(event) {
    const last = points.length - 1;
    const now = this.at ?? last;
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, PageUp: now - 10, PageDown: now + 10, Home: 0, End: last }[event.key];
    if (next === undefined) { if (event.key === "Escape") this.read(null); return; }
    event.preventDefault();
    this.read(Math.max(0, Math.min(last, next)));
  }

  read(at) {
    this.at = at;
    const p = at === null ? undefined : points[at];
    this.note.hidden = !p;
    this.hair?.setAttribute("visibility", p ? "visible" : "hidden");
    const latest = p ?? points.at(-1);
    if (latest) {
      const values = this.plan.series.map((s) => `${s.name} ${this.plan.format(s.value(latest))}`).join(", ");
      this.area.setAttribute("aria-valuenow", String(at ?? points.length - 1));
      this.area.setAttribute("aria-valuetext", `${new Date(latest[TIME]).toLocaleTimeString(undefined, { timeZoneName: "short" })}: ${values} ${this.plan.unit}`);
    }
    if (!p) return;
    const x = this.x(p[TIME]);
    this.hair.setAttribute("x1", x);
    this.hair.setAttribute("x2", x);
    this.note.replaceChildren();
    const time = document.createElement("b");
    time.textContent = new Date(p[TIME]).toLocaleTimeString(undefined, { timeZoneName: "short" });
    this.note.append(time);
    for (const series of this.plan.series) {
      const item = document.createElement("span");
      item.className = `look-${series.look}`;
      item.textContent = `${series.name} ${this.plan.format(series.value(p))}`;
      this.note.append(item);
    }
    // Set through the object model, which the content security policy allows.
    const isRight = x > this.width / 2;
    this.note.style.left = isRight ? "auto" : `${x + 10}px`;
    this.note.style.right = isRight ? `${this.width - x + 10}px` : "auto";
  }
}

function drawSpark(svg) {
  const value = sparks[svg.dataset.spark];
  const values = points.slice(-90).map((p) => value(p));
  const known = values.filter((v) => v !== null);
  svg.replaceChildren();
  if (known.length < 2) return;
  const top = Math.max(...known) * 1.15 || 1;
  let path = "";
  let pen = "M";
  values.forEach((v, i) => {
    if (v === null) { pen = "M"; return; }
    path += `${pen}${((i / (values.length - 1)) * 120).toFixed(1)} ${(31 - (v / top) * 28).toFixed(1)}`;
    pen = "L";
  });
  if (known.length === values.length) make("path", { d: `${path}L120 32L0 32Z`, class: "under" }, svg);
  make("path", { d: path, class: "over", "vector-effect": "non-scaling-stroke" }, svg);
}

let drawn = [];
let due = false;
function draw() {
  if (due) return;
  due = true;
  requestAnimationFrame(() => {
    due = false;
    for (const chart of drawn) chart.draw();
    for (const svg of document.querySelectorAll("[data-spark]")) drawSpark(svg);
  });
}

let asked = 0;
async function load() {
  const number = ++asked;
  try {
    const answer = await fetch(`/history?range=${range}`);
    const found = answer.ok ? await answer.json() : null;
    // Of a range that was left meanwhile.
    if (number !== asked) return;
    if (found) points = found;
  } catch { /* The banner says that the node is gone. */ }
  draw();
}

export function startCharts() {
  drawn = [...document.querySelectorAll("[data-chart]")].map((figure) => new Chart(figure));
  for (const button of document.querySelectorAll("[data-range]")) {
    button.addEventListener("click", () => {
      range = button.dataset.range;
      for (const other of document.querySelectorAll("[data-range]")) other.setAttribute("aria-pressed", String(other === button));
      load();
    });
  }
  let ticks = 0;
  onMessage((message, isGap) => {
    ticks += 1;
    // Ten seconds are one point of the hour.
    if (isGap || (range === "1h" && ticks % 10 === 0)) { load(); return; }
    if (range !== "5m" || !message.p || (points.length && message.p[TIME] <= points.at(-1)[TIME])) return;
    points.push(message.p);
    if (points.length > limits[range]) points.splice(0, points.length - limits[range]);
    draw();
  });
  load();
}
