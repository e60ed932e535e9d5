/** `ocsgw audit dnc`: whom nobody may call any more and OCS does not know of yet. */
import { owedOf, type Owed } from "../../journal/owed.ts";
import { saysAside, type AsideSpan } from "../../journal/search/asides.ts";
import { loadToRead } from "../../settings/load.ts";
import { sayInvalidToRead } from "../check.ts";
import { shortTime } from "./lines.ts";
import { openSearcher, type Searcher } from "./searcher.ts";

export const auditDnc = async ({ config, json }: { readonly config: string; readonly json?: boolean }): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalidToRead(config);
  const searcher = await openSearcher(loaded.settings.audit.dir, "audit dnc");
  try {
    const { stories = [] } = await searcher.ask({ kind: "owed" });
    const { searched } = await searcher.ask({ kind: "page", filter: "kind:set-aside", names: [], limit: 1 });
    const open = owedOf(stories);
    const asides = searched?.set_aside ?? [];
    const unnamed = await unnamedIn(searcher);
    console.log(json ? JSON.stringify({ open, set_aside: asides }) : inWords(open, asides.length === 0 && unnamed === undefined));
    if (unnamed !== undefined) console.error(unnamed);
    for (const each of asides) console.error(`NOT COMPLETE: ${saysAside(each)}: ${lostInWords(each)}; one asked for before them may have been answered in them`);
    return asides.length === 0 && unnamed === undefined ? 0 : CANNOT_TELL;
  } finally {
    await searcher.close();
  }
};

const CANNOT_TELL = 8;

/** Whom they are about was not written down, so no later request can be known to be about the same. */
const UNNAMED = "action:DoNotCall client:* missing:phone missing:customer -resource:records -is:ok";
const MOST = 1000;

const unnamedIn = async ({ ask }: Searcher): Promise<string | undefined> => {
  const { stories = [], next } = await ask({ kind: "page", filter: UNNAMED, names: [], limit: MOST });
  if (stories.length === 0) return undefined;
  const count = `${stories.length}${next === undefined ? "" : " or more"} Do-Not-Call${stories.length === 1 ? "" : "s"}`;
  return `NOT COMPLETE: ${count} without OCS's 200 ${stories.length === 1 ? "names" : "name"} nobody (audit.redact drops numbers and customer ids), so whether a later one was confirmed `
    + `is not known; to list them: ocsgw audit search '${UNNAMED}'`;
};

const lostInWords = ({ lost }: AsideSpan): string => {
  if (lost === null) return "whether a Do-Not-Call in them is open is not known";
  return lost === 0 ? "those that were open in them are listed" : `${lost} that ${lost === 1 ? "was" : "were"} open in them cannot be listed`;
};

const HEAD = ["number", "tenant", "OCS", "only for", "asked by", "open for", "first asked (UTC)", "tries", "last try", "request id of the last try"];

const UNITS = [["d", 86_400_000], ["h", 3_600_000], ["min", 60_000]] as const;

/** In the largest unit of which there are at least two. */
const ageOf = (ms: number): string => {
  const [unit, size] = UNITS.find(([, length]) => ms >= 2 * length) ?? ["s", 1000];
  return `${Math.floor(ms / size)} ${unit}`;
};

const inWords = (open: readonly Owed[], isComplete: boolean): string => {
  if (open.length === 0) return !isComplete ? "no open Do-Not-Call in the entries that are there" : "no open Do-Not-Call: OCS has answered 200 to every one that a known client asked for";
  const rows = [HEAD, ...open.map((each) => [
    `${each.resource}/${each.number ?? "–"}`, each.tenant ?? "not said", each.upstream === null ? "–" : `${each.upstream}${each.epoch === null ? "" : ` epoch ${each.epoch}`}`,
    [each.campaign, each.list, each.chain].filter(Boolean).join(", ") || "–", each.clients.join(", "), ageOf(each.age), shortTime(each.first), String(each.tries), each.ended, each.id,
  ])];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return [`${open.length} open: asked for, and no 200 of OCS since for that number, tenant and scope`, "", ...rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column]!)).join("  ").trimEnd())].join("\n");
};
