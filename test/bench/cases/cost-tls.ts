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
    const { runners, missing } = await startAll(
      rig,
      { ...pace, warmUp: Math.max(pace.warmUp, COMPILED_AFTER) },
      { upstream, entrants },
    );
    const turns = await takeTurns(runners, { rounds, run: { kind: "closed", ms: turn } });
    const scraped = await scrapeCost(gateway);
    await dismiss(runners);
    return {
      ...section(turns, scraped),
      notes: [
        ...missing,
        ...NOTES(rounds, turn),
        `One scrape of its metrics takes ${(scraped / 1000).toFixed(1)} ms of CPU.`,
      ],
    };
  },
};

/**
 * With 8,000 requests before it the gateway takes 1.3 times the CPU of what it takes later: it is still being compiled.
 */
const COMPILED_AFTER = 30_000;

const SCRAPES = 100;
const SCRAPED_EVERY_S = 5;

/** CPU microseconds of one scrape, while nothing else is asked. */
const scrapeCost = async ({ child, scrape }: Gateway): Promise<number> => {
  const before = child.cpu();
  for (let left = SCRAPES; left > 0; left--) await scrape();
  return (child.cpu() - before) / SCRAPES;
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
  `The gateway has ${CONNECTIONS} lanes, limits, pre-dial records, a callbacks listener, and flushes both journal ` +
    "lines.",
  "Its metrics are scraped once in each turn.",
  "New connections: accepted by the upstream during the peer's turns, the warm-up left out.",
];

const cpu = (turn: Turn): number => turn.cpu;
const perSecond = (turn: Turn): number => turn.perSecond;
const newConnections = (turn: Turn): number => turn.newConnections;

type Turns = ReadonlyMap<string, readonly Turn[]>;

const section = (turns: Turns, scraped: number): Omit<Section, "notes"> => ({
  title: "TLS to clients and upstream: CPU for each request, and new upstream connections",
  columns: ["peer", "CPU µs", "to HAProxy, ES256", "requests/s", "new connections per 1,000"],
  rows: [...turns].map(([name, list]) => {
    const ratio = ratioOf(turns, [name, NAMES.haproxyTokens], cpu);
    return [name, medianOf(list, cpu), ratio, medianOf(list, perSecond), medianOf(list, newConnections)];
  }),
  goals: [...goalsOf(turns), scrapeGoal(turns, scraped)],
});

/** A gateway that had nothing to do would spend most on its scrapes. */
const USUAL_PER_SECOND = 200;

const scrapeGoal = (turns: Turns, scraped: number): Goal => {
  const requests = medianOf(turns.get(NAMES.gateway)!, cpu) * USUAL_PER_SECOND * SCRAPED_EVERY_S;
  return atMost(
    `CPU of a request with metrics scraped every ${SCRAPED_EVERY_S} s to without, at ${USUAL_PER_SECOND} requests/s`,
    1 + scraped / requests,
    1.02,
  );
};

const goalsOf = (turns: Turns): Goal[] => {
  const most = Math.max(...turns.get(NAMES.gateway)!.map(newConnections));
  const kept = atMost("new upstream connections per 1,000 requests of the gateway, in the worst turn", most, 0);
  if (!turns.has(NAMES.haproxyTokens)) return [kept];
  const ratio = ratioOf(turns, [NAMES.gateway, NAMES.haproxyTokens], cpu);
  return [atMost(`CPU of the full job to ${NAMES.haproxyTokens}, TLS on both sides`, ratio, 1), kept];
};
