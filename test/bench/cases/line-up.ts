/** The peers that the gateway is held against, started side by side in front of one upstream. */
import { startGateway } from "../peers/gateway.ts";
import { startHaproxy, startHaproxyWithTokens } from "../peers/haproxy.ts";
import { startNginx, startNginxWithTokens } from "../peers/nginx.ts";
import { startPassThrough } from "../peers/pass-through.ts";
import { isMissing, type Peer } from "../peers/peer.ts";
import type { Crowd, Line } from "../programs/client-words.ts";
import { forgedLine, linesFor, linesWithNewTokens, type Who } from "../rig/requests.ts";
import type { Rig, Upstream } from "../rig/rig.ts";
import type { Pace } from "./case.ts";
import { gather, type Runner } from "./turns.ts";

export const NAMES = {
  nginx: "nginx, plain proxy",
  haproxy: "HAProxy, plain proxy",
  passThrough: "Node pass-through (node:http, undici)",
  haproxyTokens: "HAProxy, ES256 and checks each request",
  nginxTokens: "nginx with njs, ES256 each request",
  gateway: "gateway, full job",
  gatewayTls: "gateway, full job, TLS listener",
  gatewayNew: "gateway, full job, every token new",
} as const;

export type LineUp = { readonly runners: readonly Runner[]; readonly missing: readonly string[] };

export const FOUR: readonly Who[] = [1, 2, 3, 4].map((tenant) => ({ tenant }));
export const CONNECTIONS = 64;
/** The gateway remembers at most 10,000 tokens: of so many, sent in turn, it knows none. */
const NEW_TOKENS = 16_000;

export type Entrant = {
  readonly name: string;
  readonly start: () => Promise<Peer | { readonly missing: string }>;
  readonly verifies?: true;
  /** What its clients send. DoNotCalls by phone when left out. */
  readonly lines?: (port: number) => Line[];
  readonly meanwhile?: () => Promise<void>;
};

/** `only`: names of those that are wanted; everyone when left out. */
export const lineUp = async (rig: Rig, pace: Pace, only: readonly string[] = Object.values(NAMES)): Promise<LineUp> => {
  const upstream = await rig.upstream(0);
  const gateway = await startGateway(rig, upstream, { name: "gateway", tenants: 4, lanes: CONNECTIONS });
  const entrants: readonly Entrant[] = [
    { name: NAMES.nginx, start: () => startNginx(rig, upstream) },
    { name: NAMES.haproxy, start: () => startHaproxy(rig, upstream) },
    { name: NAMES.passThrough, start: () => startPassThrough(rig, upstream) },
    { name: NAMES.haproxyTokens, start: () => startHaproxyWithTokens(rig, upstream), verifies: true },
    { name: NAMES.nginxTokens, start: () => startNginxWithTokens(rig, upstream), verifies: true },
    { name: NAMES.gateway, start: async () => gateway, verifies: true },
    { name: NAMES.gatewayTls, start: async () => gateway.tls },
    {
      name: NAMES.gatewayNew,
      start: async () => gateway,
      lines: (port) => linesWithNewTokens(rig.issuer, FOUR, CONNECTIONS, port, NEW_TOKENS),
    },
  ];
  return startAll(rig, pace, { upstream, entrants: entrants.filter(({ name }) => only.includes(name)) });
};

type Entered = { readonly upstream: Upstream; readonly entrants: readonly Entrant[] };

/** Starts the peers one after the other, connects the clients of each, and lets them warm it up. */
export const startAll = async (rig: Rig, { warmUp }: Pace, { upstream, entrants }: Entered): Promise<LineUp> => {
  const linesOf = (port: number): Line[] => linesFor(rig.issuer, FOUR, CONNECTIONS, port);
  const [runners, missing]: [Runner[], string[]] = [[], []];
  for (const { name, start, verifies, lines = linesOf, meanwhile } of entrants) {
    const peer = await start();
    if (isMissing(peer)) {
      missing.push(`missing: ${name} (${peer.missing})`);
      continue;
    }
    if (verifies) await refuseForged(rig, name, peer);
    const runner = { name, child: peer.child, upstream, warmUp, ...(meanwhile && { meanwhile }) };
    runners.push(await gather(rig, runner, crowdOf(peer, lines(peer.port))));
  }
  return { runners, missing };
};

const crowdOf = ({ port, ca }: Peer, lines: readonly Line[]): Crowd => ({ port, lines, ...(ca && { ca }) });

/** What is said to verify must refuse what does not hold. */
const refuseForged = async ({ issuer, open }: Rig, name: string, peer: Peer): Promise<void> => {
  const crowd = await open(crowdOf(peer, [forgedLine(issuer, peer.port)]));
  const { statuses } = await crowd.run({ kind: "closed", ms: 1000, requests: 1 });
  await crowd.close();
  if (statuses["401"] !== 1) throw new Error(`${name} does not refuse a forged token: ${JSON.stringify(statuses)}`);
};
