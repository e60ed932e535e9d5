/**
 * `ocsgw audit dnc`: open Do-Not-Calls, which OCS has not confirmed yet. `--handled` notes that somebody handled one by
 * other means.
 */
import { HANDLED, queryFor } from "../../journal/open-dnc/handled-notes.ts";
import { openDncOf, type OpenDnc } from "../../journal/search/open-dnc.ts";
import { describeSetAside } from "../../journal/search/missing-segments.ts";
import { lostText, openDncCoverage } from "../../journal/search/dnc/open-coverage.ts";
import { inShell } from "../../common/shell-word.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import { printProblemsToRead } from "../check/check.ts";
import { withGivenConfig } from "../process/given-config.ts";
import { elsewhere } from "./elsewhere.ts";
import { fail } from "./fail.ts";
import { shortTime } from "./output/lines.ts";
import { recordAccess } from "./access/record.ts";
import { openSearcher } from "./searcher.ts";
import { CANNOT_TELL, FAILED, WRONG_USAGE } from "../exit-codes.ts";

export type DncOptions = {
  readonly config: string;
  readonly json?: boolean;
  /** The request id of the last try, or enough of its beginning to be unique. */
  readonly handled?: string;
  readonly note?: string;
};

export const auditDnc = async ({ config, json, handled, note }: DncOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return printProblemsToRead(config);
  if (handled !== undefined) return noteHandled(loaded.settings, { id: handled, note, json });
  if (note !== undefined)
    return fail("--note needs --handled and the request id of the Do-Not-Call's last try", WRONG_USAGE);
  const searcher = await openSearcher(loaded.settings.audit.dir, "audit dnc");
  try {
    const { transactions = [], notes } = await searcher.ask({ kind: "open-dnc" });
    const { unlisted, setAside, isComplete } = await openDncCoverage(searcher.ask);
    const others = await elsewhere(loaded.settings);
    const open = openDncOf(transactions, Date.now(), notes);
    const isWhole = isComplete && others.length === 0;
    console.log(
      json
        ? JSON.stringify({
            open,
            handled: countHandled(open),
            set_aside: setAside,
            ...(loaded.settings.shared && { elsewhere: others }),
          })
        : tableOf(open, isWhole),
    );
    for (const says of others) console.error(`NOT COMPLETE: ${says}`);
    for (const { says, filter } of unlisted)
      console.error(
        withGivenConfig(`NOT COMPLETE: ${says}; to list them: ocsgw audit search -c FILE ${inShell(filter)}`),
      );
    for (const each of setAside)
      console.error(
        withGivenConfig(
          `NOT COMPLETE: ${describeSetAside(each)}: ${lostText(each)}; OCS's answer to an earlier one may be in them`,
        ),
      );
    return isWhole ? 0 : CANNOT_TELL;
  } finally {
    await searcher.close();
  }
};

type Noting = { readonly id: string; readonly note: string | undefined; readonly json: boolean | undefined };

/** Appends an entry. The Do-Not-Call stays open until OCS answers 200. */
const noteHandled = async (settings: Settings, { id, note, json }: Noting): Promise<number> => {
  if (note === undefined)
    return fail(
      '--note is missing: say how it was handled, for example --note "added to the list by hand, ticket 42"',
      WRONG_USAGE,
    );
  const found = (await openIn(settings.audit.dir)).filter(
    (each) => each.id.startsWith(id) || each.id.startsWith(id.toUpperCase()),
  );
  const [item, ...others] = found;
  if (!item || id === "")
    return fail(
      `no open Do-Not-Call has a last try whose request id begins with ${JSON.stringify(id)}; to list them: ` +
        "ocsgw audit dnc -c FILE",
      FAILED,
    );
  if (others.length > 0)
    return fail(
      `the last tries of ${found.length} open Do-Not-Calls have a request id that begins with ${id}: ` +
        `${found.map((each) => each.id).join(", ")}`,
      FAILED,
    );
  const recorded = await recordAccess(
    { settings },
    { operation: HANDLED, query: queryFor(item.id), purpose: note },
    false,
  );
  if (typeof recorded === "number") return recorded;
  if (json) console.log(JSON.stringify({ id: item.id, note }));
  else
    console.log(
      `noted: ${item.resource}/${item.number ?? "–"} of ${item.tenant ?? "a tenant that was not said"} was ` +
        "handled. It stays listed until OCS answers 200 for it",
    );
  return 0;
};

/** Closes the searcher before the note is written: a stopped gateway's journal has one writer at a time. */
const openIn = async (dir: string): Promise<readonly OpenDnc[]> => {
  const searcher = await openSearcher(dir, "audit dnc");
  try {
    return openDncOf((await searcher.ask({ kind: "open-dnc" })).transactions ?? []);
  } finally {
    await searcher.close();
  }
};

const countHandled = (open: readonly OpenDnc[]): number => open.filter(({ handled }) => handled !== null).length;

const HEAD = [
  "number",
  "tenant",
  "OCS",
  "only for",
  "requested by",
  "open for",
  "first requested (UTC)",
  "tries",
  "last try",
  "request id of the last try",
  "handled",
];

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** In the largest unit of which there are at least two. */
const ageOf = (ms: number): string => {
  const [unit, size] = UNITS.find(([, length]) => ms >= 2 * length) ?? ["s", 1000];
  return `${Math.floor(ms / size)} ${unit}`;
};

/** `node`: where each was requested, for those of several nodes. */
export const tableOf = (open: readonly (OpenDnc & { readonly node?: string })[], isComplete: boolean): string => {
  if (open.length === 0)
    return !isComplete
      ? "No open Do-Not-Call in the entries that can be read"
      : "No open Do-Not-Call: OCS has confirmed (200) every one that a known client requested";
  const withNode = open.some(({ node }) => node !== undefined);
  const head = withNode ? ["node", ...HEAD] : HEAD;
  const rows = [
    head,
    ...open.map((each) => [
      ...(withNode ? [each.node ?? "–"] : []),
      `${each.resource}/${each.number ?? "–"}`,
      each.tenant ?? "unknown",
      each.upstream === null ? "–" : `${each.upstream}${each.epoch === null ? "" : ` epoch ${each.epoch}`}`,
      [each.campaign, each.list, each.chain].filter(Boolean).join(", ") || "–",
      each.clients.join(", "),
      ageOf(each.age),
      shortTime(each.first),
      String(each.tries),
      each.ended,
      each.id,
      each.handled === null ? "–" : `${each.handled.by}, ${shortTime(each.handled.at)}: ${each.handled.note}`,
    ]),
  ];
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const handled = countHandled(open);
  const apart =
    handled === 0 ? "" : `; ${handled} of them ${handled === 1 ? "was" : "were"} handled by other means, as notes say`;
  return [
    `${open.length} open Do-Not-Call${open.length === 1 ? "" : "s"}: OCS has not confirmed (200) ` +
      `${open.length === 1 ? "it" : "them"} yet${apart}`,
    "",
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    ),
  ].join("\n");
};
