/** Texts of charts and their tables. */
const from = (upstream: string): string => (upstream === "" ? "" : ` of ${upstream}`);

export const chart = {
  more: "⋯",
  menu: (title: string) => `Chart: ${title}`,
  asTable: "View as table",
  asChart: "View as chart",
  promql: "Copy PromQL",
  csv: "Copy values (CSV)",
  table: (title: string) => `Values: ${title}`,
  time: "Time",
  unknown: "–",
  noValues: "No values yet",
  highest: (value: string) => `Highest value: ${value}.`,
  limitAbove: (says: string) => `${says}: far above these values`,
  help: "Arrow left and right move through time, in all charts of this page. Escape shows the newest values again.",
  allAsTable: "Tables",

  step: "Step",
  steps: { "10": "10 s", "60": "1 min", "300": "5 min" },
  markers: "Events of the last 60 minutes",
  marker: {
    start: (version: string, _upstream: string) => `the gateway started, version ${version}`,
    config: (text: string, _upstream: string) => `config ${text}`,
    switchover: (endpoint: string, upstream: string) => `switchover${from(upstream)} to ${endpoint || "another OCS"}`,
    reconnected: (endpoint: string, upstream: string) => `connected again to ${endpoint}${from(upstream)}`,
    down: (_text: string, upstream: string) => `no OCS${from(upstream)} accepts connections`,
    fault: (text: string, _upstream: string) => `injected fault ${text}`,
  },
  outcome: { ok: "ok", ocs_no: "OCS said no", refused: "refused here", no_answer: "no answer" },
  others: "other codes",
} as const;
