/**
 * Proves, or fails to prove, that the configuration in force keeps its tenants apart: runs the config's tests, and
 * tries to reach each tenant's things as each other one, through a gateway of its own in front of embedded OCSs.
 */
import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { createDryRun } from "../../dry-run/evaluate.ts";
import { decidesOtherwise } from "../../dry-run/policy-tests.ts";
import { codesOf } from "../../gateway/refusals.ts";
import type { ProofReport } from "../../admin/api/evidence/isolation-proofs.ts";
import { maskNumbers } from "../../common/mask.ts";
import { canariesOf, nobodyOf, isOwned, type Canary } from "./canaries.ts";
import { cellsOf, isRecordOpen, ownRequestsOf, type Cell } from "./cells.ts";
import type { Answer, Sent } from "./exchange.ts";
import { ALL_GROUPS, listFault, ownListFault } from "./groups.ts";
import { countJournal, tryJournal } from "./journal-cells.ts";
import { faultOf, withCommonNames } from "./judge.ts";
import type { ProofPlan } from "./plan.ts";
import { countShared, tryConnections, tryLimits } from "./shared-parts.ts";
import { Tally } from "./tally.ts";
import { inForceOf, startProofGateway, type InForce, type ProofGateway } from "./temporary-gateway.ts";

/** `percent`: 0 to 100. */
export type OnPercent = (percent: number) => void;

type Options = {
  /** Empty; the caller deletes it. */
  readonly folder: string;
  readonly onPercent?: OnPercent;
  /** What the gateway runs with instead of the plan's configuration. */
  readonly inForce?: (inForce: InForce) => InForce;
  /** Wraps the gateway. */
  readonly through?: (gateway: ProofGateway, canaries: readonly Canary[]) => ProofGateway;
};

export const prove = async (plan: ProofPlan, options: Options): Promise<ProofReport> => {
  const { folder, onPercent = () => undefined, inForce = (same) => same, through = (same) => same } = options;
  const made = canariesOf(plan);
  const started = await startProofGateway(folder, made, inForce(inForceOf(plan, made)));
  try {
    const canaries = await withCommonNames(made, started);
    const gateway = through(started, canaries);
    const tally = new Tally();
    const tests = await runTests(plan);
    const requests = await tryAll({ plan, canaries, gateway }, tally, onPercent);
    return reportOf({ plan, canaries, tally, tests, requests });
  } finally {
    await started.close();
  }
};

type Trying = { readonly plan: ProofPlan; readonly canaries: readonly Canary[]; readonly gateway: ProofGateway };

/** Resolves to the number of requests. */
const tryAll = async ({ plan, canaries, gateway }: Trying, tally: Tally, onPercent: OnPercent): Promise<number> => {
  const nobody = nobodyOf(canaries);
  const cells = cellsOf(canaries, nobody);
  const own = canaries.flatMap(ownRequestsOf);
  const all = own.length + countJournal(canaries) + canaries.length + cells.length + countShared(canaries);
  let done = 0;
  const onTried = (): void => onPercent(Math.min(99, Math.floor((100 * ++done) / all)));
  const ids = new Map<Canary, string[]>();
  for (const { of, resource, sent } of own) {
    const answer = await gateway.ask(of.client, sent);
    onTried();
    ids.set(of, [...(ids.get(of) ?? []), String(answer.headers["ocsgw-request-id"])]);
    if (answer.status !== 200) noteOwnFailure(tally, of, resource, answer, plan);
  }
  // First, because later the tenants' own requests name what is others'.
  await tryJournal({ gateway, canaries, nobody, ids }, tally, onTried);
  await tryGroupLists({ canaries, gateway }, tally, onTried);
  await tryCells(cells, gateway, tally, onTried);
  noteOpen(canaries, tally);
  await tryLimits({ gateway, canaries }, tally, onTried);
  await tryConnections({ gateway, canaries, upstreams: plan.upstreams }, tally, onTried);
  return done;
};

const noteOwnFailure = (tally: Tally, of: Canary, resource: string, answer: Answer, plan: ProofPlan): void => {
  const { name, upstream } = of.tenant;
  if (resource === "records" && isOwned(of) && !plan.upstreams[upstream]!.isAnnounced)
    tally.untried.add(
      `records of ${name}: upstream ${upstream} has no listener for announcements, so nobody can use one`,
    );
  else
    tally.missing.add(
      `${resource}: the own request of ${name} was answered with ${answer.status}, so refusals of others prove nothing`,
    );
};

const tryGroupLists = async (
  { canaries, gateway }: Pick<Trying, "canaries" | "gateway">,
  tally: Tally,
  onTried: () => void,
): Promise<void> => {
  for (const from of canaries) {
    const answer = await gateway.ask(from.client, ALL_GROUPS);
    onTried();
    const missing = ownListFault(from, answer);
    if (missing !== undefined) tally.missing.add(`campaigngroups: the list for ${from.tenant.name}: ${missing}`);
    for (const to of canaries)
      if (to !== from)
        tally.add({
          from,
          to,
          resource: "campaigngroups",
          client: from.client,
          says: "by listing all campaign groups",
          sent: ALL_GROUPS,
          answer,
          fault: listFault(from, to, answer),
        });
  }
};

const tryCells = async (
  cells: readonly Cell[],
  gateway: ProofGateway,
  tally: Tally,
  onTried: () => void,
): Promise<void> => {
  /** The answers about what no tenant has are the same for all others. */
  const absents = new Map<string, Answer>();
  for (const { from, to, resource, client, says, sent, absent } of cells) {
    const key = JSON.stringify([client, absent]);
    const other = absents.get(key) ?? (await askPatiently(gateway, client, absent));
    absents.set(key, other);
    const before = gateway.received(to.site);
    const answer = await askPatiently(gateway, client, sent);
    onTried();
    const fault = faultOf({ from, to, answer, absent: other, received: gateway.received(to.site) - before });
    tally.add({ from, to, resource, client, says, sent, answer, fault });
  }
};

const [PROBING] = codesOf("probing");
const PAUSE_MS = 1000;
const MOST_PAUSES = 5;

/** A tenant that asks for many foreign record handles is throttled for the rest of the second. */
const askPatiently = async (gateway: ProofGateway, client: string, sent: Sent): Promise<Answer> => {
  for (let pauses = 0; ; pauses++) {
    const answer = await gateway.ask(client, sent);
    if (answer.headers["ocsgw-code"] !== PROBING || pauses === MOST_PAUSES) return answer;
    await sleep(PAUSE_MS);
  }
};

/** What the config itself does not separate. */
const noteOpen = (canaries: readonly Canary[], tally: Tally): void => {
  for (const from of canaries)
    for (const to of canaries) {
      if (from === to) continue;
      if (isRecordOpen(from, to))
        tally.leaveOpen(
          from,
          to,
          "records",
          `${from.tenant.name} can use record handles of tenants on the same OCS: records is unscoped`,
        );
      for (const client of Object.keys(from.tenant.clients))
        if (Object.hasOwn(to.tenant.clients, client))
          tally.leaveOpen(
            from,
            to,
            "clients",
            `client ${client} acts for several tenants: a request names one of them`,
          );
    }
  for (const { tenant, common } of canaries)
    if (common.size > 0)
      tally.untried.add(
        `names of ${tenant.name} in answers to others: ${[...common].map((name) => JSON.stringify(name)).join(", ")} ` +
          "may stand there for another reason",
      );
  for (const { handle, tenant } of canaries)
    if (handle === undefined)
      tally.untried.add(
        `records of ${tenant.name}: it has no campaign group, campaign or list by which OCS could name it`,
      );
};

type Tests = ProofReport["tests"];

const runTests = async (plan: ProofPlan): Promise<Tests> => {
  const audit = { redact: plan.redact, index_key: randomBytes(32).toString("hex") };
  const dryRun = createDryRun({ tenants: plan.tested, audit }, plan.configHash);
  const failed: Tests["failed"] = [];
  for (const test of plan.tests) {
    const decided = await decidesOtherwise(test, dryRun);
    if (decided !== undefined)
      failed.push({
        client: test.as,
        request: maskNumbers(test.do),
        expected: test.expect,
        decided: maskNumbers(decided),
      });
  }
  return { passed: plan.tests.length - failed.length, failed };
};

const NOT_PROVED = [
  "that OCS itself keeps its tenants apart: the embedded OCS stands for it",
  "what reaches OCS without passing the gateway",
  "how long requests of one tenant wait for those of others",
  "how credentials are checked: the proof has clients with generated ones",
] as const;

type Parts = {
  readonly plan: ProofPlan;
  readonly canaries: readonly Canary[];
  readonly tally: Tally;
  readonly tests: Tests;
  readonly requests: number;
};

const reportOf = ({ plan, canaries, tally, tests, requests }: Parts): ProofReport => {
  const pairs = tally.pairs();
  if (canaries.length < 2) tally.missing.add("there is one tenant only, so there is nothing to separate");
  const isBroken = tally.failures.length > 0 || tests.failed.length > 0;
  return {
    verdict: isBroken ? "broken" : tally.missing.size > 0 ? "cannot-tell" : "ok",
    covers: plan.covers,
    tenants: canaries.map(({ tenant: { dbid, name } }) => ({ dbid, name })),
    tests,
    requests,
    pairs,
    failures: tally.failures,
    more_failures: tally.moreFailures,
    open: [...tally.open],
    untried: [...tally.untried],
    missing: [...tally.missing],
    not_proved: [...NOT_PROVED],
  };
};
