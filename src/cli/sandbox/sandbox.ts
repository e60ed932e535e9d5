/** `ocsgw sandbox`: runs the embedded OCS and a gateway in one process, on loopback, without any preparation. */
import { randomBytes } from "node:crypto";
import { lstat, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { startGateway } from "../../app/start.ts";
import type { Gateway } from "../../app/gateway.ts";
import { nameConfigInLog } from "../../common/log/events.ts";
import { loadOrCreateKey } from "../../journal/integrity/checkpoints/checkpoint.ts";
import { createAuthority } from "../../sandbox/server/certificates.ts";
import type { DialerSettings } from "../../sandbox/dialer/dialer.ts";
import { renderFidelity } from "../../sandbox/fidelity.ts";
import { startSandboxOcs, type SandboxOcs } from "../../sandbox/start.ts";
import { readFirst } from "../../app/config/config-thread.ts";
import { sandboxConfig, sandboxKeys, readyTenants, UPSTREAM, type SandboxFiles } from "./config.ts";
import { showArrivals } from "./arrivals.ts";
import { createConsoleControl } from "./console-control.ts";
import { createFlowLinks, type FlowLinks } from "./flow-links.ts";
import { temporaryFolder } from "./temporary-folder.ts";
import { requestLine } from "./request-line.ts";
import { screen, type Ready } from "./screen.ts";
import { stopOnSignal, firstSignal } from "../process/wait-for-signal.ts";

export type SandboxOptions = {
  readonly port?: number;
  readonly readyFile?: string;
  readonly state?: string;
  readonly ocsOnly?: boolean;
  readonly seed?: number;
  /** Records per second. */
  readonly dialRate?: number;
  readonly validationUri?: string;
  readonly advertise?: string;
  readonly webhook?: string;
};

const USUAL_PORTS = {
  http: 8080,
  https: 8443,
  admin: 9640,
  callbacks: 8444,
  primary: 18080,
  primaryTls: 18443,
  backup: 18081,
  backupTls: 18444,
  control: 18090,
};
/** Records per second by default: slow enough to finalize them by hand. */
const DEFAULT_DIAL_RATE = 0.1;
type Ports = Record<keyof typeof USUAL_PORTS, number>;

export const sandbox = async (options: SandboxOptions): Promise<number> => {
  if (options.readyFile !== undefined) await removeEarlier(options.readyFile);
  const state = options.state === undefined ? temporary() : await createdFolder(resolve(options.state));
  const backupHost = (await isFree(0, BACKUP_HOST)) ? BACKUP_HOST : HOST;
  const ports = await choosePorts(options.port, backupHost);
  const inUse = portsInUse(ports, options.port);
  const links = createFlowLinks();
  const { files, ocs } = await startOcs(state, { ports, backupHost, flowOf: links.flowOf }, options);
  try {
    const { gateway, ready } = options.ocsOnly
      ? { gateway: undefined, ready: readyWithout(ocs, files.ca) }
      : await startInFront(state, ports, { files, ocs, links });
    await begin(options, { ready, ocs, inUse }).catch(async (error: unknown) => {
      await gateway?.stop("the sandbox could not start");
      throw error;
    });
    // New handlers first: without any, a signal would kill the process and leave its folder behind.
    const signal = firstSignal();
    process.off("SIGTERM", endEarly).off("SIGINT", endEarly).off("SIGHUP", endEarly);
    // A closed terminal also stops the sandbox, which then deletes its folder.
    process.on("SIGHUP", () => process.kill(process.pid, "SIGTERM"));
    await stopOnSignal(gateway ?? { stop: () => Promise.resolve() }, signal);
  } finally {
    await ocs.close();
  }
  return 0;
};

const EARLY = { SIGINT: 130, SIGHUP: 129, SIGTERM: 143 } as const;
const endEarly = (signal: NodeJS.Signals): void => process.exit(EARLY[signal as keyof typeof EARLY]);

const createdFolder = async (state: string): Promise<string> => {
  await mkdir(state, { recursive: true });
  return state;
};

/** A folder that is deleted when this process ends, also by a signal while it starts. */
const temporary = (): string => {
  process.on("SIGTERM", endEarly).on("SIGINT", endEarly).on("SIGHUP", endEarly);
  return temporaryFolder();
};

type ReadySandbox = { readonly ready: Ready; readonly ocs: SandboxOcs; readonly inUse: readonly string[] };

const begin = async (options: SandboxOptions, { ready, ocs, inUse }: ReadySandbox): Promise<void> => {
  const dialing = await startDialing(
    { ...options, validationUri: options.validationUri ?? ready.callbacks },
    ready,
    ocs,
  );
  console.log(screen(ready, dialing, inUse));
  showArrivals(ocs.dialer.log, ready);
  ocs.dialer.followIdle((because) => console.log(`\nOCS dials nothing at present: ${because}`));
  if (options.readyFile !== undefined)
    await writeAtomically(options.readyFile, `${JSON.stringify(ready, undefined, 2)}\n`);
};

/** The ready file of an earlier run: a program that waits for this run would take its addresses. */
const removeEarlier = async (file: string): Promise<void> => {
  const found = await lstat(file).catch(() => undefined);
  if (found?.isFile()) await rm(file, { force: true });
};

export const fidelity = async (): Promise<number> => {
  console.log(renderFidelity());
  return 0;
};

/** The usual ports where they are free; --port 0: free ports for all; --port N: this port for the gateway. */
export const choosePorts = async (port: number | undefined, backupHost: string): Promise<Ports> => {
  const hostOf = (name: string): string => (name.startsWith("backup") ? backupHost : HOST);
  const chosen = await Promise.all(
    Object.entries(USUAL_PORTS).map(async ([name, usual]) => [
      name,
      port !== 0 && (await isFree(usual, hostOf(name))) ? usual : 0,
    ]),
  );
  return { ...(Object.fromEntries(chosen) as Ports), ...(port !== undefined && { http: port }) };
};

const PORT_NAMES: Readonly<Record<keyof Ports, string>> = {
  http: "gateway",
  https: "gateway, https",
  admin: "admin",
  callbacks: "callbacks",
  primary: "OCS primary",
  primaryTls: "OCS primary, https",
  backup: "OCS backup",
  backupTls: "OCS backup, https",
  control: "control",
};

/** The usual ports that other programs use, each with the listener that needs it. */
export const portsInUse = (ports: Ports, port: number | undefined): readonly string[] =>
  port === 0
    ? []
    : (Object.keys(USUAL_PORTS) as (keyof Ports)[])
        .filter((name) => ports[name] === 0)
        .map((name) => `${USUAL_PORTS[name]} (${PORT_NAMES[name]})`);

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
      .once("error", () => resolve(false))
      .listen(port, host, () => probe.close(() => resolve(true)));
  });

const HOST = "127.0.0.1";
/** Another address, so that the gateway can tell which of the two announces a record. Not all machines have it. */
const BACKUP_HOST = "127.0.0.2";

const startOcs = async (
  state: string,
  where: { readonly ports: Ports; readonly backupHost: string } & Pick<FlowLinks, "flowOf">,
  { seed, state: kept, ocsOnly }: SandboxOptions,
): Promise<{ files: SandboxFiles; ocs: SandboxOcs }> => {
  const authority = createAuthority("ocs-gateway sandbox, for trials only");
  const { certPem, keyPem } = authority.issue({ names: ["localhost", HOST, BACKUP_HOST, "::1"], usage: "serverAuth" });
  const files: SandboxFiles = {
    ca: join(state, "ca.pem"),
    cert: join(state, "server.pem"),
    key: join(state, "server.key"),
    keys: join(state, "keys.yaml"),
    checkpointKey: join(state, "checkpoint.pem"),
    audit: join(state, "audit"),
  };
  await writeFile(files.ca, authority.certPem);
  await writeFile(files.cert, certPem);
  await writeFile(files.key, keyPem, { mode: 0o600 });
  await writeFile(files.keys, stringify(sandboxKeys()), { mode: 0o600 });
  // Else the gateway makes it, and its log asks for a copy of a key that is deleted when the sandbox stops.
  if (kept === undefined && !ocsOnly) await loadOrCreateKey(files.checkpointKey);
  const ocs = await startSandboxOcs({
    ...where,
    certificates: { key: keyPem, cert: certPem },
    trusted: authority.certPem,
    ...(kept !== undefined && { stateDir: state }),
    ...(seed !== undefined && { seed }),
  });
  return { files, ocs };
};

/** Tells OCS where clients connect and where to announce records, and starts dialing. */
const startDialing = async (
  {
    dialRate,
    validationUri,
    advertise,
    webhook,
  }: Omit<SandboxOptions, "validationUri"> & Pick<DialerSettings, "validationUri">,
  ready: Ready,
  { dialer }: SandboxOcs,
): Promise<DialerSettings> => {
  dialer.configure({ recordBase: advertise ?? ready.gateway?.http, validationUri, webhook });
  await dialer.announce();
  dialer.configure({ rate: dialRate ?? DEFAULT_DIAL_RATE });
  return dialer.settings();
};

type Started = { readonly files: SandboxFiles; readonly ocs: SandboxOcs; readonly links: FlowLinks };

const startInFront = async (
  state: string,
  ports: Ports,
  { files, ocs, links }: Started,
): Promise<{ gateway: Gateway; ready: Ready }> => {
  const config = join(state, "ocsgw.yaml");
  nameConfigInLog(resolve(config));
  const indexKey = await indexKeyIn(join(state, "index.key"));
  await writeFile(
    config,
    stringify(
      sandboxConfig({
        ports,
        files,
        primary: ocs.primary.https,
        backup: ocs.backup.https,
        aliases: [ocs.primary.http, ocs.backup.http],
        indexKey,
      }),
    ),
    { mode: 0o600 },
  );
  const loaded = await readFirst({ file: config });
  if (!loaded.ok) throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  const token = randomBytes(16).toString("base64url");
  let running: Gateway | undefined;
  const gateway = await startGateway({
    settings: loaded.settings,
    configHash: loaded.hash,
    files: loaded.files,
    read: loaded,
    file: config,
    adminToken: token,
    command: "ocsgw sandbox",
    onReply: (seen, ending) => {
      links.ended(seen.arrival.id);
      console.log(requestLine(seen, ending));
    },
    onSent: links.onSent,
    sandbox: createConsoleControl({ ocs, gateway: () => running?.listeners[0]?.url }),
  });
  running = gateway;
  ocs.followFaults(({ id, kind }) => gateway.noteFault(`${id} ${kind}`));
  const [http, https] = gateway.listeners;
  return {
    gateway,
    ready: {
      gateway: { http: http!.url, https: https!.url },
      admin: { url: gateway.admin!, token, console: gateway.consoleLink("sandbox", LINK_MS)! },
      callbacks: gateway.callbacks[UPSTREAM]!,
      ...readyWithout(ocs, files.ca),
      audit: { dir: files.audit, publicKey: gateway.verifierKey },
      config,
    },
  };
};

/** How long the console's link on the screen can be used. */
const LINK_MS = 3_600_000;

/** Keeps the key for the next start with this state, so that equal numbers have equal tokens. */
const indexKeyIn = async (file: string): Promise<string> => {
  const kept = await readFile(file, "utf8").catch(() => "");
  if (kept !== "") return kept;
  const key = randomBytes(32).toString("hex");
  await writeAtomically(file, key, 0o600);
  return key;
};

const readyWithout = (ocs: SandboxOcs, ca: string): Ready => ({
  ocs: {
    primary: ocs.primary.http,
    backup: ocs.backup.http,
    primary_https: ocs.primary.https,
    backup_https: ocs.backup.https,
  },
  sandbox: { url: ocs.control },
  ca,
  tenants: readyTenants(),
});

/** Writes the file atomically, for programs that wait for it and for a start after a crash. */
const writeAtomically = async (file: string, text: string, mode = 0o666): Promise<void> => {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
};
