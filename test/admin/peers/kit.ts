/** Gateways that share a list of each other: the admin API of each over a journal and a listener of its own. */
import { createAuditJobs } from "../../../src/app/wiring/journal/jobs/audit-jobs.ts";
import type { BackgroundVerify } from "../../../src/app/wiring/journal/background-verify.ts";
import { expect } from "vitest";
import { ROUTES } from "../../../src/admin/routes.ts";
import { PeerDesk } from "../../../src/admin/peers/by-peer.ts";
import { Nodes, type KnownNode } from "../../../src/admin/peers/nodes.ts";
import type { PeerCredentials } from "../../../src/admin/peers/peer-client.ts";
import { listen, type Listener } from "../../../src/edge/listener.ts";
import { Cursors } from "../../../src/journal/flows/cursor.ts";
import type { Entry } from "../../../src/journal/entry.ts";
import { checked } from "../../kit/admin-replies.ts";
import { anApi, type TestApi } from "../api/kit.ts";
import { testAuthority, type TestAuthority } from "../../kit/certificates.ts";

const NOTHING: BackgroundVerify = { verified: () => undefined, damage: () => [], wasSetAside: () => undefined };
const OUTSIDE = { witnesses: () => [], quorum: () => null, timestamps: () => null };
const SINKS = { states: () => [], troubles: () => [] };

export const KEY = "a common key for tests only, of 32 and more characters";

/** How gateways prove who they are: the key, or certificates. */
export type Trust = { readonly key?: string; readonly ca?: TestAuthority };

export type TestNode = TestApi & {
  readonly name: string;
  readonly address: string;
  readonly listener: Listener;
  /** What it believes about the others; a test may change it. */
  readonly known: KnownNode[];
  trouble: string | undefined;
  credentials: PeerCredentials | undefined;
};

type Wanted = Trust & {
  readonly entries?: readonly (readonly Entry[])[];
  readonly config?: object;
  readonly ms?: number;
  readonly bytes?: number;
};

export const aNode = async (name: string, wanted: Wanted = { key: KEY }): Promise<TestNode> => {
  const { key, ca, entries = [], ms = 10_000, bytes = 1 << 20 } = wanted;
  const known: KnownNode[] = [];
  const own = ca?.issue({ names: ["127.0.0.1"] });
  const node = {
    name,
    known,
    trouble: undefined as string | undefined,
    credentials: credentialsOf(name, wanted) as PeerCredentials | undefined,
  };
  const nodes = new Nodes(
    { own: name, list: () => ({ nodes: known, trouble: node.trouble }), credentials: () => node.credentials },
    { ms, bytes },
  );
  const peerDesk = new PeerDesk({
    node: name,
    trust: () => ({ key, needsCertificate: ca !== undefined }),
    hostsOf: () => [],
  });
  const differences: string[] = [];
  const api = await anApi(entries, {
    // Every reply is as its row says.
    wrap: (handler) => checked(ROUTES, handler, { differs: (what) => differences.push(what) }),
    config: { admin: { bind: "127.0.0.1:0" }, ...wanted.config },
    parts: async ({ journal, checkpoints, settings, audit, stops }) => {
      const reading = () => ({ settings, hash: "h" });
      const core = { journal, checkpoints, checkpointSinks: SINKS, outside: OUTSIDE, current: () => settings, reading };
      const jobs = await createAuditJobs({ core: core as never, audit, backgroundVerify: NOTHING }, stops);
      return {
        ...jobs,
        flows: { cursors: new Cursors(new Uint8Array(68).fill(name.length)) } as never,
        nodes,
        peerDesk,
      };
    },
  });
  const tls = own && {
    cert: own.certPem,
    key: own.keyPem,
    minVersion: "1.2" as const,
    clientCa: ca!.certPem,
    clientCrl: undefined,
    clientCertificates: "request" as const,
  };
  const listener = await listen(
    { name: "admin", host: "127.0.0.1", port: 0, tls, names: [], allowFrom: undefined, maxBody: 4096 },
    api.handler,
  );
  const stop = async (): Promise<void> => {
    await listener.stop(0);
    await api.stop();
    expect(differences).toEqual([]);
  };
  return Object.assign(node, api, { listener, address: listener.url, stop });
};

export const credentialsOf = (node: string, { key, ca }: Trust): PeerCredentials => {
  const own = ca?.issue({ names: [node], usage: "clientAuth" });
  return { node, key, ca: ca?.certPem, certificate: own && { cert: own.certPem, key: own.keyPem } };
};

/** Each knows all others. */
export const introduce = (nodes: readonly TestNode[]): void => {
  for (const { known } of nodes)
    known.splice(
      0,
      known.length,
      ...nodes.map(({ name, address }) => ({ node: name, address, state: "live" as const })),
    );
};

export const certificatesOf = (): TestAuthority => testAuthority("peers");
