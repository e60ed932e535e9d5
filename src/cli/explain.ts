/**
 * `ocsgw explain`: one request. Who asked for what, the verdict of each stage, the waits, the delivery, its entries in
 * the journal, and the line of the config that decided.
 */
import { nodeDisk } from "../journal/disk.ts";
import { stringify } from "../journal/entry-line.ts";
import { FilterError } from "../journal/search/filter/filter.ts";
import { numbersIn, paths } from "../journal/paths.ts";
import type { Fields, Transaction } from "../journal/search/transaction.ts";
import { toJson } from "../journal/search/to-json.ts";
import { loadToRead, type Loaded } from "../settings/load.ts";
import { linesOf, targetOf } from "./audit/output/lines.ts";
import { openSearcher, type Searcher } from "./audit/searcher.ts";
import { withGivenConfig } from "./process/given-config.ts";
import { inShell, withConfig } from "../common/shell-word.ts";
import { printProblemsToRead } from "./check/check.ts";
import { absenceOf } from "../explain/absence.ts";
import type { ConfigNow, Decision } from "../explain/decision.ts";
import { describeCounted } from "../explain/counted-refusals.ts";
import { explanationOf, explanationToJson, type Explanation } from "../explain/explanation.ts";
import { describeOutageAtReply } from "../explain/outages.ts";
import { CANNOT_TELL, FAILED, WRONG_USAGE } from "./exit-codes.ts";

export type ExplainOptions = {
  readonly id: string;
  readonly config: string;
  readonly json?: boolean;
};

/** `config`: the config file, for the commands that are printed. */
export type Explained = Explanation & { readonly config: string };

export const explain = async ({ id, config, json }: ExplainOptions): Promise<number> => {
  const loaded = await loadToRead(config);
  if (!loaded.ok) return printProblemsToRead(config);
  const { dir } = loaded.settings.audit;
  const searcher = await openSearcher(dir, "explain");
  try {
    const [transaction, ...others] = (await searcher.ask({ kind: "transaction", id })).transactions ?? [];
    if (!transaction) return await explainCounted(searcher, { id, dir, json });
    if (others.length > 0)
      return fail([`several requests begin with ${id}:`, ...linesOf([transaction, ...others])].join("\n"), FAILED);
    const explanation = await explanationOf(transaction, {
      ask: searcher.ask,
      config: configNow(config, loaded),
      checkpoints: async () => numbersIn(await nodeDisk.list(paths(dir).checkpoints), ""),
    });
    const { todo } = explanation;
    const explained = { ...explanation, config, todo: todo === undefined ? undefined : withConfig(todo, config) };
    console.log(json ? stringify(explainedToJson(explained)) : linesFor(explained).join("\n"));
    return 0;
  } catch (error) {
    if (!(error instanceof FilterError)) throw error;
    return fail(error.message, WRONG_USAGE);
  } finally {
    await searcher.close();
  }
};

const configNow = (
  config: string,
  { settings, hash, locate, formatPath }: Extract<Loaded, { ok: true }>,
): ConfigNow => ({
  settings,
  hash,
  locate: (path) => {
    const { line, column, file = config } = locate(path);
    return Promise.resolve({ rule: formatPath(path), at: `${file}:${line}:${column}` });
  },
});

type Wanted = { readonly id: string; readonly dir: string; readonly json: boolean | undefined };

/** A refusal that was only counted is found by the range of ids of its count. */
const explainCounted = async (searcher: Searcher, { id, dir, json }: Wanted): Promise<number> => {
  const { counted, missing, later } = await absenceOf(searcher, id);
  const absent = `no request in ${dir} has an id that begins with ${id}`;
  if (missing.length > 0) return fail(`${absent}; but ${missing.join("; ")}`, CANNOT_TELL);
  if (counted.length === 0)
    return fail(`${absent}${later ? `; ${later.why}` : ""}`, later?.final === false ? CANNOT_TELL : FAILED);
  console.log(json ? stringify({ request: null, counted_in: counted }) : describeCounted(id, counted));
  return 0;
};

const fail = (why: string, code: number): number => {
  console.error(withGivenConfig(why));
  return code;
};

const explainedToJson = (explained: Explained) => ({
  request: toJson(explained.transaction),
  ...explanationToJson(explained),
});

export const linesFor = ({
  config,
  transaction,
  fields,
  stages,
  happened,
  todo,
  decision,
  checkpoint,
  switchovers,
  outages,
}: Explained): string[] => [
  headline(fields),
  [
    transaction.entries[0]!.time,
    `${targetOf(transaction.entries[0]!)}${fields.action === undefined ? "" : `?req=${fields.action}`}`,
    fields.source,
    fields.listener && `listener ${fields.listener}`,
  ]
    .filter(Boolean)
    .join("   "),
  "",
  ...stages.map(({ stage, verdict, says }) => `  ${stage.padEnd(10)} ${verdict.padEnd(5)} ${says}`.trimEnd()),
  "",
  ...(fields.total === undefined
    ? []
    : [row("total", `${fields.total} ms, of it queue ${fields.queue} ms and OCS ${fields.ocs} ms`)]),
  ...(fields.trace === undefined ? [] : [row("trace", fields.trace)]),
  ...bodyOf(transaction),
  ...presentedBy(transaction),
  row(
    "entries",
    `${transaction.entries.map(({ kind, index }) => `#${index} ${kind}`).join(", ")}; ${
      checkpoint === undefined
        ? "no checkpoint covers them yet"
        : `in checkpoint ${checkpoint}: ocsgw audit verify -c ${inShell(config)}`
    }`,
  ),
  ...(decision ? [row("decided by", `${decision.at ?? ""}  ${decision.rule}`), ...changed(decision)] : []),
  ...switchovers.map(({ entries: [entry] }) =>
    row(
      "meanwhile",
      entry?.kind === "switchover"
        ? `${entry.upstream} changed from ${entry.from} to ${entry.to} at ${entry.time}`
        : "",
    ),
  ),
  ...outages.map((outage) => row("meanwhile", describeOutageAtReply(outage))),
  "",
  happened,
  ...(todo === undefined ? [] : [todo]),
];

const row = (name: string, says: string): string => `  ${name.padEnd(10)} ${says}`;

const DELIVERY = { "not-sent": "not sent to OCS", answered: "answered", "sent-no-answer": "sent, no answer" } as const;

const headline = ({ id, status, origin, code, delivery, state }: Fields): string =>
  [id, status === undefined ? state : `${status} ${origin}`, code, delivery && DELIVERY[delivery]]
    .filter((part) => part !== undefined)
    .join("   ");

const bodyOf = ({ entries: [first] }: Transaction): string[] =>
  first?.kind === "intent" ? [row("sent", `${stringify(first.body)}, as redacted`)] : [];

/** What an unauthenticated client claimed about itself. A key's id is no claim: the keys file has the key. */
const presentedBy = ({ entries: [first] }: Transaction): string[] => {
  if (first?.kind !== "refusal" || !first.presented) return [];
  const { client, kid, issuer, key, path } = first.presented;
  const claims = [
    client && `client ${client}`,
    issuer && `issuer ${issuer}`,
    kid && `kid ${kid}`,
    path && `path ${path}`,
  ].filter(Boolean);
  return [
    ...(claims.length > 0 ? [row("claimed", `${claims.join(", ")}; nothing of it was verified`)] : []),
    ...(key === undefined ? [] : [row("API key", `${key}, as in the keys file`)]),
  ];
};

const changed = ({ hashThen: then, hashNow: now }: Decision): string[] =>
  then === undefined || then === now
    ? []
    : [
        row(
          "",
          `the config has changed since: ${then.slice(0, 12)} then, ${now.slice(0, 12)} now; the line is today's`,
        ),
      ];
