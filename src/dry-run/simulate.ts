/**
 * Replays the journal's requests against another policy: which decisions would change? A decision is whether a request
 * passes, or with which code it is refused. A refusal that `mode: observe` only records is none.
 */
import type { Recorded } from "../journal/entry.ts";
import type { Settings } from "../settings/schema/schema.ts";
import { replay, type ReplayedRequest } from "./replay.ts";
import { createDryRun, type DryRun } from "./evaluate.ts";

/** Requests of one client whose decision changes in one way. */
export type Changed = {
  readonly client: string;
  readonly tenant: string | null;
  readonly action: string;
  readonly resource: string;
  /** "allow" or a code, with "(observed)" where the refusal is recorded and not applied. */
  readonly from: string;
  readonly to: string;
  /** Why it would be refused. */
  readonly because: string | null;
  readonly count: number;
  /** RFC 3339. */
  readonly first: string;
  readonly last: string;
  /** Some request ids. */
  readonly examples: readonly string[];
};

export type Simulated = {
  readonly replayed: number;
  readonly unchanged: number;
  /** Most frequent first. */
  readonly changes: readonly Changed[];
  /** Of the unchanged ones, requests that pass in both cases, and of which the journal would record something else. */
  readonly recorded: readonly Changed[];
  /** Why requests could not be replayed, and how many. */
  readonly untold: readonly { readonly why: string; readonly count: number }[];
};

type Verdict = Decision & { readonly because: string | null };
type Growing = { -readonly [Key in keyof Changed]: Key extends "examples" ? string[] : Changed[Key] };

const EXAMPLES = 3;

export const simulate = async (entries: AsyncIterable<Recorded>, settings: Settings): Promise<Simulated> => {
  const judge = memoized(createDryRun(settings), createDryRun(settings, "", { applied: true }));
  const changes = new Map<string, Growing>();
  const recorded = new Map<string, Growing>();
  const untold = new Map<string, number>();
  let [replayed, unchanged] = [0, 0];
  for await (const entry of entries) {
    const asked = replay(entry, settings);
    if (!asked) continue;
    if ("skipped" in asked) {
      untold.set(asked.skipped, (untold.get(asked.skipped) ?? 0) + 1);
      continue;
    }
    replayed++;
    const verdict = await judge(asked);
    const isSame = isSameDecision(asked, verdict);
    if (isSame) unchanged++;
    if (inWords(verdict) !== inWords(asked) && (!isSame || passes(asked)))
      add(isSame ? recorded : changes, entry as Recorded & { readonly id: string }, asked, verdict);
  }
  return {
    replayed,
    unchanged,
    changes: mostFirst(changes),
    recorded: mostFirst(recorded),
    untold: [...untold].map(([why, count]) => ({ why, count })),
  };
};

type Decision = Pick<ReplayedRequest, "applied" | "decided">;

const passes = ({ applied }: Decision): boolean => applied === "allow";

/** Where both the policy and isolation refuse a request, its code is the policy's, or with observe isolation's. */
const isSameDecision = (then: Decision, now: Decision): boolean =>
  then.applied === now.applied || (!passes(then) && !passes(now) && then.decided === now.decided);

const mostFirst = (found: ReadonlyMap<string, Growing>): readonly Changed[] =>
  [...found.values()].toSorted((one, other) => other.count - one.count);

/** Personal data is replaced, so most requests ask the same question. */
const memoized = (policy: DryRun, applied: DryRun): ((asked: ReplayedRequest) => Promise<Verdict>) => {
  const known = new Map<string, Verdict>();
  return async ({ question }) => {
    const id = JSON.stringify(question);
    const before = known.get(id);
    if (before) return before;
    const [decided, refused] = [(await policy(question)).refusal, (await applied(question)).refusal];
    const verdict: Verdict = {
      applied: refused?.code ?? "allow",
      decided: decided?.code ?? "allow",
      because: (refused ?? decided)?.detail ?? null,
    };
    if (known.size < MAX_MEMOIZED) known.set(id, verdict);
    return verdict;
  };
};

const MAX_MEMOIZED = 100_000;

const add = (
  changes: Map<string, Growing>,
  entry: Recorded & { readonly id: string },
  { question: { client }, resource, action, ...asked }: ReplayedRequest,
  verdict: Verdict,
): void => {
  const tenant = "tenant" in entry ? (entry.tenant?.name ?? null) : null;
  const [from, to] = [inWords(asked), inWords(verdict)];
  const id = JSON.stringify([client, tenant, action, resource, from, to]);
  let change = changes.get(id);
  if (!change)
    changes.set(
      id,
      (change = {
        client,
        tenant,
        action,
        resource,
        from,
        to,
        because: verdict.because,
        count: 0,
        first: entry.time,
        last: entry.time,
        examples: [],
      }),
    );
  change.count++;
  change.last = entry.time;
  if (change.examples.length < EXAMPLES) change.examples.push(entry.id);
};

const inWords = ({ applied, decided }: Decision): string =>
  applied === "allow" && decided !== "allow" ? `${decided} (observed)` : applied;
