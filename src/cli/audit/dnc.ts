/**
 * `ocsgw audit dnc`: whom nobody may call any more and OCS does not know of yet. `--handled`: somebody notes that one was
 * handled by other means.
 */
import { HANDLED, queryFor } from "../../journal/handled.ts";
import { owedOf, type Owed } from "../../journal/owed.ts";
import { saysAside, type AsideSpan } from "../../journal/search/asides.ts";
import { loadToRead } from "../../settings/load.ts";
import type { Settings } from "../../settings/schema.ts";
import { sayInvalidToRead } from "../check.ts";
import { shortTime } from "./lines.ts";
import { recordAccess } from "./record.ts";
import { openSearcher, type Searcher } from "./searcher.ts";

export type DncOptions = {
  readonly config: string;
  readonly json?: boolean;
  /** The request id of the last try, or what only that one begins with. */
  readonly handled?: string;
  readonly note?: string;
};

export const auditDnc = async ({ config, json, handled, note }: DncOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalidToRead(config);
  if (handled !== undefined) return noteHandled(loaded.settings, { id: handled, note, json });
  if (note !== undefined)
    return said("--note: say which Do-Not-Call was handled: --handled and the request id of the last try", WRONG_USAGE);
  const searcher = await openSearcher(loaded.settings.audit.dir, "audit dnc");
  try {
    const { stories = [], notes } = await searcher.ask({ kind: "owed" });
    const { searched } = await searcher.ask({ kind: "page", filter: "kind:set-aside", names: [], limit: 1 });
    const open = owedOf(stories, Date.now(), notes);
    const asides = searched?.set_aside ?? [];
    const unlisted = [await unnamedIn(searcher), await lostToGaps(searcher)].filter((each) => each !== undefined);
    console.log(
      json
        ? JSON.stringify({ open, handled: countHandled(open), set_aside: asides })
        : inWords(open, asides.length === 0 && unlisted.length === 0),
    );
    for (const each of unlisted) console.error(each);
    for (const each of asides)
      console.error(
        `NOT COMPLETE: ${saysAside(each)}: ${lostInWords(each)}; one asked for before them may have been answered in them`,
      );
    return asides.length === 0 && unlisted.length === 0 ? 0 : CANNOT_TELL;
  } finally {
    await searcher.close();
  }
};

const FAILED = 1;
const WRONG_USAGE = 2;
const CANNOT_TELL = 8;

const said = (why: string, code: number): number => {
  console.error(why);
  return code;
};

type Noting = { readonly id: string; readonly note: string | undefined; readonly json: boolean | undefined };

/** An entry, never an edit: the Do-Not-Call stays open until OCS answers 200. */
const noteHandled = async (settings: Settings, { id, note, json }: Noting): Promise<number> => {
  if (note === undefined)
    return said('--note: say how it was handled, as in --note "added to the list by hand, ticket 42"', WRONG_USAGE);
  const found = (await openIn(settings.audit.dir)).filter(
    (each) => each.id.startsWith(id) || each.id.startsWith(id.toUpperCase()),
  );
  const [item, ...others] = found;
  if (!item || id === "")
    return said(
      `no open Do-Not-Call whose last try has a request id that begins with ${JSON.stringify(id)}: ocsgw audit dnc lists them`,
      FAILED,
    );
  if (others.length > 0)
    return said(
      `the last tries of ${found.length} open Do-Not-Calls have a request id that begins with ${id}: ${found.map((each) => each.id).join(", ")}`,
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
      `noted: ${item.resource}/${item.number ?? "–"} of ${item.tenant ?? "a tenant that was not said"} was handled. It stays listed until OCS answers 200 for it`,
    );
  return 0;
};

/** Not kept open while the note is written: a stopped gateway's journal has one writer at a time. */
const openIn = async (dir: string): Promise<readonly Owed[]> => {
  const searcher = await openSearcher(dir, "audit dnc");
  try {
    return owedOf((await searcher.ask({ kind: "owed" })).stories ?? []);
  } finally {
    await searcher.close();
  }
};

const countHandled = (open: readonly Owed[]): number => open.filter(({ handled }) => handled !== null).length;

/** Whom they are about was not written down, so no later request can be known to be about the same. */
const UNNAMED = "action:DoNotCall client:* missing:phone missing:customer -resource:records -is:ok";
const MOST = 1000;

const unnamedIn = async ({ ask }: Searcher): Promise<string | undefined> => {
  const { stories = [], next } = await ask({ kind: "page", filter: UNNAMED, names: [], limit: MOST });
  if (stories.length === 0) return undefined;
  const count = `${stories.length}${next === undefined ? "" : " or more"} Do-Not-Call${stories.length === 1 ? "" : "s"}`;
  return (
    `NOT COMPLETE: ${count} without OCS's 200 ${stories.length === 1 ? "names" : "name"} nobody (audit.redact drops numbers and customer ids), so whether a later one was confirmed ` +
    `is not known; to list them: ocsgw audit search '${UNNAMED}'`
  );
};

/** While the journal could not be written, what was refused was counted and not written down. */
const lostToGaps = async ({ ask }: Searcher): Promise<string | undefined> => {
  const { stories = [], next } = await ask({ kind: "page", filter: "kind:gap", names: [], limit: MOST });
  const gaps = stories.flatMap(({ entries: [entry] }) =>
    entry?.kind === "gap" && (entry.lost ?? 0) > 0 ? [entry] : [],
  );
  const [youngest] = gaps;
  if (!youngest) return undefined;
  const lost = gaps.reduce((sum, gap) => sum + (gap.lost ?? 0), 0);
  return (
    `NOT COMPLETE: ${lost}${next === undefined ? "" : " or more"} ${lost === 1 ? "entry was" : "entries were"} lost while the journal could not be written, the last between ${youngest.from} and ${youngest.to}: ` +
    "a Do-Not-Call among them is not listed; its client got 503 OCSGW-5101, unless audit.on_failure is continue; to list them: ocsgw audit search kind:gap"
  );
};

const lostInWords = ({ lost }: AsideSpan): string => {
  if (lost === null) return "whether a Do-Not-Call in them is open is not known";
  return lost === 0
    ? "those that were open in them are listed"
    : `${lost} that ${lost === 1 ? "was" : "were"} open in them cannot be listed`;
};

const HEAD = [
  "number",
  "tenant",
  "OCS",
  "only for",
  "asked by",
  "open for",
  "first asked (UTC)",
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

const inWords = (open: readonly Owed[], isComplete: boolean): string => {
  if (open.length === 0)
    return !isComplete
      ? "no open Do-Not-Call in the entries that are there"
      : "no open Do-Not-Call: OCS has answered 200 to every one that a known client asked for";
  const rows = [
    HEAD,
    ...open.map((each) => [
      `${each.resource}/${each.number ?? "–"}`,
      each.tenant ?? "not said",
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
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const handled = countHandled(open);
  const apart =
    handled === 0 ? "" : `; ${handled} of them ${handled === 1 ? "was" : "were"} handled otherwise, as notes say`;
  return [
    `${open.length} open: asked for, and no 200 of OCS since for that number, tenant and scope${apart}`,
    "",
    ...rows.map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join("  ")
        .trimEnd(),
    ),
  ].join("\n");
};
