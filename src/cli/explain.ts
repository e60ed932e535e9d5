/** `ocsgw explain`: one request's story. Who and what, each stage's word, the waits, the delivery, its entries in the journal, and the line that decided. */
import { nodeDisk } from "../journal/disk.ts";
import { stringify } from "../journal/entry-line.ts";
import { FilterError } from "../journal/filter.ts";
import { numbersIn, places } from "../journal/places.ts";
import { saysAside } from "../journal/search/asides.ts";
import { factsOf, type Facts, type Story } from "../journal/story.ts";
import { viewOf } from "../journal/view.ts";
import { loadToRead } from "../settings/load.ts";
import { linesOf, targetOf } from "./audit/lines.ts";
import { openSearcher, type Searcher } from "./audit/searcher.ts";
import { sayInvalidToRead } from "./check.ts";
import { decisionOf, type Decision } from "./explain/decision.ts";
import { countedInWords, countsOver, mayBeCounted } from "./explain/counted.ts";
import { verdictsOf, type Verdict } from "./explain/stages.ts";
import { repeatOf, whatHappened, whatToDo } from "./explain/words.ts";

export type ExplainOptions = { readonly id: string; readonly config: string; readonly json?: boolean };

type Told = {
  readonly story: Story;
  readonly facts: Facts;
  readonly stages: readonly Verdict[];
  readonly happened: string;
  readonly todo: string | undefined;
  readonly decision: Decision | undefined;
  /** Size of the first checkpoint that covers all of it; undefined while none does. */
  readonly checkpoint: number | undefined;
  /** Changes of roles at its upstream while it was under way. */
  readonly switchovers: readonly Story[];
};

const NOT_FOUND = 1;
const WRONG_USAGE = 2;
const CANNOT_TELL = 8;

export const explain = async ({ id, config, json }: ExplainOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return sayInvalidToRead(config);
  const { dir } = loaded.settings.audit;
  const searcher = await openSearcher(dir, "explain");
  try {
    const [story, ...others] = (await searcher.ask({ kind: "story", id })).stories ?? [];
    if (!story) return await sayCounted(searcher, { id, dir, json });
    if (others.length > 0)
      return said([`several requests begin with ${id}:`, ...linesOf([story, ...others])].join("\n"), NOT_FOUND);
    const told: Told = {
      ...tellOf(story),
      decision: await decisionOf(story, searcher, { config, loaded }),
      checkpoint: await coverOf(dir, story),
      switchovers: await switchoversIn(searcher, story),
    };
    console.log(json ? stringify(toJson(told)) : inWords(told).join("\n"));
    return 0;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return said(error.message, WRONG_USAGE);
  } finally {
    await searcher.close();
  }
};

type Sought = { readonly id: string; readonly dir: string; readonly json: boolean | undefined };

/** What was refused and counted is found by the range of ids that its count names. */
const sayCounted = async (searcher: Searcher, { id, dir, json }: Sought): Promise<number> => {
  const counts = (await countsOver(searcher, id)) ?? [];
  if (counts.length === 0) {
    const { searched } = await searcher.ask({ kind: "page", filter: "kind:set-aside", names: [], limit: 1 });
    const asides = searched?.set_aside ?? [];
    if (asides.length > 0)
      return said(
        `no request in ${dir} has an id that begins with ${id}; but ${asides.map(saysAside).join("; ")}`,
        CANNOT_TELL,
      );
    const counted = mayBeCounted(id);
    return said(
      `no request in ${dir} has an id that begins with ${id}${counted ? `; ${counted.why}` : ""}`,
      counted?.final === false ? CANNOT_TELL : NOT_FOUND,
    );
  }
  console.log(json ? stringify({ request: null, counted_in: counts }) : countedInWords(id, counts));
  return 0;
};

const said = (why: string, code: number): number => {
  console.error(why);
  return code;
};

const tellOf = (story: Story) => {
  const facts = factsOf(story);
  return { story, facts, stages: verdictsOf(story), happened: whatHappened(facts), todo: whatToDo(facts) };
};

const coverOf = async (dir: string, { entries }: Story): Promise<number | undefined> =>
  numbersIn(await nodeDisk.list(places(dir).checkpoints), "").find((size) => size > entries.at(-1)!.index);

const MARGIN_MICROS = 2_000_000;

const switchoversIn = async ({ ask }: Searcher, story: Story): Promise<readonly Story[]> => {
  const { time, total, upstream, state } = factsOf(story);
  if (state !== "no-answer" || upstream === undefined) return [];
  const { stories = [] } = await ask({
    kind: "page",
    filter: `kind:switchover upstream:"${upstream}"`,
    names: [],
    limit: 100,
  });
  return stories.filter((each) => Math.abs(factsOf(each).time - time) <= (total ?? 0) * 1000 + MARGIN_MICROS);
};

const toJson = ({ story, facts, stages, happened, todo, decision, checkpoint, switchovers }: Told) => ({
  request: viewOf(story),
  stages,
  what_happened: happened,
  what_to_do: todo ?? null,
  repeat: repeatOf(facts) ?? null,
  decided_by: decision
    ? { rule: decision.rule, at: decision.at, config_then: decision.hashThen ?? null, config_now: decision.hashNow }
    : null,
  checkpoint: checkpoint ?? null,
  switchovers: switchovers.map(viewOf),
});

const inWords = ({ story, facts, stages, happened, todo, decision, checkpoint, switchovers }: Told): string[] => [
  headline(facts),
  [
    story.entries[0]!.time,
    `${targetOf(story.entries[0]!)}${facts.action === undefined ? "" : `?req=${facts.action}`}`,
    facts.source,
    facts.listener && `listener ${facts.listener}`,
  ]
    .filter(Boolean)
    .join("   "),
  "",
  ...stages.map(({ stage, verdict, says }) => `  ${stage.padEnd(10)} ${verdict.padEnd(5)} ${says}`.trimEnd()),
  "",
  ...(facts.total === undefined
    ? []
    : [row("total", `${facts.total} ms, of it queue ${facts.queue} ms and OCS ${facts.ocs} ms`)]),
  ...bodyOf(story),
  ...presentedBy(story),
  row(
    "entries",
    `${story.entries.map(({ kind, index }) => `#${index} ${kind}`).join(", ")}; ${checkpoint === undefined ? "no checkpoint covers them yet" : `in checkpoint ${checkpoint}: ocsgw audit verify`}`,
  ),
  ...(decision ? [row("decided by", `${decision.at}  ${decision.rule}`), ...changed(decision)] : []),
  ...switchovers.map(({ entries: [entry] }) =>
    row(
      "meanwhile",
      entry?.kind === "switchover"
        ? `${entry.upstream} changed from ${entry.from} to ${entry.to} at ${entry.time}`
        : "",
    ),
  ),
  "",
  happened,
  ...(todo === undefined ? [] : [todo]),
];

const row = (name: string, says: string): string => `  ${name.padEnd(10)} ${says}`;

const DELIVERY = { "not-sent": "not sent to OCS", answered: "answered", "sent-no-answer": "sent, no answer" } as const;

const headline = ({ id, status, origin, code, delivery, state }: Facts): string =>
  [id, status === undefined ? state : `${status} ${origin}`, code, delivery && DELIVERY[delivery]]
    .filter((part) => part !== undefined)
    .join("   ");

const bodyOf = ({ entries: [first] }: Story): string[] =>
  first?.kind === "intent" ? [row("sent", `${stringify(first.body)}, as redacted`)] : [];

/** What a client said of itself that was not let in. A key's id is no claim: the key that it sent stands in the keys file. */
const presentedBy = ({ entries: [first] }: Story): string[] => {
  if (first?.kind !== "refusal" || !first.presented) return [];
  const { client, kid, issuer, key, path } = first.presented;
  const said = [
    client && `client ${client}`,
    issuer && `issuer ${issuer}`,
    kid && `kid ${kid}`,
    path && `path ${path}`,
  ].filter(Boolean);
  return [
    ...(said.length > 0 ? [row("claimed", `${said.join(", ")}; nothing of it was verified`)] : []),
    ...(key === undefined ? [] : [row("API key", `${key}, as in the keys file`)]),
  ];
};

const changed = ({ hashThen: then, hashNow: now }: Decision): string[] =>
  then === undefined || then === now
    ? []
    : [
        row(
          "",
          `the config file has changed since: ${then.slice(0, 12)} then, ${now.slice(0, 12)} now; the line is today's`,
        ),
      ];
