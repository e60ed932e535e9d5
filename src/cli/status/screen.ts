/** What `ocsgw status` prints: one block for each upstream, one line for the journal, one for what was asked. */
import { bytesText } from "../journal/disk-use.ts";
import type { EndpointState, LaneState, QueueState, StandbyState, Status, UpstreamState } from "../console/status.ts";

export const renderStatus = (status: Status): string =>
  [
    verdict(status),
    ...status.upstreams.flatMap((upstream) => ["", ...renderUpstream(upstream)]),
    "",
    ...aligned([
      ...(status.records.length > 0 ? [["records", records(status)]] : []),
      ["journal", journal(status)],
      ...outside(status),
      ["open dnc", openDoNotCalls(status)],
      ["requests", requests(status)],
      ["refusals", refusals(status)],
      ...credentials(status),
    ]),
  ].join("\n");

const verdict = ({ ready, reasons, warnings, version, uptime, config_hash }: Status): string =>
  [
    `${ready ? "ready" : "not ready"}   ocs-gateway ${version}, up ${span(uptime)}, config ${config_hash.slice(0, 12)}`,
    ...reasons.map((reason) => `  ${reason}`),
    ...warnings.map((warning) => `  warning: ${warning}`),
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
    ? ["  nobody waits"]
    : indented(aligned([["queue", "waiting", "bytes", "oldest"], ...queue.map(queueRow)]))),
];

/** While no OCS is active, what the last probe of the standby saw may be a minute old. */
const stateOf = ({ active, up, standby }: EndpointState, isServed: boolean): string => {
  if (up) return "active";
  if (active) return "not reachable";
  if (!isServed) return "has not taken over";
  return standby ? standbyOf(standby) : "standby";
};

const standbyOf = ({ seen, detail, since, expected, healthy }: StandbyState): string =>
  `standby, ${seen}${healthy || detail === undefined ? "" : ` (${detail})`} for ${span(since)}${healthy || expected === undefined ? "" : `; expected: ${expected}`}`;

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

const journal = ({ journal: { size, failed, waiting, lag, lost, checkpoint, disk } }: Status): string =>
  [
    `${size} entries`,
    `${waiting} waiting`,
    `lag ${span(lag)}`,
    `checkpoint over ${checkpoint.size} ${span(checkpoint.age)} ago`,
    ...(disk ? [diskUse(disk)] : []),
    ...(lost > 0 ? [`${lost} refusals without room`] : []),
    ...(failed === null ? [] : ["broken"]),
  ].join(", ");

/** Only where somebody outside was asked. */
const outside = ({ journal: { witnesses, quorum, timestamp } }: Status): string[][] => [
  ...(quorum === null
    ? []
    : [
        [
          "witnesses",
          witnesses
            .map(
              ({ witness, size, age, trouble }) =>
                `${witness} ${trouble === null ? `cosigned ${size}${age === null ? "" : ` ${span(age)} ago`}` : `does not cosign (${size} cosigned)`}`,
            )
            .join(", "),
        ],
      ]),
  ...(timestamp === null
    ? []
    : [
        [
          "timestamp",
          timestamp.last === null ? "none yet" : `over ${timestamp.last.size}, ${span(timestamp.last.age)} ago`,
        ],
      ]),
];

const diskUse = ({ journal: taken, free, per_hour, full_in }: NonNullable<Status["journal"]["disk"]>): string =>
  `${bytesText(taken)} on disk, ${bytesText(free)} free${per_hour === null || full_in === null ? "" : `, ${bytesText(per_hour)} an hour: full in ${span(full_in)}`}`;

const openDoNotCalls = ({ open_do_not_calls: all }: Status): string =>
  all === null
    ? "not known yet"
    : all
        .map(({ tenant, open, oldest }) => `${tenant ?? "no tenant said"} ${open} (oldest ${span(oldest)})`)
        .join(", ") || "none";

/** Handles that are a tenant's now. */
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
    ...no_answers.map(({ code, count }) => `sent without an answer: ${code} ${count}`),
  ].join("; ");

/** `OCSGW-3001 1003 (Beta Tenant 1000, Alpha Tenant 3)` */
const refusals = ({ refusals: counts }: Status): string =>
  counts
    .map(
      ({ code, count, most }) =>
        `${code} ${count}${most.length === 0 ? "" : ` (${most.map((of) => `${of.tenant} ${of.count}`).join(", ")})`}`,
    )
    .join(", ") || "none";

/** Only where one was refused. */
const credentials = ({ auth_failures: all }: Status): string[][] =>
  all.length === 0
    ? []
    : [["credentials", `refused: ${all.map(({ reason, count }) => `${reason} ${count}`).join(", ")}`]];

/** Columns by their widest cell; nothing behind the last one. */
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

/** Milliseconds in the largest unit of which there are at least two, but for seconds, which begin with the first. */
const span = (ms: number): string => {
  const [unit, size] = UNITS.find(([name, length]) => ms >= (name === "s" ? length : 2 * length)) ?? ["ms", 1];
  return `${unit === "s" && ms < 10_000 ? (ms / 1000).toFixed(1) : Math.floor(ms / size)} ${unit}`;
};
