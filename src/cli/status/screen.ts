/** The screen of `ocsgw status`: a block for each upstream, then lines for journal, requests and refusals. */
import { withGivenConfig } from "../process/given-config.ts";
import { bytesText } from "../../journal/segments/disk-use.ts";
import type { EndpointState, LaneState, QueueState, StandbyState, Status, UpstreamState } from "../../admin/status.ts";

export const renderStatus = (status: Status): string =>
  [
    verdict(status),
    ...status.upstreams.flatMap((upstream) => ["", ...renderUpstream(upstream)]),
    "",
    ...renderRollout(status),
    ...aligned([
      ...(status.records.length > 0 ? [["records", records(status)]] : []),
      ["journal", journal(status)],
      ...outside(status),
      ["open dnc", openDoNotCalls(status)],
      ...(status.outbox.length === 0 ? [] : [["outbox", outbox(status)] as const]),
      ["requests", requests(status)],
      ["refusals", refusals(status)],
      ...credentials(status),
    ]),
  ].join("\n");

const verdict = ({ ready, reasons, warnings, version, uptime, config_hash }: Status): string =>
  [
    `${ready ? "ready" : "not ready"}   ocs-gateway ${version}, up ${span(uptime)}, config ${config_hash.slice(0, 12)}`,
    ...reasons.map((reason) => `  ${reason}`),
    ...warnings.map((warning) => `  warning: ${withGivenConfig(warning)}`),
  ].join("\n");

const renderUpstream = ({ name, epoch, endpoints, lanes, queue }: UpstreamState): string[] => [
  `upstream ${name}, epoch ${epoch}`,
  ...indented(
    aligned([
      ["role", "endpoint", "state"],
      ...endpoints.map((each) => [
        each.role,
        each.endpoint,
        stateOf(
          each,
          endpoints.some(({ up }) => up),
        ),
      ]),
    ]),
  ),
  "",
  ...indented(aligned([["lane", "state", "tenant", "for", "endpoint"], ...lanes.map(laneRow)])),
  "",
  ...(queue.length === 0
    ? ["  queue empty"]
    : indented(aligned([["queue", "waiting", "bytes", "oldest"], ...queue.map(queueRow)]))),
];

const STEPS: Readonly<Record<Status["rollout"][number]["step"], string>> = {
  recorded: "recorded",
  observed: "observed",
  "one-enforced": "one tenant enforced",
  "all-enforced": "all enforced",
  "direct-path-closed": "direct path closed",
};

/** A gateway of an older version does not have it. */
const renderRollout = ({ rollout = [] }: Partial<Pick<Status, "rollout">>): string[] =>
  rollout.length === 0
    ? []
    : [
        "from observe to enforce",
        ...indented(
          aligned(
            rollout.map(({ step, state, detail }) => [
              STEPS[step],
              state === "cannot-tell" ? "cannot tell" : state,
              withGivenConfig(detail),
            ]),
          ),
        ),
        "",
      ];

/** While no OCS is active, the last probe of the standby may be a minute old, and is not shown. */
const stateOf = ({ active, up, standby }: EndpointState, isServed: boolean): string => {
  if (up) return "active";
  if (active) return "unreachable";
  if (!isServed) return "standby, has not taken over";
  return standby ? standbyOf(standby) : "standby";
};

const standbyOf = ({ seen, detail, since, expected, healthy }: StandbyState): string =>
  `standby, ${seen}${healthy || detail === undefined ? "" : ` (${detail})`} for ` +
  `${span(since)}${healthy || expected === undefined ? "" : `; expected: ${expected}`}`;

const laneRow = ({ name, state, tenant, since, endpoint }: LaneState): string[] => [
  name,
  state,
  tenant ?? "-",
  span(since),
  endpoint ?? "-",
];

const queueRow = ({ tenant, waiting, bytes, oldest }: QueueState): string[] => [
  tenant,
  String(waiting),
  String(bytes),
  span(oldest),
];

const journal = ({
  journal: { size, failed, waiting, lag, lost, lost_requests: requests, checkpoint, disk },
}: Status): string =>
  [
    `${size} entries`,
    `${waiting} waiting`,
    `lag ${span(lag)}`,
    `last checkpoint ${span(checkpoint.age)} ago (${checkpoint.size} entries)`,
    ...(disk ? [diskUse(disk)] : []),
    ...(requests > 0 ? [`${requests} intents and outcomes lost`] : []),
    ...(lost > requests ? [`${lost - requests} refusals and other entries lost`] : []),
    ...(failed === null ? [] : ["cannot be written"]),
  ].join(", ");

/** Only with witnesses or a time stamping authority. */
const outside = ({ journal: { witnesses, quorum, timestamp } }: Status): string[][] => [
  ...(quorum === null ? [] : [["witnesses", witnesses.map(witnessState).join(", ")]]),
  ...(timestamp === null
    ? []
    : [
        [
          "timestamp",
          timestamp.last === null ? "none yet" : `${span(timestamp.last.age)} ago (${timestamp.last.size} entries)`,
        ],
      ]),
];

const witnessState = ({ witness, size, age, trouble }: Status["journal"]["witnesses"][number]): string => {
  if (trouble !== null) return `${witness} does not cosign (${size} cosigned)`;
  return `${witness} cosigned ${size}${age === null ? "" : ` ${span(age)} ago`}`;
};

const diskUse = ({ journal: taken, free, per_hour, full_in }: NonNullable<Status["journal"]["disk"]>): string =>
  `${bytesText(taken)} on disk, ${bytesText(free)} ` +
  `free${per_hour === null || full_in === null ? "" : `, ${bytesText(per_hour)} an hour: full in ${span(full_in)}`}`;

const openDoNotCalls = ({ open_do_not_calls: all }: Status): string =>
  all === null
    ? "unknown yet"
    : all
        .map(({ tenant, open, oldest }) => `${tenant ?? "unknown tenant"} ${open} (oldest ${span(oldest)})`)
        .join(", ") || "none";

const outbox = ({ outbox: all }: Status): string =>
  all
    .map(({ tenant, pending, alarms, oldest }) => {
      const waits = pending === 0 ? "" : ` (oldest ${span(oldest)})`;
      return `${tenant} ${pending} pending${waits}${alarms === 0 ? "" : `, ${alarms} ALARM`}`;
    })
    .join(", ");

/** Record handles by tenant. */
const records = ({ records: all }: Status): string =>
  all
    .map(
      ({ tenant, handles, unconfirmed }) =>
        `${tenant} ${handles}${unconfirmed > 0 ? ` (${unconfirmed} unconfirmed)` : ""}`,
    )
    .join(", ");

const requests = ({ requests: counts, no_answers }: Status): string =>
  [
    counts.map(({ origin, status_class, count }) => `${origin} ${status_class} ${count}`).join(", ") || "none yet",
    ...no_answers.map(({ code, count }) => `sent, no answer: ${code} ${count}`),
  ].join("; ");

/** `OCSGW-3001 1003 (Beta Tenant 1000, Alpha Tenant 3)` */
const refusals = ({ refusals: counts }: Status): string =>
  counts
    .map(
      ({ code, count, most }) =>
        `${code} ${count}${most.length === 0 ? "" : ` (${most.map((of) => `${of.tenant} ${of.count}`).join(", ")})`}`,
    )
    .join(", ") || "none";

/** Only after failures. */
const credentials = ({ auth_failures: all }: Status): string[][] =>
  all.length === 0
    ? []
    : [["credentials", `rejected: ${all.map(({ reason, count }) => `${reason} ${count}`).join(", ")}`]];

/** Pads columns to their widest cell; no blanks at the end of a line. */
const aligned = (rows: readonly (readonly string[])[]): string[] => {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
};

const indented = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1000],
] as const;

/** Formats milliseconds in the largest unit with a value of 2 or more (seconds: 1 or more). */
const span = (ms: number): string => {
  const [unit, size] = UNITS.find(([name, length]) => ms >= (name === "s" ? length : 2 * length)) ?? ["ms", 1];
  return `${unit === "s" && ms < 10_000 ? (ms / 1000).toFixed(1) : Math.floor(ms / size)} ${unit}`;
};
