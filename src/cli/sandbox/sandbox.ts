/** `ocsgw sandbox`: the embedded OCS and a gateway in front of it, in one process, on loopback, with nothing to prepare. */
import { randomBytes } from "node:crypto";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { stringify } from "yaml";
import { assemble, type Gateway } from "../assemble.ts";
import { createAuthority } from "../sandbox/certificates.ts";
import type { DialerSettings } from "../sandbox/dialer.ts";
import { renderFidelity } from "../sandbox/fidelity.ts";
import { startSandboxOcs, type SandboxOcs } from "../sandbox/start.ts";
import { loadSettings } from "../settings/load.ts";
import { sandboxConfig, sandboxKeys, tenantsTold, UPSTREAM, type SandboxFiles } from "./sandbox-config.ts";
import { showArrivals } from "./sandbox-arrivals.ts";
import { temporaryFolder } from "./sandbox-folder.ts";
import { requestLine } from "./sandbox-request-line.ts";
import { screen, type Ready } from "./sandbox-screen.ts";
import { untilToldToStop, whenToldToStop } from "./until-told-to-stop.ts";

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

const WISHED = {
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
/** So that records arrive and can be finalized by hand. */
const SLOWLY = 0.1;
type Ports = Record<keyof typeof WISHED, number>;

export const sandbox = async (options: SandboxOptions): Promise<number> => {
  const state = options.state === undefined ? temporary() : await made(resolve(options.state));
  const backupHost = (await isFree(0, BACKUP_HOST)) ? BACKUP_HOST : HOST;
  const ports = await choosePorts(options.port, backupHost);
  const taken = takenOf(ports, options.port);
  const { files, ocs } = await startOcs(state, { ports, backupHost }, options);
  try {
    const { gateway, ready } = options.ocsOnly
      ? { gateway: undefined, ready: readyWithout(ocs, files.ca) }
      : await startGateway(state, ports, { files, ocs });
    await begin(options, { ready, ocs, taken }).catch(async (error: unknown) => {
      await gateway?.stop("it could not begin");
      throw error;
    });
    // In this order: a signal that nobody hears would end the process and leave its folder.
    const told = whenToldToStop();
    process.off("SIGTERM", endEarly).off("SIGINT", endEarly).off("SIGHUP", endEarly);
    // A terminal that is closed ends it too, and its folder goes.
    process.on("SIGHUP", () => process.kill(process.pid, "SIGTERM"));
    await untilToldToStop(gateway ?? { stop: () => Promise.resolve() }, told);
  } finally {
    await ocs.close();
  }
  return 0;
};

const EARLY = { SIGINT: 130, SIGHUP: 129, SIGTERM: 143 } as const;
const endEarly = (signal: NodeJS.Signals): void => process.exit(EARLY[signal as keyof typeof EARLY]);

const made = async (state: string): Promise<string> => {
  await mkdir(state, { recursive: true });
  return state;
};

/** It goes when this process ends, also by a signal that comes before anything listens. */
const temporary = (): string => {
  process.on("SIGTERM", endEarly).on("SIGINT", endEarly).on("SIGHUP", endEarly);
  return temporaryFolder();
};

type Begun = { readonly ready: Ready; readonly ocs: SandboxOcs; readonly taken: readonly string[] };

const begin = async (options: SandboxOptions, { ready, ocs, taken }: Begun): Promise<void> => {
  const told = await startDialing({ ...options, validationUri: options.validationUri ?? ready.callbacks }, ready, ocs);
  console.log(screen(ready, told, taken));
  showArrivals(ocs.dialer.log, ready);
  if (options.readyFile !== undefined) await writeWhole(options.readyFile, `${JSON.stringify(ready, undefined, 2)}\n`);
};

export const fidelity = async (): Promise<number> => {
  console.log(renderFidelity());
  return 0;
};

/** The usual ports where they are free; with --port 0 any, with --port N that one for the gateway. */
export const choosePorts = async (port: number | undefined, backupHost: string): Promise<Ports> => {
  const hostOf = (name: string): string => (name.startsWith("backup") ? backupHost : HOST);
  const chosen = await Promise.all(
    Object.entries(WISHED).map(async ([name, wished]) => [
      name,
      port !== 0 && (await isFree(wished, hostOf(name))) ? wished : 0,
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

/** The usual ports that another program has, each with what would have listened there. */
export const takenOf = (ports: Ports, port: number | undefined): readonly string[] =>
  port === 0
    ? []
    : (Object.keys(WISHED) as (keyof Ports)[])
        .filter((name) => ports[name] === 0)
        .map((name) => `${WISHED[name]} (${PORT_NAMES[name]})`);

const isFree = (port: number, host: string): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = createServer()
      .once("error", () => resolve(false))
      .listen(port, host, () => probe.close(() => resolve(true)));
  });

const HOST = "127.0.0.1";
/** So that a gateway can tell which of the two announces a record; a machine without that address has both on one. */
const BACKUP_HOST = "127.0.0.2";

const startOcs = async (
  state: string,
  where: { readonly ports: Ports; readonly backupHost: string },
  { seed, state: kept }: SandboxOptions,
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
  const ocs = await startSandboxOcs({
    ...where,
    certificates: { key: keyPem, cert: certPem },
    trusted: authority.certPem,
    ...(kept !== undefined && { stateDir: state }),
    ...(seed !== undefined && { seed }),
  });
  return { files, ocs };
};

/** From here on OCS knows where clients are to come, and whom to ask before it dials. */
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
  dialer.configure({ rate: dialRate ?? SLOWLY });
  return dialer.settings();
};

type Started = { readonly files: SandboxFiles; readonly ocs: SandboxOcs };

const startGateway = async (
  state: string,
  ports: Ports,
  { files, ocs }: Started,
): Promise<{ gateway: Gateway; ready: Ready }> => {
  const config = join(state, "ocsgw.yaml");
  const indexKey = await keptKey(join(state, "index.key"));
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
  const loaded = await loadSettings(config);
  if (!loaded.ok) throw new Error(loaded.problems.map(({ path, message }) => `${path}: ${message}`).join("\n"));
  const token = randomBytes(16).toString("base64url");
  const gateway = await assemble({
    settings: loaded.settings,
    configHash: loaded.hash,
    files: loaded.files,
    file: config,
    adminToken: token,
    command: "ocsgw sandbox",
    observed: (seen, ending) => console.log(requestLine(seen, ending)),
  });
  const [http, https] = gateway.listeners;
  return {
    gateway,
    ready: {
      gateway: { http: http!.url, https: https!.url },
      admin: { url: gateway.admin!, token },
      callbacks: gateway.callbacks[UPSTREAM]!,
      ...readyWithout(ocs, files.ca),
      audit: { dir: files.audit, publicKey: gateway.verifierKey },
      config,
    },
  };
};

/** The same key at the next start on this state, so that equal numbers keep equal tokens. */
const keptKey = async (file: string): Promise<string> => {
  const kept = await readFile(file, "utf8").catch(() => "");
  if (kept !== "") return kept;
  const key = randomBytes(32).toString("hex");
  await writeWhole(file, key, 0o600);
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
  tenants: tenantsTold(),
});

/** Whoever waits for the file, or comes after a crash, finds it whole. */
const writeWhole = async (file: string, text: string, mode = 0o666): Promise<void> => {
  await writeFile(`${file}.new`, text, { mode });
  await rename(`${file}.new`, file);
};
