/**
 * The least policy that allows exactly what the journal shows of tenants that observe: actions, campaign groups, fields
 * and limits. What is a tenant's (its lists, campaigns and groups) is not a grant: it says whose a record is that OCS
 * announces, so nothing of it is removed.
 */
import type { Path } from "../../settings/problems/problem.ts";
import type { Settings } from "../../settings/schema/schema.ts";
import type { Recorded } from "../../journal/entry.ts";
import type { Evidence } from "./evidence.ts";
import { merged, NOTHING, type Change, type Edit, type Proposal, type RefusedName } from "./proposal.ts";
import { proposeFields, type FieldOptions } from "./propose-fields.ts";
import { proposeGrants } from "./propose-grants.ts";
import { proposeLimits } from "./propose-limits.ts";
import type { NeverAllowed } from "./refused.ts";
import { actionsFor, judgeNames, type NameOptions } from "./refused-names.ts";
import { notesOnUnnamed } from "./unnamed-tenants.ts";
import { Traffic, type PassedOver, type TenantTraffic } from "./traffic.ts";

export type LearnOptions = FieldOptions &
  NameOptions & {
    /** Places of the tenants that are learned, all with `mode: observe`. */
    readonly places: readonly number[];
    /** Also proposes `mode: enforce` for them. */
    readonly enforce: boolean;
  };

export type LearnedTenant = Proposal & {
  readonly tenant: string;
  readonly dbid: number;
  /** Requests that passed. */
  readonly requests: number;
  readonly names: readonly RefusedName[];
  /** Requests that passed and that the policy of that time would have refused, by code. */
  readonly would_refuse: Readonly<Record<string, Evidence>>;
};

export type Learned = {
  readonly requests: number;
  readonly tenants: readonly LearnedTenant[];
  readonly never: readonly NeverAllowed[];
  /** Refused requests that are in no row of `never`, because there are too many different ones. */
  readonly never_uncounted: number;
  readonly passed_over: PassedOver;
};

/** Reads all entries, then decides. `options` may depend on what was read: `unnamed` is asked for afterwards. */
export const learn = async (
  entries: AsyncIterable<Recorded>,
  settings: Settings,
  options: Omit<LearnOptions, "unnamed"> & { readonly unnamed: () => string | undefined },
): Promise<Learned> => {
  const traffic = new Traffic(settings, options.places);
  for await (const entry of entries) traffic.add(entry);
  return propose(traffic, settings, { ...options, unnamed: options.unnamed() });
};

const propose = (traffic: Traffic, settings: Settings, options: LearnOptions): Learned => {
  const names = judgeNames(settings, traffic, options);
  const never = traffic.refused.rows();
  const proposed = traffic.tenants.map((owner) => {
    const refused = names.get(owner.place) ?? [];
    return { ...owner, refused, proposal: proposalFor(owner, refused, options) };
  });
  const cautions = notesOnUnnamed(settings, proposed, never);
  return {
    requests: traffic.requests,
    tenants: proposed.map(({ place, settings: { name, dbid }, traffic: own, refused, proposal }) => ({
      tenant: name,
      dbid,
      requests: requestsOf(own),
      ...proposal,
      notes: [...(cautions.get(place) ?? []), ...proposal.notes],
      names: refused,
      would_refuse: Object.fromEntries(own.wouldRefuse.entries()),
    })),
    never,
    never_uncounted: traffic.refused.uncounted,
    passed_over: traffic.passedOver,
  };
};

const proposalFor = (
  { place, settings, traffic }: Traffic["tenants"][number],
  names: readonly RefusedName[],
  options: LearnOptions,
): Proposal => {
  if (requestsOf(traffic) === 0) return UNSEEN;
  const path = ["tenants", place] as const;
  return merged([
    proposeNames(path, settings, names),
    proposeGrants(path, settings, traffic, {
      ...options,
      mode: options.enforce ? "enforce" : settings.mode,
      granted: actionsFor(traffic, names),
    }),
    proposeFields(path, settings, traffic, { ...options, unnamed: options.unnamed ?? unseenFields(traffic, names) }),
    proposeLimits(path, settings, traffic, options),
    options.enforce ? enforcing(path) : NOTHING,
    { ...NOTHING, notes: unusedNames(settings, traffic) },
  ]);
};

/** Why a list of the seen fields could refuse requests that the proposal allows; undefined if it could not. */
const unseenFields = (traffic: TenantTraffic, names: readonly RefusedName[]): string | undefined =>
  names.some(({ verdict }) => verdict === "added") ||
  [...traffic.clients.values()].some(({ tried }) => tried.names().length > 0)
    ? "some requests that the proposal allows were refused until now, and the journal does not have the fields of " +
      "refused requests; run learn again once such requests have passed"
    : undefined;

/** A wrong period or a renamed tenant looks like this too, so nothing is concluded from it. */
const UNSEEN: Proposal = { ...NOTHING, notes: ["no request passed for this tenant, so nothing is proposed for it"] };

const requestsOf = ({ clients }: TenantTraffic): number =>
  [...clients.values()].reduce((sum, { requests }) => sum + (requests.get("")?.requests ?? 0), 0);

const proposeNames = (
  path: Path,
  { lists, campaigns }: Settings["tenants"][number],
  names: readonly RefusedName[],
): Proposal =>
  merged(
    (
      [
        ["list", "lists", lists],
        ["campaign", "campaigns", campaigns],
      ] as const
    ).map(([kind, key, given]): Proposal => {
      const added = names.filter((each) => each.kind === kind && each.verdict === "added");
      if (added.length === 0) return NOTHING;
      const value = [...given, ...added.map(({ name }) => name)];
      return {
        ...NOTHING,
        changes: added.map(({ name, evidence }): Change => ({
          change: "add",
          key,
          value: name,
          evidence,
          why: "refused with OCSGW-2104 until now; you say that it is this tenant's",
        })),
        edits: [{ path: [...path, key], value }],
      };
    }),
  );

const enforcing = (path: Path): Proposal => ({
  ...NOTHING,
  changes: [{ change: "set", key: "mode", value: "enforce", evidence: undefined, why: "--enforce" }],
  edits: [{ path: [...path, "mode"], value: "enforce" }] satisfies readonly Edit[],
});

/** They stay, because OCS announces records by them. */
const unusedNames = ({ lists, campaigns }: Settings["tenants"][number], traffic: TenantTraffic): readonly string[] =>
  (
    [
      ["lists", lists, traffic.lists],
      ["campaigns", campaigns, traffic.campaigns],
    ] as const
  ).flatMap(([key, given, seen]) => {
    const unused = given.filter((name) => !seen.has(name));
    return unused.length === 0
      ? []
      : [
          `${key} keeps what no request named (${unused.length} of ${given.length}): they say what is the tenant's, ` +
            "and OCS announces records by them",
        ];
  });
