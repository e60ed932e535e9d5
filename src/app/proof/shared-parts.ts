/** What tenants of one gateway share: their limits, and the connections to OCS. */
import { codesOf } from "../../gateway/refusals.ts";
import { LIMITED, type Canary } from "./canaries.ts";
import { asking } from "./cells.ts";
import type { Answer, Sent } from "./exchange.ts";
import type { ProofPlan } from "./plan.ts";
import type { Tally } from "./tally.ts";
import type { ProofGateway } from "./temporary-gateway.ts";

type Shared = { readonly gateway: ProofGateway; readonly canaries: readonly Canary[] };

const [OVER_LIMIT] = codesOf("over-limit");
const isOver = ({ headers }: Answer): boolean => headers["ocsgw-code"] === OVER_LIMIT;

const cancel = ({ phone, customer }: Canary): Sent =>
  asking("phones", LIMITED.action, { phone, customer, list: "", group: 0, handle: 0 });
const doNotCall = ({ phone, customer }: Canary): Sent =>
  asking("phones", "DoNotCall", { phone, customer, list: "", group: 0, handle: 0 });

/** All tenants use up their own limit in turns: none may reach it early, and each must reach it. */
export const tryLimits = async ({ gateway, canaries }: Shared, tally: Tally, onTried: () => void): Promise<void> => {
  const { burst } = LIMITED.limit;
  for (let round = 1; round <= burst; round++)
    for (const [at, to] of canaries.entries()) {
      const sent = cancel(to);
      const answer = await gateway.ask(to.client, sent);
      onTried();
      const from = canaries.at(at - 1)!;
      if (from === to) continue;
      const fault = isOver(answer)
        ? `request ${round} of ${to.tenant.name}, which may send ${burst}, was refused after requests of others`
        : undefined;
      tally.add({
        from,
        to,
        resource: "limits",
        client: to.client,
        says: "by using up its limit",
        sent,
        answer,
        fault,
      });
    }
  for (const of of canaries) {
    const answer = await gateway.ask(of.client, cancel(of));
    onTried();
    if (!isOver(answer)) tally.missing.add(`limits: ${of.tenant.name} could exceed its own limit (${answer.status})`);
  }
};

const ROUNDS = 3;

/** Tenants take turns; then no connection may have had requests of two of them. */
export const tryConnections = async (
  { gateway, canaries, upstreams }: Shared & Pick<ProofPlan, "upstreams">,
  tally: Tally,
  onTried: () => void,
): Promise<void> => {
  const used = new Map<Canary, Set<number>>(canaries.map((canary) => [canary, new Set()]));
  for (let round = 0; round < ROUNDS; round++)
    for (const canary of canaries) {
      await gateway.ask(canary.client, doNotCall(canary));
      onTried();
      const connection = gateway.lastConnection(canary.site);
      if (connection !== undefined) used.get(canary)!.add(connection);
    }
  for (const from of canaries)
    for (const to of canaries) {
      if (from === to || from.tenant.upstream !== to.tenant.upstream) continue;
      const { upstream } = from.tenant;
      if (upstreams[upstream]!.lane_isolation === "none") {
        tally.leaveOpen(
          from,
          to,
          "connections",
          `tenants of upstream ${upstream} share connections: lane_isolation is none`,
        );
        continue;
      }
      const isShared = [...used.get(from)!].some((number) => used.get(to)!.has(number));
      const fault = isShared ? "one connection to OCS had requests of both" : undefined;
      const says = "by taking turns";
      tally.add({
        from,
        to,
        resource: "connections",
        client: from.client,
        says,
        sent: doNotCall(from),
        answer: undefined,
        fault,
      });
    }
};

/** Requests of both. */
export const countShared = ({ length }: readonly Canary[]): number => length * (LIMITED.limit.burst + 1 + ROUNDS);
