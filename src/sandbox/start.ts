/** Starts the sandbox's OCS: primary and backup, each with HTTP and HTTPS, and the control API, all over one world. */
import { startControl } from "./control.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createOcs } from "./ocs.ts";
import { ownCertificate } from "./own-certificate.ts";
import { createPair } from "./pair.ts";
import type { Counters, Instance } from "./recorder.ts";
import type { Certificate, Wire } from "./wire.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

export type SandboxOptions = WorldOptions & {
  /** Where all listen; 127.0.0.1 when absent. The control API listens on 127.0.0.1 in any case. */
  readonly host?: string;
  /** 0 or absent: a free one. */
  readonly ports?: { readonly primary?: number; readonly primaryTls?: number; readonly backup?: number; readonly backupTls?: number; readonly control?: number };
  /** Of the HTTPS listeners; made for the occasion when absent. */
  readonly certificates?: Certificate;
};

export type Urls = { readonly http: string; readonly https: string };

export type SandboxOcs = {
  readonly primary: Urls;
  readonly backup: Urls;
  /** Ends in /sandbox. */
  readonly control: string;
  /** PEM of the authority behind the HTTPS listeners; undefined when the certificate was given. */
  readonly ca: string | undefined;
  readonly world: World;
  /** Returns the instance that answers now. */
  readonly switchover: () => Instance;
  readonly counters: () => Readonly<Record<Instance, Counters>>;
  readonly close: () => Promise<void>;
};

export const startSandboxOcs = async (options: SandboxOptions = {}): Promise<SandboxOcs> => {
  const world = createWorld(options);
  const faults = createFaults(world);
  const pair = createPair(world, createOcs(world), faults);
  const stop = async (): Promise<void> => {
    await Promise.all([pair.primary.close(), pair.backup.close()]);
    faults.clear();
    world.close();
  };
  try {
    return await listen(options, { world, pair, faults, stop });
  } catch (error) {
    await stop();
    throw error;
  }
};

type Parts = { readonly world: World; readonly pair: ReturnType<typeof createPair>; readonly faults: Faults; readonly stop: () => Promise<void> };

const listen = async ({ host = "127.0.0.1", ports = {}, certificates }: SandboxOptions, { world, pair, faults, stop }: Parts): Promise<SandboxOcs> => {
  const { ca, tls } = certificates ? { ca: undefined, tls: certificates } : ownCertificate("ocs-gateway sandbox", host);
  const primary = await listenBoth(pair.primary, { host, tls, ports: [ports.primary ?? 0, ports.primaryTls ?? 0] });
  const backup = await listenBoth(pair.backup, { host, tls, ports: [ports.backup ?? 0, ports.backupTls ?? 0] });
  const control = await startControl({ world, pair, faults }, ports.control ?? 0);
  return {
    primary,
    backup,
    control: control.url,
    ca,
    world,
    switchover: pair.switchover,
    counters: pair.recorder.counters,
    close: async () => {
      await control.close();
      await stop();
    },
  };
};

const listenBoth = async (wire: Wire, { host, tls, ports }: { host: string; tls: Certificate; ports: readonly [number, number] }): Promise<Urls> => {
  const authority = host.includes(":") ? `[${host}]` : host;
  const http = await wire.listen({ host, port: ports[0] });
  const https = await wire.listen({ host, port: ports[1], tls });
  return { http: `http://${authority}:${http}`, https: `https://${authority}:${https}` };
};
