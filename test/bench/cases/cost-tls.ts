/** CPU of each request and new upstream connections, with TLS on both sides and a gateway set up as in production. */
import { startGateway, type Gateway } from "../peers/gateway.ts";
import { startHaproxy, startHaproxyWithTokens } from "../peers/haproxy.ts";
import { startNginx, startNginxWithTokens } from "../peers/nginx.ts";
import { startPassThrough } from "../peers/pass-through.ts";
import { atMost, type Goal, type Section } from "../report.ts";
import { announcementsFor, linesWithRecords } from "../rig/requests.ts";
import type { Rig } from "../rig/rig.ts";
import type { Case } from "./case.ts";
import { CONNECTIONS, FOUR, NAMES, startAll, type Entrant } from "./line-up.ts";
import { dismiss, medianOf, ratioOf, refuseOddAnswers, takeTurns, type Turn } from "./turns.ts";

export const costTls: Case = {
  name: "cost-tls",
  run: async (rig, pace) => {
    const { rounds, turn } = pace;
    const upstream = await rig.upstream(0, true);
    const options = { name: "gateway-tls", tenants: FOUR.length, lanes: CONNECTIONS, callbacks: true, admin: true };
    const gateway = await startGateway(rig, upstream, options);
    await announce(rig, gateway);
    const peers: readonly Entrant[] = [
      { name: NAMES.nginx, start: () => startNginx(rig, upstream) },
      { name: NAMES.haproxy, start: () => startHaproxy(rig, upstream) },
      { name: NAMES.passThrough, start: () => startPassThrough(rig, upstream) },
      { name: NAMES.haproxyTokens, start: () => startHaproxyWithTokens(rig, upstream), verifies: true },
      { name: NAMES.nginxTokens, start: () => startNginxWithTokens(rig, upstream), verifies: true },
      { name: NAMES.gateway, start: async () => gateway.tls, verifies: true, meanwhile: gateway.scrape },
    ];
    const lines: Entrant["lines"] = (port) => linesWithRecords(rig.issuer, FOUR, CONNECTIONS, port);
    const entrants = peers.map((peer) => ({ ...peer, lines }));
    const { runners, missing } = await startAll(rig, pace, { upstream, entrants });
    const turns = await takeTurns(runners, { rounds, run: { kind: "closed", ms: turn } });
    await dismiss(runners);
    return { ...section(turns), notes: [...missing, ...NOTES(rounds, turn)] };
  },
};

/** OCS announces every record that the clients will act on. */
const announce = async (rig: Rig, { callbacks }: Gateway): Promise<void> => {
  const line = announcementsFor(FOUR, CONNECTIONS, callbacks);
  const ocs = await rig.open({ port: callbacks, lines: [line] });
  const outcome = await ocs.run({ kind: "closed", ms: Infinity, requests: line.requests.length });
  refuseOddAnswers("the callbacks listener", outcome);
  await ocs.close();
};

const NOTES = (rounds: number, turn: number): string[] => [
  `${rounds} turns of ${turn} ms each, in rotation, medians; ${CONNECTIONS} keep-alive connections in a closed loop;`,
  "4 clients of 4 tenants. Half of the requests are DoNotCalls by phone, half are call results on record handles that",
  "OCS announced to the gateway before.",
  "TLS 1.3 to clients and upstream; every peer verifies the upstream's certificate.",
  `The gateway has ${CONNECTIONS} lanes, limits, pre-dial records, a callbacks listener, and flushes both journal lines.`,
  "Its metrics are scraped once in each turn.",
  "New connections: accepted by the upstream during the peer's turns, the warm-up left out.",
];

const cpu = (turn: Turn): number => turn.cpu;
const perSecond = (turn: Turn): number => turn.perSecond;
const newConnections = (turn: Turn): number => turn.newConnections;

type Turns = ReadonlyMap<string, readonly Turn[]>;

const section = (turns: Turns): Omit<Section, "notes"> => ({
  title: "TLS to clients and upstream: CPU for each request, and new upstream connections",
  columns: ["peer", "CPU µs", "to HAProxy, ES256", "requests/s", "new connections per 1,000"],
  rows: [...turns].map(([name, list]) => {
    const ratio = ratioOf(turns, [name, NAMES.haproxyTokens], cpu);
    return [name, medianOf(list, cpu), ratio, medianOf(list, perSecond), medianOf(list, newConnections)];
  }),
  goals: goalsOf(turns),
});

const goalsOf = (turns: Turns): Goal[] => {
  const most = Math.max(...turns.get(NAMES.gateway)!.map(newConnections));
  const kept = atMost("new upstream connections per 1,000 requests of the gateway, in the worst turn", most, 0);
  if (!turns.has(NAMES.haproxyTokens)) return [kept];
  const ratio = ratioOf(turns, [NAMES.gateway, NAMES.haproxyTokens], cpu);
  return [atMost(`CPU of the full job to ${NAMES.haproxyTokens}, TLS on both sides`, ratio, 1), kept];
};
