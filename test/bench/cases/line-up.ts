/** The peers that the gateway is held against, started side by side in front of one upstream. */
import { startGateway } from "../peers/gateway.ts";
import { startHaproxy, startHaproxyWithTokens } from "../peers/haproxy.ts";
import { startNginx, startNginxWithTokens } from "../peers/nginx.ts";
import { startPassThrough } from "../peers/pass-through.ts";
import { isMissing, type Peer } from "../peers/peer.ts";
import { forgedLine, linesFor, linesWithNewTokens, type Who } from "../rig/requests.ts";
import type { Rig } from "../rig/rig.ts";
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

const FOUR: readonly Who[] = [1, 2, 3, 4].map((tenant) => ({ tenant }));
export const CONNECTIONS = 64;
/** The gateway remembers at most 10,000 tokens: of so many, sent in turn, it knows none. */
const NEW_TOKENS = 16_000;

type Entrant = { readonly name: string; readonly start: () => Promise<Peer | { readonly missing: string }>; readonly verifies?: true; readonly newTokens?: true };

/** `only`: names of those that are wanted; everyone when left out. */
export const lineUp = async (rig: Rig, { warmUp }: Pace, only: readonly string[] = Object.values(NAMES)): Promise<LineUp> => {
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
    { name: NAMES.gatewayNew, start: async () => gateway, newTokens: true },
  ];
  const [runners, missing]: [Runner[], string[]] = [[], []];
  for (const { name, start, verifies, newTokens } of entrants.filter((entrant) => only.includes(entrant.name))) {
    const peer = await start();
    if (isMissing(peer)) {
      missing.push(`missing: ${name} (${peer.missing})`);
      continue;
    }
    if (verifies) await refuseForged(rig, name, peer);
    const lines = newTokens ? linesWithNewTokens(rig.issuer, FOUR, CONNECTIONS, peer.port, NEW_TOKENS) : linesFor(rig.issuer, FOUR, CONNECTIONS, peer.port);
    runners.push(await gather(rig, { name, child: peer.child, warmUp }, { port: peer.port, lines, ...(peer.ca !== undefined && { ca: peer.ca }) }));
  }
  return { runners, missing };
};

/** What is said to verify must refuse what does not hold. */
const refuseForged = async ({ issuer, open }: Rig, name: string, { port }: Peer): Promise<void> => {
  const crowd = await open({ port, lines: [forgedLine(issuer, port)] });
  const { statuses } = await crowd.run({ kind: "closed", ms: 1000, requests: 1 });
  await crowd.close();
  if (statuses["401"] !== 1) throw new Error(`${name} does not refuse a forged token: ${JSON.stringify(statuses)}`);
};
