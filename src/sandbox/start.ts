/** Starts the sandbox's OCS: primary and backup, each with HTTP and HTTPS, and the control API, all over one world. */
import { startControl } from "./control.ts";
import { createDialer, type Dialer, type DialerSettings } from "./dialer.ts";
import { createFaults, type Faults } from "./faults.ts";
import { createOcs, type Ocs } from "./ocs.ts";
import { ownCertificate } from "./own-certificate.ts";
import { createPair, type Pair } from "./pair.ts";
import type { Counters, Instance } from "./recorder.ts";
import type { Certificate, Wire } from "./wire.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

export type SandboxOptions = WorldOptions & {
  /** Where all listen; 127.0.0.1 when absent. The control API listens on 127.0.0.1 in any case. */
  readonly host?: string;
  /** Where the backup listens; where the primary does when absent. Each announces its records from its own address. */
  readonly backupHost?: string;
  /** 0 or absent: a free one. */
  readonly ports?: {
    readonly primary?: number;
    readonly primaryTls?: number;
    readonly backup?: number;
    readonly backupTls?: number;
    readonly control?: number;
  };
  /** Of the HTTPS listeners; made for the occasion when absent. */
  readonly certificates?: Certificate;
  readonly dialing?: Partial<DialerSettings>;
  /** PEM of the authorities behind https addresses that the dialer posts to. */
  readonly trusted?: string;
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
  readonly dialer: Dialer;
  /** Returns the instance that answers now. */
  readonly switchover: () => Instance;
  readonly counters: () => Readonly<Record<Instance, Counters>>;
  readonly close: () => Promise<void>;
};

export const startSandboxOcs = async (options: SandboxOptions = {}): Promise<SandboxOcs> => {
  const world = createWorld(options);
  const faults = createFaults(world);
  const { host, backupHost = host } = options;
  const urls: Partial<Record<Instance, Urls>> = {};
  const dialer: Dialer = createDialer(
    world,
    { ...options.dialing, rate: 0 },
    {
      ca: options.trusted,
      from: () => (pair.active() === "primary" ? host : backupHost),
      base: () => urls[pair.active()]!.http,
    },
  );
  const pair: Pair = createPair(world, endingCalls(createOcs(world), dialer), faults);
  const stop = async (): Promise<void> => {
    await Promise.all([pair.primary.close(), pair.backup.close()]);
    await dialer.close();
    faults.clear();
    world.close();
  };
  try {
    return await listen(options, { world, pair, faults, dialer, urls, stop });
  } catch (error) {
    await stop();
    throw error;
  }
};

type Parts = {
  readonly world: World;
  readonly pair: Pair;
  readonly faults: Faults;
  readonly dialer: Dialer;
  readonly urls: Partial<Record<Instance, Urls>>;
  readonly stop: () => Promise<void>;
};

/** Any request may have ended a call. */
const endingCalls =
  (ocs: Ocs, dialer: Dialer): Ocs =>
  async (arrival, trouble) => {
    const reply = await ocs(arrival, trouble);
    dialer.settled();
    return reply;
  };

const listen = async (
  { host = "127.0.0.1", backupHost = host, ports = {}, certificates, dialing }: SandboxOptions,
  { world, pair, faults, dialer, urls, stop }: Parts,
): Promise<SandboxOcs> => {
  const { ca, tls } = certificates
    ? { ca: undefined, tls: certificates }
    : ownCertificate("ocs-gateway sandbox", host, backupHost);
  const primary = await listenBoth(pair.primary, { host, tls, ports: [ports.primary ?? 0, ports.primaryTls ?? 0] });
  const backup = await listenBoth(pair.backup, {
    host: backupHost,
    tls,
    ports: [ports.backup ?? 0, ports.backupTls ?? 0],
  });
  Object.assign(urls, { primary, backup });
  dialer.configure({ rate: dialing?.rate ?? 0 });
  const control = await startControl({ world, pair, faults, dialer }, ports.control ?? 0);
  return {
    primary,
    backup,
    control: control.url,
    ca,
    world,
    dialer,
    switchover: pair.switchover,
    counters: pair.recorder.counters,
    close: async () => {
      await control.close();
      await stop();
    },
  };
};

const listenBoth = async (
  wire: Wire,
  { host, tls, ports }: { host: string; tls: Certificate; ports: readonly [number, number] },
): Promise<Urls> => {
  const authority = host.includes(":") ? `[${host}]` : host;
  const http = await wire.listen({ host, port: ports[0] });
  const https = await wire.listen({ host, port: ports[1], tls });
  return { http: `http://${authority}:${http}`, https: `https://${authority}:${https}` };
};
