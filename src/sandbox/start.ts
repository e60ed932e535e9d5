/** Starts the embedded OCS: primary and backup with HTTP and HTTPS each, and the control API, over one world. */
import { COMMANDS } from "./control/commands.ts";
import { startControl } from "./control/control.ts";
import { createDialer, type Dialer, type DialerSettings } from "./dialer/dialer.ts";
import { createFaults, type Faults } from "./faults/faults.ts";
import { createOcs, type Ocs } from "./ocs.ts";
import { ownCertificate } from "./server/own-certificate.ts";
import { createPair, type Pair } from "./server/warm-standby.ts";
import type { Counters, Instance, RecordedRequest } from "./server/recorder.ts";
import type { FlowOf, Wire } from "./server/listeners.ts";
import type { Certificate } from "./server/own-certificate.ts";
import { createView, type SandboxView } from "./view/view.ts";
import { createWorld, type World, type WorldOptions } from "./world/world.ts";

export type SandboxOptions = WorldOptions & {
  /** The address of both instances; 127.0.0.1 when absent. The control API always listens on 127.0.0.1. */
  readonly host?: string;
  /** The backup's address; `host` when absent. Each instance posts to the validation-uri from its own address. */
  readonly backupHost?: string;
  /** 0 or absent: any free port. */
  readonly ports?: {
    readonly primary?: number;
    readonly primaryTls?: number;
    readonly backup?: number;
    readonly backupTls?: number;
    readonly control?: number;
  };
  /** The certificate of the HTTPS listeners; generated when absent. */
  readonly certificates?: Certificate;
  readonly dialing?: Partial<DialerSettings>;
  readonly flowOf?: FlowOf;
  /** PEM of the CAs for https URLs that the dialer posts to. */
  readonly trusted?: string;
};

export type Urls = { readonly http: string; readonly https: string };

export type SandboxOcs = {
  readonly primary: Urls;
  readonly backup: Urls;
  /** The URL of the control API; ends in /sandbox. */
  readonly control: string;
  /** PEM of the CA of a generated certificate; undefined when `certificates` was given. */
  readonly ca: string | undefined;
  readonly world: World;
  readonly dialer: Dialer;
  /** What people are shown of it, with numbers masked. */
  readonly view: SandboxView;
  /** Carries out a command of the control API, such as "POST faults". Rejects with ControlError. */
  readonly command: (name: string, body?: unknown, id?: string) => Promise<unknown>;
  readonly followFaults: Faults["follow"];
  /** Returns the new active instance. */
  readonly switchover: () => Instance;
  readonly counters: () => Readonly<Record<Instance, Counters>>;
  /** The last requests that OCS received, oldest first. */
  readonly requests: () => readonly RecordedRequest[];
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
  const pair: Pair = createPair(world, endingCalls(createOcs(world), dialer), faults, options.flowOf);
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

/** Reports ended calls after each request, because any request may end a call. */
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
  const controlled = { world, pair, faults, dialer };
  const control = await startControl(controlled, ports.control ?? 0);
  return {
    primary,
    backup,
    control: control.url,
    ca,
    world,
    dialer,
    view: createView(controlled),
    command: async (name, body = {}, id = "") => COMMANDS.get(name)!(controlled, body, id),
    followFaults: faults.follow,
    switchover: pair.switchover,
    counters: pair.recorder.counters,
    requests: pair.recorder.requests,
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
