/** The line of the config that decided, in today's file, and whether that is the file that was in force then. */
import { factsOf, type Story } from "../../journal/story.ts";
import type { Searcher } from "../audit/searcher.ts";
import { lackingIn } from "../../rehearsal/place.ts";
import type { Loaded } from "../../settings/load.ts";
import type { Path } from "../../settings/problem.ts";
import { stageOf } from "./stages.ts";

export type Decision = {
  readonly rule: string;
  /** `file:line:column` */
  readonly at: string;
  /** Hashes of the config file, then and now; undefined when the journal does not tell. */
  readonly hashThen: string | undefined;
  readonly hashNow: string;
};

type Valid = Extract<Loaded, { ok: true }>;

/** Undefined when no line of the config has to do with it. */
export const decisionOf = async (
  story: Story,
  searcher: Pick<Searcher, "ask">,
  { config, loaded }: { readonly config: string; readonly loaded: Valid },
): Promise<Decision | undefined> => {
  const path = pathOf(story, loaded);
  if (!path) return undefined;
  const { line, column, file = config } = loaded.locate(path);
  return {
    rule: loaded.spell(path),
    at: `${file}:${line}:${column}`,
    hashThen: await hashAt(story, searcher),
    hashNow: loaded.hash,
  };
};

const pathOf = (story: Story, { settings }: Valid): Path | undefined => {
  const facts = factsOf(story);
  const [first] = story.entries;
  const place = settings.tenants.findIndex(({ name, clients }) =>
    facts.tenant === undefined
      ? facts.client !== undefined && Object.hasOwn(clients, facts.client)
      : name === facts.tenant.name,
  );
  const said = facts.setting === undefined ? undefined : pathIn(facts.setting);
  // The same tenant may have another place in today's file.
  if (said?.[0] === "tenants") return place < 0 ? undefined : ["tenants", place, ...said.slice(2)];
  if (said) return said;
  const stage = stageOf(facts);
  if (stage === "queue" || stage === "ocs")
    return place < 0 ? undefined : ["upstreams", settings.tenants[place]!.upstream];
  if (place < 0 || facts.client === undefined || stage === "journal" || stage === "message") return undefined;
  if (first?.kind === "refusal")
    return ["tenants", place, ...(facts.code === "OCSGW-3001" ? ["limits"] : lackingIn(facts.client, first))];
  return ["tenants", place, "clients", facts.client, "actions"];
};

const PART = /\[(\d+)\]|\.?(?:("(?:\\.|[^"\\])*")|([\w-]+))/y;

/** `tenants[0].limits.requests` → its parts; undefined for what is no path. */
export const pathIn = (text: string): Path | undefined => {
  const path: (string | number)[] = [];
  for (PART.lastIndex = 0; PART.lastIndex < text.length;) {
    const [, index, quoted, plain] = PART.exec(text) ?? [];
    const part = index === undefined ? (quoted === undefined ? plain : (JSON.parse(quoted) as string)) : Number(index);
    if (part === undefined) return undefined;
    path.push(part);
  }
  return path;
};

const hashAt = async (story: Story, { ask }: Pick<Searcher, "ask">): Promise<string | undefined> => {
  const { config, at } = factsOf(story);
  if (config !== undefined) return config;
  const [before] =
    (await ask({ kind: "page", filter: "kind:start,config", names: [], before: at, limit: 1 })).stories ?? [];
  return before && factsOf(before).config;
};
