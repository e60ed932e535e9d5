/** Stories as lines for a terminal: one each, in columns. */
import type { Recorded } from "../../journal/entry.ts";
import { factsOf, type State, type Story } from "../../journal/story.ts";

const SIGNS: Readonly<Record<State, string>> = {
  ok: "●",
  "ocs-no": "▲",
  refused: "✖",
  "no-answer": "?",
  abandoned: "–",
  "in-doubt": "?",
  open: "…",
};

/** The column of words; the id stands behind it. */
const WORDS = 7;

export const linesOf = (stories: readonly Story[]): string[] => {
  const rows = stories.map(rowOf);
  // What an entry of no request says comes last in its line and is long: it widens no column.
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(0, ...rows.filter((row) => column < WORDS || row[column + 1] !== "").map((row) => row[column]!.length)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join("  ")
      .trimEnd(),
  );
};

/** `2026-11-22T12:04:31.218Z`, which a filter takes as it stands. */
export const shortTime = (time: string): string => (time === "" ? "" : `${time.slice(0, 23)}Z`);

const rowOf = (story: Story): string[] => {
  const { state, status, tenant, client, action, code, reason, id, queue, ocs, warning } = factsOf(story);
  const [first] = story.entries;
  const time = shortTime(first?.time ?? "");
  if (state === undefined) return [time, "", "", first?.kind ?? "", "", "", "", factsInWords(first!), ""];
  const claimed = client === undefined ? claimedIn(first!) : undefined;
  const why = client === undefined && code !== undefined ? reason?.split(":")[0] : undefined;
  const waits = ocs === undefined || ocs === 0 ? "" : `queue ${queue} ocs ${ocs} ms`;
  return [
    time,
    SIGNS[state],
    String(status ?? "–"),
    state,
    tenant?.name ?? "–",
    client ?? "–",
    action ?? "–",
    `${targetOf(first!)}  ${[code, why, claimed, warning, waits].filter((part) => part !== undefined && part !== "").join("  ")}`.trimEnd(),
    id ?? "",
  ];
};

/** `claims alpha-crm`: what a client that was not let in said of itself; nothing of it was verified. */
const claimedIn = (entry: Recorded): string | undefined =>
  entry.kind === "refusal" && entry.presented?.client !== undefined ? `claims ${entry.presented.client}` : undefined;

/** `phones/······0100` */
export const targetOf = (entry: Recorded): string => {
  if (!("resource" in entry) || !entry.resource) return "–";
  return `${entry.resource}${"identifier" in entry && entry.identifier ? `/${entry.identifier}` : ""}`;
};

/** What an entry says that is of no request, in the order of its members. */
const factsInWords = (entry: Recorded): string =>
  Object.entries(entry)
    .filter(
      ([name, value]) =>
        !["index", "time", "kind", "tokens", "crc"].includes(name) && value !== null && value !== undefined,
    )
    .map(([name, value]) => `${name} ${typeof value === "object" ? JSON.stringify(value) : String(value)}`)
    .join(", ");
