/** A whole gateway on loopback, from a config file to its listeners, in front of an OCS that the test gives. */
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { startGateway } from "../../src/app/start.ts";
import type { Gateway, StartOptions } from "../../src/app/gateway.ts";
import type { Recorded } from "../../src/journal/entry.ts";
import { ALL_ACTIONS } from "../ocs/manual.ts";
import { readFirst } from "../../src/app/config/config-thread.ts";

export type TestGateway = {
  readonly port: number;
  readonly url: string;
  readonly dir: string;
  readonly gateway: Gateway;
  /** Every line of the journal, once all that was noted is on disk. */
  readonly journal: () => Promise<Recorded[]>;
  readonly stop: () => Promise<void>;
};

type Config = { upstreams: Record<string, unknown>; tenants: unknown[]; [key: string]: unknown };

export const twoTenants = (primary: string): Config => ({
  listeners: [{ name: "clients", bind: "127.0.0.1:0", tls: "none" }],
  identity: { keys: { file: "keys.yaml" } },
  upstreams: { ocs: { primary, aliases: ["ocs.us.int.genesyslab.com:8080"] } },
  tenants: [
    {
      name: "Alpha Tenant",
      dbid: 101,
      upstream: "ocs",
      clients: { alpha: { actions: ALL_ACTIONS } },
      campaigns: ["Alpha Campaign"],
      lists: ["Alpha List"],
      records: "unscoped",
      campaign_groups: [{ dbid: 106, name: "Alpha Campaign@Alpha Agents", campaign_id: 139, group_id: 234 }],
    },
    {
      name: "Beta Tenant",
      dbid: 102,
      upstream: "ocs",
      clients: { beta: { actions: ALL_ACTIONS } },
      campaigns: ["Beta Campaign"],
      lists: ["Beta List"],
      records: "unscoped",
      campaign_groups: [{ dbid: 208, name: "Beta Campaign@Beta Agents" }],
    },
  ],
  audit: {
    dir: "audit",
    index_key: "an index key for tests only, of 32 and more",
    checkpoint: { key: "checkpoint.pem", origin: "test.example/journal" },
  },
});

export const keyFor = (client: string): string => `key-of-${client}`;
export const basic = (client: string): string =>
  `Basic ${Buffer.from(`${client}:${keyFor(client)}`).toString("base64")}`;

/**
 * A directory with the config as ocsgw.yaml and the keys of its clients. `files`: what the config names besides, by
 * name, readable by their owner alone.
 */
export const aConfigured = async (
  config: Config,
  clients: readonly string[],
  files: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const dir = await mkdtemp(join(tmpdir(), "ocsgw-test-"));
  const keys = clients.map((client) => ({
    id: client,
    client,
    hash: `sha256:${createHash("sha256").update(keyFor(client)).digest("hex")}`,
    created: "2026-01-01T00:00:00Z",
  }));
  await writeFile(join(dir, "keys.yaml"), stringify({ version: 1, keys }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text, { mode: 0o600 });
  await writeFile(join(dir, "ocsgw.yaml"), stringify(config, { aliasDuplicateObjects: false }));
  return dir;
};

/** `stableMs`: for so long files must be the same before a watcher takes something away. */
type Extras = Pick<StartOptions, "stableMs" | "onReply" | "onSent" | "sandbox">;

export const aGateway = async (
  config: Config,
  clients: readonly string[] = ["alpha", "beta"],
  files: Readonly<Record<string, string>> = {},
  extras: Extras = {},
): Promise<TestGateway> => {
  const dir = await aConfigured(config, clients, files);
  const read = await readFirst({ file: join(dir, "ocsgw.yaml") });
  if (!read.ok) throw new Error(JSON.stringify(read.problems, undefined, 2));
  const gateway = await startGateway({
    settings: read.settings,
    configHash: read.hash,
    files: read.files,
    read,
    file: join(dir, "ocsgw.yaml"),
    adminToken: "token",
    ...extras,
  });
  const { url } = gateway.listeners[0]!;
  let stopped = false;
  return {
    port: Number(new URL(url).port),
    url,
    dir,
    gateway,
    journal: async () => {
      await new Promise((resolve) => setTimeout(resolve, 250));
      const segments = (await readdir(join(dir, "audit/segments"))).filter((name) => name.endsWith(".jsonl")).sort();
      const text = (
        await Promise.all(segments.map((name) => readFile(join(dir, "audit/segments", name), "utf8")))
      ).join("");
      return text
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as Recorded);
    },
    stop: async () => {
      if (!stopped) await gateway.stop("test", { quiet: 0 });
      stopped = true;
      await rm(dir, { recursive: true, force: true });
    },
  };
};
