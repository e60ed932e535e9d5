/**
 * What people who watch the live flows cost the thread that serves requests: with ten of them to without any, in turns,
 * in one gateway.
 */
import { readFileSync } from "node:fs";
import { setTimeout as after } from "node:timers/promises";
import { stringify } from "yaml";
import { hashArgon2id } from "../../../src/common/argon2id.ts";
import { startGateway, type Gateway } from "../peers/gateway.ts";
import type { Watched, WatcherOrder, Watching } from "../programs/watchers.ts";
import { atMost, type Section } from "../report.ts";
import { messageFrom, start, type Child } from "../rig/processes.ts";
import { dbidOf, linesFor, tenantName } from "../rig/requests.ts";
import { program } from "../rig/rig.ts";
import { median } from "../statistics.ts";
import type { Case } from "./case.ts";
import { CONNECTIONS, FOUR } from "./line-up.ts";
import { dismiss, gather, takeTurn, type Runner } from "./turns.ts";

const PER_SECOND = 5000;
const WATCHERS = 10;
const LONGEST_TURN_MS = 2000;
const PASSWORD = "ten watchers at the bench";
/** Streams are open, and nothing is caught up any more. */
const SETTLE_MS = 400;
const MOST = 1.02;

/** A quarter of the requests, a little less in a short turn. */
const ONE_TENANT = 0.2;

const GZIP = { "Accept-Encoding": "gzip, deflate, br" };

/** `share`: the part of the requests that each stream shows, at least. */
type Kind = {
  readonly name: string;
  readonly streams: Watching["streams"];
  readonly share: number;
  readonly hasGoal: boolean;
};

/** Of one turn: CPU microseconds for each request, of the thread that serves and of all. */
type Cost = { readonly line: number; readonly all: number; readonly perSecond: number; readonly bytes: number };

const NOBODY = "nobody watches";

export const watchers: Case = {
  name: "watchers",
  run: async (rig, { rounds, turn, warmUp }) => {
    const upstream = await rig.upstream(0);
    const users = stringify({ version: 1, admins: await Promise.all(FOUR.map(({ tenant }) => userOf(tenant))) });
    const options = { name: "gateway-watched", tenants: FOUR.length, lanes: CONNECTIONS, admin: true, users };
    const gateway = await startGateway(rig, upstream, options);
    const crowd = { port: gateway.port, lines: linesFor(rig.issuer, FOUR, CONNECTIONS, gateway.port) };
    const runner = await gather(rig, { name: "gateway", child: gateway.child, upstream, warmUp }, crowd);
    const audience = start({ command: process.execPath, args: [program("watchers")], core: rig.cores?.rig, ipc: true });
    const kinds = await kindsOf(gateway);
    const costs = new Map<string, Cost[]>(kinds.map(({ name }) => [name, []]));
    const place: Place = { gateway, runner, audience };
    const ms = Math.min(turn, LONGEST_TURN_MS);
    // Once before it counts: the thread that reads the journal gets compiled, too.
    for (const kind of kinds) await costOf(place, kind, ms);
    for (let round = 0; round < rounds; round++)
      for (const kind of kinds) costs.get(kind.name)!.push(await costOf(place, kind, ms));
    await Promise.all([dismiss([runner]), audience.stop()]);
    return section(kinds, costs, `${rounds} rounds of turns of ${ms} ms, in rotation, medians`);
  },
};

const userOf = async (tenant: number): Promise<object> => ({
  name: `user-${tenant}`,
  role: ["viewer"],
  tenants: [tenantName(tenant)],
  hash: await hashArgon2id(PASSWORD, { memory: 8, passes: 1, lanes: 1 }),
  created: "2026-01-01T00:00:00Z",
});

const kindsOf = async (gateway: Gateway): Promise<readonly Kind[]> => {
  const token = { Authorization: `Bearer ${gateway.adminToken()}`, ...GZIP };
  const cookies: string[] = [];
  // One after the other: the gateway takes few logins at once.
  for (const { tenant } of FOUR) cookies.push(await cookieOf(gateway, tenant));
  const ten = <Item>(of: (at: number) => Item): Item[] => Array.from({ length: WATCHERS }, (_each, at) => of(at));
  const plain = { Authorization: token.Authorization };
  return [
    { name: NOBODY, streams: [], share: 0, hasGoal: false },
    { name: `${NOBODY}, again`, streams: [], share: 0, hasGoal: false },
    { name: "10 watch everything", streams: ten(() => ({ filter: "", headers: token })), share: 1, hasGoal: true },
    {
      name: "10 watch one tenant each",
      streams: ten((at) => ({ filter: `tenant:${dbidOf(1 + (at % FOUR.length))} client:client-*`, headers: token })),
      share: ONE_TENANT,
      hasGoal: true,
    },
    {
      name: "10 may see one tenant each",
      streams: ten((at) => ({ filter: "", headers: { Cookie: cookies[at % FOUR.length]!, ...GZIP } })),
      share: ONE_TENANT,
      hasGoal: true,
    },
    {
      name: "10 watch everything, without gzip",
      streams: ten(() => ({ filter: "", headers: plain })),
      share: 1,
      hasGoal: false,
    },
  ];
};

const cookieOf = async ({ admin }: Gateway, tenant: number): Promise<string> => {
  const body = JSON.stringify({ name: `user-${tenant}`, password: PASSWORD });
  const headers = { "Content-Type": "application/json" };
  const answer = await fetch(`http://127.0.0.1:${admin}/api/session`, { method: "POST", headers, body });
  if (!answer.ok) throw new Error(`user-${tenant} cannot log in: ${answer.status} ${await answer.text()}`);
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0]!)
    .join("; ");
};

type Place = { readonly gateway: Gateway; readonly runner: Runner; readonly audience: Child };

const costOf = async ({ gateway, runner, audience }: Place, kind: Kind, ms: number): Promise<Cost> => {
  const { name, streams, share } = kind;
  await tell(audience, { open: { port: gateway.admin, streams } });
  await after(SETTLE_MS);
  const before = lineCpu(gateway.child);
  const { cpu, outcome, perSecond } = await takeTurn(
    { ...runner, meanwhile: gateway.scrape },
    { kind: "paced", ms, perSecond: PER_SECOND },
  );
  const line = (lineCpu(gateway.child) - before) / outcome.done;
  await after(SETTLE_MS);
  const { bytes, flows, ended } = await tell(audience, "read");
  await tell(audience, "close");
  if (ended > 0) throw new Error(`${name}: the gateway ended ${ended} streams`);
  if (flows < share * outcome.done) throw new Error(`${name}: ${flows} flows came of ${outcome.done} requests`);
  return { line, all: cpu, perSecond, bytes: bytes / Math.max(1, streams.length) / outcome.seconds };
};

const tell = async (audience: Child, order: WatcherOrder): Promise<Watched> => {
  const answer = messageFrom<Watched | { readonly fault: string }>(audience);
  audience.process.send(order);
  const said = await answer;
  if ("fault" in said) throw new Error(`the watchers: ${said.fault}`);
  return said;
};

/** CPU microseconds of the main thread so far. */
const lineCpu = ({ process: { pid } }: Child): number =>
  Number(readFileSync(`/proc/${pid}/task/${pid}/schedstat`, "latin1").split(" ")[0]) / 1000;

const section = (kinds: readonly Kind[], costs: ReadonlyMap<string, readonly Cost[]>, how: string): Section => {
  const alone = costs.get(NOBODY)!;
  const ratio = (name: string, of: (cost: Cost) => number): number =>
    median(costs.get(name)!.map((cost, round) => of(cost) / of(alone[round]!)));
  return {
    title: `CPU of a request while ${WATCHERS} people watch the live flows, at ${PER_SECOND} requests/s`,
    columns: ["who watches", "thread µs", "to nobody", "process µs", "to nobody", "requests/s", "kB/s to each"],
    rows: kinds.map(({ name, streams }) => {
      const list = costs.get(name)!;
      return [
        name,
        median(list.map(({ line }) => line)),
        ratio(name, ({ line }) => line),
        median(list.map(({ all }) => all)),
        ratio(name, ({ all }) => all),
        median(list.map(({ perSecond }) => perSecond)),
        streams.length === 0 ? "–" : median(list.map(({ bytes }) => bytes / 1000)),
      ];
    }),
    goals: kinds
      .filter(({ hasGoal }) => hasGoal)
      .map(({ name }) =>
        atMost(
          `CPU of the serving thread, ${name}`,
          ratio(name, ({ line }) => line),
          MOST,
        ),
      ),
    notes: [
      `${how}; ${CONNECTIONS} connections, metrics scraped once in each turn. Thread: the one that serves requests, ` +
        "from /proc/<pid>/task/<pid>/schedstat. Process: all threads; the one that reads the journal for the " +
        "watchers has a lower priority.",
      "Watchers accept gzip, as browsers and ocsgw flows do, unless it says otherwise.",
    ],
  };
};
