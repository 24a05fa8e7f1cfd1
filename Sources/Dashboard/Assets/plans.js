// What operators can change from the pages: the words of the dialog, its fields, and the request that is made of them.

import { now } from "./live.js";

const collections = {
  region: "regions", pool: "pools", "virtual-server": "virtual-servers", member: "members", "wide-ip": "wide-ips",
};

const words = { region: "Region", pool: "Pool", "virtual-server": "Virtual server", member: "Member", "wide-ip": "Wide IP" };

const times = [["900", "15 minutes"], ["1800", "30 minutes"], ["3600", "1 hour"], ["7200", "2 hours"], ["28800", "8 hours"], ["86400", "1 day"]];

const kindField = (...kinds) => ({ id: "kind", label: "What", options: kinds.map((kind) => [kind, words[kind]]) });

/** A name of the kind that is chosen; names are suggested as they are typed. */
const nameField = (id, label, more = {}) => ({
  id, label, required: true, maxLength: 320, suggests: (v) => collections[v.kind], ...more,
});

/** The browser's, in which its fields for times are. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const reasonField = { id: "reason", label: "Reason", hint: "is in the audit trail", maxLength: 512, placeholder: "kernel update" };
const untilField = { id: "seconds", label: "For how long", options: [...times, ["", "Until it is enabled"]], value: "7200" };

const subject = (v) => `${(words[v.kind] ?? "").toLowerCase()} ${v.name}`;

/** Without what was left empty. */
function compact(body) {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined && value !== ""));
}

const number = (text) => (text === undefined || text === "" ? undefined : Number(text));
const part = (text) => Number(text) / 100;

function override(verdict, v, more = {}) {
  return ["PUT", `/v1/overrides/${v.kind}`,
    compact({ name: v.name, verdict, reason: v.reason?.trim(), seconds: number(v.seconds), force: v.force, ...more })];
}

const participles = {
  drain: "drained", disable: "disabled", "force-up": "forced up", "force-down": "forced down", cutover: "cut over", weight: "weighed",
};

/** What an override does to something, in words: `drained by pattern eu-* of region (ann, “move”)`. */
export function holding(override) {
  const source = override.window ? `window ${override.window}`
    : /[*?]/.test(override.name) ? `pattern ${override.name} of ${override.kind.replace("-", " ")}` : subject(override);
  const origin = [override.author, override.reason && `“${override.reason}”`].filter(Boolean).join(", ");
  return `${participles[override.verdict] ?? override.verdict} by ${source}${origin && ` (${origin})`}`;
}

export const plans = {
  // Of one part, from its row.
  drain: {
    title: (v) => `Drain ${subject(v)}?`,
    effect: "New clients go elsewhere while anything else is available. Whoever has the old answer keeps being served, and open connections go on.",
    go: "Drain", collection: "overrides", fields: [reasonField, untilField],
    request: (v) => override("drain", v),
  },
  enable: {
    title: (v) => `Enable ${subject(v)}?`,
    effect: "What operators set for it ends at once. Clients come back as their resolvers ask again.",
    go: "Enable", collection: "overrides", fields: [], tellsHeld: true,
    request: (v) => ["DELETE", `/v1/overrides/${v.kind}`, compact({ name: v.name, force: v.force })],
  },
  resume: {
    title: (v) => `Resume ${subject(v)}?`,
    effect: "It was down, its monitors have it up again, and it waits for an operator. Clients are sent to it at once.",
    go: "Resume", fields: [], hasNoTrial: true,
    request: (v) => ["POST", `/v1/virtual-servers/${encodeURIComponent(v.name)}/resume`],
  },
  "cancel-window": {
    title: (v) => `Cancel window ${v.name}?`,
    effect: "A window of the configuration skips the run that is under way or comes next. One that an operator planned is gone.",
    go: "Cancel window", collection: "windows", fields: [],
    request: (v) => ["DELETE", `/v1/windows/${encodeURIComponent(v.name)}`],
  },
  "cancel-shift": {
    title: (v) => `Cancel shift ${v.name}?`,
    effect: "The clients that it moved go back as fast as they came.",
    go: "Cancel shift", collection: "shifts", fields: [],
    request: (v) => ["DELETE", `/v1/shifts/${encodeURIComponent(v.name)}`],
  },

  // From the page of operations.
  override: {
    title: () => "Drain, disable or force",
    effect: "A drain sends new clients elsewhere while anything else is available. What is disabled gets nothing, whatever else is down. What is forced counts as up or down, whatever its monitors say.",
    go: "Set", collection: "overrides",
    fields: [
      { id: "verdict", label: "Do", options: [["drain", "Drain"], ["disable", "Disable"], ["force-up", "Force up"], ["force-down", "Force down"]] },
      kindField("region", "pool", "virtual-server", "member", "wide-ip"),
      nameField("name", "Name or pattern", { placeholder: "eu, or eu-*", wide: true }), reasonField, untilField,
    ],
    request: (v) => override(v.verdict, v),
  },
  weight: {
    title: () => "Change a weight",
    effect: "Its share is multiplied by this: 50 halves it, 0 sends it nothing new. It counts where shares are drawn.",
    go: "Set weight", collection: "overrides",
    fields: [
      kindField("pool", "region", "virtual-server", "member"), nameField("name", "Name or pattern"),
      { id: "factor", label: "Per cent of its share", type: "number", min: 0, max: 10000, step: "any", required: true, value: "50" },
      untilField, { ...reasonField, wide: true },
    ],
    request: (v) => override("weight", v, { factor: part(v.factor) }),
  },
  cutover: {
    title: () => "Cut over",
    effect: "For disasters: all that would go to one goes to the other, at once and even if that fails later, until what was given up is enabled again.",
    go: "Cut over", isGrave: true, collection: "overrides",
    fields: [
      { ...kindField("region", "pool"), wide: true }, nameField("name", "Give up"), nameField("to", "In favour of"),
      reasonField, { ...untilField, value: "" },
    ],
    request: (v) => override("cutover", v, { to: v.to }),
  },
  shift: {
    title: () => "Shift clients",
    effect: "A part of the clients moves, little by little. It stays moved until the shift is cancelled.",
    go: "Start shift", collection: "shifts",
    fields: [
      { ...kindField("region", "pool"), wide: true }, nameField("from", "From"), nameField("to", "To"),
      { id: "share", label: "Per cent of its clients", type: "number", min: 1, max: 100, step: "any", required: true, value: "20" },
      { id: "seconds", label: "Over", options: [["60", "1 minute"], ["300", "5 minutes"], ...times, ["259200", "3 days"]], value: "1800" },
      { id: "wide_ip", label: "Names", hint: "or a pattern", value: "*", required: true, maxLength: 320, suggests: () => "wide-ips" }, reasonField,
    ],
    request: (v) => ["POST", "/v1/shifts", compact({
      kind: v.kind, from: v.from, to: v.to, share: part(v.share), seconds: number(v.seconds), wide_ip: v.wide_ip,
      reason: v.reason?.trim(), force: v.force,
    })],
  },
  window: {
    title: () => "Plan a maintenance window",
    effect: "It is drained before, taken out during, and comes back after. What is shown below is what its run would move if it began now.",
    go: "Plan window", collection: "windows",
    fields: [
      { id: "window", label: "Window's name", required: true, maxLength: 64, pattern: "[A-Za-z0-9_.\\-]+", title: "Letters, digits, hyphens, underscores and dots", placeholder: "kernel-update" },
      { id: "verdict", label: "While it is open", options: [["drain", "Drain"], ["disable", "Disable"]] },
      kindField("region", "pool", "virtual-server", "member"), nameField("name", "Name or pattern"),
      { id: "repeats", label: "When", options: [["once", "Once"], ["weekly", "Each week"], ["monthly", "Each month"]] },
      { id: "start", label: "Starts", hint: zone, type: "datetime-local", required: true, value: () => soon(), when: (v) => v.repeats === "once" },
      { id: "days", label: "Days", required: true, when: (v) => v.repeats !== "once", placeholder: "tue, thu · 15, last, second tue" },
      { id: "at", label: "At", type: "time", required: true, value: "02:00", when: (v) => v.repeats !== "once" },
      { id: "zone", label: "Time zone", value: zone, when: (v) => v.repeats !== "once" },
      { id: "seconds", label: "Open for", options: times, value: "7200" },
      { id: "drain", label: "Drained before", options: [["0", "Not at all"], ["300", "5 minutes"], ["900", "15 minutes"], ["3600", "1 hour"]], value: "900" },
      { ...reasonField, wide: true },
    ],
    request: (v) => ["PUT", `/v1/windows/${encodeURIComponent(v.window)}`, compact({
      kind: v.kind, name: v.name, verdict: v.verdict, seconds: number(v.seconds), drain: number(v.drain), reason: v.reason?.trim(),
      ...(v.repeats === "once" ? { start: new Date(v.start).getTime() } : { days: `${v.repeats} ${v.days}`, at: v.at, zone: v.zone }),
    })],
  },
};

/** The next full hour, by the clock that windows go by, as the browser's own time field has it. */
function soon() {
  const date = new Date(now() + 3_600_000);
  date.setMinutes(-date.getTimezoneOffset(), 0, 0);
  return date.toISOString().slice(0, 16);
}
