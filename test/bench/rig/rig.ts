/** What every case stands on: a scratch folder, an issuer of tokens, upstreams, and the client process. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Crowd, Order, Outcome, Run, Reply } from "../programs/client-words.ts";
import type { Counts } from "../programs/upstream.ts";
import { createCertificates, type Certificates } from "./certificates.ts";
import { createIssuer, type Issuer } from "./credentials.ts";
import { chooseCores, type Cores } from "./machine.ts";
import { messageFrom, start, type Child } from "./processes.ts";

export type Upstream = {
  readonly port: number;
  /** True when the upstream speaks HTTPS. A peer in front of such an upstream also speaks TLS to its clients. */
  readonly tls: boolean;
  readonly counts: () => Promise<Counts>;
  readonly child: Child;
};

export type Opened = { readonly run: (run: Run) => Promise<Outcome>; readonly close: () => Promise<void> };

export type Rig = {
  readonly dir: string;
  readonly cores: Cores;
  readonly issuer: Issuer;
  readonly certificates: Certificates;
  /** Answers after so many milliseconds, over HTTPS when `tls` is true. */
  readonly upstream: (delay: number, tls?: boolean) => Promise<Upstream>;
  readonly open: (crowd: Crowd) => Promise<Opened>;
  readonly close: () => Promise<void>;
};

export const program = (name: string): string => new URL(`../programs/${name}.ts`, import.meta.url).pathname;

export const createRig = async (): Promise<Rig> => {
  const dir = await realpath(await mkdtemp(join(tmpdir(), "ocsgw-bench-")));
  const tidy = (): void => rmSync(dir, { recursive: true, force: true });
  process.on("exit", tidy);
  const cores = chooseCores();
  const client = start({ command: process.execPath, args: [program("client")], core: cores?.rig, ipc: true });
  const tell = commander(client);
  const upstreams: Upstream[] = [];
  const certificates = createCertificates(dir);
  return {
    dir,
    cores,
    issuer: createIssuer(),
    certificates,
    upstream: async (delay, tls = false) => {
      const files = tls ? [certificates.cert, certificates.key] : [];
      const started = await startUpstream([String(delay), ...files], cores?.rig);
      upstreams.push(started);
      return started;
    },
    open: async (crowd) => {
      const { id } = (await tell({ order: "open", crowd })) as { id: number };
      return {
        run: async (run) => ((await tell({ order: "run", id, run })) as { outcome: Outcome }).outcome,
        close: async () => void (await tell({ order: "close", id })),
      };
    },
    close: async () => {
      await Promise.all([client.stop(), ...upstreams.map(({ child }) => child.stop())]);
      await rm(dir, { recursive: true, force: true });
      process.off("exit", tidy);
    },
  };
};

const LONGEST_RUN_MS = 3_600_000;

/** One order at a time; a fault of the client becomes an error here. */
const commander =
  (client: Child) =>
  async (order: Order): Promise<Reply> => {
    const answer = messageFrom<Reply>(client, LONGEST_RUN_MS);
    client.process.send(order);
    const reply = await answer;
    if ("fault" in reply) throw new Error(`the client process: ${reply.fault}`);
    return reply;
  };

const startUpstream = async (args: readonly string[], core: number | undefined): Promise<Upstream> => {
  const child = start({ command: process.execPath, args: [program("upstream"), ...args], core, ipc: true });
  const port = await messageFrom<number>(child);
  return {
    port,
    tls: args.length > 1,
    child,
    counts: async () => {
      const answer = messageFrom<Counts>(child);
      child.process.send("counts");
      return answer;
    },
  };
};
